/**
 * A process with a decoder, for tests that look at what is left of it. `forgetful` decodes and returns; `hanging` waits,
 * `hanging-walled` too, with children in the sandbox.
 */
import { createLibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { openSandbox } from '../../../src/adapters/process-sandbox/sandbox.ts';
import { fileObject, requestFor, samplePath } from '../../support/media-objects.ts';

const request = requestFor(fileObject(samplePath('deep-field.mp4')));

if (process.argv[2] === 'forgetful') {
  const decoder = await createLibavDecoder({ children: 2 });
  await decoder.extract(request);
} else {
  const sandbox = await openSandbox(process.argv[2] === 'hanging' ? 'off' : 'auto');
  const decoder = await createLibavDecoder({ children: 2, sandbox, faults: () => 'hang' });

  const all = [decoder.extract(request), decoder.extract(request)];
  while (decoder.pids().length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  setTimeout(() => process.stdout.write(`${decoder.pids().join(' ')}\n`), 200);
  await Promise.all(all);
}
