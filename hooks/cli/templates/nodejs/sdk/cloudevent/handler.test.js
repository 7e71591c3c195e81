// Run with: npm test
const assert = require('node:assert');
const { registerHooks } = require('node:module');
const { test } = require('node:test');

// The runtime has the package `sdk`; here is a substitute.
const url = 'file:///sdk.js';
const source = 'exports.getCloudEvent = (request) => request.event;';
registerHooks({
  resolve: (name, context, next) => (name === 'sdk' ? { url, shortCircuit: true } : next(name, context)),
  load: (file, context, next) =>
    file === url ? { source, format: 'commonjs', shortCircuit: true } : next(file, context),
});
const { main } = require('./handler.js');

test('answers with the data', () => {
  const sent = [];
  main({ event: { type: 'com.example.tried', id: '1', data: { a: 1 } } }, { json: (body) => sent.push(body) });
  assert.deepEqual(sent, [{ received: { a: 1 } }]);
});
