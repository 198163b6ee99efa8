import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderRegistry, openRestRegistry } from '../../../src/adapters/schemas/index.ts';
import { describeRegistry } from '../../contract/schema-registry.contract.ts';
import { startFakeRegistry } from '../../support/registry/fake-registry.ts';

describeRegistry('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ff-registry-'));
  let subjects = 0;
  return {
    open: () => openFolderRegistry(folder),
    subject: () => `subject-${++subjects}-value`,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});

describeRegistry('a REST registry (in this process)', async () => {
  const server = await startFakeRegistry('/apis/ccompat/v7');
  let subjects = 0;
  return {
    open: async () => openRestRegistry({ url: server.url }),
    subject: () => `subject-${++subjects}-value`,
    dispose: () => server.close(),
  };
});
