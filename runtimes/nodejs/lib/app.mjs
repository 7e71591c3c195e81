// The routes: health, metrics, and everything else to the handler.

import { sendText } from './answer.mjs';
/** @import { Answer, Tracing } from './call.mjs' */
/** @import { Handler } from './handler.mjs' */
/** @import { FunctionRequest, FunctionResponse } from './messages.mjs' */
/** @import { Settings } from './settings.mjs' */
import { bodyReader, hasBody } from './body.mjs';
import { caller, refuse } from './call.mjs';

// As Express matches them: in any case, with a slash behind, with a query.
const OWN = /^\/(healthz|metrics|favicon\.ico)\/?(?:\?|$)/i;

// Returns what answers requests: with `handler`, within what `tracing` does around it.
/** @type {(handler: Handler, context: object, settings: Settings, tracing: Tracing) => Answer} */
export function createApp(handler, context, settings, tracing) {
  const call = caller(handler, context, tracing, settings.newer);
  const read = bodyReader(settings.megabytes);
  const { origin, logs } = settings;
  return (request, response) => {
    request.res = response;
    response.on('timeout', silent);
    if (answersItself(request, response)) return;
    if (logs) log(request, response);
    if (origin && allow(origin, request, response)) return;
    if (!hasBody(request.headers)) return call(request, response);
    read(request, response, (error) => {
      if (error) refuse(response, error);
      else call(request, response);
    });
  };
}

// Answers health, metrics and the icon that browsers ask for, at once and without a count; returns whether it was that.
/** @type {Answer extends (...a: infer A) => void ? (...a: A) => boolean : never} */
function answersItself({ method, url = '' }, response) {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const name = OWN.exec(url)?.[1].toLowerCase();
  if (!name) return false;
  if (name === 'healthz') sendText(response, 'OK');
  else if (name === 'metrics') import('./metrics-page.mjs').then(({ send }) => send(response));
  else response.writeHead(204).end();
  return true;
}

// Node.js says so when nothing has been sent or received for FUNC_TIMEOUT.
/** @type {(this: FunctionResponse) => void} */
function silent() {
  this.call?.done(true);
  if (this.headersSent) return void this.destroy();
  this.statusCode = 408;
  this.setHeader('Connection', 'close');
  sendText(this, 'Request timed out');
}

// Lets pages of `origin` read the answer; returns whether it was a browser's question in advance, which is answered.
/** @type {(origin: string, request: FunctionRequest, response: FunctionResponse) => boolean} */
function allow(origin, request, response) {
  response.setHeader('Access-Control-Allow-Origin', origin);
  if (request.method !== 'OPTIONS') return false;
  const { 'access-control-request-method': method, 'access-control-request-headers': names } = request.headers;
  if (!method) return false;
  response.setHeader('Access-Control-Allow-Methods', method);
  response.setHeader('Access-Control-Allow-Headers', names ?? '');
  response.writeHead(204).end();
  return true;
}

/** @type {Answer} */
function log(request, response) {
  import('./access-log.mjs').then(({ write }) => write(request, response));
}
