// Run with: npm test
import assert from 'node:assert';
import { test } from 'node:test';
import { main } from './handler.ts';

test('greets', () => {
  const event: any = { extensions: { request: { query: { name: 'you' } } }, setResponseContentType: () => {} };
  assert.equal(main(event, {} as any), 'Hello you!');
});
