import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { avroCheck } from '../../../src/adapters/schemas/avro-check.ts';
import { AvroSerde } from '../../../src/adapters/schemas/avro-serde.ts';
import { avroType, incompatibility } from '../../../src/adapters/schemas/avro-type.ts';
import {
  createSerdes,
  openFolderRegistry,
  SHIPPED_SCHEMAS,
  SUBJECTS,
} from '../../../src/adapters/schemas/index.ts';
import * as samples from './samples.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-schemas-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const schemaOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
const A = { name: 'a', type: 'string' };
const B = { name: 'b', type: 'string', default: '' };

describe('the schemas that ship', () => {
  it('are unchanged since they were registered, and numbered without gaps', async () => {
    const registry = await openFolderRegistry(SHIPPED_SCHEMAS);
    const ids: number[] = [];
    for (const subject of Object.values(SUBJECTS)) {
      const versions = await registry.versions(subject);
      expect(versions.map((version) => version.version)).toEqual(versions.map((_, i) => i + 1));
      expect(await readdir(join(SHIPPED_SCHEMAS, subject))).toHaveLength(versions.length);
      ids.push(...versions.map((version) => version.id));
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('read every earlier version of their subject (BACKWARD_TRANSITIVE)', async () => {
    const registry = await openFolderRegistry(SHIPPED_SCHEMAS);
    for (const subject of Object.values(SUBJECTS)) {
      const versions = await registry.versions(subject);
      for (const reader of versions) {
        for (const writer of versions.filter((version) => version.version <= reader.version)) {
          expect(incompatibility(reader.schema, writer.schema)).toBeUndefined();
        }
      }
    }
  });

  it('document every record, field and enum', async () => {
    const registry = await openFolderRegistry(SHIPPED_SCHEMAS);
    for (const subject of Object.values(SUBJECTS)) {
      for (const { schema } of await registry.versions(subject)) {
        const undocumented: string[] = [];
        walk(JSON.parse(schema), (node) => {
          const named = node.fields !== undefined || node.symbols !== undefined || 'name' in node;
          if (named && !(typeof node.doc === 'string' && node.doc.length > 10))
            undocumented.push(String(node.name));
        });
        expect(undocumented).toEqual([]);
      }
    }
  });
});

describe('the folder registry', () => {
  it('refuses a version that was changed after it was registered, be it in a doc only', async () => {
    const folder = await temporaryFolder();
    await cp(SHIPPED_SCHEMAS, folder, { recursive: true });
    const file = join(folder, SUBJECTS.watch, '1.avsc');
    await writeFile(file, (await readFile(file, 'utf8')).replace('how long', 'for how long'));
    await expect(openFolderRegistry(folder)).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining(file),
    });
  });

  it('gives a schema the same id for ever, whatever its layout in the file', async () => {
    const folder = await temporaryFolder();
    const registry = await openFolderRegistry(folder);
    const id = await registry.register('s-value', schemaOf(A));
    expect(await registry.register('s-value', JSON.stringify(JSON.parse(schemaOf(A)), null, 4))).toBe(id);
    const again = await openFolderRegistry(folder);
    expect(await again.register('s-value', schemaOf(A))).toBe(id);
    expect(again.known(id)).toBeDefined();
  });

  it('adds a version that reads all earlier ones and refuses one that does not', async () => {
    const registry = await openFolderRegistry(await temporaryFolder());
    await registry.register('s-value', schemaOf(A));
    await registry.register('s-value', schemaOf(A, B));
    // Reads version 2 and not version 1: compatible with the latest only.
    const needsB = schemaOf(A, { name: 'b', type: 'string' });
    await expect(registry.register('s-value', needsB)).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('version 1'),
    });
    const narrower = schemaOf({ name: 'a', type: 'int' });
    await expect(registry.register('s-value', narrower)).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
    });
    expect((await registry.versions('s-value')).map((version) => version.version)).toEqual([1, 2]);
  });

  it('finds what another process added when it is looked up', async () => {
    const folder = await temporaryFolder();
    const [one, other] = [await openFolderRegistry(folder), await openFolderRegistry(folder)];
    const id = await other.register('s-value', schemaOf(A));
    expect(one.known(id)).toBeUndefined();
    expect(JSON.parse(await one.lookUp(id))).toEqual(JSON.parse(schemaOf(A)));
    expect(one.known(id)).toBeDefined();
    await expect(one.lookUp(id + 1)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  });

  it('is unavailable when a file of it cannot be read', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'ids.json'), '{"s-value": {"1": {"id": 1, "sha256": "x"}}}');
    await expect(openFolderRegistry(folder)).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      kind: 'systemic',
    });
    await writeFile(join(folder, 'ids.json'), '{');
    await expect(openFolderRegistry(folder)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  });

  it('serves another folder than the one that ships', async () => {
    const folder = await temporaryFolder();
    const serdes = await createSerdes(await openFolderRegistry(folder));
    const elsewhere = await createSerdes(await openFolderRegistry(folder));
    expect(elsewhere.uploadCreated.deserialize(serdes.uploadCreated.serialize(samples.upload))).toEqual(
      samples.upload,
    );
  });
});

describe('a serde', () => {
  it('reads records of earlier versions with the defaults of its own, and looks up versions that it has not met', async () => {
    const folder = await temporaryFolder();
    const writers = await openFolderRegistry(folder);
    const identity = { toRaw: (value: object) => value, fromRaw: (raw: object) => ({ ...raw }) };
    const serde = async (schema: string, registry = writers) =>
      new AvroSerde<object, object>(
        registry,
        { id: await writers.register('s-value', schema), schema },
        identity,
      );
    const first = await serde(schemaOf(A));
    const late = await openFolderRegistry(folder);
    const second = await serde(schemaOf(A, B), late);
    expect(second.deserialize(first.serialize({ a: 'x' }))).toEqual({ a: 'x', b: '' });

    const third = await serde(schemaOf(A, B, { name: 'c', type: 'long', default: 0 }));
    const bytes = third.serialize({ a: 'x', b: 'y', c: 7 });
    expect(() => second.deserialize(bytes)).toThrow(expect.objectContaining({ code: 'SCHEMA_UNKNOWN' }));
    await second.prepare(bytes);
    expect(second.prepare(bytes)).toBeUndefined();
    expect(second.deserialize(bytes)).toEqual({ a: 'x', b: 'y' });
  });
});

describe('the check of bytes', () => {
  it('follows recursive types, fixed, enums, blocks with sizes, and refuses what runs over', () => {
    const schema = JSON.stringify({
      type: 'record',
      name: 'Node',
      namespace: 'n',
      fields: [
        { name: 'id', type: { type: 'fixed', name: 'Id', size: 2 } },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['x', 'y'] } },
        { name: 'next', type: ['null', 'Node'], default: null },
        { name: 'list', type: { type: 'array', items: 'float' } },
      ],
    });
    const type = avroType(schema);
    const value = {
      id: Buffer.from('ab'),
      kind: 'y',
      next: { id: Buffer.from('cd'), kind: 'x', next: null, list: [] },
      list: [1.5],
    };
    const check = avroCheck(schema);
    const bytes = type.toBuffer(value);
    check(bytes);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => check(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'RECORD_UNDECODABLE' }),
      );
    }
    // The same list as a block of count -1 with its size of 4 bytes.
    const sized = Buffer.concat([
      bytes.subarray(0, bytes.length - 6),
      Buffer.from([1, 8]),
      bytes.subarray(bytes.length - 5),
    ]);
    check(sized);
    expect(type.fromBuffer(sized)).toEqual(type.fromBuffer(bytes));
  });
});

interface SchemaNode {
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: unknown;
  readonly symbols?: unknown;
}

function walk(node: unknown, visit: (node: SchemaNode) => void): void {
  if (Array.isArray(node)) for (const one of node) walk(one, visit);
  else if (typeof node === 'object' && node !== null) {
    visit(node);
    for (const [key, one] of Object.entries(node)) if (key !== 'default') walk(one, visit);
  }
}
