/** The REST registry against a real one, in the long form of the tests (200 MB are fetched the first time). */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSerdes, openRestRegistry, SUBJECTS } from '../../../src/adapters/schemas/index.ts';
import { describeRegistry } from '../../contract/schema-registry.contract.ts';
import { type ApicurioRegistry, startApicurio } from '../../support/registry/apicurio.ts';
import * as samples from './samples.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 600_000 });

const isLong = process.env.FIRSTFIVE_TEST_LONG === '1';
if (!isLong) process.stderr.write('note: Apicurio Registry is tried in the long form only (--long)\n');

describe.runIf(isLong)('Apicurio Registry', () => {
  let server: ApicurioRegistry;
  beforeAll(async () => {
    server = await startApicurio();
    await setCompatibility('BACKWARD_TRANSITIVE');
  });
  afterAll(() => server?.stop());

  async function setCompatibility(compatibility: string): Promise<void> {
    const response = await fetch(`${server.url}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ compatibility }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }

  const run = Date.now();
  let subjects = 0;
  describeRegistry('Apicurio Registry', async () => ({
    open: async () => openRestRegistry({ url: server.url }),
    subject: () => `subject-${run}-${++subjects}-value`,
    dispose: async () => {},
  }));

  it('takes the schemas that ship, and gives another process the same ids', async () => {
    const writer = await createSerdes(openRestRegistry({ url: server.url }));
    const registry = openRestRegistry({ url: server.url });
    const reader = await createSerdes(registry);
    const bytes = writer.watch.serialize(samples.watch);
    await reader.watch.prepare(bytes);
    expect(reader.watch.deserialize(bytes)).toEqual(samples.watch);
    for (const subject of Object.values(SUBJECTS)) expect(await registry.versions(subject)).toHaveLength(1);
  });

  it('keeps its promise of transitive compatibility where the registry asks for none', async () => {
    await setCompatibility('NONE');
    const registry = openRestRegistry({ url: server.url });
    const schemaOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
    await registry.register(`none-${run}-value`, schemaOf({ name: 'a', type: 'string' }));
    await expect(
      registry.register(`none-${run}-value`, schemaOf({ name: 'b', type: 'int' })),
    ).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' });
    await setCompatibility('BACKWARD_TRANSITIVE');
  });

  it('lets the registry refuse what it finds incompatible', async () => {
    // A rule of its own: FULL_TRANSITIVE refuses a removed field without a default, which BACKWARD lets pass.
    await setCompatibility('FULL_TRANSITIVE');
    const registry = openRestRegistry({ url: server.url });
    const [a, b] = [
      { name: 'a', type: 'string' },
      { name: 'b', type: 'int', default: 0 },
    ];
    const schemaOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
    await registry.register(`full-${run}-value`, schemaOf(a, b));
    await expect(registry.register(`full-${run}-value`, schemaOf(b))).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('the registry refuses the schema'),
    });
    await setCompatibility('BACKWARD_TRANSITIVE');
  });
});
