// Run with: npm test
const assert = require('node:assert');
const { test } = require('node:test');
const { main } = require('./handler.js');

test('greets', () => {
  const sent = [];
  const response = { type: () => response, send: (body) => sent.push(body) };
  main({ query: { name: 'you' } }, response);
  assert.deepEqual(sent, ['Hello you!']);
});
