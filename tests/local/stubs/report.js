// Handlers in both styles that respond with the types of all attributes of what they are given.

const CALLS = {
  get: 'host',
  header: 'host',
  is: 'json',
  accepts: 'json',
  acceptsEncodings: 'gzip',
  acceptsCharsets: 'utf-8',
  acceptsLanguages: 'en',
};

function typeOf(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function typesOf(value) {
  const types = {};
  for (let level = value; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (!(name in types) && !name.startsWith('_') && name !== 'constructor') types[name] = typeOf(value[name]);
    }
  }
  return types;
}

function typesOfRequest(request) {
  const types = typesOf(request);
  for (const [name, argument] of Object.entries(CALLS)) types[`${name}()`] = typeOf(request[name](argument));
  return types;
}

function ofEvent(event, context) {
  const { request, response } = event.extensions;
  return {
    Event: typesOf(event),
    Context: typesOf(context),
    Extensions: typesOf(event.extensions),
    Tracer: typesOf(event.tracer),
    Request: typesOfRequest(request),
    Response: typesOf(response),
  };
}

function ofSdk(request, response) {
  const sdk = require('sdk');
  const found = { sdk: typesOf(sdk), Request: typesOfRequest(request), Response: typesOf(response) };
  for (const name of Object.keys(sdk)) {
    if (sdk[name].length === 0) found.sdk[`${name}()`] = typeOf(sdk[name]());
  }
  const event = sdk.getCloudEvent(request);
  if (event) found.CloudEvent = typesOf(event);
  found.Tracer = typesOf(sdk.getTracer());
  response.json(found);
}

module.exports = { main: process.env.FUNC_RUNTIME === 'nodejs26' ? ofSdk : ofEvent };
