/** Writes artefacts until it is killed; says so after the first one. Arguments: root, round. */
import { openFolderStore } from '../../../src/adapters/objects-folder/folder-store.ts';

const [root = '', round = ''] = process.argv.slice(2);
const store = openFolderStore({ root });
for (let i = 0; ; i++) {
  await store.putIfAbsent(`kill/${round}/${i}`, new Uint8Array(200_000).fill(i % 251));
  if (i === 0) process.stdout.write('started\n');
}
