// OpenTelemetry, loaded only if TRACE_COLLECTOR_ENDPOINT is set. Spans are sent there (OTLP over HTTP) in batches. The
// context comes from W3C and B3 headers of the request, and requests over http and fetch pass it on.
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const exporter = new OTLPTraceExporter({ url: process.env.TRACE_COLLECTOR_ENDPOINT });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.FUNC_NAME ?? 'function' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
const propagator = new CompositePropagator({
  propagators: [
    new W3CTraceContextPropagator(),
    new W3CBaggagePropagator(),
    new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  ],
});
provider.register({ propagator });
registerInstrumentations({
  // traced() below creates the span of the handler, with its name and its result.
  instrumentations: [
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new UndiciInstrumentation(),
  ],
});

// Runs `work` in a server span, a child of the client's span; an error is recorded and thrown again.
/** @type {import('./app.mjs').Traced} */
export function traced(request, work) {
  const caller = propagation.extract(context.active(), request.headers);
  const attributes = { 'http.request.method': request.method, 'url.path': request.path };
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

// Sends the remaining spans.
export function flush() {
  return provider.shutdown();
}
