// What a handler is given as its first argument.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const STRUCTURED = 'application/cloudevents+json';

// Returns the event: `data` always (undefined without a body), `extensions`, the response helpers, and the `ce-*`
// fields of a CloudEvent. Rejects with status 400 for a faulty CloudEvent.
export async function createEvent(request, response) {
  const event = {
    data: request.body,
    extensions: { request, response },
    get tracer() {
      return require('@opentelemetry/api').trace.getTracer('buildless.function');
    },
    setResponseHeader: (name, value) => response.set(name, value),
    setResponseContentType: (type) => response.type(type),
    setResponseStatus: (status) => response.status(status),
    emitCloudEvent: async (...event) => (await import('./cloud-events.mjs')).emit(...event),
    publishCloudEvent: async (event) => {
      console.warn('publishCloudEvent is deprecated; use emitCloudEvent');
      return (await import('./cloud-events.mjs')).publish({ 'Content-Type': STRUCTURED }, event);
    },
    buildResponseCloudEvent: (id, type, data) => {
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
    // assign would call the getter
    for (const [name, value] of Object.entries(fields(request))) event[name] = value;
  }
  return event;
}

function isCloudEvent(request) {
  return request.is(STRUCTURED) || (request.get('ce-type') && request.get('ce-source'));
}
