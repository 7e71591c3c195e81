// The files that are written.
//
// Symbolic links are made last. Until then no path in the root leads through a link, so nothing is written through one.

/** @import { Entry } from './headers.mjs' */
import { closeSync, linkSync, lstatSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Failure, quoted, refused } from './failure.mjs';

/** @typedef {AsyncGenerator<Buffer>} Content */

// Limit of symbolic links, which are held in memory: 20 MB at most.
const MAX_LINKS = 10_000;
// Each file and directory takes whole blocks of the disk, and at least one; the kubelet counts those.
const DISK_BLOCK = 4096;

// The files in `root`.
export class Tree {
  /** @param {string} root @param {number} limit */
  constructor(root, limit) {
    this.files = 0;
    this.root = root;
    this.limit = limit;
    this.left = limit;
    /** @type {[string, string][]} */
    this.links = [];
  }

  // Adds an entry at `path`, with `size` bytes of content, or as a link to `target`; throws a Failure.
  /** @type {(path: string[], entry: Entry, size: number, content: Content, target: string) => Promise<void>} */
  async add(path, entry, size, content, target) {
    try {
      await this.addEntry(join(this.root, ...path), entry, size, content, target);
    } catch (error) {
      throw unwritable(error, entry.name);
    }
  }

  /** @type {(place: string, entry: Entry, size: number, content: Content, target: string) => Promise<void>} */
  async addEntry(place, entry, size, content, target) {
    if (entry.kind === 'directory') return this.addDirectory(place);
    this.addDirectory(dirname(place));
    this.files++;
    this.use(size);
    if (entry.kind === 'file') return write(place, content, entry.isExecutable ? 0o755 : 0o644);
    if (entry.kind === 'hard link') return this.addHardLink(place, target, entry);
    if (this.links.length === MAX_LINKS) throw refused(`it has more than ${MAX_LINKS} symbolic links`);
    this.links.push([place, target]);
  }

  makeLinks() {
    for (const [place, target] of this.links) {
      try {
        symlinkSync(target, place);
      } catch (error) {
        throw unwritable(error, relative(this.root, place));
      }
    }
  }

  /** @type {(place: string, target: string, entry: Entry) => void} */
  addHardLink(place, target, entry) {
    const source = join(this.root, target);
    if (!lstatSync(source, { throwIfNoEntry: false })?.isFile()) {
      throw refused(`${quoted(entry.name)} is a hard link to ${quoted(entry.target)}, which is no file before it`);
    }
    linkSync(source, place);
  }

  // Makes a directory and those above it, where they do not exist; throws EEXIST for a file.
  /** @type {(place: string) => void} */
  addDirectory(place) {
    if (isDirectory(place)) return;
    this.addDirectory(dirname(place));
    this.use(0);
    mkdirSync(place);
  }

  /** @type {(size: number) => void} */
  use(size) {
    this.left -= Math.max(Math.ceil(size / DISK_BLOCK), 1) * DISK_BLOCK;
    if (this.left < 0) throw refused(`its files need more than ${this.limit} bytes of disk space`);
  }
}

/** @type {(place: string) => boolean} */
function isDirectory(place) {
  try {
    return lstatSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

/** @type {(place: string, content: Content, mode: number) => Promise<void>} */
async function write(place, content, mode) {
  const file = openSync(place, 'wx', mode);
  try {
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    }
  } finally {
    closeSync(file);
  }
}

/** @type {(error: any, name: string) => Failure} */
function unwritable(error, name) {
  if (error instanceof Failure) return error;
  if (['EEXIST', 'ENOTDIR', 'EISDIR'].includes(error.code)) {
    return refused(`${quoted(name)} is in it twice, or below a file`);
  }
  return new Failure(`${quoted(name)} cannot be written: ${error.code ?? error.message}`);
}
