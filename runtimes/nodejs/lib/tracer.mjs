// `event.tracer`: OpenTelemetry's, loaded with its first span. One object for all events.

/** @import { Context, Span, SpanOptions, Tracer } from '@opentelemetry/api' */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @type {{ current?: () => Context | undefined }} */
// Where a span belongs to, if no collector is set and the caller has sent a trace: trace-context.mjs says it.
export const outside = {};

/** @type {() => typeof import('@opentelemetry/api')} */
function api() {
  return require('@opentelemetry/api');
}

/** @type {() => Tracer} */
function real() {
  return api().trace.getTracer('buildless.function');
}

/** @type {() => Context} */
function context() {
  return outside.current?.() ?? api().context.active();
}

export const tracer = {
  /** @type {(name: string, options?: SpanOptions, within?: Context) => Span} */
  startSpan(name, options, within = context()) {
    return real().startSpan(name, options, within);
  },
  /** @type {(name: string, ...rest: any[]) => unknown} */
  startActiveSpan(name, ...rest) {
    const work = rest.pop();
    const [options = {}, within = context()] = rest;
    return real().startActiveSpan(name, options, within, work);
  },
};
