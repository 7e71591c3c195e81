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

const { main } = await import('./lib/serve.mjs');
await main();
