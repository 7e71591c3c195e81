// Run with: npm test
const assert = require('node:assert');
const { test } = require('node:test');
const { main } = require('./handler.js');

test('greets', () => {
  const event = { extensions: { request: { query: { name: 'you' } } }, setResponseContentType: () => {} };
  assert.equal(main(event, {}), 'Hello you!');
});
