// All metrics in Prometheus' text format.
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

/** @type {(response: import('express').Response) => Promise<void>} */
export async function send(response) {
  response.type(prometheus.register.contentType).send(await prometheus.register.metrics());
}

/** @typedef {(call: [string, import('./metrics.mjs').Entry]) => object[]} Values returns the values of a metric for one method */

/** @type {(name: string, type: string, help: string, values: Values) => void} */
function register(name, type, help, values) {
  const get = async () => ({ name, type, help, aggregator: 'sum', values: [...calls].flatMap(values) });
  // The registry calls only these; the type also requires fields of prom-client's own metrics.
  const metric = /** @type {any} */ ({ name, get, reset() {} });
  prometheus.register.registerMetric(metric);
}

/** @type {(numbers: number[]) => number} */
function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
