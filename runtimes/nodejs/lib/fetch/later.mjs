// The archives of later commits, one of which may have the same content under another name.
//
// The hook restarts no pod for a commit that changes nothing in the Function's directory. A pod that starts much later
// has the name of an archive that source-controller has deleted meanwhile.
import { answer, body } from './request.mjs';

const MAX_LISTING_BYTES = 256 * 1024;
const MAX_LISTED = 100;
const MAX_TRIED = 3;
const COMMIT = /\/[0-9a-f]{40}[.]tar[.]gz$/;
const LISTED = /(?<=href=")[0-9a-f]{40}[.]tar[.]gz(?=")/g;

// Returns the URLs of the newest archives beside that of a commit, the newest first; [] for other archives.
/** @type {(url: URL, signal: AbortSignal) => Promise<URL[]>} */
export async function laterArchives(url, signal) {
  if (!COMMIT.test(url.pathname) || url.search) return [];
  const names = new Set((await listing(new URL('.', url), signal)).match(LISTED));
  names.delete(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
  /** @type {[URL, number][]} */
  const found = [];
  for (const name of [...names].slice(0, MAX_LISTED)) {
    const later = new URL(name, url);
    found.push([later, await modified(later, signal)]);
  }
  found.sort(([, one], [, other]) => other - one);
  return found.slice(0, MAX_TRIED).map(([later]) => later);
}

// Returns the page on which source-controller lists the files of a directory, '' without one.
/** @type {(url: URL, signal: AbortSignal) => Promise<string>} */
async function listing(url, signal) {
  const response = await answer(url, signal);
  let text = '';
  try {
    if (response.statusCode !== 200) return '';
    for await (const chunk of body(url, response, signal, 'its list of archives')) {
      text += chunk.toString('latin1');
      if (text.length >= MAX_LISTING_BYTES) break;
    }
  } finally {
    response.destroy();
  }
  return text.slice(0, MAX_LISTING_BYTES);
}

// Returns when a file was written, in milliseconds since 1970, 0 if unknown.
/** @type {(url: URL, signal: AbortSignal) => Promise<number>} */
async function modified(url, signal) {
  const response = await answer(url, signal, 'HEAD');
  response.destroy();
  return Date.parse(response.headers['last-modified'] ?? '') || 0;
}
