// Results of every kind and answers made by hand, one path each; handler.js has the rest.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PassThrough, Readable } = require('node:stream');

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const file = path.join(os.tmpdir(), `answer-${process.pid}.txt`);
fs.writeFileSync(file, 'from a file');

const byHand = ({ extensions }) => extensions.response;
const ended = (response) => new Promise((resolve) => response.on('finish', resolve));

let endless = 0;

async function* pieces() {
  yield 'a';
  await wait(0.01);
  yield Buffer.from('b');
}

async function* breaking() {
  yield 'a';
  throw new Error('secret-in-the-error');
}

module.exports = {
  // Begun by hand, ended or not.
  '/write': (event) => void byHand(event).write('part'),
  '/write-and-return': (event) => byHand(event).write('part') && ' and the rest',
  '/write-head-and-return': (event) => byHand(event).writeHead(200, { 'Content-Type': 'text/plain' }) && 'body',
  '/write-head': (event) => void byHand(event).writeHead(204),
  '/write-head-and-object': (event) => byHand(event).writeHead(200, { 'X-A': 'b' }) && { a: 1 },
  '/flush-headers': (event) => byHand(event).flushHeaders() || 'body',
  '/end': (event) => void byHand(event).end('ended'),
  '/end-and-return': (event) => byHand(event).end('ended') && 'ignored',
  '/returns-response': (event) => byHand(event).status(400),
  '/event-stream': async (event) => {
    const response = byHand(event);
    response.set('Content-Type', 'text/event-stream');
    response.flushHeaders();
    for (const number of [1, 2]) response.write(`data: ${number}\n\n`);
    response.end();
  },
  // Express' ways.
  '/json': (event) => byHand(event).status(201).json({ a: 1 }),
  '/send': (event) => byHand(event).send('<p>'),
  '/send-status': (event) => byHand(event).sendStatus(404),
  '/redirect': (event) => byHand(event).redirect('/elsewhere'),
  '/cookie': (event) => byHand(event).cookie('a', '1').cookie('b', '2').send('x'),
  '/format': (event) => byHand(event).format({ json: () => byHand(event).json({ a: 1 }) }),
  '/jsonp': (event) => byHand(event).jsonp({ a: 1 }),
  '/append': (event) => byHand(event).append('X-A', '1').append('X-A', '2').send('x'),
  '/attachment': (event) => byHand(event).attachment('a.txt').send('x'),
  '/send-file': async (event) => {
    byHand(event).sendFile(file);
    await ended(byHand(event));
  },
  '/locals': (event) => {
    byHand(event).locals.a = 1;
    return { ...byHand(event).locals, app: typeof byHand(event).app.get };
  },
  '/express-request': ({ extensions: { request, response } }) => ({
    query: request.query,
    original: request.originalUrl,
    base: request.baseUrl,
    hostname: request.hostname,
    protocol: request.protocol,
    secure: request.secure,
    xhr: request.xhr,
    is: request.is('json'),
    accepts: request.accepts(['json', 'html']),
    paired: request.res === response && response.req === request,
    ip: request.ip.replace('::ffff:', ''),
    own: [
      request instanceof require('node:http').IncomingMessage,
      response instanceof require('node:http').ServerResponse,
    ],
  }),
  // The callback.
  '/callback-status': (_event, _context, send) => send(undefined, 404),
  '/callback-no-content': (_event, _context, send) => send(undefined, 204),
  '/callback-twice': (_event, _context, send) => void [send('first', 202), send('second', 500)],
  '/callback-and-return': (_event, _context, send) => send('sent') || 'returned',
  '/callback-stream': (_event, _context, send) =>
    send(Readable.from(['a', 'b']), 201, { 'Content-Type': 'text/plain' }),
  // Types.
  '/json-text': () => JSON.stringify({ a: 1 }),
  '/xml': (event) => {
    event.setResponseContentType('application/xml');
    return '<a/>';
  },
  '/typed-text': (event) => {
    event.setResponseHeader('Content-Type', 'text/csv');
    return 'a,b';
  },
  '/cookies': (event) => {
    event.setResponseHeader('Set-Cookie', ['a=1', 'b=2']);
    return 'x';
  },
  '/no-content': (event) => {
    event.setResponseStatus(204);
    return { a: 1 };
  },
  '/not-modified': (event) => {
    event.setResponseHeader('ETag', '"v1"');
    return { a: 1 };
  },
  '/own-origin': (event) => {
    event.setResponseHeader('Access-Control-Allow-Origin', 'https://example.com');
    return 'x';
  },
  '/date': () => new Date(0),
  '/url': () => new URL('http://example.com/'),
  '/class': () =>
    new (class Point {
      x = 1;
    })(),
  '/null': () => null,
  '/array': () => [],
  '/big': () => 1n,
  '/circular': () => {
    const circle = {};
    circle.itself = circle;
    return circle;
  },
  '/map': () => new Map([['a', 1]]),
  '/set': () => new Set(['a']),
  '/error': () => new Error('secret-in-the-error'),
  '/error-with-values': () => Object.assign(new Error('x'), { code: 'E1' }),
  '/thenable': () => Object.fromEntries([['then', (resolve) => resolve('then')]]),
  // In pieces.
  '/stream': () => Readable.from(['a', 'b']),
  '/file': () => fs.createReadStream(file),
  '/missing-file': () => fs.createReadStream('/does/not/exist'),
  '/destroyed': () => Readable.from(['a']).destroy(),
  '/breaks': () => Readable.from(breaking()),
  '/objects': () => Readable.from([{ a: 1 }]),
  '/generator': pieces,
  '/sync-generator': function* () {
    yield 'a';
    yield 'b';
  },
  '/breaking-generator': breaking,
  '/endless': () => {
    endless += 1;
    const source = new Readable({ read: () => source.push(Buffer.alloc(65536)) });
    return source.on('close', () => {
      endless -= 1;
    });
  },
  '/endless-generator': function* () {
    for (;;) yield 'x'.repeat(65536);
  },
  '/endless-left': () => ({ left: endless }),
  '/begins-and-stops': () => {
    const through = new PassThrough();
    through.write('begun');
    return through;
  },
  '/late-stream': () => {
    const through = new PassThrough();
    setTimeout(() => through.end('late'), 20);
    return through;
  },
  // The web's types.
  '/web-response': () =>
    new Response('made', {
      status: 202,
      headers: [
        ['X-A', 'b'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
    }),
  '/web-json': () => Response.json({ a: 1 }),
  '/web-empty': () => new Response(null, { status: 204 }),
  '/web-stream': () => new Blob(['in ', 'pieces']).stream(),
  '/blob': () => new Blob(['<svg/>'], { type: 'image/svg+xml' }),
  '/array-buffer': () => new Uint8Array([97, 98]).buffer,
  '/uint16': () => new Uint16Array([0x6261]),
  '/data-view': () => new DataView(new Uint8Array([97]).buffer),
  // Thrown.
  '/throws-text': () => {
    throw 'secret-in-the-error';
  },
  '/throws-nothing': () => {
    throw undefined;
  },
  '/throws-after-length': (event) => {
    event.setResponseHeader('Content-Length', '1000');
    event.setResponseContentType('application/json');
    throw new Error('secret-in-the-error');
  },
  '/throws-after-write': (event) => {
    byHand(event).write('part');
    throw new Error('secret-in-the-error');
  },
};
