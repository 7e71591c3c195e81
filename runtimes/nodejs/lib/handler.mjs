// The user's function, loaded once before the first response.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {(body: unknown, status?: number, headers?: Record<string, string>) => void} Send */
/** @typedef {(event: import('./event.mjs').Event, context: object, send: Send) => unknown} Handler */

// Returns the exported `main` of the module at `path`, CommonJS or ES module. If it cannot be loaded, the process writes
// the reason to standard error, with the error in the last line, and exits with code 1.
/** @type {(path: string) => Promise<Handler>} */
export async function loadHandler(path) {
  let module;
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    console.error(error);
    fail(`The handler could not be loaded. ${String(error).split('\n')[0]}`);
  }
  const main = module.main ?? module.default?.main;
  if (typeof main !== 'function') fail('handler.js exports no function main(event, context)');
  return main;
}

/** @type {(message: string) => never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}
