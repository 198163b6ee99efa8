/** Begins an installation and never finishes it: killed by its test. `node install-slowly.ts DIR` */
import { installOnce } from '../../../src/adapters/kafka-setup/install-once.ts';

await installOnce({
  dir: process.argv[2] ?? '',
  key: 'v1',
  make: async () => {
    process.stdout.write('started\n');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
});
