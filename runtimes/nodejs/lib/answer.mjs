// What a handler's result becomes: one rule for all types. The common ones are here, the rest is in results.mjs.

/** @import { FunctionResponse } from './messages.mjs' */
import { createRequire } from 'node:module';

/** @type {typeof import('node:http')} */
const { STATUS_CODES } = createRequire(import.meta.url)('node:http');

/** @typedef {void | Promise<void>} Sent a promise, if it is not sent at once */

// Sends `body`: text and bytes as they are; nothing (undefined, null, '') as an empty body, or the status' own words if
// one is given; everything else as JSON. A second call, or one after the handler has answered by itself, does nothing;
// an answer that the handler has begun by itself is completed.
/** @type {(response: FunctionResponse, body: unknown, status?: number, headers?: Record<string, any>) => Sent} */
export function respond(response, body, status, headers) {
  if (response.writableEnded) return;
  if (!response.headersSent) {
    if (headers) /** @type {any} */ (response).set(headers);
    if (status) response.statusCode = status;
  }
  if (typeof body === 'string' && body !== '') response.end(body);
  else if (body === undefined || body === null || body === '') sendNothing(response, status);
  else if (isPlain(body)) sendJson(response, body);
  else return sendOther(response, /** @type {object} */ (body));
}

/** @type {(response: FunctionResponse, text: string) => void} */
export function sendText(response, text) {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(text);
}

/** @type {(response: FunctionResponse, body: unknown) => void} */
export function sendJson(response, body) {
  const text = JSON.stringify(body);
  if (text === undefined) throw new TypeError(`a ${typeof body} cannot be answered`);
  if (response.headersSent) return void response.end(text);
  setType(response, 'application/json; charset=utf-8');
  // Express answers 304 where the handler has named a version and the caller has it.
  if (response.hasHeader('ETag') || response.hasHeader('Last-Modified')) /** @type {any} */ (response).send(text);
  else response.end(text);
}

// The type is `type` unless the handler has named one, or there is nothing to be typed.
/** @type {(response: FunctionResponse, type: string) => void} */
export function setType(response, type) {
  const { statusCode } = response;
  if (response.headersSent || statusCode === 204 || statusCode === 304 || response.hasHeader('Content-Type')) return;
  response.setHeader('Content-Type', type);
}

/** @type {(response: FunctionResponse, status?: number) => void} */
function sendNothing(response, status) {
  if (!status || response.headersSent) return void response.end();
  setType(response, 'text/plain; charset=utf-8');
  response.end(STATUS_CODES[status] ?? String(status));
}

// Numbers and the like, arrays, and objects that are of no class.
/** @type {(body: any) => boolean} */
function isPlain(body) {
  if (typeof body !== 'object') return true;
  const prototype = Object.getPrototypeOf(body);
  if (prototype === Array.prototype) return true;
  return (prototype === Object.prototype || prototype === null) && body[Symbol.asyncIterator] === undefined;
}

/** @type {(response: FunctionResponse, body: object) => Sent} */
function sendOther(response, body) {
  if (!(body instanceof Uint8Array)) return import('./results.mjs').then(({ send }) => send(response, body));
  setType(response, 'application/octet-stream');
  response.end(body);
}
