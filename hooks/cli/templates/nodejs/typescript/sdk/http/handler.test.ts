// Run with: npm test
import assert from 'node:assert';
import { test } from 'node:test';
import { main } from './handler.ts';

test('greets', () => {
  const sent: unknown[] = [];
  const response: any = { type: () => response, send: (body: unknown) => sent.push(body) };
  main({ query: { name: 'you' } } as any, response);
  assert.deepEqual(sent, ['Hello you!']);
});
