// Start, drain, stop.
//
// The port is open before anything else is loaded, and callers wait there: a kubelet's first probe then makes the pod
// Ready the moment the handler is loaded, where a refused one would be repeated only a second later. At SIGTERM every
// answer says `Connection: close` for a second, so that callers with open connections go elsewhere without a lost
// request; then nothing new is taken, and what is running may finish.
import { createRequire } from 'node:module';

// require, not import: an import of http also loads WebSocket and fetch, which takes longer than Node.js itself.
/** @type {typeof import('node:http')} */
const http = createRequire(import.meta.url)('node:http');

const PORT = 8080;
const DRAIN_MILLISECONDS = 1000;
// Together with preStop and the drain below the 30 s after which the kubelet kills.
const FINISH_MILLISECONDS = 20000;
const KEEP_ALIVE_MILLISECONDS = 60000;

export async function main() {
  // A process with PID 1 ignores signals that it has no handler for.
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
  // The time a handler has is limited in app.mjs; a slow body is its affair.
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

// Resolves to the function that answers requests, and tracing if it is on; ends the process for a broken handler.
async function load() {
  const env = process.env;
  const limits = { timeout: Number(env.FUNC_TIMEOUT || 180), 'body-size-limit': Number(env.REQ_MB_LIMIT || 1) };
  // Before the handler, so that its own http calls carry the trace.
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

// Everywhere at 8080, or only on this machine at FUNC_PORT, for a local run.
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
