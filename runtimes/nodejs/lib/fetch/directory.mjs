// The current directory: complete, or to be filled.
//
// The volume survives a restart of the container, so a marker says for which digest and path it is complete. It is
// written last: without it everything is fetched again.

/** @import { Settings } from './settings.mjs' */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { download } from './download.mjs';
import { Failure } from './failure.mjs';
import { OWN_NAMES, unpack } from './unpack.mjs';

const [MARKER, STAGING] = OWN_NAMES;

// Returns whether the current directory has the files of this very digest and path.
/** @type {(settings: Settings) => boolean} */
export function isComplete(settings) {
  try {
    return readFileSync(MARKER, 'utf8') === marker(settings);
  } catch {
    return false;
  }
}

// Fetches the archive, moves its files to the current directory and returns their number; throws a Failure.
/** @type {(settings: Settings) => Promise<number>} */
export async function fill(settings) {
  try {
    process.umask(0o022);
    remove(MARKER);
    remove(STAGING);
    mkdirSync(STAGING);
    const files = await fetchInto(settings, STAGING);
    for (const name of readdirSync(STAGING)) {
      remove(name);
      renameSync(join(STAGING, name), name);
    }
    rmdirSync(STAGING);
    writeFileSync(MARKER, marker(settings));
    return files;
  } catch (error) {
    const { code, syscall } = /** @type {NodeJS.ErrnoException} */ (error);
    throw syscall ? new Failure(`the directory cannot be written: ${code}`) : error;
  }
}

/** @type {(settings: Settings, directory: string) => Promise<number>} */
async function fetchInto(settings, directory) {
  const path = join(directory, 'archive');
  const file = openSync(path, 'wx+');
  try {
    unlinkSync(path);
    await download(settings, file);
    return await unpack(settings, file, directory);
  } finally {
    closeSync(file);
  }
}

/** @type {(settings: Settings) => string} */
const marker = ({ digest, path }) => `${digest} ${path.join('/')}\n`;

/** @type {(path: string) => void} */
const remove = (path) => rmSync(path, { recursive: true, force: true });
