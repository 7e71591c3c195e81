// Run with: npm test
const assert = require('node:assert');
const { test } = require('node:test');
const { main } = require('./handler.js');

test('answers with the data', () => {
  const event = { 'ce-type': 'com.example.tried', 'ce-id': '1', data: { a: 1 } };
  assert.deepEqual(main(event, {}), { received: { a: 1 } });
});
