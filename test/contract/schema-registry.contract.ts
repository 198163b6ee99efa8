/** What every `SchemaRegistry` promises (src/runtime/serde.ts). Each adapter's test runs it with a harness of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SchemaRegistry } from '../../src/runtime/serde.ts';

export interface RegistryHarness {
  /** The same registry as another process would open it: with nothing in memory. */
  open(): Promise<SchemaRegistry>;
  /** A subject that nobody has used. */
  subject(): string;
  dispose(): Promise<void>;
}

const schemaOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
const A = { name: 'a', type: 'string' };
const B = { name: 'b', type: 'string', default: '' };
const C = { name: 'c', type: 'long', default: 0 };

export function describeRegistry(name: string, start: () => Promise<RegistryHarness>): void {
  describe(`${name} as a SchemaRegistry`, () => {
    let harness: RegistryHarness;
    let registry: SchemaRegistry;
    beforeEach(async () => {
      harness = await start();
      registry = await harness.open();
    });
    afterEach(() => harness.dispose());

    it('gives a schema of a subject one id for ever, whatever its layout', async () => {
      const subject = harness.subject();
      const id = await registry.register(subject, schemaOf(A));
      const spread = JSON.stringify(JSON.parse(schemaOf(A)), null, 4);
      expect(await registry.register(subject, spread)).toBe(id);
      expect(await (await harness.open()).register(subject, schemaOf(A))).toBe(id);
      expect(await registry.versions(subject)).toHaveLength(1);
    });

    it('looks up by id what another process has registered, and knows it from then on', async () => {
      const id = await (await harness.open()).register(harness.subject(), schemaOf(A, C));
      const reader = await harness.open();
      const schema = await reader.lookUp(id);
      expect(JSON.parse(schema)).toMatchObject({ type: 'record', fields: [A, C] });
      expect(reader.known(id)).toBe(schema);
    });

    it('says of an id that it has no schema for it', async () => {
      await expect(registry.lookUp(999_999)).rejects.toMatchObject({
        code: 'SCHEMA_UNKNOWN',
        kind: 'retryable',
      });
      expect(registry.known(999_999)).toBeUndefined();
    });

    it('adds versions that read all earlier ones, oldest first', async () => {
      const subject = harness.subject();
      const ids = [
        await registry.register(subject, schemaOf(A)),
        await registry.register(subject, schemaOf(A, B)),
        await registry.register(subject, schemaOf(A, B, C)),
      ];
      const versions = await (await harness.open()).versions(subject);
      expect(versions.map(({ version }) => version)).toEqual([1, 2, 3]);
      expect(versions.map(({ id }) => id)).toEqual(ids);
      expect(versions.every((one) => one.subject === subject)).toBe(true);
      expect(await registry.register(subject, schemaOf(A))).toBe(ids[0]);
    });

    it('refuses a version that could not read every earlier one, and keeps nothing of it', async () => {
      const subject = harness.subject();
      await registry.register(subject, schemaOf(A));
      await registry.register(subject, schemaOf(A, B));
      const required = schemaOf(A, B, { name: 'd', type: 'int' });
      // Reads version 2 but not version 1: what BACKWARD alone would let pass.
      const transitive = schemaOf(A, { name: 'b', type: 'string' });
      for (const schema of [required, transitive]) {
        await expect(registry.register(subject, schema)).rejects.toMatchObject({
          code: 'SCHEMA_INCOMPATIBLE',
        });
      }
      expect(await (await harness.open()).versions(subject)).toHaveLength(2);
    });

    it('knows no versions of an unknown subject', async () => {
      expect(await registry.versions(harness.subject())).toEqual([]);
    });
  });
}
