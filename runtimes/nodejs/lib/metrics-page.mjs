// All metrics as Prometheus reads them.
import prometheus from 'prom-client';

import { BUCKETS, calls } from './metrics.mjs';

prometheus.collectDefaultMetrics();
register('function_calls_total', 'counter', 'Calls of the handler', ([method, entry]) => [
  { labels: { method }, value: total(entry.buckets) },
]);
register('function_failures_total', 'counter', 'Calls that failed', ([method, entry]) => [
  { labels: { method }, value: entry.failures },
]);
register('function_duration_seconds', 'histogram', 'Time until it was done', ([method, entry]) => [
  ...entry.buckets.map((_, index) => ({
    metricName: 'function_duration_seconds_bucket',
    labels: { le: BUCKETS[index] ?? '+Inf', method },
    value: total(entry.buckets.slice(0, index + 1)),
  })),
  { metricName: 'function_duration_seconds_sum', labels: { method }, value: entry.seconds },
  { metricName: 'function_duration_seconds_count', labels: { method }, value: total(entry.buckets) },
]);

export async function send(response) {
  response.type(prometheus.register.contentType).send(await prometheus.register.metrics());
}

function register(name, type, help, values) {
  const get = async () => ({ name, type, help, aggregator: 'sum', values: [...calls].flatMap(values) });
  prometheus.register.registerMetric({ name, get, reset() {} });
}

function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
