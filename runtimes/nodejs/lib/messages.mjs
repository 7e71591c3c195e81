// The classes of requests and responses: Node.js' own, which turn into Express' when a handler first uses something of
// Express.
//
// Express changes the prototype of each request and response, which costs more than everything else together, and
// loading it takes as long as the rest of the start. Here a prototype changes once in the life of the process, and
// only if a handler asks for it.

/** @import { Express } from 'express' */
/** @import { Socket } from 'node:net' */
import { createRequire } from 'node:module';

// require, not import: an import of http also loads WebSocket and fetch, and only CommonJS is kept in the compile cache
// together with all that it requires.
const require = createRequire(import.meta.url);
/** @type {typeof import('node:http')} */
const http = require('node:http');

// All that Express adds to a request and to a response.
export const EXPRESS = {
  request:
    'get header accepts acceptsEncodings acceptsCharsets acceptsLanguages range query is protocol secure ip ips ' +
    'subdomains path host hostname fresh stale xhr',
  response:
    'status links send json jsonp sendStatus sendFile download contentType type format attachment append set header ' +
    'get clearCookie cookie location redirect vary render',
};

export class FunctionRequest extends http.IncomingMessage {
  /** @param {Socket} socket */
  constructor(socket) {
    super(socket);
    /** @type {any} */
    this.body = undefined;
    /** @type {FunctionResponse | undefined} */
    this.res = undefined;
  }
}

export class FunctionResponse extends http.ServerResponse {
  /**
   * @param {FunctionRequest} request
   * @param {object} options
   */
  constructor(request, options) {
    // @ts-expect-error: the types know nothing of the options that Node.js gives
    super(request, options);
    /** @type {import('./call.mjs').Call | undefined} */
    this.call = undefined;
  }
}

// What Express' application and router set for each request, made when it is first read.
for (const { prototype } of [FunctionRequest, FunctionResponse]) late(prototype, 'app', application);
late(FunctionResponse.prototype, 'locals', () => Object.create(null));
late(FunctionRequest.prototype, 'originalUrl', (request) => request.url);
late(FunctionRequest.prototype, 'baseUrl', () => '');
late(FunctionRequest.prototype, 'params', (request) => ({
  path: request.path.slice(1).split('/').map(decodeURIComponent),
}));
late(FunctionRequest.prototype, 'next', (request) => next.bind(undefined, request.res));

Object.setPrototypeOf(FunctionRequest.prototype, untilUsed(http.IncomingMessage.prototype, EXPRESS.request));
Object.setPrototypeOf(FunctionResponse.prototype, untilUsed(http.ServerResponse.prototype, EXPRESS.response));

/** @type {Express | undefined} */
let app;

// Returns the Express application, whose settings decide what its methods do; makes it at first.
/** @type {() => Express} */
function application() {
  if (app) return app;
  /** @type {typeof import('express')} */
  const express = require('express');
  app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  Object.setPrototypeOf(FunctionRequest.prototype, express.request);
  Object.setPrototypeOf(FunctionResponse.prototype, express.response);
  return app;
}

// Returns a prototype between a class and Node.js' own: whatever is used of it puts Express' in its place.
/** @type {(above: object, names: string) => object} */
function untilUsed(above, names) {
  const prototype = Object.create(above);
  for (const name of names.split(' ')) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        application();
        return this[name];
      },
      set(value) {
        application();
        this[name] = value;
      },
    });
  }
  return prototype;
}

// Gives objects of `prototype` a property that `make` makes on first use and that may be replaced.
/** @type {(prototype: object, name: string, make: (owner: any) => unknown) => void} */
function late(prototype, name, make) {
  /** @type {(owner: object, value: unknown) => unknown} */
  const keep = (owner, value) => {
    Object.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true });
    return value;
  };
  Object.defineProperty(prototype, name, {
    configurable: true,
    get() {
      return keep(this, make(this));
    },
    set(value) {
      keep(this, value);
    },
  });
}

// What Express' methods call for an answer that they cannot give: a file that is missing, a type that is not offered.
/** @type {(response: any, error?: Error & { status?: number }) => void} */
function next(response, error) {
  if (response.headersSent) response.destroy();
  else response.sendStatus(error?.status ?? (error ? 500 : 404));
}
