/** Forces a full collection, so that a test can ask what is still held (`WeakRef`). */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // A WeakRef that was read or made in this turn holds its target until the turn ends (ECMA-262, KeepDuringJob).
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
