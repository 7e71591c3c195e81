// Calls, failures and durations, counted by hand so that Prometheus' library is loaded at the first scrape only.

// Upper bounds in seconds; a last one without bound follows.
export const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const calls = new Map();

// Counts one finished call of the handler.
export function count(method, seconds, failed) {
  let entry = calls.get(method);
  if (!entry) calls.set(method, (entry = { failures: 0, seconds: 0, buckets: Array(BUCKETS.length + 1).fill(0) }));
  if (failed) entry.failures += 1;
  entry.seconds += seconds;
  const index = BUCKETS.findIndex((bound) => seconds <= bound);
  entry.buckets[index < 0 ? BUCKETS.length : index] += 1;
}
