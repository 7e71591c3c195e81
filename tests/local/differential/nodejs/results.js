// What a handler may return, or hand to its third argument.
const { Readable } = require('node:stream');

class Named {
  constructor() {
    this.name = 'a';
  }
}

class Described {
  toJSON() {
    return { described: true };
  }
}

class DescribedError extends Error {
  toJSON() {
    return { described: true };
  }
}

const later = (value) => new Promise((resolve) => setImmediate(() => resolve(value)));
const circular = {};
circular.self = circular;

module.exports = {
  text: () => 'text',
  'text-not-ascii': () => 'größer ☂',
  'text-empty': () => '',
  'text-of-html': () => '<h1>hello</h1>',
  'text-of-json': () => JSON.stringify({ a: 1 }),
  'text-large': () => '0123456789'.repeat(20000),
  'text-object': () => new String('wrapped'),
  'text-async': async () => 'later',
  nothing: () => undefined,
  null: () => null,
  object: () => ({ a: [1, null, { b: true }] }),
  'object-empty': () => ({}),
  'object-not-ascii': () => ({ ü: '☂' }),
  'object-of-undefined': () => ({ a: undefined, b: [undefined] }),
  'object-of-a-date': () => ({ at: new Date(0) }),
  'object-of-nan': () => ({ a: Number.NaN }),
  'object-of-functions': () => ({ a: () => 1 }),
  'object-of-bigint': () => ({ a: 1n }),
  'object-circular': () => circular,
  'object-of-a-class': () => new Named(),
  'object-with-toJSON': () => new Described(),
  'object-without-prototype': () => Object.assign(Object.create(null), { a: 1 }),
  'object-with-status': () => ({ status: 404, body: 'not here', headers: { 'X-Made': 'yes' } }),
  'object-of-lambda': () => ({ statusCode: 201, body: 'made' }),
  array: () => [1, 'two', { three: 3 }],
  'array-empty': () => [],
  'array-of-text': () => ['a', 'b'],
  number: () => 42,
  'number-zero': () => 0,
  'number-negative': () => -1,
  'number-of-a-status': () => 404,
  'number-nan': () => Number.NaN,
  'number-async': async () => 42,
  bigint: () => 1n,
  true: () => true,
  false: () => false,
  'false-async': async () => false,
  symbol: () => Symbol('a'),
  function: () => () => 1,
  class: () => Named,
  date: () => new Date(0),
  regexp: () => /a/,
  error: () => new Error('secret-in-the-error'),
  'error-with-toJSON': () => new DescribedError('secret-in-the-error'),
  map: () => new Map([['a', 1]]),
  set: () => new Set(['a']),
  generator: function* () {
    yield 'a';
    yield 'b';
  },
  'generator-async': async function* () {
    yield 'a';
    yield 'b';
  },
  buffer: () => Buffer.from([0, 1]),
  'buffer-of-text': () => Buffer.from('text'),
  'buffer-empty': () => Buffer.alloc(0),
  'buffer-typed': (event) => {
    event.setResponseContentType('image/png');
    return Buffer.from('png');
  },
  uint8array: () => new Uint8Array([97, 98]),
  uint16array: () => new Uint16Array([97, 98]),
  arraybuffer: () => new Uint8Array([97, 98]).buffer,
  dataview: () => new DataView(new Uint8Array([97, 98]).buffer),
  blob: () => new Blob(['text'], { type: 'text/plain' }),
  'fetch-response': () => new Response('text', { status: 201, headers: { 'X-Made': 'yes' } }),
  'fetch-response-json': () => Response.json({ a: 1 }),
  'fetch-headers': () => new Headers({ a: '1' }),
  url: () => new URL('https://example.com/'),
  'url-search-params': () => new URLSearchParams({ a: '1' }),
  promise: () => later({ a: 1 }),
  'promise-of-nothing': () => later(),
  'promise-of-null': () => later(null),
  'promise-of-promise': () => later(later('inner')),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
  thenable: () => ({ then: (resolve) => resolve('thenable') }),
  'thenable-with-catch': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    then(resolve) {
      resolve('thenable');
      return this;
    },
    catch: () => {},
  }),
  'web-stream': () => Readable.toWeb(Readable.from([Buffer.from('text')])),
  'callback-text': (_event, _context, send) => send('text'),
  'callback-object': (_event, _context, send) => send({ a: 1 }),
  'callback-status': (_event, _context, send) => send({ a: 1 }, 201),
  'callback-status-and-headers': (_event, _context, send) =>
    send('made', 201, { 'X-Made': 'yes', 'Content-Type': 'text/plain' }),
  'callback-cookies': (_event, _context, send) => send('made', 200, { 'Set-Cookie': ['a=1', 'b=2'] }),
  'callback-status-only': (_event, _context, send) => send(undefined, 404),
  'callback-status-of-ok': (_event, _context, send) => send('', 201),
  'callback-no-content': (_event, _context, send) => send(null, 204),
  'callback-nothing': (_event, _context, send) => send(),
  'callback-number': (_event, _context, send) => send(42),
  'callback-zero': (_event, _context, send) => send(0),
  'callback-buffer': (_event, _context, send) => send(Buffer.from('ab')),
  'callback-error': (_event, _context, send) => send(new Error('secret-in-the-error'), 500),
  'callback-twice': (_event, _context, send) => {
    send('first');
    send('second', 500);
  },
  'callback-and-return': (_event, _context, send) => {
    send('called');
    return 'returned';
  },
  'callback-later': (_event, _context, send) =>
    new Promise((resolve) => {
      setImmediate(() => {
        send('later', 202);
        resolve();
      });
    }),
  'callback-after-return': (_event, _context, send) => {
    setImmediate(() => send('late'));
  },
};
