// The first argument of a handler.

/** @import { Request, Response } from 'express' */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @typedef {Record<string, any>} Event a CloudEvent adds fields of any name */

const STRUCTURED = 'application/cloudevents+json';

// Returns the event: `data` always (undefined without a body), `extensions`, the response helpers, and the `ce-*`
// fields of a CloudEvent. Rejects with status 400 for an invalid CloudEvent.
/** @type {(request: Request, response: Response) => Promise<Event>} */
export async function createEvent(request, response) {
  /** @type {Event} */
  const event = {
    data: request.body,
    extensions: { request, response },
    get tracer() {
      return require('@opentelemetry/api').trace.getTracer('buildless.function');
    },
    setResponseHeader: (/** @type {string} */ name, /** @type {string} */ value) => response.set(name, value),
    setResponseContentType: (/** @type {string} */ type) => response.type(type),
    setResponseStatus: (/** @type {number} */ status) => response.status(status),
    emitCloudEvent: async (/** @type {Parameters<typeof import('./cloud-events.mjs').emit>} */ ...event) =>
      (await import('./cloud-events.mjs')).emit(...event),
    publishCloudEvent: async (/** @type {unknown} */ event) => {
      console.warn('publishCloudEvent is deprecated; use emitCloudEvent');
      return (await import('./cloud-events.mjs')).publish({ 'Content-Type': STRUCTURED }, event);
    },
    buildResponseCloudEvent: (/** @type {string} */ id, /** @type {string} */ type, /** @type {unknown} */ data) => {
      console.warn('buildResponseCloudEvent is deprecated; use emitCloudEvent');
      return {
        type,
        source: event['ce-source'],
        eventtypeversion: event['ce-eventtypeversion'],
        specversion: event['ce-specversion'],
        id,
        data,
        datacontenttype: typeof data === 'string' ? 'text/plain' : 'application/json',
      };
    },
  };
  if (isCloudEvent(request)) {
    const { fields } = await import('./cloud-events.mjs');
    // Object.assign would call the getter `tracer`.
    for (const [name, value] of Object.entries(fields(request))) event[name] = value;
  }
  return event;
}

/** @type {(request: Request) => boolean} */
function isCloudEvent(request) {
  return Boolean(request.is(STRUCTURED) || (request.get('ce-type') && request.get('ce-source')));
}
