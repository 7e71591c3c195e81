// One line for each answer, in Apache's combined format, as Kyma's servers write it; loaded only where it is wanted.

/** @import { FunctionRequest, FunctionResponse } from './messages.mjs' */
import { createRequire } from 'node:module';

const logger = createRequire(import.meta.url)('morgan')('combined');

/** @type {(request: FunctionRequest, response: FunctionResponse) => void} */
export function write(request, response) {
  logger(request, response, () => {});
}
