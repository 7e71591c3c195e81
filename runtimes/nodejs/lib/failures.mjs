// What the log says of an error: its stack as far as it concerns the author, and what it brings in plain values. Whole
// requests, responses and sockets, which libraries hang on their errors, are hundreds of lines and hold credentials.
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OURS = dirname(fileURLToPath(import.meta.url)) + sep;
const LIBRARY_FRAMES = 3;
const CAUSES = 4;
const LONGEST_VALUE = 500;

/** @type {(error: any) => string} */
export function describe(error) {
  /** @type {string[]} */
  const lines = [];
  let current = error;
  for (let depth = 0; depth < CAUSES && current !== undefined && current !== null; depth += 1) {
    const text = current instanceof Error ? one(current) : show(current);
    lines.push(depth === 0 ? text : `caused by ${text}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return lines.length > 0 ? lines.join('\n') : `the handler failed with ${error}`;
}

/** @type {(error: any) => string} */
function one(error) {
  const [head, frames] = split(error);
  const about = error.isAxiosError ? request(error) : values(error);
  return [head + (about ? ` (${about})` : ''), ...concerning(frames)].join('\n');
}

// Returns the message and the stack's frames.
/** @type {(error: Error) => [string, string[]]} */
function split(error) {
  const stack = String(error.stack ?? error);
  const at = stack.search(/\n {4}at /);
  return at < 0 ? [stack, []] : [stack.slice(0, at), stack.slice(at + 1).split('\n')];
}

// The author's frames, and the first ones of a library that they called.
/** @type {(frames: string[]) => string[]} */
function concerning(frames) {
  let others = 0;
  return frames.filter((frame) => {
    if (frame.includes(OURS)) return false;
    if (!/node:internal|[\\/]node_modules[\\/]|\(?node:/.test(frame)) return true;
    others += 1;
    return others <= LIBRARY_FRAMES;
  });
}

// An error of axios: what was called, without its query, and what came back.
/** @type {(error: any) => string} */
function request({ code, config = {}, response }) {
  const url = String(config.url ?? '');
  const whole = config.baseURL && !/^[a-z]+:/i.test(url) ? `${config.baseURL}${url}` : url;
  const target = whole.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//');
  const status = response ? `status ${response.status}` : '';
  return [`${String(config.method ?? 'get').toUpperCase()} ${target}`, status, code].filter(Boolean).join(', ');
}

// code: 'ENOENT', errno: -2 ...: not what is an object.
/** @type {(error: any) => string} */
function values(error) {
  return Object.keys(error)
    .filter((name) => name !== 'stack' && name !== 'message' && name !== 'cause')
    .filter((name) => ['string', 'number', 'boolean', 'bigint'].includes(typeof error[name]))
    .map((name) => `${name}: ${show(error[name])}`)
    .join(', ');
}

/** @type {(value: unknown) => string} */
function show(value) {
  let text = typeof value === 'string' ? value : '';
  try {
    if (!text) text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    text = `a ${typeof value}`;
  }
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}...` : text;
}
