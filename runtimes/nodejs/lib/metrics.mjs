// Calls, failures and durations, counted by hand so that Prometheus' library is loaded at the first scrape only.

/** @typedef {{ failures: number, seconds: number, buckets: number[] }} Entry */

// Upper bounds in seconds; a last one without bound follows. Those of Kyma's histogram are among them.
export const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];

/** @type {Map<string, Entry>} */
export const calls = new Map();

// More for /metrics, as text; meters.mjs adds what handlers count by OpenTelemetry.
/** @type {(() => Promise<string>)[]} */
export const pages = [];

// Counts one finished call of the handler. Node.js' parser knows about 35 methods, so there are no more labels.
/** @type {(method: string, seconds: number, failed: boolean) => void} */
export function count(method, seconds, failed) {
  const entry = calls.get(method) ?? { failures: 0, seconds: 0, buckets: Array(BUCKETS.length + 1).fill(0) };
  calls.set(method, entry);
  if (failed) entry.failures += 1;
  entry.seconds += seconds;
  const index = BUCKETS.findIndex((bound) => seconds <= bound);
  entry.buckets[index < 0 ? BUCKETS.length : index] += 1;
}
