// The user's function, loaded once before the first answer.
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {(body: unknown, status?: number, headers?: Record<string, string>) => void} Send */
/** @typedef {(event: import('./event.mjs').Event, context: object, send: Send) => unknown} Handler */

// Returns the handler and the text of the module at `path`, or of the one that package.json beside it names. The handler
// is the export `main`, or else a function that is the default export, of CommonJS, an ES module or TypeScript. If it
// cannot be had, the reason goes to standard error, the error in the last line, and the process ends with code 1.
/** @type {(path: string) => Promise<{ main: Handler, text: string }>} */
export async function loadHandler(path) {
  const file = fileOf(resolve(path));
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  let module;
  try {
    // Loading what counts for OpenTelemetry takes longer than the rest of the start; few handlers need it.
    if (/@opentelemetry\/api[^/]/.test(text)) await import('./meters.mjs');
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    console.error(error);
    fail(`The handler could not be loaded. ${String(error).split('\n')[0]}${hint(file)}`);
  }
  const candidates = [module.main, module.default?.main, module.default, module.default?.default];
  const main = candidates.find((candidate) => typeof candidate === 'function');
  if (!main) fail(`${parse(file).base} exports no function main(event, context)`);
  return { main, text };
}

// A handler.js is what runs, as in Kyma, unless `main` gives the same name another extension: the inline source, which
// is always written to handler.js, is then meant as that (handler.mjs, handler.ts). Without a handler.js `main` decides.
/** @type {(path: string) => string} */
function fileOf(path) {
  const { dir, name } = parse(path);
  const main = mainOf(dir);
  if (!main) return path;
  const named = resolve(dir, main);
  if (!existsSync(path)) return named;
  if (dirname(named) !== dir || parse(named).name !== name) return path;
  if (!existsSync(named)) copyFileSync(path, named);
  return named;
}

/** @type {(directory: string) => string | undefined} */
function mainOf(directory) {
  try {
    const { main } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return typeof main === 'string' && main ? main : undefined;
  } catch {
    return undefined;
  }
}

/** @type {(file: string) => string} */
function hint(file) {
  const strips = /** @type {any} */ (process.features).typescript;
  return /\.[cm]?ts$/.test(file) && !strips ? ` (TypeScript needs Node.js 22.18, this is ${process.version})` : '';
}

/** @type {(message: string) => never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}
