// Responses begun by hand, streams, and server-sent events.
const { createReadStream, mkdtempSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { PassThrough, Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const zlib = require('node:zlib');

const page = join(mkdtempSync(join(tmpdir(), 'differential-')), 'page.txt');
writeFileSync(page, 'a page');
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function events(response, pause) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  for (let number = 0; number < 3; number += 1) {
    response.write(`data: ${number}\n\n`);
    await wait(pause);
  }
}

const handlers = {
  'write-and-end': (response) => {
    response.write('part ');
    response.end('end');
  },
  'write-and-end-later': async (response) => {
    response.write('part ');
    await wait(20);
    response.end('end');
  },
  'write-only': (response) => {
    response.write('part');
  },
  'write-and-return-text': (response) => {
    response.write('part ');
    return 'body';
  },
  'write-and-return-object': (response) => {
    response.write('part ');
    return { a: 1 };
  },
  'write-and-end-after-return': (response) => {
    response.write('part ');
    setTimeout(() => response.end('end'), 20);
  },
  'write-head-and-end': (response) => response.writeHead(201, { 'Content-Type': 'text/plain' }).end('made'),
  'write-head-only': (response) => {
    response.writeHead(204);
  },
  'write-head-and-return-text': (response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    return 'body';
  },
  'write-head-and-return-buffer': (response) => {
    response.writeHead(200, { 'Content-Type': 'image/png' });
    return Buffer.from('png');
  },
  'write-head-and-return-object': (response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    return { a: 1 };
  },
  'write-head-and-callback': (response, _event, send) => {
    response.writeHead(202, { 'Content-Type': 'text/plain' });
    send('called');
  },
  'write-head-and-throw': (response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    throw new Error('secret-in-the-error');
  },
  'write-and-throw': (response) => {
    response.write('part');
    throw new Error('secret-in-the-error');
  },
  'flush-headers-and-return-text': (response) => {
    response.status(202).type('txt').flushHeaders();
    return 'body';
  },
  'flush-headers-only': (response) => {
    response.flushHeaders();
  },
  'events-awaited': async (response) => {
    await events(response, 10);
    response.end();
  },
  'events-not-ended': (response) => events(response, 10),
  'events-longer-than-the-limit': async (response) => {
    await events(response, 1500);
    response.end();
  },
  stream: () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
  'stream-of-text': () => Readable.from(['a', 'b']),
  'stream-of-objects': () => Readable.from([{ a: 1 }]),
  'stream-of-a-file': () => createReadStream(page),
  'stream-of-a-missing-file': () => createReadStream('/does/not/exist'),
  'stream-that-fails-midway': () =>
    Readable.from(
      (async function* () {
        yield 'part';
        throw new Error('secret-in-the-error');
      })(),
    ),
  'stream-destroyed': () => new PassThrough().destroy(),
  'stream-awaited': async () => Readable.from(['a']),
  'stream-typed': (response) => {
    response.type('image/png');
    return Readable.from([Buffer.from('png')]);
  },
  'stream-compressed': (response) => {
    response.set('Content-Encoding', 'gzip').type('txt');
    return pipeline(Readable.from(['text']), zlib.createGzip(), response);
  },
  'stream-piped': (response) => {
    createReadStream(page).pipe(response);
    return new Promise((resolve) => response.on('finish', resolve));
  },
  'stream-piped-not-awaited': (response) => {
    createReadStream(page).pipe(response);
  },
  'stream-piped-and-returned': (response) => createReadStream(page).pipe(response),
  'stream-by-pipeline': (response) => pipeline(Readable.from(['a', 'b']), response),
  'response-returned': (response) => response,
  'response-destroyed': (response) => {
    response.destroy();
  },
};

for (const [name, handler] of Object.entries(handlers)) {
  module.exports[name] = (event, _context, send) => handler(event.extensions.response, event, send);
}
