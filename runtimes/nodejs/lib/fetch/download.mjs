// The download: a few attempts within one time limit, and the digest of what came.

/** @import { Settings } from './settings.mjs' */
/** @import { IncomingMessage } from 'node:http' */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { ftruncateSync, writeSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.mjs';

// Seconds before each attempt: source-controller may restart. The kubelet repeats the container in any case.
const PAUSES = [0, 1, 2, 4];
// How long one attempt waits for a connection or for the next bytes.
const SILENCE_SECONDS = 10;
const MOMENTARY = [429, 500, 502, 503, 504];

// The attempt failed, but the next one may succeed.
class Repeat extends Error {}

// Writes the archive to the open file, which is empty; throws a Failure unless it has the digest. No redirect is
// followed and no proxy is used: the archive comes from the host in the Function's pod template.
/** @type {(settings: Settings, file: number) => Promise<void>} */
export async function download(settings, file) {
  let reason = `${settings.url.host} did not send the archive within ${settings.timeout} seconds`;
  const signal = AbortSignal.timeout(settings.timeout * 1000);
  try {
    for (const pause of PAUSES) {
      await sleep(pause * 1000, undefined, { signal });
      const error = await attempt(settings, file, signal).catch(repeatable);
      if (!error) return;
      reason = error.message;
    }
  } catch (error) {
    if (error instanceof Failure || !signal.aborted) throw error;
  }
  throw new Failure(reason);
}

/** @type {(error: unknown) => Repeat} */
function repeatable(error) {
  if (error instanceof Repeat) return error;
  throw error;
}

/** @type {(settings: Settings, file: number, signal: AbortSignal) => Promise<void>} */
async function attempt(settings, file, signal) {
  const response = await answer(settings, signal);
  try {
    checkStatus(settings, Number(response.statusCode));
    const found = await copy(settings, response, file, signal);
    if (found === settings.digest) return;
    throw new Failure(`the archive of ${settings.label} has another digest: ${found}`);
  } finally {
    response.destroy();
  }
}

// Copies the body and returns its digest.
/** @type {(settings: Settings, response: IncomingMessage, file: number, signal: AbortSignal) => Promise<string>} */
async function copy(settings, response, file, signal) {
  const limit = settings.maxArchive;
  const tooLarge = new Failure(`the archive is refused: it has more than ${limit} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const hash = createHash('sha256');
  let size = 0;
  ftruncateSync(file);
  for await (const chunk of body(settings, response, signal)) {
    if (size + chunk.length > limit) throw tooLarge;
    hash.update(chunk);
    store(file, chunk, size);
    size += chunk.length;
  }
  return `sha256:${hash.digest('hex')}`;
}

/** @type {(settings: Settings, signal: AbortSignal) => Promise<IncomingMessage>} */
async function answer({ url }, signal) {
  const send = url.protocol === 'http:' ? get : (await import('node:https')).get;
  // No certificate is valid for a name with a final dot.
  const name = url.hostname.endsWith('.') ? { servername: url.hostname.slice(0, -1) } : {};
  const request = send(url, { agent: false, signal, ...name });
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

/** @type {(settings: Settings, status: number) => void} */
function checkStatus({ url: { host }, label }, status) {
  if (MOMENTARY.includes(status)) throw new Repeat(`${host} answered with status ${status}`);
  if (status === 404) {
    throw new Failure(`${host} does not have the archive of ${label}: source-controller keeps only the newest`);
  }
  if (status >= 300 && status < 400) {
    throw new Failure(`${host} answered with a redirect (status ${status}), which is not followed`);
  }
  if (status !== 200) throw new Failure(`${host} answered with status ${status}`);
}

/** @type {(settings: Settings, response: IncomingMessage, signal: AbortSignal) => AsyncGenerator<Buffer>} */
async function* body({ url }, response, signal) {
  const chunks = response[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await chunks.next().catch((error) => {
      signal.throwIfAborted();
      throw new Repeat(`${url.host} did not send the whole archive: ${words(error)}`);
    });
    if (done) return;
    yield value;
  }
}

/** @type {(file: number, chunk: Buffer, position: number) => void} */
function store(file, chunk, position) {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at, chunk.length - at, position + at);
  } catch (error) {
    throw new Failure(`the archive cannot be stored: ${words(error)}`);
  }
}

// Returns the error without addresses and without what the other side has sent.
/** @type {(error: any) => string} */
function words(error) {
  return error.code ?? error.message;
}
