/**
 * A server of the Open Inference Protocol v2 in this process, for what a real one does not do on request: it answers as told,
 * late, wrongly or not at all. The parity with a server that nobody here wrote is proved in kserve.slow.test.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedCall {
  readonly path: string;
  readonly header: {
    readonly inputs: readonly {
      readonly name: string;
      readonly shape: number[];
      readonly datatype: string;
    }[];
  };
  readonly binary: Buffer;
}

export type Responder = (call: ReceivedCall, response: ServerResponse) => void;

export interface FakeInferenceServer {
  readonly url: string;
  readonly calls: ReceivedCall[];
  respond: Responder;
  metadata: unknown;
  close(): Promise<void>;
}

const HEADER = 'inference-header-content-length';

export async function startInferenceServer(metadata: unknown): Promise<FakeInferenceServer> {
  const state = { calls: [] as ReceivedCall[], respond: doubled as Responder, metadata };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const path = request.url ?? '';
      if (path.endsWith('/ready')) return response.end('{"ready":true}');
      if (!path.endsWith('/infer')) return response.end(JSON.stringify(state.metadata));
      const end = Number(request.headers[HEADER]);
      const call = { path, header: JSON.parse(body.subarray(0, end).toString()), binary: body.subarray(end) };
      state.calls.push(call);
      return state.respond(call, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** Twice every value of the first input, as output `y`. */
export function doubled({ header, binary }: ReceivedCall, response: ServerResponse): void {
  const values = new Float32Array(binary.buffer.slice(binary.byteOffset, binary.byteOffset + binary.length));
  const bytes = Buffer.from(values.map((value) => value * 2).buffer);
  answer(
    response,
    [
      {
        name: 'y',
        datatype: 'FP32',
        shape: header.inputs[0]?.shape,
        parameters: { binary_data_size: bytes.length },
      },
    ],
    bytes,
  );
}

export function answer(
  response: ServerResponse,
  outputs: readonly unknown[],
  binary: Uint8Array = new Uint8Array(),
): void {
  const header = Buffer.from(JSON.stringify({ model_name: 'm', outputs }));
  response.setHeader(HEADER, header.length);
  response.end(Buffer.concat([header, binary]));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
