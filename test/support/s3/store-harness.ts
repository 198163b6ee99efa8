/** The S3 store on a running server as the contract suite wants it: each test has a prefix of its own. */
import { randomUUID } from 'node:crypto';
import { openS3Store, type S3ObjectStore } from '../../../src/adapters/objects-s3/s3-store.ts';
import type { ObjectStoreHarness } from '../../contract/object-store.contract.ts';
import type { S3Server } from './s3-server.ts';

/** Small blocks, so that the few bytes of the suite's objects are not all in the cache after the first read. */
const LIMITS = { blockBytes: 10, tailBytes: 0 };

export async function s3Harness(server: S3Server): Promise<ObjectStoreHarness> {
  const prefix = randomUUID();
  const opened: S3ObjectStore[] = [];
  const connect = () => {
    const store = openS3Store({ ...server, prefix, limits: LIMITS });
    opened.push(store);
    return store;
  };
  return {
    store: connect(),
    connect,
    upload: async (name, bytes) => {
      await server.upload(`${prefix}/${name}`, bytes);
      return `s3://${server.bucket}/${prefix}/${name}`;
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()));
    },
  };
}
