// Handlers that do what Kyma's end-to-end Functions and its published examples do.
// Kyma's server traces from the first time that something is loaded which needs http.
const http = require('node:http');
const { SpanStatusCode, trace } = require('@opentelemetry/api');
const axios = require('axios');

const received = new Map();
const saved = {};
const store = new Map();

function keep(event) {
  if (!Object.keys(event).includes('ce-type')) {
    event.emitCloudEvent('send-check', 'nodejs22', event.data, { eventtypeversion: 'v1alpha2' });
    return new Promise((resolve) => setTimeout(() => resolve(''), 200));
  }
  for (const name of Object.keys(saved)) delete saved[name];
  for (const name of Object.keys(event).filter((each) => each.startsWith('ce-'))) saved[name] = event[name];
  saved.data = event.data;
  return '';
}

// Calls elsewhere within a span; a failure becomes the answer's text.
async function people(event, address) {
  const span = event.tracer.startSpan('call-elsewhere');
  try {
    const { data } = await axios.get(address);
    span.addEvent('read').setAttribute('id', '1').setStatus({ code: SpanStatusCode.OK });
    return data;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    return error.message;
  } finally {
    span.end();
  }
}

// After how many steps each point of a plane leaves it.
function escapes({ width, height, iterations, zoom }) {
  const steps = (a, b, x = 0, y = 0, step = 0) =>
    step < iterations && x * x + y * y < 4 ? steps(a, b, x * x - y * y + a, 2 * x * y + b, step + 1) : step;
  const row = (line) => Array.from({ length: width }, (_, at) => steps((at / width - 0.5) / zoom, line / height - 0.5));
  return Array.from({ length: height }, (_, line) => row(line));
}

module.exports = {
  basic: () => 'hello from a function',
  greeting: async (event, context) => {
    const { greeting } = event.extensions.request.query;
    return `${greeting || 'Hello'} from ${context['function-name']} on ${context.runtime}`;
  },
  'prints-context': async (event, context) => {
    for (const name of ['function-name', 'namespace', 'runtime', 'timeout', 'body-size-limit'])
      console.log(context[name]);
    console.log(typeof event.tracer);
  },
  'status-in-an-object': () => ({ statusCode: 400, body: 'Bad request' }),
  'environment-missing': () => process.env.NO_SUCH_VARIABLE,
  people: (event) => people(event, `${process.env.BACKEND}/json`),
  'people-unreachable': (event) => people(event, 'http://127.0.0.1:1/'),
  'custom-tracer': async () => {
    const span = trace.getTracer('custom.tracer').startSpan('own');
    try {
      return await axios(`${process.env.BACKEND}/json`).then(({ data }) => data);
    } finally {
      span.end();
    }
  },
  'emits-order': async (event) => {
    await event.emitCloudEvent('com.example.order.created', '/orders', { orderId: '123' });
    return 'event emitted';
  },
  mandelbrot: async (event) => {
    const { width, height, iterations, zoom } = event.extensions.request.headers;
    const numbers = {
      width: Number(width),
      height: Number(height),
      iterations: Number(iterations),
      zoom: Number(zoom),
    };
    return { type: 'mandelbrot', ...numbers, values: escapes(numbers) };
  },
  'with-environment': () => `${process.env.GREETING}-${process.env.FUNC_NAME}`,
  // Keeps events by source and type, and gives them back.
  'proxy-mock': async (event) => {
    const { request, response } = event.extensions;
    if (request.method === 'GET') {
      if (request.query.type === undefined) return JSON.stringify(Object.fromEntries(received));
      return JSON.stringify(received.get(request.query.source)[request.query.type]);
    }
    if (request.method === 'POST') {
      delete event.extensions;
      delete event.tracer;
      received.set(event['ce-source'], { [event['ce-type']]: event });
      response.status(201);
      return undefined;
    }
    event.setResponseStatus(405);
    return 'Unexpected call';
  },
  // Keeps an event, or sends one for what is no event.
  'cloud-event-check': async (event) => {
    const { request, response } = event.extensions;
    if (request.method === 'POST') return keep(event);
    if (request.method !== 'GET') {
      response.statusCode = 405;
      return '';
    }
    if (request.query.type !== 'send-check') return saved;
    return (await axios.get(`${process.env.BACKEND}/json`, { params: { type: 'send-check' } })).data;
  },
  // Answers the trace headers of its own request.
  tracing: () =>
    new Promise((resolve, reject) => {
      const request = http.get(`${process.env.BACKEND}/json`, (reply) => {
        reply.resume();
        const lines = request._header.split('\r\n').map((line) => line.split(': '));
        const found = lines.filter(([name]) => name.startsWith('x-b3') || name.startsWith('traceparent'));
        reply.on('end', () => resolve(Object.fromEntries(found)));
      });
      request.on('error', reject);
    }),
  // A failing client library does not end the process.
  'client-error': async () => {
    try {
      await axios.get('http://127.0.0.1:1/');
      return 'NOK';
    } catch (error) {
      return error.code === 'ECONNREFUSED' ? 'OK' : 'NOK';
    }
  },
  'demands-id': (event) => {
    if (event.extensions.request.query.id === undefined) {
      event.extensions.response.status(400);
      return undefined;
    }
    return '42';
  },
  'error-returned': (event) => {
    event.extensions.response.status(500);
    return new Error('secret-in-the-error');
  },
  emitter: async (event) => {
    const span = event.tracer.startSpan('call');
    return await event
      .emitCloudEvent('payload.sanitised', 'emitter', event.data)
      .then(() => 'Event sent')
      .catch((error) => error.message)
      .finally(() => span.end());
  },
  receiver: (event) => {
    console.log(event.data);
    return 'Stored';
  },
  'key-value': async (event) => {
    const { request, response } = event.extensions;
    const key = request.path.split('/')[2];
    if (!key) {
      response.status(400);
      return { error: 'a key is required' };
    }
    if (!['GET', 'POST', 'DELETE'].includes(request.method)) {
      response.status(405);
      return undefined;
    }
    if (request.method === 'GET') {
      if (!store.has(key)) response.status(404);
      return store.has(key) ? JSON.parse(store.get(key)) : null;
    }
    if (request.method === 'DELETE') {
      store.delete(key);
      response.status(204);
      return undefined;
    }
    response.status(store.has(key) ? 409 : 201);
    if (!store.has(key)) store.set(key, JSON.stringify(request.body));
    return undefined;
  },
  'not-a-cloud-event': async (event) => (event['ce-type'] ? event['ce-type'] : 'not a cloud event'),
};
