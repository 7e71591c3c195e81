// Why a fetch failed, as one line for the pod's status.

const QUOTED_CHARACTERS = 100;

// The fetch ends here; the message is the last line of the log. It has no counters, times or addresses.
export class Failure extends Error {}

// A failure that is the fault of the archive's author.
/** @type {(reason: string) => Failure} */
export const refused = (reason) => new Failure(`the archive is refused: ${reason}`);

// A failure for an archive that cannot be read to its end.
/** @type {(reason: string) => Failure} */
export const damaged = (reason) => new Failure(`the archive is damaged: ${reason}`);

// Returns a name of other people for a message: short, on one line.
/** @type {(name: string) => string} */
export const quoted = (name) => JSON.stringify(name.slice(0, QUOTED_CHARACTERS));

// Returns a name as it stands, quoted if it has control characters.
/** @type {(name: string) => string} */
export const printable = (name) => (/^[ -~]*$/.test(name) ? name : quoted(name));
