// Ways to fail.
class Custom extends Error {
  constructor() {
    super('secret-in-the-error');
    this.status = 418;
    this.statusCode = 418;
  }
}

function fails() {
  throw new Error('secret-in-the-error');
}

module.exports = {
  fails,
  'fails-later': async () => fails(),
  'fails-with-text': () => {
    throw 'my own words';
  },
  'fails-with-text-later': async () => {
    throw 'my own words';
  },
  'fails-with-object': () => {
    throw { status: 404, message: 'not here' };
  },
  'fails-with-object-later': () => Promise.reject({ status: 404, message: 'not here' }),
  'fails-with-nothing': () => {
    throw undefined;
  },
  'fails-with-nothing-later': () => Promise.reject(),
  'fails-with-number': () => {
    throw 404;
  },
  'fails-with-own-class': () => {
    throw new Custom();
  },
  'fails-with-own-class-later': async () => {
    throw new Custom();
  },
  'fails-with-type-error': () => undefined.missing,
  'fails-after-status': (event) => {
    event.setResponseStatus(418);
    throw new Error('secret-in-the-error');
  },
  'fails-after-sending': (event) => {
    event.extensions.response.send('sent');
    throw new Error('secret-in-the-error');
  },
  'fails-after-callback': (_event, _context, send) => {
    send('called');
    throw new Error('secret-in-the-error');
  },
  'fails-in-a-timer': () =>
    new Promise((resolve) => {
      setTimeout(() => resolve('survived'), 30);
      setTimeout(() => fails(), 5);
    }),
  'fails-without-await': () => {
    Promise.reject(new Error('secret-in-the-error'));
    return 'survived';
  },
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
  'thenable-that-rejects': () => ({ then: (_resolve, reject) => reject(new Error('secret-in-the-error')) }),
  recursion: function recursion() {
    return recursion();
  },
  forever: () => new Promise(() => {}),
  'slow-but-in-time': () => new Promise((resolve) => setTimeout(() => resolve('in time'), 100)),
};
