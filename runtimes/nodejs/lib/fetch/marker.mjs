// The file that says for which digest and path the current directory is complete. It is written last.

/** @import { Settings } from './settings.mjs' */
import { readFileSync } from 'node:fs';

// Names in the root of the code that fetch-source uses itself.
export const MARKER = '.fetched-source';
export const STAGING = '.fetching-source';

// Returns whether the current directory has the files of this very digest and path.
/** @type {(settings: Settings) => boolean} */
export function isComplete(settings) {
  try {
    return readFileSync(MARKER, 'utf8') === content(settings);
  } catch {
    return false;
  }
}

// Returns what the marker of these settings has in it.
/** @type {(settings: Settings) => string} */
export const content = ({ digest, path }) => `${digest} ${path.join('/')}\n`;
