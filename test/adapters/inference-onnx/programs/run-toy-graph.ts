/** A process that runs the toy graph once, probes a provider, and ends. */
import { openOnnxInference } from '../../../../src/adapters/inference-onnx/open.ts';
import { probeProviders } from '../../../../src/adapters/inference-onnx/providers.ts';
import { toyBundle, toyRows } from '../../../support/toy-bundle.ts';

const inference = await openOnnxInference({
  bundle: toyBundle(),
  provider: 'cpu',
  workers: 1,
  intraOpThreads: 1,
});
await inference.run('toy', toyRows([{ x: 1, index: 1 }]));
await inference.close();
await probeProviders();
process.stdout.write('ran\n');
