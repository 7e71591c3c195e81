// The start file: scripts run `node server.mjs`.
//
// Libraries for metrics, tracing and CloudEvents are loaded when they are first used: an XS pod has 150 millicores,
// so every import before the first answer is waiting time.
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Filled when the image is built; Node.js 20 has none.
module.enableCompileCache?.(
  process.env.NODE_COMPILE_CACHE ?? join(dirname(fileURLToPath(import.meta.url)), '.compile-cache'),
);

const { main } = await import('./lib/serve.mjs');
await main();
