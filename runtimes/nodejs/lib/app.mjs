// The routes: health, metrics, and everything else to the handler.
import { createRequire } from 'node:module';

import { respond } from './answer.mjs';
import { createEvent } from './event.mjs';
import { count } from './metrics.mjs';

// require, not import: only CommonJS is kept in the compile cache together with all that it requires.
const require = createRequire(import.meta.url);
const express = require('express');

const FAILED = 'Internal server error';

// Returns the Express application around `handler`, which is called with an event, a copy of `context` and
// `sendResponse(body, status, headers)`; `traced(request, work)` does the work within a span.
export function createApp(handler, context, traced = (request, work) => work()) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (request, response) => response.send('OK'));
  app.get('/metrics', async (request, response) => (await import('./metrics-page.mjs')).send(response));
  app.get('/favicon.ico', (request, response) => response.sendStatus(204));
  if (process.env.KYMA_INTERNAL_LOGGER_ENABLED) app.use(logRequest);
  if (process.env.CORS_ALLOW_ORIGIN) app.use(allowOrigin);
  app.use(timeLimit(context.timeout));
  app.use(bodyParsers(`${context['body-size-limit']}mb`));
  app.use((request, response) => call(handler, context, traced, request, response));
  app.use(refuse);
  return app;
}

// A handler's errors are logged, never sent; what it does in time or not is counted when it is done.
async function call(handler, context, traced, request, response) {
  const event = await createEvent(request, response);
  const started = performance.now();
  let failed = false;
  const send = (body, status, headers) => respond(response, body, status, headers);
  try {
    const work = () => handler(event, { ...context }, send);
    send(await traced(request, work));
  } catch (error) {
    failed = true;
    console.error(error);
    if (response.headersSent) response.destroy();
    else response.status(500).type('text/plain').send(FAILED);
  }
  count(request.method, (performance.now() - started) / 1000, failed || response.statusCode >= 500);
}

function timeLimit(seconds) {
  return (request, response, next) => {
    const timer = setTimeout(() => {
      if (response.headersSent) return response.destroy();
      response.set('Connection', 'close').status(408).type('text/plain').send('Request timed out');
    }, seconds * 1000);
    response.once('close', () => clearTimeout(timer));
    next();
  };
}

function bodyParsers(limit) {
  const json = { type: ['application/json', 'application/cloudevents+json'], limit, strict: false };
  return [
    express.json(json),
    express.text({ type: 'text/*', limit }),
    express.urlencoded({ limit, extended: true }),
    express.raw({ type: () => true, limit }),
  ];
}

function allowOrigin(request, response, next) {
  response.set('Access-Control-Allow-Origin', process.env.CORS_ALLOW_ORIGIN);
  if (request.method !== 'OPTIONS' || !request.get('Access-Control-Request-Method')) return next();
  response.set('Access-Control-Allow-Methods', request.get('Access-Control-Request-Method'));
  response.set('Access-Control-Allow-Headers', request.get('Access-Control-Request-Headers') ?? '');
  response.sendStatus(204);
}

function logRequest(request, response, next) {
  response.once('finish', () => {
    console.log(`${request.socket.remoteAddress} - "${request.method} ${request.path}" ${response.statusCode}`);
  });
  next();
}

// What is wrong with the request itself (a body too large, or not what its Content-Type says); four arguments make
// it Express' error handler.
// eslint-disable-next-line no-unused-vars
function refuse(error, request, response, next) {
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) console.error(error);
  if (status === 413) response.set('Connection', 'close');
  response.status(status).type('text/plain').send(status === 500 ? FAILED : error.message);
}
