/**
 * Schemas in a folder: `ids.json` (subject -> version -> id and SHA-256) beside `<subject>/<version>.avsc`.
 *
 * R1. A version never changes: its digest (canonical JSON, docs and defaults included) is checked whenever it is read.
 * R2. Each version reads all earlier ones (BACKWARD_TRANSITIVE).
 * R3. A new version's file is there before `ids.json` names it, and `ids.json` is replaced whole.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { SchemaRegistry, SchemaVersion } from '../../runtime/serde.ts';
import { requireReads } from './avro-type.ts';

interface IdEntry {
  readonly id: number;
  readonly sha256: string;
}

/** Subject -> version -> entry. */
type IdFile = Readonly<Record<string, Readonly<Record<string, IdEntry>>>>;

/** Reads the whole folder. `REGISTRY_UNAVAILABLE` or `SCHEMA_INCOMPATIBLE`, naming the file. A missing `ids.json` is an empty registry. */
export async function openFolderRegistry(dir: string): Promise<SchemaRegistry> {
  return new FolderRegistry(dir, await readVersions(dir));
}

class FolderRegistry implements SchemaRegistry {
  readonly #dir: string;
  #all: readonly SchemaVersion[];

  constructor(dir: string, all: readonly SchemaVersion[]) {
    this.#dir = dir;
    this.#all = all;
  }

  known(id: number): string | undefined {
    return this.#all.find((version) => version.id === id)?.schema;
  }

  /** Looks into the folder again: another process may have added a version. */
  async lookUp(id: number): Promise<string> {
    if (this.known(id) === undefined) this.#all = await readVersions(this.#dir);
    const schema = this.known(id);
    if (schema === undefined) {
      throw new FirstFiveError('SCHEMA_UNKNOWN', `the registry ${this.#dir} has no schema with the id ${id}`);
    }
    return schema;
  }

  async register(subject: string, schema: string): Promise<number> {
    const wanted = digestOf(schema);
    const known = this.#of(subject).find((version) => digestOf(version.schema) === wanted);
    if (known !== undefined) return known.id;
    this.#all = await readVersions(this.#dir);
    const again = this.#of(subject).find((version) => digestOf(version.schema) === wanted);
    return again?.id ?? this.#add(subject, schema);
  }

  async versions(subject: string): Promise<readonly SchemaVersion[]> {
    return this.#of(subject);
  }

  #of(subject: string): SchemaVersion[] {
    return this.#all.filter((version) => version.subject === subject);
  }

  async #add(subject: string, schema: string): Promise<number> {
    for (const earlier of this.#of(subject)) requireReads(subject, schema, earlier); // R2
    const version = this.#of(subject).length + 1;
    const id = Math.max(0, ...this.#all.map((known) => known.id)) + 1;
    const added = [...this.#all, { subject, version, id, schema }];
    try {
      await mkdir(join(this.#dir, subject), { recursive: true });
      await writeFile(
        schemaPath(this.#dir, subject, version),
        `${JSON.stringify(JSON.parse(schema), null, 2)}\n`,
      );
      const temporary = join(this.#dir, `ids.json.${process.pid}`);
      await writeFile(temporary, `${JSON.stringify(idFile(added), null, 2)}\n`);
      await rename(temporary, join(this.#dir, 'ids.json')); // R3
    } catch (thrown) {
      throw unavailable(`the registry ${this.#dir} cannot be written: ${String(thrown)}`, thrown);
    }
    this.#all = added;
    return id;
  }
}

async function readVersions(dir: string): Promise<SchemaVersion[]> {
  const ids = await readIds(dir);
  const versions: SchemaVersion[] = [];
  for (const [subject, entries] of Object.entries(ids)) {
    for (const [version, { id, sha256 }] of Object.entries(entries)) {
      const path = schemaPath(dir, subject, Number(version));
      const schema = await readText(path);
      if (digestOf(schema) !== sha256) {
        throw new FirstFiveError(
          'SCHEMA_INCOMPATIBLE',
          `${path} was changed after it was registered; a change is a new version`,
        ); // R1
      }
      versions.push({ subject, version: Number(version), id, schema });
    }
  }
  return versions.sort((a, b) =>
    a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version,
  );
}

async function readIds(dir: string): Promise<IdFile> {
  const path = join(dir, 'ids.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as IdFile;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return {};
    throw unavailable(`${path} cannot be read: ${String(thrown)}`, thrown);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw unavailable(`${path} cannot be read: ${String(thrown)}`, thrown);
  }
}

function idFile(versions: readonly SchemaVersion[]): IdFile {
  const subjects: Record<string, Record<string, IdEntry>> = {};
  for (const { subject, version, id, schema } of versions) {
    subjects[subject] = { ...subjects[subject], [String(version)]: { id, sha256: digestOf(schema) } };
  }
  return subjects;
}

function digestOf(schema: string): string {
  try {
    return sha256Hex(canonicalJson(JSON.parse(schema)));
  } catch (thrown) {
    throw new FirstFiveError('SCHEMA_INCOMPATIBLE', 'a schema is not JSON', { cause: thrown });
  }
}

function schemaPath(dir: string, subject: string, version: number): string {
  return join(dir, subject, `${version}.avsc`);
}

function unavailable(message: string, cause: unknown): FirstFiveError {
  return new FirstFiveError('REGISTRY_UNAVAILABLE', message, { cause });
}
