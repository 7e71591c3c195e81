// OpenTelemetry, loaded only when TRACE_COLLECTOR_ENDPOINT is set: spans go there (OTLP over HTTP) in batches,
// callers' contexts are taken from W3C and B3 headers, and calls over http and fetch pass them on.
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

import { propagator } from './propagator.mjs';

const exporter = new OTLPTraceExporter({ url: process.env.TRACE_COLLECTOR_ENDPOINT });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.FUNC_NAME ?? 'function' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register({ propagator });
registerInstrumentations({
  // The handler's span is made below, with its name and its outcome.
  instrumentations: [
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new UndiciInstrumentation(),
  ],
});

export const wanted = () => true;

// Does `work` as a server span below the caller's; a failure is recorded and thrown on.
/** @type {import('./call.mjs').Around} */
export function around(request, work) {
  const caller = propagation.extract(context.active(), request.headers);
  const attributes = { 'http.request.method': request.method, 'url.path': request.url?.replace(/[?#].*/, '') };
  const name = process.env.FUNC_NAME ?? 'function';
  const options = { kind: SpanKind.SERVER, attributes };
  return trace.getTracer('buildless.function').startActiveSpan(name, options, caller, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

// Sends what has not been sent yet.
export function flush() {
  return provider.shutdown();
}
