// The download: a few attempts within one time limit, and the digest of what came.

/** @import { Settings } from './settings.mjs' */
/** @import { IncomingMessage } from 'node:http' */
import { createHash } from 'node:crypto';
import { ftruncateSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.mjs';
import { answer, body, Repeat, words } from './request.mjs';

// Seconds before each attempt: source-controller may restart. The kubelet repeats the container in any case.
const PAUSES = [0, 1, 2, 4];
const MOMENTARY = [429, 500, 502, 503, 504];

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
  const { url, digest, label } = settings;
  const found = await fetchInto(file, url, settings, signal);
  if (found === digest) return;
  if (found) throw new Failure(`the archive of ${label} has another digest: ${found}`);
  const { laterArchives } = await import('./later.mjs');
  for (const later of await laterArchives(url, signal)) {
    if ((await fetchInto(file, later, settings, signal)) === digest) return;
  }
  throw new Failure(`${url.host} does not have the archive of ${label}: source-controller keeps only the newest`);
}

// Writes the answer to the file and returns its digest, '' if there is no such file.
/** @type {(file: number, url: URL, settings: Settings, signal: AbortSignal) => Promise<string>} */
async function fetchInto(file, url, settings, signal) {
  const response = await answer(url, signal);
  try {
    if (response.statusCode === 404) return '';
    checkStatus(settings, Number(response.statusCode));
    return await copy(settings, response, file, signal);
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
  for await (const chunk of body(settings.url, response, signal, 'the whole archive')) {
    if (size + chunk.length > limit) throw tooLarge;
    hash.update(chunk);
    store(file, chunk, size);
    size += chunk.length;
  }
  return `sha256:${hash.digest('hex')}`;
}

/** @type {(settings: Settings, status: number) => void} */
function checkStatus({ url: { host } }, status) {
  if (MOMENTARY.includes(status)) throw new Repeat(`${host} answered with status ${status}`);
  if (status >= 300 && status < 400) {
    throw new Failure(`${host} answered with a redirect (status ${status}), which is not followed`);
  }
  if (status !== 200) throw new Failure(`${host} answered with status ${status}`);
}

/** @type {(file: number, chunk: Buffer, position: number) => void} */
function store(file, chunk, position) {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at, chunk.length - at, position + at);
  } catch (error) {
    throw new Failure(`the archive cannot be stored: ${words(error)}`);
  }
}
