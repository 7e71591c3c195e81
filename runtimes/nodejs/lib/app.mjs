// The routes: health, metrics, and the handler for every other path.

/** @import { Express, NextFunction, Request, RequestHandler, Response } from 'express' */
/** @import { Handler } from './handler.mjs' */
import { createRequire } from 'node:module';

import { respond } from './answer.mjs';
import { createEvent } from './event.mjs';
import { count } from './metrics.mjs';

// require, not import: the compile cache keeps only CommonJS together with everything that it requires.
const require = createRequire(import.meta.url);
/** @type {typeof import('express')} */
const express = require('express');

/** @typedef {{ timeout: number, 'body-size-limit': number }} Limits what a handler may use */
/** @typedef {(request: Request, work: () => unknown) => unknown} Traced */

const FAILED = 'Internal server error';

// Returns the Express application around `handler`, which is called with an event, a copy of `context` and
// `sendResponse(body, status, headers)`; `traced(request, work)` runs `work` within a span.
/** @type {(handler: Handler, context: Limits, traced?: Traced) => Express} */
export function createApp(handler, context, traced = untraced) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => response.send('OK'));
  app.get('/metrics', async (_request, response) => (await import('./metrics-page.mjs')).send(response));
  app.get('/favicon.ico', (_request, response) => response.sendStatus(204));
  if (process.env.KYMA_INTERNAL_LOGGER_ENABLED) app.use(logRequest);
  if (process.env.CORS_ALLOW_ORIGIN) app.use(allowOrigin);
  app.use(timeLimit(context.timeout));
  app.use(bodyParsers(`${context['body-size-limit']}mb`));
  app.use((request, response) => call(handler, context, traced, request, response));
  app.use(refuse);
  return app;
}

/** @type {Traced} */
function untraced(_request, work) {
  return work();
}

// A handler's errors are logged, never sent. Every call is counted when it ends, even after its time limit.
/** @type {(handler: Handler, context: object, traced: Traced, request: Request, response: Response) => Promise<void>} */
async function call(handler, context, traced, request, response) {
  const event = await createEvent(request, response);
  const started = performance.now();
  let failed = false;
  /** @type {import('./handler.mjs').Send} */
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

/** @type {(seconds: number) => RequestHandler} */
function timeLimit(seconds) {
  return (_request, response, next) => {
    const timer = setTimeout(() => {
      if (response.headersSent) return response.destroy();
      response.set('Connection', 'close').status(408).type('text/plain').send('Request timed out');
    }, seconds * 1000);
    response.once('close', () => clearTimeout(timer));
    next();
  };
}

/** @type {(limit: string) => RequestHandler[]} */
function bodyParsers(limit) {
  const json = { type: ['application/json', 'application/cloudevents+json'], limit, strict: false };
  return [
    express.json(json),
    express.text({ type: 'text/*', limit }),
    express.urlencoded({ limit, extended: true }),
    express.raw({ type: () => true, limit }),
  ];
}

/** @type {(request: Request, response: Response, next: NextFunction) => void} */
function allowOrigin(request, response, next) {
  response.set('Access-Control-Allow-Origin', process.env.CORS_ALLOW_ORIGIN);
  const method = request.get('Access-Control-Request-Method');
  if (request.method !== 'OPTIONS' || !method) return next();
  response.set('Access-Control-Allow-Methods', method);
  response.set('Access-Control-Allow-Headers', request.get('Access-Control-Request-Headers') ?? '');
  response.sendStatus(204);
}

/** @type {(request: Request, response: Response, next: NextFunction) => void} */
function logRequest(request, response, next) {
  response.once('finish', () => {
    console.log(`${request.socket.remoteAddress} - "${request.method} ${request.path}" ${response.statusCode}`);
  });
  next();
}

// Responds to an invalid request: a body that is too large, or that does not match its Content-Type. With four
// parameters it is Express' error handler.
/** @type {(error: Error & { status?: number }, request: Request, response: Response, next: NextFunction) => void} */
function refuse(error, _request, response, _next) {
  const status = error.status && error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) console.error(error);
  if (status === 413) response.set('Connection', 'close');
  response
    .status(status)
    .type('text/plain')
    .send(status === 500 ? FAILED : error.message);
}
