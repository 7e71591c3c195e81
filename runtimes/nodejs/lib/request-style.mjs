// Handlers of the newer style: main(request, response), whose result counts for nothing, and the package `sdk` that they
// import.
import * as module from 'node:module';

import { UNSENT } from './call.mjs';

const SDK = new URL('./sdk.mjs', import.meta.url).href;

// Returns `handler` as one of the older style.
/** @type {(handler: Function) => import('./handler.mjs').Handler} */
export function adapted(handler) {
  return ({ extensions: { request, response } }) => {
    const result = handler(request, response);
    return typeof result?.then === 'function' ? result.then(() => UNSENT) : UNSENT;
  };
}

// Lets handlers import `sdk`, unless they have installed a package of that name.
export function provideSdk() {
  if (!module.registerHooks) throw new Error('handlers of nodejs26 need Node.js 22.15 or newer');
  module.registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== 'sdk') return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return { url: SDK, format: 'module', shortCircuit: true };
      }
    },
  });
}
