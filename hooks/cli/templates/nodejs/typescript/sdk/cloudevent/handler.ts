import { getCloudEvent } from 'sdk';
import type { Request, Response } from './function.d.ts';

export function main(request: Request, response: Response): void {
  const event = getCloudEvent(request);
  if (!event) return void response.status(400).json({ error: 'expected a CloudEvent' });
  console.log('received', event.type, event.id);
  response.json({ received: event.data });
}
