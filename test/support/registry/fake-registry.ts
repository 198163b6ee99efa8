/** A schema registry with Confluent's REST interface, in this process: what answers, what fails and what is asked is the test's. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly id: number;
  readonly schema: string;
  readonly schemaType?: string;
}

/** What a request is answered with instead of what the registry holds; `hang` never answers. */
export type Interference = (request: {
  readonly method: string;
  readonly path: string;
}) =>
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  | 'hang'
  | undefined;

export interface FakeRegistry {
  readonly url: string;
  /** `METHOD path`, in the order of arrival. */
  readonly requests: string[];
  readonly authorizations: (string | undefined)[];
  interfere: Interference;
  add(subject: string, version: Version): void;
  close(): Promise<void>;
}

const canonical = (schema: string) => JSON.stringify(JSON.parse(schema));

class Store {
  readonly subjects = new Map<string, Version[]>();
  #nextId = 1;

  add(subject: string, version: Version): Version {
    this.subjects.set(subject, [...(this.subjects.get(subject) ?? []), version]);
    this.#nextId = Math.max(this.#nextId, version.id + 1);
    return version;
  }

  /** As Confluent's: one id for one schema, whatever the subject. No compatibility is asked for (`NONE`). */
  register(subject: string, schema: string): Version {
    const all = [...this.subjects.values()].flat();
    const same = (version: Version) => canonical(version.schema) === canonical(schema);
    const own = this.subjects.get(subject)?.find(same);
    return own ?? this.add(subject, { id: all.find(same)?.id ?? this.#nextId, schema });
  }
}

export async function startFakeRegistry(basePath = ''): Promise<FakeRegistry> {
  const store = new Store();
  const server = createServer((request, response) => void handle(request, response));
  const registry: FakeRegistry = {
    url: '',
    requests: [],
    authorizations: [],
    interfere: () => undefined,
    add: (subject, version) => void store.add(subject, version),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = request.method ?? '';
    const path = request.url ?? '';
    registry.requests.push(`${method} ${path}`);
    registry.authorizations.push(request.headers.authorization);
    const instead = registry.interfere({ method, path });
    if (instead === 'hang') return;
    const body = Buffer.concat(chunks).toString('utf8');
    const { status, body: text, headers } = instead ?? answer(store, basePath, { method, path, body });
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers });
    response.end(text);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(registry, { url: `http://127.0.0.1:${port}${basePath}` });
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

function answer(store: Store, basePath: string, { method, path, body }: Asked) {
  const parts = path.startsWith(`${basePath}/`) ? path.slice(basePath.length + 1).split('/') : [];
  const [kind, name = '', what, number] = parts.map(decodeURIComponent);
  if (kind === 'schemas' && name === 'ids') return schemaOf(store, Number(what));
  if (kind !== 'subjects') return failure(404, 404, 'HTTP 404 Not Found');
  const versions = store.subjects.get(name);
  if (method === 'POST' && what === 'versions') {
    return json({ id: store.register(name, (JSON.parse(body) as Version).schema).id });
  }
  if (versions === undefined) return failure(404, 40_401, `Subject '${name}' not found.`);
  if (method === 'POST') {
    const wanted = canonical((JSON.parse(body) as Version).schema);
    const index = versions.findIndex((version) => canonical(version.schema) === wanted);
    if (index < 0) return failure(404, 40_403, 'Schema not found');
    return json({ subject: name, version: index + 1, ...versions[index] });
  }
  if (number === undefined) return json(versions.map((_, i) => i + 1));
  const version = versions[Number(number) - 1];
  if (version === undefined) return failure(404, 40_402, `Version ${number} not found.`);
  return json({ subject: name, version: Number(number), ...version });
}

function schemaOf(store: Store, id: number) {
  const found = [...store.subjects.values()].flat().find((version) => version.id === id);
  if (found === undefined) return failure(404, 40_403, `Schema ${id} not found`);
  const { schema, schemaType } = found;
  return json({ schema, ...(schemaType === undefined ? {} : { schemaType }) });
}

function json(value: object) {
  return { status: 200, body: JSON.stringify(value), headers: {} };
}

function failure(status: number, errorCode: number, message: string) {
  return { status, body: JSON.stringify({ error_code: errorCode, message }), headers: {} };
}
