// Run with: npm test
import assert from 'node:assert';
import { test } from 'node:test';
import { main } from './handler.ts';

test('answers with the data', () => {
  const event: any = { 'ce-type': 'com.example.tried', 'ce-id': '1', data: { a: 1 } };
  assert.deepEqual(main(event, {} as any), { received: { a: 1 } });
});
