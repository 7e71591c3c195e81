// The entry point of the init container `fetch-source`: `node fetch-source.mjs`, in the directory of the code.
//
// SOURCE_URL names a tar.gz that Flux' source-controller serves; its directory SOURCE_PATH becomes the content of the
// current directory. On failure the exit code is 1 and the last line, on standard error, states the reason; the kubelet
// copies it to the pod's status.
import { Failure } from './lib/fetch/failure.mjs';
import { isComplete } from './lib/fetch/marker.mjs';
import { readSettings } from './lib/fetch/settings.mjs';

try {
  const settings = readSettings(process.env);
  if (isComplete(settings)) {
    console.log(`${settings.label} is here already`);
  } else {
    const { fill } = await import('./lib/fetch/directory.mjs');
    console.log(`fetched ${settings.label}: ${await fill(settings)} files`);
  }
} catch (error) {
  console.error(error instanceof Failure ? error.message : error);
  process.exit(1);
}
