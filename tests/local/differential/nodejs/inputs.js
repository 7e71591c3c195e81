// What a handler sees of a request, and of its Function.
const kind = (value) => {
  if (Buffer.isBuffer(value)) return 'buffer';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : (value?.constructor?.name ?? typeof value);
};
const shown = (value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value);
const seen = (handler) => (event, context) => handler(event.extensions.request, event, context);

module.exports = {
  data: (event) => ('data' in event ? { kind: kind(event.data), value: shown(event.data) } : { absent: true }),
  'data-name': (event) => `Hello, ${event.data.name}`,
  'event-keys': (event) => Object.keys(event).sort(),
  'request-line': seen(({ method, path, url, originalUrl, baseUrl, hostname, protocol }) => {
    return { method, path, url, originalUrl, baseUrl, hostname, protocol };
  }),
  'request-flags': seen(({ secure, xhr, fresh, stale, subdomains, httpVersion }) => {
    return { secure, xhr, fresh, stale, subdomains, httpVersion };
  }),
  'request-ip': seen(({ ip, ips, socket }) => ({ ip: typeof ip, ips, remote: typeof socket.remoteAddress })),
  'request-kinds': seen((request) => ({
    request: request.constructor.name,
    response: request.res.constructor.name,
    app: typeof request.app,
    next: typeof request.next,
    same: request.res.req === request,
  })),
  'request-params': seen(({ params }) => ({ params })),
  'request-route': seen(({ route }) => ({ route: route?.path ?? null })),
  query: seen(({ query }) => query),
  headers: seen((request) => ({
    get: request.get('X-Test'),
    header: request.header('x-test'),
    map: request.headers['x-test'],
    missing: request.get('X-Missing') ?? null,
    raw: request.rawHeaders.includes('X-Test'),
  })),
  'header-names': seen(({ headers }) => Object.keys(headers).sort()),
  'headers-referrer': seen((request) => ({ referrer: request.get('referrer') ?? null })),
  cookies: seen((request) => ({ cookies: request.cookies ?? null, header: request.headers.cookie ?? null })),
  is: seen((request) => ({
    json: request.is('json'),
    any: request.is('application/*'),
    text: request.is(['text/plain', 'html']),
  })),
  accepts: seen((request) => ({
    type: request.accepts('html', 'json'),
    types: request.accepts(),
    charset: request.acceptsCharsets('utf-8'),
    encoding: request.acceptsEncodings('gzip', 'identity'),
    language: request.acceptsLanguages('de', 'en'),
  })),
  range: seen((request) => ({ range: request.range(100) ?? null })),
  body: seen(({ body }) => ({ kind: kind(body), value: shown(body) ?? null })),
  'body-stream': seen(async (request) => {
    const pieces = [];
    if (!request.readableEnded) for await (const piece of request) pieces.push(piece);
    return { length: Buffer.concat(pieces).length };
  }),
  'kept-on-request': (event) => {
    event.extensions.request.user = 'a';
    return { user: event.extensions.request.user };
  },
  'context-fields': (_event, context) => context,
  'context-kinds': (_event, context) =>
    Object.fromEntries(Object.entries(context).map(([name, value]) => [name, kind(value)])),
  'context-changed': (_event, context) => {
    const given = context.mark ?? null;
    context.mark = true;
    return { mark: given };
  },
  'argument-count': (...given) => ({ count: given.length, kinds: given.map((each) => typeof each) }),
  // Which packages can be loaded: those that Kyma's image brings are used without being listed.
  requires: seen(({ query }) => {
    const found = {};
    for (const name of query.names.split(',')) {
      try {
        found[name] = typeof require(name) !== 'undefined';
      } catch {
        found[name] = false;
      }
    }
    return found;
  }),
  environment: () => {
    const { FUNC_NAME, FUNC_RUNTIME, SERVICE_NAMESPACE, GREETING } = process.env;
    return { FUNC_NAME, FUNC_RUNTIME, SERVICE_NAMESPACE, GREETING };
  },
};
