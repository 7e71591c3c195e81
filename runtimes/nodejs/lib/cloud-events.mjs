// CloudEvents in and out; the libraries are loaded with this module, for Functions that use them.

/** @import { AxiosResponse } from 'axios' */
/** @import { FunctionRequest } from './messages.mjs' */
import axios from 'axios';
import { CloudEvent, HTTP } from 'cloudevents';

const TIMEOUT_MILLISECONDS = 30000;
const JSON_TYPE = /^[^;]*[/+]json\s*(;|$)/i;
const STRUCTURED = 'application/cloudevents+json';

// Returns `data` and the `ce-*` fields of a received event; throws an error with status 400 for a faulty one.
/** @type {(request: FunctionRequest) => Record<string, any>} */
export function fields(request) {
  try {
    const { data, ...attributes } = received(request);
    const known = Object.entries(attributes).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(known.map(([name, value]) => [`ce-${name}`, value])), data };
  } catch (error) {
    const { message, errors } = /** @type {Error & { errors?: { message?: string }[] }} */ (error);
    const reasons = errors?.map((reason) => reason.message).join(', ') || message;
    throw Object.assign(new Error(`not a CloudEvent: ${reasons}`), { status: 400 });
  }
}

// Returns the attributes and `data` of a received event; throws an error for a faulty one.
/** @type {(request: FunctionRequest) => Record<string, any>} */
export function received({ headers, body }) {
  const isStructured = headers['content-type']?.toLowerCase().startsWith(STRUCTURED);
  return isStructured ? structured(body) : binary(headers, body);
}

/** @type {(headers: any, body: unknown) => Record<string, any>} */
function binary(headers, body) {
  return { ...attributesOf({ headers, body: '' }), data: decoded(body, headers['content-type']) };
}

/** @type {(body: any) => Record<string, any>} */
function structured(body) {
  if (typeof body !== 'object' || body === null) throw new TypeError('the body is no object');
  const { data, data_base64: encoded, datacontentencoding: coding, ...rest } = body;
  const attributes = attributesOf({ headers: { 'content-type': STRUCTURED }, body: rest });
  const base64 = encoded ?? (coding === 'base64' ? data : undefined);
  if (base64 === undefined) return { ...attributes, data };
  return { ...attributes, data: decoded(Buffer.from(String(base64), 'base64'), attributes.datacontenttype) };
}

// The data stays out of the library's sight: it loses or refuses numbers, false and bytes.
/** @type {(message: { headers: any, body: any }) => Record<string, any>} */
function attributesOf(message) {
  const event = /** @type {CloudEvent<any>} */ (HTTP.toEvent(message));
  event.validate();
  const { data: _, data_base64: __, ...attributes } = event.toJSON();
  return attributes;
}

// Bytes of a JSON type are their value.
/** @type {(data: unknown, type?: string) => unknown} */
function decoded(data, type = '') {
  return Buffer.isBuffer(data) && JSON_TYPE.test(type) ? JSON.parse(data.toString()) : data;
}

// Sends an event to PUBLISHER_PROXY_ADDRESS and returns axios' response; rejects if it is not taken. What `optional`
// holds comes before the other arguments.
/** @type {(type: string, source: string, data: unknown, optional?: object) => Promise<AxiosResponse>} */
export function emit(type, source, data, optional) {
  const { headers, body } = HTTP.structured(
    new CloudEvent({ datacontenttype: typeOf(data), type, source, data, ...optional }),
  );
  return publish(headers, body);
}

/** @type {(data: unknown) => string | undefined} */
function typeOf(data) {
  if (typeof data === 'string') return 'text/plain';
  return typeof data === 'object' ? 'application/json' : undefined;
}

/** @type {(headers: any, data: unknown) => Promise<AxiosResponse>} */
export function publish(headers, data) {
  return axios.post(/** @type {string} */ (process.env.PUBLISHER_PROXY_ADDRESS), data, {
    headers,
    timeout: TIMEOUT_MILLISECONDS,
  });
}
