/**
 * Schemas in a registry with Confluent's REST interface.
 *
 * R1. An id is fetched once, however many records wait for it, and kept for ever: ids never change.
 * R2. An id that the registry does not know is asked for again after a second at the earliest: a stream of such records
 *     spends their own budgets and not the registry.
 * R3. Looking up comes before registering, so that a client that may only read starts where its schemas are registered.
 * R4. Each version reads all earlier ones (BACKWARD_TRANSITIVE), whatever the registry's own setting says.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { SchemaRegistry, SchemaVersion } from '../../runtime/serde.ts';
import { undecodable } from './avro-check.ts';
import { requireReads } from './avro-type.ts';
import { type RegistrySettings, registryCredentials } from './registry-credentials.ts';
import { isObject, type RegistryAnswer, RegistryHttp, type RegistryRequest } from './registry-http.ts';

export interface RestRegistryOptions {
  /** Base URL with its path, such as `https://host/apis/ccompat/v7`; without credentials in it. */
  readonly url: string;
  /** Credentials by name (`registry-credentials.ts`). */
  readonly settings?: RegistrySettings;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Connects to nothing. `CONFIG_INVALID` for settings or a URL that cannot work. */
export function openRestRegistry(options: RestRegistryOptions): SchemaRegistry {
  const { url, settings = {}, clock = systemClock, random = Math.random, timeoutMs } = options;
  const { username, password, search, hash } = new URL(url);
  if (username !== '' || password !== '') {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      'credentials of the schema registry do not belong into its URL: set FIRSTFIVE_REGISTRY_USERNAME and FIRSTFIVE_REGISTRY_PASSWORD_FILE',
    );
  }
  if (search !== '' || hash !== '')
    throw new FirstFiveError('CONFIG_INVALID', 'the URL of the schema registry ends with its path');
  const http = new RegistryHttp({
    url: url.replace(/\/+$/, ''),
    credentials: registryCredentials(settings),
    clock,
    random,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return new RestRegistry(http, clock);
}

const ASK_AGAIN_MS = 1_000;
/** Bytes that only look like our wire format name ids at random: no more of these are remembered. */
const MAX_UNKNOWN = 1_000;
/** Subject, version and schema not found. A bare 404 is a wrong path. */
const NOT_FOUND = new Set([40_401, 40_402, 40_403]);

class RestRegistry implements SchemaRegistry {
  readonly #http: RegistryHttp;
  readonly #clock: Clock;
  readonly #schemas = new Map<number, string>();
  readonly #asking = new Map<number, Promise<string>>();
  /** Id to when it may be asked for again. */
  readonly #unknown = new Map<number, number>();

  constructor(http: RegistryHttp, clock: Clock) {
    this.#http = http;
    this.#clock = clock;
  }

  known(id: number): string | undefined {
    return this.#schemas.get(id);
  }

  lookUp(id: number): Promise<string> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return Promise.resolve(known);
    const asking = this.#asking.get(id);
    if (asking !== undefined) return asking; // R1
    if ((this.#unknown.get(id) ?? 0) > this.#clock.now()) return Promise.reject(this.#unknownId(id)); // R2
    const fetched = this.#fetch(id).finally(() => this.#asking.delete(id));
    this.#asking.set(id, fetched);
    return fetched;
  }

  async register(subject: string, schema: string): Promise<number> {
    const body = { schema };
    const found = await this.#http.request({ method: 'POST', path: `/subjects/${encoded(subject)}`, body }); // R3
    if (found.ok) return this.#remember(idIn(found.value, this.#http.url), schema);
    if (!isUnknown(found)) throw this.#refused(subject, found);
    for (const earlier of await this.versions(subject)) requireReads(subject, schema, earlier); // R4
    const path = `/subjects/${encoded(subject)}/versions`;
    const added = await this.#http.request({ method: 'POST', path, body });
    if (!added.ok) throw this.#refused(subject, added);
    return this.#remember(idIn(added.value, this.#http.url), schema);
  }

  async versions(subject: string): Promise<readonly SchemaVersion[]> {
    const path = `/subjects/${encoded(subject)}/versions`;
    const listed = await this.#get({ method: 'GET', path });
    if (listed === undefined) return [];
    const numbers = (Array.isArray(listed) ? listed : []).filter((one) => typeof one === 'number');
    const versions: SchemaVersion[] = [];
    for (const version of numbers.sort((a, b) => a - b)) {
      const value = await this.#get({ method: 'GET', path: `${path}/${version}` });
      // One that was deleted in between is no version any more.
      if (value === undefined) continue;
      const id = idIn(value, this.#http.url);
      const schema = this.#avroIn(value, id);
      versions.push({ subject, version, id, schema });
      this.#remember(id, schema);
    }
    return versions;
  }

  async #fetch(id: number): Promise<string> {
    const value = await this.#get({ method: 'GET', path: `/schemas/ids/${id}` });
    if (value === undefined) {
      this.#noteUnknown(id);
      throw this.#unknownId(id);
    }
    const schema = this.#avroIn(value, id);
    this.#remember(id, schema);
    return schema;
  }

  /** `undefined` for what the registry does not have. */
  async #get(request: RegistryRequest): Promise<unknown> {
    const answer = await this.#http.request(request);
    if (answer.ok) return answer.value;
    if (isUnknown(answer)) return undefined;
    throw this.#unavailable(`${answer.errorCode} ${answer.message}`);
  }

  #remember(id: number, schema: string): number {
    this.#schemas.set(id, schema);
    this.#unknown.delete(id);
    return id;
  }

  #noteUnknown(id: number): void {
    if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.clear();
    this.#unknown.set(id, this.#clock.now() + ASK_AGAIN_MS);
  }

  #avroIn(value: unknown, id: number): string {
    const { schema, schemaType = 'AVRO' } = isObject(value) ? value : {};
    if (schemaType !== 'AVRO') throw undecodable(`schema ${id} is ${String(schemaType)}, not Avro`);
    if (typeof schema !== 'string') throw this.#unavailable(`its answer for schema ${id} holds no schema`);
    return schema;
  }

  #unknownId(id: number): FirstFiveError {
    return new FirstFiveError(
      'SCHEMA_UNKNOWN',
      `the registry ${this.#http.url} has no schema with the id ${id}`,
    );
  }

  #refused(subject: string, answer: Extract<RegistryAnswer, { ok: false }>): FirstFiveError {
    const said = `${answer.errorCode} ${answer.message}`;
    if (answer.status === 409 || answer.status === 422) {
      return new FirstFiveError(
        'SCHEMA_INCOMPATIBLE',
        `${subject}: the registry refuses the schema: ${said}`,
      );
    }
    if (answer.status === 403) {
      return new FirstFiveError(
        'SCHEMA_INCOMPATIBLE',
        `${subject}: this client may not register the schema, and it is not registered: ${said}`,
      );
    }
    return this.#unavailable(said);
  }

  #unavailable(said: string): FirstFiveError {
    return new FirstFiveError('REGISTRY_UNAVAILABLE', `the schema registry ${this.#http.url}: ${said}`);
  }
}

function isUnknown({ status, errorCode }: Extract<RegistryAnswer, { ok: false }>): boolean {
  return status === 404 && NOT_FOUND.has(errorCode);
}

function idIn(value: unknown, url: string): number {
  const id = isObject(value) ? value.id : undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff) return id;
  throw new FirstFiveError('REGISTRY_UNAVAILABLE', `the schema registry ${url}: its answer holds no id`);
}

function encoded(subject: string): string {
  return encodeURIComponent(subject);
}
