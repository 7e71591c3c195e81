// Received and sent CloudEvents. This module loads the libraries, so only Functions that use events import it.

/** @import { AxiosResponse } from 'axios' */
/** @import { Request } from 'express' */
import axios from 'axios';
import { CloudEvent, HTTP } from 'cloudevents';

const TIMEOUT_MILLISECONDS = 30000;

// Returns `data` and the `ce-*` fields of a received event; throws an error with status 400 for an invalid one.
/** @type {(request: Request) => Record<string, any>} */
export function fields(request) {
  try {
    const { headers, body } = request;
    const event = /** @type {CloudEvent<any>} */ (
      HTTP.toEvent({ headers, body: Buffer.isBuffer(body) ? body.toString('latin1') : (body ?? '') })
    );
    event.validate();
    const { data, data_base64: _, ...attributes } = event.toJSON();
    const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
    return { ...Object.fromEntries(named), data: Buffer.isBuffer(body) ? body : (data ?? event.data) };
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw Object.assign(new Error(`not a CloudEvent: ${message}`), { status: 400 });
  }
}

// Sends an event to PUBLISHER_PROXY_ADDRESS and returns axios' response; rejects if it is not accepted.
/** @type {(type: string, source: string, data: unknown, optional?: object) => Promise<AxiosResponse>} */
export function emit(type, source, data, optional) {
  const datacontenttype = typeof data === 'string' ? 'text/plain' : 'application/json';
  const { headers, body } = HTTP.structured(new CloudEvent({ datacontenttype, ...optional, type, source, data }));
  return publish(headers, body);
}

/** @type {(headers: any, data: unknown) => Promise<AxiosResponse>} */
export function publish(headers, data) {
  return axios.post(/** @type {string} */ (process.env.PUBLISHER_PROXY_ADDRESS), data, {
    headers,
    timeout: TIMEOUT_MILLISECONDS,
  });
}
