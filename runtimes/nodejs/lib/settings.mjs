// What a Function's variables decide. A value that cannot be meant ends the start, with one line that says why: it
// would otherwise fail every request.

/** @typedef {{ timeout: number, megabytes: number, origin: string, logs: boolean, newer: boolean }} Settings */

// setTimeout's longest; a longer time would count as none at all.
const LONGEST_MILLISECONDS = 2 ** 31 - 1;

// From nodejs26 on a handler is main(request, response), as in Kyma, and some variables have other names.
const FIRST_NEWER_RUNTIME = 26;

// Returns the settings; throws an Error that names the variable. `timeout` is in seconds, 0 for no limit. Without
// CORS_ALLOW_ORIGIN every origin may call, as in Kyma; an empty one switches the headers off.
/** @type {(env: NodeJS.ProcessEnv) => Settings} */
export function readSettings(env) {
  const newer = Number(/^nodejs(\d+)$/.exec(env.FUNC_RUNTIME ?? '')?.[1]) >= FIRST_NEWER_RUNTIME;
  return {
    timeout: number(env, 'FUNC_TIMEOUT', 180, 'seconds, 0 for no limit'),
    megabytes: number(env, newer ? 'FUNC_BODY_MB_LIMIT' : 'REQ_MB_LIMIT', 1, 'megabytes'),
    origin: env.CORS_ALLOW_ORIGIN ?? '*',
    logs: Boolean(env[newer ? 'SERVER_INTERNAL_LOGGER' : 'KYMA_INTERNAL_LOGGER_ENABLED']),
    newer,
  };
}

/** @type {(seconds: number) => number} */
export function milliseconds(seconds) {
  return Math.min(Math.ceil(seconds * 1000), LONGEST_MILLISECONDS);
}

/** @type {(env: NodeJS.ProcessEnv, name: string, otherwise: number, unit: string) => number} */
function number(env, name, otherwise, unit) {
  const value = Number(env[name] || otherwise);
  if (value >= 0) return value;
  throw new Error(`${name} is "${env[name]}", but has to be a number of ${unit}`);
}
