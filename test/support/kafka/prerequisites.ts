/** Whether a real broker and the native client can be had here. Tests that need them are skipped with the reason where not. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isClientBuilt, missingForBuild } from '../../../src/adapters/kafka-setup/client-build.ts';
import { isBrokerInstalled } from '../../../src/adapters/kafka-setup/jars.ts';
import { brokerPlaces, clientPlaces } from '../../../src/cli/kafka/set-up.ts';
import { packageRoot } from './broker.ts';

/** `undefined` when all is there or can be made; else what is missing, said once on stderr. */
export async function whyNoKafka(): Promise<string | undefined> {
  const where = { packageRoot, env: process.env };
  const missing: string[] = [];
  if (!(await isClientBuilt(clientPlaces(where)))) missing.push(...(await missingForBuild(process.env)));
  const isInstalled = await isBrokerInstalled(brokerPlaces(where));
  const tools = isInstalled ? ['java'] : ['java', 'mvn'];
  for (const tool of tools) if (!(await runs(tool))) missing.push(tool);
  if (missing.length === 0) return undefined;
  const why = `no Kafka here: ${missing.join(', ')} missing`;
  process.stderr.write(`note: ${why}; the tests that need it are skipped\n`);
  return why;
}

async function runs(command: string): Promise<boolean> {
  return promisify(execFile)(command, ['--version']).then(
    () => true,
    () => false,
  );
}
