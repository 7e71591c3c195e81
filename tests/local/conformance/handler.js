// The Node.js twin of handler.py: each path does one thing.
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

if (process.env.BREAK === 'load') throw new Error('broken on purpose');
if (process.env.BREAK === 'slow') {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  console.log('loaded at last');
}

function kind(data) {
  if (data === undefined) return 'nothing';
  if (Buffer.isBuffer(data)) return 'bytes';
  return Array.isArray(data) ? 'array' : typeof data;
}

function* pieces(event, fails) {
  for (let left = Number(event.extensions.request.query.pieces); left > 0; left -= 1) yield Buffer.alloc(65536, 'x');
  if (fails) throw new Error('secret-in-the-error');
}

const paths = {
  ...require('./results.js'),
  '/text': () => 'text',
  '/nothing': () => undefined,
  '/empty': () => '',
  '/object': () => ({ a: [1, null] }),
  '/list': () => [1, 'two'],
  '/number': () => 42,
  '/zero': () => 0,
  '/true': () => true,
  '/false': () => false,
  '/bytes': () => Buffer.from([0, 1]),
  '/teapot': (event) => {
    event.setResponseStatus(418);
    event.setResponseHeader('X-Pot', 'yes');
    return 'short and stout';
  },
  '/large-stream': (event) => require('node:stream').Readable.from(pieces(event, false)),
  '/failing-stream': (event) => require('node:stream').Readable.from(pieces(event, true)),
  '/callback': (_event, _context, send) => {
    send({ made: true }, 201, { 'X-Made': 'yes' });
  },
  '/context': (_event, context) => context,
  '/echo': ({ data }) => ({ data: Buffer.isBuffer(data) ? data.toString() : (data ?? null), kind: kind(data) }),
  '/request': ({ extensions: { request } }) => ({
    method: request.method,
    path: request.path,
    query: request.query.q ?? null,
    header: request.get('X-Test') ?? null,
  }),
  '/fails': () => {
    throw new Error('secret-in-the-error');
  },
  '/rejects': async () => {
    await wait(0.01);
    throw new Error('secret-in-the-error');
  },
  '/later': async () => {
    await wait(0.01);
    return 'later';
  },
  '/unanswerable': () => () => 1,
  '/forever': () => new Promise(() => {}),
  '/slow': async () => {
    console.log('started');
    await wait(1.5);
    return 'slow but whole';
  },
  '/cloud-event': (event) => ({
    type: event['ce-type'],
    source: event['ce-source'],
    id: event['ce-id'],
    data: event.data,
  }),
  '/emits-otherwise': async (event) => {
    await event.emitCloudEvent('order.created', 'shop', 7, { type: 'order.changed' });
    return 'sent';
  },
  '/emits': async (event) => {
    await event.emitCloudEvent('order.created', 'shop', { number: 7 }, { id: 'fixed' });
    return 'sent';
  },
  '/event': (event) => ({
    keys: Object.keys(event)
      .filter((name) => name !== 'data')
      .sort(),
    copied: typeof { ...event }.setResponseStatus,
    data: event.data ?? null,
  }),
  '/helpers-alone': ({ setResponseStatus, setResponseHeader }) => {
    setResponseStatus(202);
    setResponseHeader('X-A', 'b');
    return 'x';
  },
  '/stored-event': (event) => {
    delete event.extensions;
    delete event.tracer;
    return JSON.stringify(event);
  },
  '/drips': async ({ extensions: { response } }) => {
    for (let number = 0; number < 10; number += 1) {
      response.write(`${number}`);
      await wait(0.4);
    }
  },
  '/passes-on': async (event, _context, _send) => {
    const { fetches, url } = event.data;
    if (fetches) return await (await fetch(url)).json();
    return await new Promise((resolve, reject) => {
      require('node:http')
        .get(url, async (answer) => resolve(JSON.parse(await answer.toArray())))
        .on('error', reject);
    });
  },
  '/trace-id': (event) => event.tracer.startActiveSpan('inner', (span) => span.spanContext().traceId),
  '/packages': () =>
    ['axios', 'body-parser', 'co', 'cloudevents', 'express', 'morgan', 'mz/fs', '@opentelemetry/api']
      .concat([
        '@opentelemetry/exporter-prometheus',
        '@opentelemetry/instrumentation-express',
        '@opentelemetry/sdk-metrics',
      ])
      .filter((name) => !require(name)),
  '/axios': async ({ data }) =>
    await require('axios').post(`${data}?token=secret-in-the-query`, {}, { headers: { 'X-Key': 'secret' } }),
  '/traced': (event) =>
    event.tracer.startActiveSpan('inner', (span) => {
      span.end();
      return { sampled: span.isRecording() || span.spanContext().traceId !== '0'.repeat(32) };
    }),
};

function main(event, context, send) {
  return paths[event.extensions.request.path](event, context, send);
}

if (process.env.BREAK !== 'main') module.exports = { main };
console.log(`loaded ${process.version}`);
