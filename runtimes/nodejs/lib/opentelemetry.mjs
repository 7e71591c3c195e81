// OpenTelemetry for a handler that has loaded it, where no collector is set: the current span is the caller's, or that
// of a trace which the call begins, and `propagation` passes it on. What the handler has registered by itself stays.
import { createRequire } from 'node:module';
import { context, defaultTextMapGetter, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

import { propagator } from './propagator.mjs';
import { library } from './trace-context.mjs';

const require = createRequire(import.meta.url);

// `copies` are the files of all releases of the API that are loaded. A release ignores what an older one has registered.
/** @type {(copies: string[]) => void} */
export function register(copies) {
  const manager = new AsyncLocalStorageContextManager().enable();
  for (const file of copies) {
    const api = require(file);
    api.context.setGlobalContextManager(manager);
    api.propagation.setGlobalPropagator(propagator);
  }
}

// B3's propagator would drop the tracestate.
library.within = ({ traceparent, tracestate, baggage }, work) => {
  const headers = { traceparent, tracestate, baggage };
  return context.with(propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter), work);
};

library.headers = () => {
  /** @type {Record<string, string>} */
  const headers = {};
  propagation.inject(context.active(), headers);
  return headers;
};
