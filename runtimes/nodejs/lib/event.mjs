// What a handler is given as its first argument.

/** @import { FunctionRequest, FunctionResponse } from './messages.mjs' */
import { tracer } from './tracer.mjs';

/** @typedef {Parameters<typeof import('./cloud-events.mjs').emit>} Emitted */

const STRUCTURED = 'application/cloudevents+json';

// `data`, `extensions`, the helpers, and the `ce-*` fields of a CloudEvent. All are fields of the object itself, since
// handlers copy events ({...event}), take single helpers out of them, and delete what they do not want to store.
export class Event {
  /**
   * @param {FunctionRequest} request
   * @param {FunctionResponse} response
   */
  constructor(request, response) {
    /** @type {any} */
    this.data = request.body;
    this.tracer = tracer;
    /** @type {any} */
    const express = response;
    this.extensions = { request, response: express };
    // Bound functions, not closures: with three closures for each request the garbage collector takes twice as long as
    // all else together.
    this.setResponseHeader = setHeader.bind(express);
    this.setResponseContentType = setType.bind(express);
    this.setResponseStatus = setStatus.bind(express);
    this.emitCloudEvent = emitCloudEvent;
    this.publishCloudEvent = publishCloudEvent;
    this.buildResponseCloudEvent = buildResponseCloudEvent;
  }
}

/** @type {(this: import('express').Response, name: string, value: string | string[]) => unknown} */
function setHeader(name, value) {
  return this.set(name, value);
}

/** @type {(this: import('express').Response, type: string) => unknown} */
function setType(type) {
  return this.type(type);
}

/** @type {(this: import('express').Response, status: number) => unknown} */
function setStatus(status) {
  return this.status(status);
}

/** @type {(headers: import('node:http').IncomingHttpHeaders) => boolean} */
export function isCloudEvent(headers) {
  if (headers['ce-type'] && headers['ce-source']) return true;
  const type = headers['content-type'];
  return Boolean(type?.toLowerCase().startsWith(STRUCTURED));
}

/** @type {(...event: Emitted) => Promise<unknown>} */
async function emitCloudEvent(...event) {
  return (await import('./cloud-events.mjs')).emit(...event);
}

/** @type {(event: unknown) => Promise<unknown>} */
async function publishCloudEvent(event) {
  console.warn('publishCloudEvent is deprecated; use emitCloudEvent');
  return (await import('./cloud-events.mjs')).publish({ 'Content-Type': STRUCTURED }, event);
}

/** @type {(this: Record<string, any>, id: string, type: string, data: unknown) => object} */
function buildResponseCloudEvent(id, type, data) {
  console.warn('buildResponseCloudEvent is deprecated; use emitCloudEvent');
  return {
    type,
    source: this['ce-source'],
    eventtypeversion: this['ce-eventtypeversion'],
    specversion: this['ce-specversion'],
    id,
    data,
    datacontenttype: typeof data === 'string' ? 'text/plain' : 'application/json',
  };
}
