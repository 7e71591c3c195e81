// Turns a handler's result into a response: one rule for all types.
/** @import { Response } from 'express' */

// Sends `body`: text and Buffers unchanged; undefined, null and '' as an empty body; a stream piped; everything else as
// JSON. A second call, or one after the handler has itself sent a response, does nothing.
/** @type {(response: Response, body: unknown, status?: number, headers?: Record<string, string>) => void} */
export function respond(response, body, status, headers) {
  if (response.writableEnded || response.headersSent) return;
  if (headers) response.set(headers);
  if (status) response.status(status);
  if (body === undefined || body === null || body === '') response.end();
  else if (typeof body === 'string') typed(response, 'html').send(body);
  else if (body instanceof Uint8Array) typed(response, 'application/octet-stream').send(Buffer.from(body));
  else if (isStream(body)) body.pipe(response);
  else sendJson(response, body);
}

/** @type {(body: any) => body is NodeJS.ReadableStream} */
function isStream(body) {
  return typeof body.pipe === 'function';
}

/** @type {(response: Response, body: unknown) => void} */
function sendJson(response, body) {
  const text = JSON.stringify(body);
  if (text === undefined) throw new TypeError(`a ${typeof body} cannot be answered`);
  typed(response, 'application/json').send(text);
}

// Sets the type to `type` unless the handler has set one.
/** @type {(response: Response, type: string) => Response} */
function typed(response, type) {
  return response.get('Content-Type') ? response : response.type(type);
}
