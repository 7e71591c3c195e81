// What of an archive is written: the files below one directory of it, and nothing outside the root.

/** @import { Entry } from './headers.mjs' */
/** @import { Settings } from './settings.mjs' */
import { entries, Stream } from './archive.mjs';
import { quoted, refused } from './failure.mjs';
import { MARKER, STAGING } from './marker.mjs';
import { Tree } from './tree.mjs';

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const MAX_DEPTH = 64;
// The whole archive may unpack to this many times the limit of what is written of it.
const SKIPPED = 4;

// Unpacks settings.path of the open tar.gz into the empty directory `root`; returns the number of files.
/** @type {(settings: Settings, file: number, root: string) => Promise<number>} */
export async function unpack(settings, file, root) {
  const tree = new Tree(root, settings.maxFiles);
  let isFound = false;
  for await (const [entry, size, content] of entries(new Stream(file, SKIPPED * settings.maxFiles))) {
    const path = below(settings.path, parts(entry.name), entry);
    if (!path) continue;
    isFound = true;
    const target = linkTarget(settings.path, path, entry);
    await tree.add(path, entry, size, content, target);
  }
  if (!isFound) {
    throw refused(settings.path.length > 0 ? `it has no directory ${quoted(settings.path.join('/'))}` : 'it is empty');
  }
  tree.makeLinks();
  return tree.files;
}

// Returns the names of a path within the archive.
/** @type {(name: string) => string[]} */
function parts(name) {
  const found = names(name);
  if (name.startsWith('/')) throw refused(`${quoted(name)} is an absolute path`);
  if (found.includes('..')) throw refused(`${quoted(name)} has .. in it`);
  checkText(name);
  if (found.length > MAX_DEPTH) throw refused(`${quoted(name)} has more than ${MAX_DEPTH} directories`);
  return found;
}

/** @type {(path: string) => string[]} */
const names = (path) => path.split('/').filter((name) => name !== '' && name !== '.');

/** @type {(name: string) => void} */
function checkText(name) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
  if (/[\0-\x1f\x7f]/.test(name)) throw refused(`${quoted(name)} has control characters`);
  if (bytes(name) > MAX_PATH_BYTES || name.split('/').some((part) => bytes(part) > MAX_NAME_BYTES)) {
    throw refused(
      `${quoted(name)} is too long: ${MAX_NAME_BYTES} bytes are allowed, ${MAX_PATH_BYTES} with directories`,
    );
  }
  if (name.includes('\ufffd')) throw refused(`${quoted(name)} is not UTF-8`);
}

/** @type {(text: string) => number} */
const bytes = (text) => Buffer.byteLength(text);

// Returns the path relative to `top`, [] for `top` itself, undefined for what is elsewhere; throws a Failure.
/** @type {(top: string[], path: string[], entry: Entry) => string[] | undefined} */
function below(top, path, entry) {
  const common = Math.min(top.length, path.length);
  if (top.slice(0, common).join('/') !== path.slice(0, common).join('/')) return undefined;
  if (path.length <= top.length && entry.kind !== 'directory') {
    throw refused(`${quoted(entry.name)} is a ${entry.kind}, not a directory`);
  }
  if (path.length < top.length) return undefined;
  const rest = path.slice(top.length);
  if ([MARKER, STAGING].includes(rest[0])) throw refused(`${quoted(entry.name)} has a name that is reserved`);
  return rest;
}

// Returns the target of a link, "" for files and directories; throws a Failure for all other kinds.
/** @type {(top: string[], path: string[], entry: Entry) => string} */
function linkTarget(top, path, { kind, name, target }) {
  if (kind === 'file' || kind === 'directory') return '';
  if (kind === 'symbolic link' && staysInside(target, path.length - 1)) return target;
  if (kind === 'hard link') {
    const found = parts(target);
    if (top.every((name, at) => found[at] === name)) return found.slice(top.length).join('/');
  }
  if (kind.endsWith('link')) {
    throw refused(`${quoted(name)} is a ${kind} to ${quoted(target)}, outside of the directory`);
  }
  throw refused(`${quoted(name)} is a ${kind}`);
}

// Returns whether a symbolic link in a directory `depth` below the root cannot leave the root. Its target is relative
// and has .. only in front, at most `depth` times. Those lead up real directories, since no directory is a link when it
// is written; the names after them lead down, perhaps through links of the same kind.
/** @type {(target: string, depth: number) => boolean} */
function staysInside(target, depth) {
  checkText(target);
  const all = names(target);
  const down = all.findIndex((name) => name !== '..');
  const ups = down < 0 ? all.length : down;
  return target !== '' && !target.startsWith('/') && ups <= depth && !all.slice(ups).includes('..');
}
