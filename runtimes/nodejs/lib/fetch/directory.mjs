// The current directory is filled in two steps, into a directory of it and from there.
//
// The volume survives a restart of the container: a marker, written last, says that everything is there. Without it
// everything is fetched again.

/** @import { Settings } from './settings.mjs' */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { download } from './download.mjs';
import { Failure } from './failure.mjs';
import { content, MARKER, STAGING } from './marker.mjs';
import { unpack } from './unpack.mjs';

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
    writeFileSync(MARKER, content(settings), { flag: 'wx' });
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

/** @type {(path: string) => void} */
const remove = (path) => rmSync(path, { recursive: true, force: true });
