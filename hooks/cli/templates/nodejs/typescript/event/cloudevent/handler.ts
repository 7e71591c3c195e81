import type { Context, Event } from './function.d.ts';

export function main(event: Event<object>, _context: Context): { received: object } {
  console.log('received', event['ce-type'], event['ce-id']);
  return { received: event.data };
}
