/** A server on loopback that answers as a test scripts it, in the form of S3's answers: for what real servers do not do on demand. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface ScriptedRequest {
  readonly method: string;
  /** Percent-decoded, `/bucket/key`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly count: number;
}

export interface ScriptedAnswer {
  readonly status: number;
  /** For an error, the body's `<Code>`; HEAD answers have no body. */
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface ScriptedS3 {
  readonly endpoint: string;
  readonly seen: readonly ScriptedRequest[];
  stop(): Promise<void>;
}

export async function startScriptedS3(
  script: (request: ScriptedRequest) => ScriptedAnswer,
): Promise<ScriptedS3> {
  const seen: ScriptedRequest[] = [];
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://scripted');
    const request = {
      method: req.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: req.headers,
      count: seen.length + 1,
    };
    seen.push(request);
    req.resume().on('end', () => {
      const { status, code, headers, body } = script(request);
      const bytes = body ?? (code === undefined ? '' : `<Error><Code>${code}</Code></Error>`);
      res.writeHead(status, { 'content-length': String(bytes.length), ...headers });
      res.end(request.method === 'HEAD' ? undefined : bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers a GET for `object` as S3 does: ranges, `If-Match`, an ETag. */
export function answerObject(
  { headers }: ScriptedRequest,
  object: { readonly bytes: Uint8Array; readonly etag: string; readonly versionId?: string },
): ScriptedAnswer {
  const { bytes, etag, versionId } = object;
  const version = versionId === undefined ? {} : { 'x-amz-version-id': versionId };
  if (headers['if-match'] !== undefined && headers['if-match'] !== etag) {
    return { status: 412, code: 'PreconditionFailed' };
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
  if (range === null) return { status: 200, headers: { etag, ...version }, body: bytes };
  const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)];
  if (start >= bytes.length) return { status: 416, code: 'InvalidRange' };
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
  return { status: 206, headers: { etag, ...version, ...contentRange }, body: bytes.subarray(start, end) };
}
