// One request to the host of the archive.

/** @import { IncomingMessage } from 'node:http' */
import { once } from 'node:events';
import { get } from 'node:http';

// How long a request waits for a connection or for the next bytes.
const SILENCE_SECONDS = 10;

// The attempt failed, but the next one may succeed.
export class Repeat extends Error {}

// Sends a request; throws a Repeat without an answer. No redirect is followed.
/** @type {(url: URL, signal: AbortSignal, method?: string) => Promise<IncomingMessage>} */
export async function answer(url, signal, method = 'GET') {
  const send = url.protocol === 'http:' ? get : (await import('node:https')).get;
  // No certificate is valid for a name with a final dot.
  const name = url.hostname.endsWith('.') ? { servername: url.hostname.slice(0, -1) } : {};
  const request = send(url, { method, agent: false, signal, ...name });
  // Whatever comes after the response is an error of reading that.
  request.on('error', () => {});
  request.setTimeout(SILENCE_SECONDS * 1000, () => request.destroy(new Error('timed out')));
  try {
    const [response] = await once(request, 'response');
    return response;
  } catch (error) {
    signal.throwIfAborted();
    throw new Repeat(`${url.host} cannot be reached: ${words(error)}`);
  }
}

// Yields the body; throws a Repeat, whose message names `what`, if the other side does not send all of it.
/** @type {(url: URL, response: IncomingMessage, signal: AbortSignal, what: string) => AsyncGenerator<Buffer>} */
export async function* body(url, response, signal, what) {
  const chunks = response[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await chunks.next().catch((error) => {
      signal.throwIfAborted();
      throw new Repeat(`${url.host} did not send ${what}: ${words(error)}`);
    });
    // A body without a length ends with the connection, also with one that the signal has closed.
    signal.throwIfAborted();
    if (done) return;
    yield value;
  }
}

// Returns the error without addresses and without what the other side has sent.
/** @type {(error: any) => string} */
export function words(error) {
  return error.code ?? error.message;
}
