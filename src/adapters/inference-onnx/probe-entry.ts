/** Entry of a provider probe: `node probe-entry PROVIDER`; exit 0 when it computes, else 1 and the reason on stderr. */
import { toFirstFiveError } from '../../core/errors.ts';
import { ONNX_PROVIDERS } from './providers.ts';
import { assertProvider } from './sessions.ts';

const wanted = ONNX_PROVIDERS.find((provider) => provider === process.argv[2]);

try {
  if (wanted === undefined) throw new Error(`unknown provider ${process.argv[2]}`);
  await assertProvider(wanted);
} catch (thrown) {
  process.stderr.write(`${toFirstFiveError(thrown).message}\n`);
  process.exitCode = 1;
}
