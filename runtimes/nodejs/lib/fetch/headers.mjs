// The headers of a tar: ustar, with what pax and GNU extended headers override.
import { damaged, quoted } from './failure.mjs';

/** @type {Record<string, string>} */
const KINDS = {
  0: 'file',
  '\0': 'file',
  7: 'file',
  5: 'directory',
  2: 'symbolic link',
  1: 'hard link',
  3: 'device',
  4: 'device',
  6: 'fifo',
  S: 'sparse file',
};
const PAX = ['x', 'X'];
export const EXTENDED = [...PAX, 'g', 'L', 'K'];
const GNU = ['L', 'K', 'S'];

// `kind` is a value of KINDS, or "entry of an unknown type"; `target` is that of a link.
/** @typedef {{ name: string, kind: string, isExecutable: boolean, target: string }} Entry */
/** @typedef {{ type: string, name: string, size: number, mode: number, target: string }} Header */
/** @typedef {{ path?: string, linkpath?: string, size?: number, sparse?: boolean }} Extended */

// Decodes a header, a block of 512 bytes; throws a Failure.
/** @type {(block: Buffer) => Header} */
export function readHeader(block) {
  if (number(block, 148, 8) !== checksum(block)) throw damaged('bad checksum');
  const type = String.fromCharCode(block[156]);
  const prefix = GNU.includes(type) ? '' : text(block, 345, 155);
  const name = (prefix && `${prefix}/`) + text(block, 0, 100);
  const isDirectory = type === '\0' && name.endsWith('/');
  return {
    type: isDirectory ? '5' : type,
    name,
    size: number(block, 124, 12),
    mode: number(block, 100, 8),
    target: text(block, 157, 100),
  };
}

/** @type {(block: Buffer) => number} */
function checksum(block) {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

/** @type {(block: Buffer, start: number, size: number) => string} */
function text(block, start, size) {
  const field = block.subarray(start, start + size);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? size : end);
}

// Returns a number, in octal digits or, after a byte of 128, in binary.
/** @type {(block: Buffer, start: number, size: number) => number} */
function number(block, start, size) {
  if (block[start] === 128) {
    return block.subarray(start + 1, start + size).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const digits = text(block, start, size).trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged('bad number');
  return Number.parseInt(digits || '0', 8);
}

// Returns the number of bytes that follow the header: none for links, directories and devices.
/** @type {(header: Header, extended: Extended) => number} */
export function sizeOf(header, extended) {
  const isFile = ['file', 'sparse file', undefined].includes(KINDS[header.type]);
  return isFile ? (extended.size ?? header.size) : 0;
}

/** @type {(header: Header, extended: Extended) => Entry} */
export function entryOf(header, extended) {
  const kind = KINDS[header.type] ?? 'entry of an unknown type';
  return {
    name: extended.path ?? header.name,
    kind: extended.sparse ? 'sparse file' : kind,
    isExecutable: (header.mode & 0o111) !== 0,
    target: extended.linkpath ?? header.target,
  };
}

// Returns what an extended header of this type says about the next entry.
/** @type {(type: string, body: Buffer) => Extended} */
export function readExtended(type, body) {
  if (PAX.includes(type)) return readRecords(body);
  if (type === 'g') return {};
  return { [type === 'L' ? 'path' : 'linkpath']: text(body, 0, body.length) };
}

// Reads a pax header. Each record is "LENGTH KEY=VALUE\n", and LENGTH counts all of it.
/** @type {(body: Buffer) => Extended} */
function readRecords(body) {
  /** @type {Extended} */
  const found = {};
  for (let at = 0; at < body.length; ) {
    const digits = /^[0-9]{1,6}(?= )/.exec(body.toString('latin1', at, at + 7))?.[0] ?? '';
    const record = body.subarray(at + digits.length + 1, at + Number(digits));
    const equals = record.indexOf('=');
    const isWhole = at + Number(digits) <= body.length && record.at(-1) === 10;
    if (equals < 0 || !isWhole) throw damaged('an extended header has a broken record');
    const key = record.toString('utf8', 0, equals);
    const value = record.toString('utf8', equals + 1, record.length - 1);
    if (key === 'path' || key === 'linkpath') found[key] = value;
    if (key === 'size') found.size = size(value);
    if (key.startsWith('GNU.sparse.')) found.sparse = true;
    at += Number(digits);
  }
  return found;
}

/** @type {(value: string) => number} */
function size(value) {
  if (/^[0-9]{1,15}$/.test(value)) return Number(value);
  throw damaged(`an entry has the size ${quoted(value)}`);
}
