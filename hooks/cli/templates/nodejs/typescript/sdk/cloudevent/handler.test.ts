// Run with: npm test
import assert from 'node:assert';
import { registerHooks } from 'node:module';
import { test } from 'node:test';

// The runtime has the package `sdk`; here is a substitute.
const sdk = 'data:text/javascript,export const getCloudEvent = (request) => request.event;';
registerHooks({
  resolve: (name, context, next) =>
    name === 'sdk' ? { url: sdk, format: 'module', shortCircuit: true } : next(name, context),
});
const { main } = await import('./handler.ts');

test('answers with the data', () => {
  const sent: unknown[] = [];
  const request: any = { event: { type: 'com.example.tried', id: '1', data: { a: 1 } } };
  main(request, { json: (body: unknown) => sent.push(body) } as any);
  assert.deepEqual(sent, [{ received: { a: 1 } }]);
});
