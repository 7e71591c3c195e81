// The server, and what a connection may cost: how large heads may be, how long they and bodies may take, how many
// there may be. Callers are not trusted, and a small pod has 256 MB.

/** @import { Answer } from './call.mjs' */
/** @import { Settings } from './settings.mjs' */
/** @import { Server } from 'node:http' */
/** @import { Socket } from 'node:net' */
import { createRequire } from 'node:module';

import { FunctionRequest, FunctionResponse } from './messages.mjs';

/** @type {typeof import('node:http')} */
const http = createRequire(import.meta.url)('node:http');

const KEEP_ALIVE_MILLISECONDS = 60000;
// From the first byte of a request, or from the connection's beginning if there is none.
const HEAD_MILLISECONDS = 10000;
// From the first byte of a request to the last one of its body, for each megabyte that a body may have; Node.js' own
// limit is the longest.
const BODY_MILLISECONDS = 60000;
const LONGEST_BODY_MILLISECONDS = 300000;
const CHECK_MILLISECONDS = 1000;
const CONNECTIONS = 4096;
// How long a caller may go on sending what was refused, to see the answer.
const LINGER_MILLISECONDS = 1000;

/** @type {(settings: Settings, answer: Answer) => Server} */
export function createServer({ megabytes }, answer) {
  /** @type {any} */
  const classes = { IncomingMessage: FunctionRequest, ServerResponse: FunctionResponse };
  const server = http.createServer(
    {
      ...classes,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      headersTimeout: HEAD_MILLISECONDS,
      requestTimeout: Math.min(Math.max(BODY_MILLISECONDS * megabytes, HEAD_MILLISECONDS), LONGEST_BODY_MILLISECONDS),
      connectionsCheckingInterval: CHECK_MILLISECONDS,
    },
    /** @type {any} */ (answer),
  );
  server.maxConnections = CONNECTIONS;
  server.on('drop', () => server.closeIdleConnections());
  server.on('clientError', refuseMalformed);
  return server;
}

/** @type {Record<string, string>} */
const STATUS = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

// What is no request that could be answered otherwise: not HTTP, too large a head, or too slow.
/** @type {(error: Error & { code?: string, rawPacket?: Buffer }, socket: any) => void} */
function refuseMalformed(error, socket) {
  // What comes behind the fault is a fault too.
  if (socket.writableEnded) return;
  if (!socket.writable || socket._httpMessage?.headersSent) return void socket.destroy();
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW' && isRequestLine(socket, error.rawPacket);
  const status = tooLong ? '414 URI Too Long' : (STATUS[error.code ?? ''] ?? '400 Bad Request');
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  setTimeout(() => socket.destroy(), LINGER_MILLISECONDS).unref();
}

// The head is too large in its first line, as far as the first bytes of the connection show it.
/** @type {(socket: Socket, bytes?: Buffer) => boolean} */
function isRequestLine(socket, bytes) {
  if (!bytes || socket.bytesRead !== bytes.length) return false;
  const end = bytes.indexOf('\n');
  return end < 0 || end > http.maxHeaderSize;
}
