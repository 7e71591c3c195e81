// Start, drain, stop.
//
// The port is open before anything else is loaded, and callers wait there: a kubelet's first probe then makes the pod
// Ready the moment the handler is loaded, where a refused one would be repeated only a second later. At SIGTERM every
// answer says `Connection: close` for a second, so that callers with open connections go elsewhere without a lost
// request; then nothing new is taken, and what is running may finish.

/** @import { Answer } from './call.mjs' */
/** @import { Server } from 'node:http' */
import { createServer } from './connections.mjs';
import { milliseconds, readSettings } from './settings.mjs';

const PORT = 8080;
const DRAIN_MILLISECONDS = 1000;
// Together with preStop and the drain below the 30 s after which the kubelet kills.
const FINISH_MILLISECONDS = 20000;

export async function main() {
  // A process with PID 1 ignores signals that it has no handler for.
  const leave = () => process.exit(0);
  process.once('SIGTERM', leave);
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, report);
  const settings = settingsOrEnd();
  /** @type {ReturnType<typeof load>} */
  let loading;
  /** @type {Answer} */
  let answer = async (request, response) => {
    const loaded = await loading;
    request.socket.setTimeout(server.timeout);
    loaded.answer(request, response);
  };
  const server = createServer(settings, (request, response) => answer(request, response));
  await listen(server);
  loading = load(settings, server);
  const loaded = await loading;
  answer = loaded.answer;
  process.removeListener('SIGTERM', leave);
  const drain = () => {
    answer = closing(loaded.answer);
    setTimeout(() => stop(server, loaded.tracing), DRAIN_MILLISECONDS);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, drain);
}

/** @type {(answer: Answer) => Answer} */
function closing(answer) {
  return (request, response) => {
    response.setHeader('Connection', 'close');
    answer(request, response);
  };
}

/** @type {(error: unknown) => void} */
function report(error) {
  import('./failures.mjs').then(({ describe }) => console.error(describe(error)));
}

function settingsOrEnd() {
  try {
    return readSettings(process.env);
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exit(1);
  }
}

// Resolves to the function that answers requests, and tracing; ends the process for a broken handler.
/** @type {(settings: import('./settings.mjs').Settings, server: Server) => Promise<any>} */
async function load(settings, server) {
  const env = process.env;
  // Before the handler, so that its own http calls carry the trace.
  const tracing = await import(env.TRACE_COLLECTOR_ENDPOINT ? './tracing.mjs' : './trace-context.mjs');
  const style = settings.newer ? await import('./request-style.mjs') : undefined;
  style?.provideSdk();
  const { loadHandler } = await import('./handler.mjs');
  const { main, text } = await loadHandler(env.HANDLER_PATH || './handler.js');
  await tracing.prepare?.(text);
  const handler = style ? style.adapted(main) : main;
  const context = {
    'function-name': env.FUNC_NAME,
    runtime: env.FUNC_RUNTIME,
    namespace: env.SERVICE_NAMESPACE,
    timeout: settings.timeout,
    'body-size-limit': settings.megabytes,
  };
  const { createApp } = await import('./app.mjs');
  // A limit of silence on connections, at which app.mjs answers; the time until here is not the handler's.
  server.timeout = milliseconds(settings.timeout);
  // Timers count from the event loop's clock, which has stood still while the handler was loaded, until its next round.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return { answer: createApp(handler, context, settings, tracing), tracing };
}

// Everywhere at 8080, or only on this machine at FUNC_PORT, for a local run.
/** @type {(server: Server) => Promise<void>} */
function listen(server) {
  const address = process.env.FUNC_PORT ? { port: Number(process.env.FUNC_PORT), host: '127.0.0.1' } : { port: PORT };
  return new Promise((resolve, reject) => server.once('error', reject).listen(address, resolve));
}

/** @type {(server: Server, tracing: { flush?: () => Promise<void> }) => void} */
function stop(server, tracing) {
  setTimeout(() => process.exit(1), FINISH_MILLISECONDS).unref();
  server.close(async () => {
    await tracing.flush?.().catch((error) => console.error(`tracing: ${error.message}`));
    process.exit(0);
  });
  server.closeIdleConnections();
}
