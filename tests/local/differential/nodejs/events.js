// CloudEvents in and out, and the tracer.
const axios = require('axios');
const { CloudEvent, HTTP } = require('cloudevents');
const { context, propagation, trace, SpanStatusCode } = require('@opentelemetry/api');

const TYPE = 'order.created';
const SOURCE = 'shop';
const shown = (value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value);
const kind = (value) => (value === null ? 'null' : (value?.constructor?.name ?? typeof value));

// Answers what the publisher has answered, or that it has refused.
function emits(...given) {
  return async (event) => {
    const reply = await event.emitCloudEvent(...given);
    return { status: reply.status };
  };
}

function caught(...given) {
  return async (event) => {
    try {
      await event.emitCloudEvent(...given);
      return { sent: true };
    } catch (error) {
      return { name: error.name, status: error.response?.status ?? null };
    }
  };
}

module.exports = {
  'cloud-event': (event) => {
    const named = Object.entries(event).filter(([name, value]) => name.startsWith('ce-') && value !== undefined);
    return { ...Object.fromEntries(named), data: shown(event.data), kind: kind(event.data) };
  },
  'cloud-event-keys': (event) => Object.keys(event).filter((name) => name.startsWith('ce-')),
  'cloud-event-data': (event) => event.data,
  'cloud-event-type': (event) => event['ce-type'] ?? 'no event',
  'event-spread': (event) => ({ ...event, extensions: undefined, tracer: undefined }),
  'event-changed': (event) => {
    event.mark = 'set';
    event.data = 'other';
    return { mark: event.mark, data: event.data };
  },
  'event-deleted': (event) => {
    delete event.extensions;
    delete event.tracer;
    return JSON.stringify(event);
  },
  'event-kinds': (event) => Object.fromEntries(Object.keys(event).map((name) => [name, typeof event[name]])),
  'emit-object': emits(TYPE, SOURCE, { number: 7 }),
  'emit-text': emits(TYPE, SOURCE, 'text'),
  'emit-text-not-ascii': emits(TYPE, SOURCE, 'größer'),
  'emit-buffer': emits(TYPE, SOURCE, Buffer.from([0, 1])),
  'emit-array': emits(TYPE, SOURCE, [1, 'two']),
  'emit-number': emits(TYPE, SOURCE, 7),
  'emit-true': emits(TYPE, SOURCE, true),
  'emit-null': emits(TYPE, SOURCE, null),
  'emit-nothing': emits(TYPE, SOURCE),
  'emit-attributes': emits(TYPE, SOURCE, { a: 1 }, { eventtypeversion: 'v1', subject: 's' }),
  'emit-content-type': emits(TYPE, SOURCE, { a: 1 }, { datacontenttype: 'application/json' }),
  'emit-xml': emits(TYPE, SOURCE, '<a/>', { datacontenttype: 'application/xml' }),
  'emit-id-and-time': emits(TYPE, SOURCE, {}, { id: 'fixed', time: '2020-12-20T13:37:33Z' }),
  'emit-other-type': emits(TYPE, SOURCE, {}, { type: 'other', source: 'elsewhere' }),
  'emit-other-data': emits(TYPE, SOURCE, { a: 1 }, { data: { b: 2 } }),
  'emit-old-version': emits(TYPE, SOURCE, {}, { specversion: '0.3' }),
  'emit-null-attributes': emits(TYPE, SOURCE, {}, null),
  'emit-no-type': caught(undefined, SOURCE, {}),
  'emit-empty-source': caught(TYPE, '', {}),
  'emit-faulty-attribute': caught(TYPE, SOURCE, {}, { 'not-allowed': 'a' }),
  'emit-refused': caught('status.503', SOURCE, {}),
  'emit-not-found': emits('status.404', SOURCE, {}),
  'emit-not-awaited': (event) => {
    event.emitCloudEvent(TYPE, SOURCE, { a: 1 }, { id: 'fixed' });
    return new Promise((resolve) => setTimeout(() => resolve('sent'), 200));
  },
  'emit-returned': (event) => event.emitCloudEvent(TYPE, SOURCE, {}).then(() => 'sent'),
  'emit-received-data': async (event) => {
    await event.emitCloudEvent(TYPE, SOURCE, event.data, { eventtypeversion: 'v1' });
    return 'sent';
  },
  'emit-reply': async (event) => Object.keys(await event.emitCloudEvent(TYPE, SOURCE, {})).sort(),
  publish: async (event) => {
    const sent = { specversion: '1.0', type: TYPE, source: SOURCE, id: 'i', data: { a: 1 } };
    return { status: (await event.publishCloudEvent(sent)).status };
  },
  'publish-refused': (event) => event.publishCloudEvent({ type: 'status.503' }).catch((error) => error.message),
  build: (event) => event.buildResponseCloudEvent('new', TYPE, { a: 1 }),
  'build-text': (event) => event.buildResponseCloudEvent('new', TYPE, 'text'),
  'build-number': (event) => event.buildResponseCloudEvent('new', TYPE, 7),
  'library-event-made': () => {
    const made = new CloudEvent({ type: TYPE, source: SOURCE, id: 'i', time: '2020-12-20T13:37:33Z', data: { a: 1 } });
    return HTTP.structured(made).body;
  },
  'library-event-read': (event) => {
    const { headers, body } = event.extensions.request;
    const { type, data } = HTTP.toEvent({ headers, body });
    return { type, data };
  },
  tracer: (event) =>
    event.tracer.startActiveSpan('inner', (span) => {
      span.setAttribute('a', 1).setStatus({ code: SpanStatusCode.OK }).addEvent('b');
      span.end();
      return { trace: span.spanContext().traceId };
    }),
  'tracer-of-library': () => {
    const span = trace.getTracer('custom').startSpan('parent');
    span.end();
    return { trace: span.spanContext().traceId };
  },
  'tracer-kinds': ({ tracer }) => ({ startSpan: typeof tracer.startSpan, active: typeof tracer.startActiveSpan }),
  'current-span': () => ({ trace: trace.getActiveSpan()?.spanContext().traceId ?? null }),
  'trace-injected': () => {
    const carrier = {};
    propagation.inject(context.active(), carrier);
    return carrier;
  },
  'trace-passed-on-by-axios': async () => (await axios.get(`${process.env.BACKEND}/trace`)).data,
  'trace-passed-on-by-fetch': async () => (await fetch(`${process.env.BACKEND}/trace`)).json(),
};
