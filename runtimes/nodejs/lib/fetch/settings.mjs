// The variables of the init container.
import { Failure, printable, quoted } from './failure.mjs';

// `digest` is that of the archive: "sha256:" and 64 hexadecimal digits. `path` is the directory in the archive as its
// names, [] for the root. `label` is the revision and the digest, for messages. `timeout` limits the download in seconds,
// all attempts together. `maxArchive` limits the archive in bytes: a quarter of the volume. `maxFiles` limits the disk
// space for the unpacked files: half of the volume, which leaves the other half for the dependencies.
/** @typedef {{ url: URL, digest: string, path: string[], label: string, timeout: number } & Limits} Settings */
/** @typedef {{ maxArchive: number, maxFiles: number }} Limits */

const VOLUME_BYTES = 1024 ** 3;
const TIMEOUT_SECONDS = 60;
const MOST_BYTES = Number.MAX_SAFE_INTEGER;
const MOST_SECONDS = 24 * 3600;

// Returns the settings; throws a Failure that names the variable.
/** @type {(env: NodeJS.ProcessEnv) => Settings} */
export function readSettings(env) {
  const digest = readDigest(env.SOURCE_DIGEST ?? '');
  const revision = env.SOURCE_REVISION;
  const volume = readPositive(env, 'SOURCE_MAX_BYTES', VOLUME_BYTES, MOST_BYTES);
  return {
    url: readUrl(env.SOURCE_URL ?? ''),
    digest,
    path: readPath(env.SOURCE_PATH ?? ''),
    label: revision ? `${printable(revision)} (${digest})` : digest,
    maxArchive: Math.floor(volume / 4),
    maxFiles: Math.floor(volume / 2),
    timeout: readPositive(env, 'SOURCE_TIMEOUT', TIMEOUT_SECONDS, MOST_SECONDS),
  };
}

/** @type {(value: string) => string} */
function readDigest(value) {
  if (/^sha256:[0-9a-f]{64}$/.test(value)) return value;
  throw new Failure(`SOURCE_DIGEST: Invalid value: ${quoted(value)}: must be sha256: and 64 hexadecimal digits`);
}

// Returns the URL. It is in no message: a query may hold a signature.
/** @type {(value: string) => URL} */
function readUrl(value) {
  if (!/^https?:\/\/[!-~]+$/.test(value) || !URL.canParse(value)) {
    throw new Failure('SOURCE_URL: Invalid value: must be an http or https URL');
  }
  const url = new URL(value);
  if (url.username || url.password) throw new Failure('SOURCE_URL: Invalid value: must not contain a user');
  return url;
}

/** @type {(value: string) => string[]} */
function readPath(value) {
  const names = value.split('/').filter((name) => name !== '' && name !== '.');
  if (!names.includes('..')) return names;
  throw new Failure(`SOURCE_PATH: Invalid value: ${quoted(value)}: must not contain ..`);
}

/** @type {(env: NodeJS.ProcessEnv, name: string, otherwise: number, most: number) => number} */
function readPositive(env, name, otherwise, most) {
  const value = env[name] || String(otherwise);
  if (/^[1-9][0-9]{0,14}$/.test(value) && Number(value) <= most) return Number(value);
  throw new Failure(`${name}: Invalid value: ${quoted(value)}: must be a whole number from 1 to ${most}`);
}
