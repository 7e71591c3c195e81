// The entries of a tar.gz, one after the other.
//
// There is no package for this: npm's `tar` takes the shortened name of a file if the long one is split between two
// chunks or has a newline, and others read entries of unknown types as files.

/** @import { Entry, Extended, Header } from './headers.mjs' */
import { createReadStream, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { damaged, refused } from './failure.mjs';
import { EXTENDED, entryOf, readExtended, readHeader, sizeOf } from './headers.mjs';

const MAX_ENTRIES = 100_000;
// Limit of one extended header; the longest path has 4,096 bytes, and extended attributes are small.
const MAX_EXTENDED_BYTES = 256 * 1024;
const BLOCK = 512;
const CHUNK = 65_536;
const MAGIC = Buffer.from([0x1f, 0x8b]);

// The unpacked bytes of an open tar.gz, `limit` at most; throws a Failure where it is damaged or longer.
export class Stream {
  /** @param {number} file @param {number} limit */
  constructor(file, limit) {
    this.file = file;
    if (!readAt(file, 0).subarray(0, 2).equals(MAGIC)) throw refused('it is not a tar.gz file');
    const packed = createReadStream('', { fd: file, start: 0, autoClose: false });
    this.gunzip = pipeline(packed, createGunzip(), () => {});
    this.source = this.gunzip[Symbol.asyncIterator]();
    this.limit = limit;
    this.left = limit;
    this.rest = Buffer.alloc(0);
  }

  // Returns 1 to `size` bytes, or none at the end.
  /** @type {(size: number) => Promise<Buffer>} */
  async some(size) {
    if (this.rest.length === 0) this.rest = await this.next();
    const data = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(data.length);
    return data;
  }

  async next() {
    const { value } = await this.source.next().catch((/** @type {Error} */ error) => {
      throw damaged(error.message);
    });
    if (!value) this.checkPadding();
    const data = value ?? Buffer.alloc(0);
    this.left -= data.length;
    if (this.left < 0) throw refused(`it unpacks to more than ${this.limit} bytes`);
    return data;
  }

  // Zeros may follow the end, as tapes leave them.
  checkPadding() {
    for (let at = this.gunzip.bytesWritten; ; at += CHUNK) {
      const rest = readAt(this.file, at);
      if (rest.length === 0) return;
      if (rest.some((byte) => byte !== 0)) throw damaged('data follows its end');
    }
  }

  // Yields `size` bytes.
  /** @type {(size: number) => AsyncGenerator<Buffer>} */
  async *chunks(size) {
    for (let left = size; left > 0; ) {
      const data = await this.some(Math.min(left, CHUNK));
      if (data.length === 0) throw damaged('it ends within an entry');
      left -= data.length;
      yield data;
    }
  }
}

/** @type {(file: number, position: number) => Buffer} */
function readAt(file, position) {
  const chunk = Buffer.alloc(CHUNK);
  return chunk.subarray(0, readSync(file, chunk, 0, CHUNK, position));
}

// Yields each entry with the size and the chunks of its content, of which any number may be taken. Throws a Failure for
// a damaged archive, and for more than MAX_ENTRIES headers.
/** @type {(stream: Stream) => AsyncGenerator<[Entry, number, AsyncGenerator<Buffer>]>} */
export async function* entries(stream) {
  /** @type {Extended} */
  let extended = {};
  for (let count = 0; count < MAX_ENTRIES; count++) {
    const header = await nextHeader(stream);
    if (!header) return;
    const isExtended = EXTENDED.includes(header.type);
    const size = sizeOf(header, isExtended ? {} : extended);
    const content = stream.chunks(size);
    if (isExtended) {
      if (size > MAX_EXTENDED_BYTES) {
        throw refused(`it has an extended header of more than ${MAX_EXTENDED_BYTES} bytes`);
      }
      extended = { ...extended, ...readExtended(header.type, await collect(content)) };
    } else {
      yield [entryOf(header, extended), size, content];
      extended = {};
    }
    await drain(content);
    await drain(stream.chunks(padding(size)));
  }
  throw refused(`it has more than ${MAX_ENTRIES} entries`);
}

// Returns the next header; at the end of the archive reads the rest and returns undefined.
/** @type {(stream: Stream) => Promise<Header | undefined>} */
async function nextHeader(stream) {
  const block = await collect(stream.chunks(BLOCK));
  if (block.some((byte) => byte !== 0)) return readHeader(block);
  while ((await stream.some(CHUNK)).length > 0);
  return undefined;
}

/** @type {(size: number) => number} */
const padding = (size) => (BLOCK - (size % BLOCK)) % BLOCK;

/** @type {(chunks: AsyncGenerator<Buffer>) => Promise<Buffer>} */
async function collect(chunks) {
  const all = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** @type {(chunks: AsyncGenerator<Buffer>) => Promise<void>} */
async function drain(chunks) {
  for await (const _ of chunks);
}
