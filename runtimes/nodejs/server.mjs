// The entry point: start scripts run `node server.mjs`.
//
// Libraries for metrics, tracing and CloudEvents are loaded at the first use: an XS pod has 150 millicores, so each
// import delays the first response.
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The image build fills the cache; Node.js 20 does not support it.
module.enableCompileCache?.(
  process.env.NODE_COMPILE_CACHE ?? join(dirname(fileURLToPath(import.meta.url)), '.compile-cache'),
);

// An ES module without "type": "module" runs as well; Node.js would print four lines about it at each start.
const { emitWarning } = process;
process.emitWarning = (/** @type {[any, any?]} */ ...warning) => {
  if (warning[1]?.code !== 'MODULE_TYPELESS_PACKAGE_JSON') emitWarning(...warning);
};

const { main } = await import('./lib/serve.mjs');
try {
  await main();
} catch (error) {
  // Without this the process would stay and fail every request: lib/serve.mjs only reports errors that are not caught.
  console.error(error);
  console.error(`The server could not be started with Node.js ${process.version}. ${error}`);
  process.exit(1);
}
