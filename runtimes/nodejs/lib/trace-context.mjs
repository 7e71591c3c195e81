// The trace that a call of the handler belongs to, where no collector is set: what a request brings (W3C, B3), or a new
// one, goes with every call that its handler makes over http and fetch. Nothing is recorded.
//
// To follow a call through its promises costs a tenth of a short call. So that begins with the first call over http or
// fetch, unless the handler names what needs it; a request that brings a trace is always followed.

/** @import { ClientRequest, IncomingHttpHeaders } from 'node:http' */
import { createRequire } from 'node:module';

import { outside } from './tracer.mjs';

const require = createRequire(import.meta.url);
/** @type {typeof import('node:async_hooks')} */
const { AsyncLocalStorage } = require('node:async_hooks');
/** @type {typeof import('node:diagnostics_channel')} */
const diagnostics = require('node:diagnostics_channel');

/** @typedef {{ trace: string, span: string, flags: string }} Ids */
/** @typedef {Record<string, string>} Headers */
/** @typedef {{ ids: Ids, headers: Headers }} Carried */
/** @typedef {{ brought: IncomingHttpHeaders, read?: Carried }} Store */

/** @type {import('node:async_hooks').AsyncLocalStorage<Store>} */
const storage = new AsyncLocalStorage();
const BROUGHT = ['traceparent', 'b3', 'x-b3-traceid', 'x-b3-sampled', 'tracestate', 'baggage'];
const AS_THEY_ARE = ['tracestate', 'baggage', 'b3'];
// Numbers that are all zeros are none.
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})/;
const B3 = /^(?!0+-)([\da-f]{32}|[\da-f]{16})-(?!0{16})([\da-f]{16})(?:-([01d]))?/;
const API = /[\\/]@opentelemetry[\\/]api[\\/]build[\\/]src[\\/]index\.js$/;
const NEEDS = /\b(?:axios|fetch|https?|tracer)\b/;
let follows = false;

// What opentelemetry.mjs adds for handlers that load OpenTelemetry.
/** @type {{ within?: (headers: Headers, work: () => unknown) => unknown, headers?: () => Headers }} */
export const library = {};

// Follows calls from the first one, if the handler names or has loaded something for which that matters.
/** @type {(text: string) => Promise<void>} */
export async function prepare(text) {
  const copies = Object.keys(require.cache).filter((file) => API.test(file));
  follows ||= copies.length > 0 || NEEDS.test(text);
  if (copies.length > 0) (await import('./opentelemetry.mjs')).register(copies);
}

/** @type {(headers: IncomingHttpHeaders) => boolean} */
export function wanted(headers) {
  return follows || BROUGHT.some((name) => headers[name] !== undefined);
}

/** @type {import('./call.mjs').Around} */
export function around(request, work) {
  /** @type {Store} */
  const store = { brought: request.headers };
  const { within } = library;
  return storage.run(store, within ? () => within(carried(store).headers, work) : work);
}

// Returns the trace of the current call, read or begun when it is first passed on; a new one outside of any call.
/** @type {() => Carried} */
function ofCall() {
  follows = true;
  return carried(storage.getStore() ?? { brought: {} });
}

/** @type {(store: Store) => Carried} */
function carried(store) {
  store.read ??= read(store.brought);
  return store.read;
}

/** @type {(headers: IncomingHttpHeaders) => Carried} */
function read(headers) {
  const ids = fromW3C(headers) ?? fromB3(headers) ?? begun(headers);
  /** @type {Headers} */
  const passed = {
    traceparent: `00-${ids.trace}-${ids.span}-${ids.flags}`,
    'x-b3-traceid': ids.trace,
    'x-b3-spanid': ids.span,
    'x-b3-sampled': ids.flags.endsWith('1') ? '1' : '0',
  };
  for (const name of AS_THEY_ARE) if (headers[name] !== undefined) passed[name] = String(headers[name]);
  return { ids, headers: passed };
}

/** @type {(headers: IncomingHttpHeaders) => Ids | undefined} */
function fromW3C({ traceparent }) {
  const found = TRACEPARENT.exec(String(traceparent));
  return found ? { trace: found[1], span: found[2], flags: found[3] } : undefined;
}

/** @type {(headers: IncomingHttpHeaders) => Ids | undefined} */
function fromB3(headers) {
  const { 'x-b3-traceid': trace, 'x-b3-spanid': span, 'x-b3-sampled': sampled = '1' } = headers;
  const found = B3.exec(String(headers.b3 ?? `${trace}-${span}-${sampled === '0' ? '0' : '1'}`));
  return found
    ? { trace: found[1].padStart(32, '0'), span: found[2], flags: found[3] === '0' ? '00' : '01' }
    : undefined;
}

/** @type {(headers: IncomingHttpHeaders) => Ids} */
function begun(headers) {
  const { randomBytes } = require('node:crypto');
  const flags = headers['x-b3-sampled'] === '0' || headers.b3 === '0' ? '00' : '01';
  return { trace: randomBytes(16).toString('hex'), span: randomBytes(8).toString('hex'), flags };
}

// Spans that a handler begins know the trace of its call, though nothing records them.
outside.current = () => {
  const { context, ROOT_CONTEXT, trace } = /** @type {typeof import('@opentelemetry/api')} */ (
    require('@opentelemetry/api')
  );
  const active = context.active();
  if (active !== ROOT_CONTEXT) return active;
  const { trace: traceId, span: spanId, flags } = ofCall().ids;
  return trace.setSpanContext(active, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
};

/** @type {() => Headers} */
function headersToPass() {
  const { headers } = ofCall();
  const current = library.headers?.() ?? {};
  const isInner = current.traceparent && current.traceparent !== headers.traceparent;
  return isInner ? current : { ...headers, ...current };
}

// A call whose headers are fixed already, or that has a trace of its own, is left alone.
/** @type {(request: ClientRequest) => void} */
function addTo(request) {
  if (request.headersSent || request.hasHeader('traceparent')) return;
  for (const [name, value] of Object.entries(headersToPass())) {
    if (!request.hasHeader(name)) request.setHeader(name, value);
  }
}

diagnostics.subscribe('http.client.request.created', (message) => addTo(/** @type {any} */ (message).request));
diagnostics.subscribe('undici:request:create', (message) => {
  const { request } = /** @type {any} */ (message);
  if (/(^|\n)traceparent:/i.test(String(request.headers)) || request.headers.includes?.('traceparent')) return;
  for (const [name, value] of Object.entries(headersToPass())) request.addHeader(name, value);
});

// Node.js 20 has no such channel for http: there each request passes its agent.
if (Number.parseInt(process.versions.node, 10) < 22) {
  const { prototype } = /** @type {any} */ (require('node:http').Agent);
  const { addRequest } = prototype;
  prototype.addRequest = function (/** @type {ClientRequest} */ request, /** @type {any[]} */ ...rest) {
    addTo(request);
    return addRequest.call(this, request, ...rest);
  };
}
