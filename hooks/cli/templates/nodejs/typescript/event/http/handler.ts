import type { Context, Event } from './function.d.ts';

export function main(event: Event, _context: Context): string {
  event.setResponseContentType('text/plain');
  const { name = 'World' } = event.extensions.request.query;
  return `Hello ${name}!`;
}
