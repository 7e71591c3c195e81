// Counters and the like that a handler makes with @opentelemetry/api appear at /metrics, as with Kyma's servers. Loaded
// before a handler that names that package; a provider that is set later would not reach meters that are made at once.

import { metrics } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { pages } from './metrics.mjs';

const exporter = new PrometheusExporter({ preventServerStart: true });
const resource = resourceFromAttributes({ 'service.name': process.env.FUNC_NAME ?? 'function' });
metrics.setGlobalMeterProvider(new MeterProvider({ resource, readers: [exporter] }));

pages.push(async () => {
  const { resourceMetrics } = await exporter.collect();
  return new PrometheusSerializer().serialize(resourceMetrics);
});
