// The body of a request: JSON as its value, text as text, a form as an object, anything else as a Buffer.
//
// What nearly every caller sends (UTF-8, not compressed) is read here; the rest is body-parser's.

/** @import { FunctionRequest, FunctionResponse } from './messages.mjs' */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @typedef {(error?: Error & { status?: number }) => void} Done */
/** @typedef {(request: FunctionRequest, response: FunctionResponse, done: Done) => void} Reader */

const MEGABYTE = 1024 * 1024;
// Bodies that are still coming hold at most this part of the memory there is, however many callers send at once.
const SHARE_OF_MEMORY = 0.25;
// What is read of a body after it was refused, in limits: a caller sees the answer only when it has sent its body, and
// one that goes on for ever is cut off.
const REFUSED_LIMITS = 16;

const JSON_TYPES = ['application/json', 'application/cloudevents+json'];

// Returns the reader of bodies up to `megabytes`: it calls back with the body in `request.body`, or with an error whose
// `status` is for the caller.
/** @type {(megabytes: number) => Reader} */
export function bodyReader(megabytes) {
  const limit = Math.floor(megabytes * MEGABYTE);
  const budget = Math.max(limit, memory() * SHARE_OF_MEMORY);
  let held = 0;
  /** @type {(bytes: number) => boolean} */
  const hold = (bytes) => {
    held += bytes;
    return held <= budget;
  };
  const others = otherBodies(limit);
  return (request, response, done) => {
    if (Number(request.headers['content-length']) > limit) return refuse(request, limit, 413, done);
    const parse = parser(request.headers);
    if (parse) return read(request, limit, hold, parse, done);
    if (!hold(limit)) {
      hold(-limit);
      return refuse(request, limit, 503, done);
    }
    request.once('close', () => hold(-limit));
    others(request, response, done);
  };
}

/** @type {(headers: import('node:http').IncomingHttpHeaders) => boolean} */
export function hasBody(headers) {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

// What is left in all of this process' memory for callers: the pod's limit, or the machine's.
function memory() {
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  return Math.min(limit, require('node:os').totalmem());
}

/** @type {(request: FunctionRequest, limit: number, hold: (bytes: number) => boolean, parse: (body: Buffer) => unknown, done: Done) => void} */
function read(request, limit, hold, parse, done) {
  /** @type {Buffer[]} */
  let pieces = [];
  let size = 0;
  /** @type {(bytes: Buffer) => void} */
  const take = (bytes) => {
    size += bytes.length;
    pieces.push(bytes);
    const fits = hold(bytes.length);
    if (size <= limit && fits) return;
    request.off('data', take).off('end', end);
    hold(-size);
    size = 0;
    pieces = [];
    refuse(request, limit, fits ? 413 : 503, done);
  };
  const end = () => finish(request, pieces, parse, done);
  request
    .on('data', take)
    .on('end', end)
    .on('close', () => hold(-size));
}

/** @type {(request: FunctionRequest, pieces: Buffer[], parse: (body: Buffer) => unknown, done: Done) => void} */
function finish(request, pieces, parse, done) {
  try {
    request.body = parse(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
  } catch (error) {
    return done(Object.assign(/** @type {Error} */ (error), { status: 400 }));
  }
  done();
}

// Calls back at once and reads on, so that the caller gets to see the answer and may go on to use the connection.
/** @type {(request: FunctionRequest, limit: number, status: 413 | 503, done: Done) => void} */
function refuse(request, limit, status, done) {
  let left = limit * REFUSED_LIMITS;
  request.on('data', (bytes) => {
    left -= bytes.length;
    if (left < 0) request.destroy();
  });
  const message = status === 413 ? 'request entity too large' : 'too many bodies at once';
  done(Object.assign(new Error(message), { status }));
}

// Returns how to turn the bytes into a body, or undefined for what is left to body-parser.
/** @type {(headers: import('node:http').IncomingHttpHeaders) => ((body: Buffer) => unknown) | undefined} */
function parser(headers) {
  const { 'content-type': given = '', 'content-encoding': coding } = headers;
  if (coding !== undefined && coding !== 'identity') return undefined;
  const end = given.indexOf(';');
  const type = (end < 0 ? given : given.slice(0, end)).trim().toLowerCase();
  const isJson = JSON_TYPES.includes(type);
  if (isJson || type.startsWith('text/')) {
    if (end >= 0 && !/^;\s*charset="?utf-8"?\s*$/i.test(given.slice(end))) return undefined;
    return isJson ? json : text;
  }
  return type === 'application/x-www-form-urlencoded' ? undefined : bytes;
}

/** @type {(body: Buffer) => Buffer} */
function bytes(body) {
  return body;
}

// Without a byte order mark.
/** @type {(body: Buffer) => string} */
function text(body) {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.toString('utf8', 3) : body.toString();
}

/** @type {(body: Buffer) => unknown} */
function json(body) {
  return body.length ? JSON.parse(text(body)) : {};
}

// body-parser's parsers, loaded when a request first needs them.
/** @type {(limit: number) => Reader} */
function otherBodies(limit) {
  /** @type {Function[] | undefined} */
  let parsers;
  return (request, response, done) => {
    if (!parsers) {
      const { json, raw, text, urlencoded } = require('body-parser');
      parsers = [
        json({ type: JSON_TYPES, limit, strict: false }),
        text({ type: 'text/*', limit }),
        urlencoded({ limit, extended: true }),
        raw({ type: () => true, limit }),
      ];
    }
    const left = [...parsers];
    /** @type {Done} */
    const following = (error) => {
      const parse = left.shift();
      if (error || !parse || request.body !== undefined) done(error);
      else parse(request, response, following);
    };
    following();
  };
}
