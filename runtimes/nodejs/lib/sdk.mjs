// The package `sdk` that handlers of the newer style, main(request, response), import.

/** @import { FunctionRequest } from './messages.mjs' */
import { emit, received } from './cloud-events.mjs';
import { isCloudEvent } from './event.mjs';
import { readSettings } from './settings.mjs';
import { tracer } from './tracer.mjs';

const { FUNC_NAME = '', SERVICE_NAMESPACE = '', FUNC_RUNTIME = '' } = process.env;
const { timeout, megabytes } = readSettings(process.env);

export const getTracer = () => tracer;
export const getFunctionName = () => FUNC_NAME;
export const getNamespace = () => SERVICE_NAMESPACE;
export const getRuntime = () => FUNC_RUNTIME;
export const getTimeout = () => timeout;
export const getBodySizeLimit = () => megabytes;

// Returns the event that a request brings, with its attributes and `data`; null if it brings none, or a faulty one.
/** @type {(request: FunctionRequest) => Record<string, any> | null} */
export function getCloudEvent(request) {
  if (!isCloudEvent(request.headers)) return null;
  try {
    return received(request);
  } catch {
    return null;
  }
}

/** @type {typeof emit} */
export function emitCloudEvent(type, source, data, optional) {
  const datacontenttype = typeof data === 'object' ? 'application/json' : 'text/plain';
  return emit(type, source, data, { datacontenttype, ...optional });
}
