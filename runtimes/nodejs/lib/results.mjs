// Results of a class: streams and everything else that comes in pieces, the web's own types, objects that have a meaning
// in JSON. What has none (JSON would be "{}") is an error.

/** @import { FunctionResponse } from './messages.mjs' */
import { createRequire } from 'node:module';

import { sendJson, setType } from './answer.mjs';

const require = createRequire(import.meta.url);
/** @type {typeof import('node:stream')} */
const { Readable } = require('node:stream');

/** @typedef {AsyncIterable<unknown> | Iterable<unknown>} Pieces */

const BYTES = 'application/octet-stream';
// What belongs to the connection from which a fetched response came, and what no longer holds once it is decoded.
const OF_A_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authenticate', 'trailer'];
const OF_A_CODING = ['content-encoding', 'content-length'];

/** @type {(response: FunctionResponse, body: any) => void | Promise<void>} */
export function send(response, body) {
  if (body === response) throw new TypeError('the response was returned, but nothing has been sent');
  const tag = body[Symbol.toStringTag];
  if (tag === 'Response') return sendResponse(response, body);
  if (tag === 'Blob' || tag === 'File') setType(response, body.type || BYTES);
  const bytes = toBytes(body, tag);
  const pieces = bytes ? undefined : toPieces(body, tag);
  if (!bytes && !pieces) return sendJson(response, meant(body));
  setType(response, BYTES);
  if (pieces) return sendPieces(response, pieces);
  response.end(bytes);
}

// Returns `body` if JSON says something about it; an error counts as thrown.
/** @type {(body: any) => unknown} */
function meant(body) {
  if (typeof body.toJSON === 'function' || Object.keys(body).length > 0) return body;
  if (body instanceof Error) throw body;
  const name = body.constructor?.name;
  if (body instanceof Map || body instanceof Set || body instanceof WeakMap || body instanceof WeakSet) {
    throw new TypeError(`a ${name} cannot be answered; make it an object or an array`);
  }
  return body;
}

/** @type {(body: any, tag: unknown) => Uint8Array | undefined} */
function toBytes(body, tag) {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer' ? Buffer.from(body) : undefined;
}

/** @type {(body: any, tag: unknown) => Pieces | undefined} */
function toPieces(body, tag) {
  if (tag === 'Blob' || tag === 'File') return Readable.fromWeb(body.stream());
  if (tag === 'ReadableStream') return Readable.fromWeb(body);
  if (typeof body[Symbol.asyncIterator] === 'function') return body;
  if (typeof body[Symbol.iterator] === 'function' && typeof body.next === 'function') return body;
  return typeof body.pipe === 'function' && typeof body.on === 'function' ? new Readable().wrap(body) : undefined;
}

// Sends piece by piece as the caller takes them; rejects if the source fails, which ends where the caller leaves.
/** @type {(response: FunctionResponse, pieces: any) => Promise<void>} */
async function sendPieces(response, pieces) {
  const leave = () => pieces.destroy?.();
  response.once('close', leave);
  try {
    for await (const piece of pieces) {
      if (response.destroyed || hasNoBody(response)) break;
      if (!response.write(toPiece(piece))) await taken(response);
    }
  } catch (error) {
    if (!response.destroyed) throw error;
  }
  response.off('close', leave);
  response.end();
}

// Node.js says of every piece of such an answer that it has been taken.
/** @type {(response: FunctionResponse) => boolean} */
function hasNoBody({ req, statusCode }) {
  return req.method === 'HEAD' || statusCode === 204 || statusCode === 304;
}

/** @type {(piece: unknown) => string | Uint8Array} */
function toPiece(piece) {
  if (typeof piece === 'string' || piece instanceof Uint8Array) return piece;
  throw new TypeError(`a piece of an answer has to be text or bytes, not ${typeof piece}`);
}

// Resolves when the caller takes more, and other callers have had their turn: a source that never waits and a caller
// that takes all at once would leave them none.
/** @type {(response: FunctionResponse) => Promise<void>} */
function taken(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      setImmediate(resolve);
    };
    response.on('drain', done).on('close', done);
  });
}

// The web's Response, made by the handler or fetched from elsewhere.
/** @type {(response: FunctionResponse, web: Response & { body: any }) => void | Promise<void>} */
function sendResponse(response, web) {
  if (!response.headersSent) {
    if (web.status < 200) throw new TypeError(`a Response of status ${web.status} cannot be answered`);
    response.statusCode = web.status;
    const dropped = web.url ? [...OF_A_CONNECTION, ...OF_A_CODING] : OF_A_CONNECTION;
    for (const [name, value] of web.headers) {
      if (!dropped.includes(name) && name !== 'set-cookie') response.setHeader(name, value);
    }
    const cookies = web.headers.getSetCookie?.() ?? [];
    if (cookies.length > 0) response.setHeader('Set-Cookie', cookies);
  }
  const { body } = web;
  if (!body) return void response.end();
  return sendPieces(response, typeof body.getReader === 'function' ? Readable.fromWeb(body) : body);
}
