// Start, drain, stop.
//
// The port is open before anything else is loaded, and requests wait there. The kubelet's first probe then succeeds as
// soon as the handler is loaded; the kubelet would repeat a probe that failed to connect only a second later. After
// SIGTERM every response has `Connection: close` for a second, so that clients with open connections connect to another
// pod without a lost request. Then the server accepts no more requests and finishes the running ones.
import { createRequire } from 'node:module';

// require, not import: an import of http also loads WebSocket and fetch, which takes longer than Node.js itself.
/** @type {typeof import('node:http')} */
const http = createRequire(import.meta.url)('node:http');

const PORT = 8080;
const DRAIN_MILLISECONDS = 1000;
// With preStop and the drain, less than the 30 s after which the kubelet kills the process.
const FINISH_MILLISECONDS = 20000;
const KEEP_ALIVE_MILLISECONDS = 60000;

export async function main() {
  // A process with PID 1 ignores signals without a handler.
  const leave = () => process.exit(0);
  process.once('SIGTERM', leave);
  process.on('uncaughtException', (error) => console.error(error));
  process.on('unhandledRejection', (error) => console.error(error));

  /** @type {ReturnType<typeof load>} */
  let app;
  let draining = false;
  const server = http.createServer(async (request, response) => {
    const { answer } = await app;
    if (draining) response.setHeader('Connection', 'close');
    answer(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
  server.headersTimeout = KEEP_ALIVE_MILLISECONDS + 1000;
  // app.mjs limits the time of a handler, which includes reading a slow body.
  server.requestTimeout = 0;
  await listen(server);
  app = load();
  const { tracing } = await app;
  process.removeListener('SIGTERM', leave);
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      draining = true;
      setTimeout(() => stop(server, tracing), DRAIN_MILLISECONDS);
    });
  }
}

// Resolves to the function that handles requests, and to tracing if it is on; exits if the handler cannot be loaded.
async function load() {
  const env = process.env;
  const limits = { timeout: Number(env.FUNC_TIMEOUT || 180), 'body-size-limit': Number(env.REQ_MB_LIMIT || 1) };
  // Before the handler, so that its HTTP requests carry the trace context.
  const tracing = env.TRACE_COLLECTOR_ENDPOINT ? await import('./tracing.mjs') : undefined;
  const { loadHandler } = await import('./handler.mjs');
  const handler = await loadHandler(env.HANDLER_PATH || './handler.js');
  const context = {
    'function-name': env.FUNC_NAME,
    runtime: env.FUNC_RUNTIME,
    namespace: env.SERVICE_NAMESPACE,
    ...limits,
  };
  const { createApp } = await import('./app.mjs');
  return { answer: createApp(handler, context, tracing?.traced), tracing };
}

// Listens on all addresses at 8080 or, for a local run, on 127.0.0.1 at FUNC_PORT.
/** @type {(server: import('node:http').Server) => Promise<void>} */
function listen(server) {
  const address = process.env.FUNC_PORT ? { port: Number(process.env.FUNC_PORT), host: '127.0.0.1' } : { port: PORT };
  return new Promise((resolve, reject) => server.once('error', reject).listen(address, resolve));
}

/** @type {(server: import('node:http').Server, tracing: typeof import('./tracing.mjs') | undefined) => void} */
function stop(server, tracing) {
  setTimeout(() => process.exit(1), FINISH_MILLISECONDS).unref();
  server.close(async () => {
    await tracing?.flush().catch((error) => console.error(`tracing: ${error.message}`));
    process.exit(0);
  });
  server.closeIdleConnections();
}
