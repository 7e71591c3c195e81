// Handlers that do what Kyma's end-to-end Functions and its published examples do.
// Kyma's server traces from the first time that something is loaded which needs http.
const http = require('node:http');
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

module.exports = {
  basic: () => 'hello from a function',
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
