// All metrics in Prometheus' text format.
import prometheus from 'prom-client';

import { BUCKETS, calls, pages } from './metrics.mjs';

prometheus.collectDefaultMetrics();
register('function_calls_total', 'counter', 'Calls of the handler', ([method, entry]) => [
  { labels: { method }, value: total(entry.buckets) },
]);
register('function_failures_total', 'counter', 'Calls that failed', ([method, entry]) => [
  { labels: { method }, value: entry.failures },
]);
register('function_duration_seconds', 'histogram', 'Time until it was done', histogram('function_duration_seconds', 1));
// Under the name and in the unit that dashboards of Kyma's servers ask for.
register(
  'function_duration_miliseconds',
  'histogram',
  'function_duration_seconds in milliseconds, as Kyma names it',
  histogram('function_duration_miliseconds', 1000),
);

/** @type {(response: import('./messages.mjs').FunctionResponse) => Promise<void>} */
export async function send(response) {
  const texts = await Promise.all([prometheus.register.metrics(), ...pages.map((page) => page())]);
  response.setHeader('Content-Type', prometheus.register.contentType);
  response.end(texts.join(''));
}

/** @typedef {(call: [string, import('./metrics.mjs').Entry]) => object[]} Values returns the values of a metric for one method */

/** @type {(name: string, unit: number) => Values} */
function histogram(name, unit) {
  return ([method, entry]) => [
    ...entry.buckets.map((_, index) => ({
      metricName: `${name}_bucket`,
      labels: { le: index < BUCKETS.length ? BUCKETS[index] * unit : '+Inf', method },
      value: total(entry.buckets.slice(0, index + 1)),
    })),
    { metricName: `${name}_sum`, labels: { method }, value: entry.seconds * unit },
    { metricName: `${name}_count`, labels: { method }, value: total(entry.buckets) },
  ];
}

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
