/** Real S3 servers on loopback, each with one bucket and one pair of credentials. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials } from '../../../src/adapters/objects-s3/options.ts';
import { provisionS3proxy, provisionVersitygw } from './provision.ts';
import { freePort, startServer } from './server-process.ts';

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  readonly credentials: S3Credentials;
  /** For what tests do from outside: uploads, overwrites, look-ups. */
  readonly client: S3Client;
  upload(key: string, bytes: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = 'firstfive-test';
const CREDENTIALS: S3Credentials = { accessKeyId: 'local-identity', secretAccessKey: 'local-credential' };

export async function startS3proxy(): Promise<S3Server> {
  const jar = await provisionS3proxy();
  const port = await freePort();
  const { folder, data } = await workFolder();
  const properties = join(folder, 's3proxy.conf');
  await writeFile(
    properties,
    [
      's3proxy.authorization=aws-v2-or-v4',
      `s3proxy.identity=${CREDENTIALS.accessKeyId}`,
      `s3proxy.credential=${CREDENTIALS.secretAccessKey}`,
      `s3proxy.endpoint=http://127.0.0.1:${port}`,
      'jclouds.provider=filesystem-nio2',
      `jclouds.filesystem.basedir=${data}`,
    ].join('\n'),
  );
  const server = await startServer({
    command: 'java',
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-jar',
      jar,
      '--properties',
      properties,
    ],
    readyUrl: `http://127.0.0.1:${port}/healthz`,
  });
  return withBucket(port, folder, server.stop);
}

/** Buckets do not keep versions until that is switched on with `PutBucketVersioning`. */
export async function startVersitygw(): Promise<S3Server> {
  const program = await provisionVersitygw();
  const port = await freePort();
  const { folder, data } = await workFolder();
  const [iam, versions] = [join(folder, 'iam'), join(folder, 'versions')];
  await mkdir(iam);
  await mkdir(versions);
  const server = await startServer({
    command: program,
    args: [
      ...['--port', `127.0.0.1:${port}`, '--health', '/health', '--iam-dir', iam],
      ...['posix', '--versioning-dir', versions, data],
    ],
    env: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    readyUrl: `http://127.0.0.1:${port}/health`,
  });
  return withBucket(port, folder, server.stop);
}

async function workFolder(): Promise<{ readonly folder: string; readonly data: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-s3-'));
  const data = join(folder, 'data');
  await mkdir(data);
  return { folder, data };
}

async function withBucket(port: number, folder: string, stopServer: () => Promise<void>): Promise<S3Server> {
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  const stop = async () => {
    client.destroy();
    await stopServer();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const upload = async (key: string, bytes: Uint8Array) => {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes }));
  };
  return { endpoint, port, bucket: BUCKET, credentials: CREDENTIALS, client, upload, stop };
}
