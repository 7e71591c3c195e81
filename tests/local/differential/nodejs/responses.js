// Express' response: what its methods do, and what a handler returns beside.
const { writeFileSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const page = join(mkdtempSync(join(tmpdir(), 'differential-')), 'page.txt');
writeFileSync(page, 'a page');

// Each is given the response, and the event.
const handlers = {
  'res-json': (response) => response.json({ a: 1 }),
  'res-json-status': (response) => response.status(201).json({ a: 1 }),
  'res-json-text': (response) => response.json('text'),
  'res-json-null': (response) => response.json(null),
  'res-json-not-returned': (response) => {
    response.json({ a: 1 });
  },
  'res-json-of-bigint': (response) => response.json({ a: 1n }),
  'res-send-text': (response) => response.send('text'),
  'res-send-object': (response) => response.send({ a: 1 }),
  'res-send-buffer': (response) => response.send(Buffer.from('ab')),
  'res-send-nothing': (response) => response.send(),
  'res-send-null': (response) => response.send(null),
  'res-send-true': (response) => response.send(true),
  'res-send-number': (response) => response.send(42),
  'res-send-typed': (response) => response.type('xml').send('<a/>'),
  'res-send-status': (response) => response.sendStatus(404),
  'res-send-status-unknown': (response) => response.sendStatus(299),
  'res-send-and-return': (response) => {
    response.send('sent');
    return 'returned';
  },
  'res-send-twice': (response) => {
    response.send('first');
    response.send('second');
  },
  'res-send-later': async (response) => {
    await new Promise(setImmediate);
    response.status(202).send('later');
  },
  'res-end': (response) => response.end(),
  'res-end-text': (response) => response.end('ended'),
  'res-end-status': (response) => response.status(204).end(),
  'res-status-only': (response) => {
    response.status(400);
  },
  'res-status-returned': (response) => response.status(400),
  'res-status-and-text': (response) => {
    response.status(418);
    return 'short and stout';
  },
  'res-status-and-object': (response) => {
    response.status(201);
    return { a: 1 };
  },
  'res-status-and-null': (response) => {
    response.status(404);
    return null;
  },
  'res-status-code-set': (response) => {
    response.statusCode = 405;
    return '';
  },
  'res-status-message': (response) => {
    response.statusMessage = 'Made Up';
    response.statusCode = 299;
    return 'made';
  },
  'res-status-of-text': (response) => {
    response.status('201');
    return 'made';
  },
  'res-status-out-of-range': (response) => {
    response.status(1000);
    return 'made';
  },
  'res-no-content-with-body': (response) => {
    response.status(204);
    return 'made';
  },
  'res-not-modified': (response) => {
    response.status(304);
    return 'made';
  },
  'res-redirect': (response) => response.redirect('/there'),
  'res-redirect-status': (response) => response.redirect(307, 'https://example.com/'),
  'res-location': (response) => {
    response.status(201).location('/made/1');
    return { id: 1 };
  },
  'res-cookie': (response) => {
    response.cookie('a', '1', { httpOnly: true, path: '/a' });
    response.cookie('b', { c: 2 });
    return 'made';
  },
  'res-clear-cookie': (response) => {
    response.clearCookie('a');
    return 'made';
  },
  'res-set': (response) => {
    response.set('X-Made', 'yes');
    response.set({ 'X-Other': 'a', 'X-List': ['1', '2'] });
    return 'made';
  },
  'res-set-type': (response) => {
    response.set('Content-Type', 'application/xml');
    return '<a/>';
  },
  'res-set-type-of-object': (response) => {
    response.set('Content-Type', 'application/hal+json');
    return { a: 1 };
  },
  'res-set-type-of-json-text': (response) => {
    response.set('Content-Type', 'application/json');
    return '{"a": 1}';
  },
  'res-set-header': (response) => {
    response.setHeader('Content-Type', 'text/csv');
    response.setHeader('X-Made', 7);
    return 'a,b';
  },
  'res-set-header-with-newline': (response) => {
    response.setHeader('X-Made', 'a\r\nX-Other: b');
    return 'made';
  },
  'res-set-header-not-ascii': (response) => {
    response.set('X-Made', 'ü');
    return 'made';
  },
  'res-append': (response) => {
    response.append('X-Made', '1').append('X-Made', '2');
    return 'made';
  },
  'res-remove-header': (response) => {
    response.set('X-Made', 'yes').removeHeader('X-Made');
    return `${response.get('X-Made')}`;
  },
  'res-length-given': (response) => {
    response.set('Content-Length', '4');
    return 'made';
  },
  'res-type': (response) => {
    response.type('txt');
    return 'text';
  },
  'res-vary': (response) => response.vary('Origin').links({ next: '/2' }).json([]),
  'res-attachment': (response) => response.attachment('a.csv').send('a,b'),
  'res-format': (response) =>
    response.format({ text: () => response.send('text'), json: () => response.json({ a: 1 }) }),
  'res-jsonp': (response) => response.jsonp({ a: 1 }),
  'res-send-file': (response) =>
    new Promise((resolve) => response.sendFile(page, { lastModified: false, cacheControl: false }, resolve)),
  'res-send-file-not-awaited': (response) => {
    response.sendFile(page, { lastModified: false, cacheControl: false });
  },
  'res-send-file-missing': (response) => new Promise((resolve) => response.sendFile('/does/not/exist', resolve)),
  'res-download': (response) =>
    new Promise((resolve) => response.download(page, 'b.txt', { lastModified: false, cacheControl: false }, resolve)),
  'res-locals': (response) => {
    response.locals.mark = 'kept';
    return {
      mark: response.locals.mark,
      sent: response.headersSent,
      app: typeof response.app,
      req: typeof response.req,
    };
  },
  'set-response-header': (_response, event) => {
    event.setResponseHeader('X-Made', 'yes');
    event.setResponseHeader('Content-Type', 'text/csv');
    return 'a,b';
  },
  'set-response-content-type': (_response, event) => {
    event.setResponseContentType('application/xml');
    return '<a/>';
  },
  'set-response-content-type-short': (_response, event) => {
    event.setResponseContentType('json');
    return '{"a": 1}';
  },
  'set-response-status': (_response, event) => {
    event.setResponseStatus(418);
    return { short: 'and stout' };
  },
  'set-response-status-only': (_response, event) => {
    event.setResponseStatus(204);
  },
};

for (const [name, handler] of Object.entries(handlers)) {
  module.exports[name] = (event) => handler(event.extensions.response, event);
}
