// Passes a caller's trace on without recording anything: what a request brings (W3C, B3) goes with every call that its
// handler makes over http and fetch. Loaded with the first such request, where no collector is set.

/** @import { ClientRequest, IncomingHttpHeaders } from 'node:http' */
/** @import { Context } from '@opentelemetry/api' */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { createRequire } from 'node:module';

import { outside } from './tracer.mjs';

const require = createRequire(import.meta.url);

/** @typedef {{ trace: string, span: string, flags: string }} Ids */
/** @typedef {{ ids: Ids, headers: Record<string, string> }} Carried */
/** @typedef {{ brought: IncomingHttpHeaders, read?: Carried }} Store */

/** @type {AsyncLocalStorage<Store>} */
const storage = new AsyncLocalStorage();
const AS_THEY_ARE = ['tracestate', 'baggage', 'b3'];
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/;
const B3 = /^([\da-f]{32}|[\da-f]{16})-([\da-f]{16})(?:-([01d]))?/;

/** @type {import('./call.mjs').Around} */
export function carry(request, work) {
  return storage.run({ brought: request.headers }, work);
}

// Returns what the current request has brought, read when it is first passed on.
/** @type {() => Carried | undefined} */
function current() {
  const store = storage.getStore();
  if (!store) return undefined;
  store.read ??= read(store.brought);
  return store.read;
}

// A request that names no trace but wants one (`x-b3-sampled`) begins one.
/** @type {(headers: IncomingHttpHeaders) => Carried} */
function read(headers) {
  const ids = fromW3C(headers) ?? fromB3(headers) ?? begun(headers);
  /** @type {Record<string, string>} */
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
  const flags = headers['x-b3-sampled'] === '0' || headers.b3 === '0' ? '00' : '01';
  return { trace: randomBytes(16).toString('hex'), span: randomBytes(8).toString('hex'), flags };
}

// Spans that a handler begins know the caller's trace, though nothing records them.
outside.current = () => {
  const store = current();
  if (!store) return undefined;
  const { ROOT_CONTEXT, trace } = /** @type {typeof import('@opentelemetry/api')} */ (require('@opentelemetry/api'));
  const { trace: traceId, span: spanId, flags } = store.ids;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
};

// A call whose headers are fixed already, or that has a trace of its own, is left alone.
/** @type {(request: ClientRequest) => void} */
function addTo(request) {
  const store = current();
  if (!store || request.headersSent || request.hasHeader('traceparent')) return;
  for (const [name, value] of Object.entries(store.headers)) {
    if (!request.hasHeader(name)) request.setHeader(name, value);
  }
}

diagnostics.subscribe('http.client.request.created', (message) => addTo(/** @type {any} */ (message).request));
diagnostics.subscribe('undici:request:create', (message) => {
  const store = current();
  const { request } = /** @type {any} */ (message);
  if (!store || /(^|\n)traceparent:/i.test(String(request.headers)) || request.headers.includes?.('traceparent'))
    return;
  for (const [name, value] of Object.entries(store.headers)) request.addHeader(name, value);
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
