/**
 * Adds a schema as the next version of a subject: `node scripts/register-schema.ts SUBJECT FILE`. Checks that it reads every
 * earlier version, writes `schemas/<subject>/<version>.avsc` and its id into `schemas/ids.json`, and prints the id.
 */
import { readFile } from 'node:fs/promises';
import { openFolderRegistry, SHIPPED_SCHEMAS } from '../src/adapters/schemas/index.ts';

const [subject, file] = process.argv.slice(2);
if (subject === undefined || file === undefined) {
  console.error('usage: node scripts/register-schema.ts SUBJECT FILE');
  process.exit(2);
}
const registry = await openFolderRegistry(SHIPPED_SCHEMAS);
console.log(await registry.register(subject, await readFile(file, 'utf8')));
