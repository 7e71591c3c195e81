// One call of the handler: from a request whose body is there to its answer, its log line and its count.

/** @import { IncomingHttpHeaders } from 'node:http' */
/** @import { Handler } from './handler.mjs' */
/** @import { FunctionRequest, FunctionResponse } from './messages.mjs' */
import { respond, sendText } from './answer.mjs';
import { Event, isCloudEvent } from './event.mjs';
import { describe } from './failures.mjs';
import { count } from './metrics.mjs';

/** @typedef {(request: FunctionRequest, work: () => unknown) => unknown} Around does the work within a trace */
/** @typedef {{ wanted: (headers: IncomingHttpHeaders) => boolean, around: Around }} Tracing */
/** @typedef {(request: FunctionRequest, response: FunctionResponse) => void} Answer */

// The result of a handler that answers by itself, now or later.
export const UNSENT = Symbol('unsent');
const FAILED = 'Internal server error';

// Returns what calls `handler` with an event, a copy of `context` and `sendResponse(body, status, headers)`. CloudEvents
// are read for a handler, unless it is of the newer style.
/** @type {(handler: Handler, context: object, tracing: Tracing, newer?: boolean) => Answer} */
export function caller(handler, context, { wanted, around }, newer = false) {
  return (request, response) => {
    const call = new Call(request, response);
    response.call = call;
    const { headers } = request;
    const within = wanted(headers) ? around : undefined;
    if (newer || !isCloudEvent(headers)) return invoke(call, handler, context, within);
    void addEvent(call).then(
      () => invoke(call, handler, context, within),
      (error) => refuse(response, error),
    );
  };
}

// The library is loaded with the first event.
/** @type {(call: Call) => Promise<void>} */
async function addEvent(call) {
  const { fields } = await import('./cloud-events.mjs');
  Object.assign(call.event, fields(call.request));
}

/** @type {(call: Call, handler: Handler, context: object, around?: Around) => void} */
function invoke(call, handler, context, around) {
  const send = call.send.bind(call);
  /** @type {any} */
  let result;
  try {
    if (around) result = around(call.request, () => handler(call.event, { ...context }, send));
    else result = handler(call.event, { ...context }, send);
    if (typeof result?.then !== 'function') return call.finish(result);
    result.then(
      (/** @type {unknown} */ body) => call.finish(body),
      (/** @type {unknown} */ error) => call.fail(error),
    );
  } catch (error) {
    call.fail(error);
  }
}

export class Call {
  /**
   * @param {FunctionRequest} request
   * @param {FunctionResponse} response
   */
  constructor(request, response) {
    this.request = request;
    this.response = response;
    this.event = new Event(request, response);
    this.started = performance.now();
    /** @type {void | Promise<void>} */
    this.sending = undefined;
    this.counted = false;
  }

  // Sends the first answer that there is; a later one does nothing.
  /** @type {(body: unknown, status?: number, headers?: Record<string, any>) => void} */
  send(body, status, headers) {
    if (this.sending || body === UNSENT) return;
    this.sending = respond(this.response, body, status, headers);
    // finish() says what went wrong.
    this.sending?.catch(() => {});
  }

  // What the handler has returned is its answer, unless there is one.
  /** @type {(body: unknown) => void} */
  finish(body) {
    try {
      this.send(body);
    } catch (error) {
      return this.fail(error);
    }
    if (!this.sending) return this.done(false);
    this.sending.then(
      () => this.done(false),
      (error) => this.fail(error),
    );
  }

  // The error is for the log; the caller sees a fixed text, or an answer that breaks off.
  /** @type {(error: unknown) => void} */
  fail(error) {
    console.error(describe(error));
    const { response } = this;
    if (!response.headersSent) sendFailure(response);
    else if (!response.writableEnded) response.destroy();
    this.done(true);
  }

  // Counts the call, once.
  /** @type {(failed: boolean) => void} */
  done(failed) {
    if (this.counted) return;
    this.counted = true;
    const seconds = (performance.now() - this.started) / 1000;
    count(this.request.method ?? '', seconds, failed || this.response.statusCode >= 500);
  }
}

// Answers what is wrong with the request itself (a body too large, or not what its Content-Type says).
/** @type {(response: FunctionResponse, error: Error & { status?: number }) => void} */
export function refuse(response, error) {
  const status = error.status ?? 500;
  if (status === 500) console.error(describe(error));
  if (response.headersSent) return;
  response.statusCode = status;
  sendText(response, status === 500 ? FAILED : error.message);
}

// Without what the handler has said about a body of its own.
/** @type {(response: FunctionResponse) => void} */
function sendFailure(response) {
  for (const name of response.getHeaderNames()) {
    if (/^(content-|etag$|last-modified$|cache-control$|transfer-encoding$)/.test(name)) response.removeHeader(name);
  }
  response.statusCode = 500;
  response.statusMessage = '';
  response.setHeader('Content-Length', FAILED.length);
  sendText(response, FAILED);
}
