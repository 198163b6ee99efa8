/** Pinned objects and plans for decoder tests. */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, type ExtractionPlan } from '../../src/core/extraction.ts';
import { fileEtag } from '../../src/core/file-etag.ts';
import type { DecodeRequest } from '../../src/stages/extract/decoder.ts';
import type { PinnedObject } from '../../src/stages/object-store.ts';

const samples = new URL('../../samples/', import.meta.url);

export function samplePath(name: string): string {
  return fileURLToPath(new URL(name, samples));
}

/** Frames at 0, 1, 2, 3 and 4 s, sound of the first five seconds. */
export const FIVE_SECONDS: ExtractionPlan = {
  windowMs: [0, 5000],
  video: {
    select: { rule: 'times', atMs: [0, 1000, 2000, 3000, 4000] },
    width: 224,
    height: 224,
    fit: 'squash',
    interpolation: 'bicubic',
    colour: 'rgb24',
  },
  audio: { sampleRate: 16_000, channels: 1, format: 'f32' },
};

export function fileObject(path: string): PinnedObject {
  const bytes = () => readFileSync(path);
  return {
    uri: `file:${path}`,
    sizeBytes: statSync(path).size,
    etag: fileEtag(statSync(path, { bigint: true })),
    localPath: path,
    read: async (offset, length) => bytes().subarray(offset, offset + length),
    close: async () => {},
  };
}

export interface MemoryObject extends PinnedObject {
  /** Every range that was read. */
  readonly reads: { readonly offset: number; readonly length: number }[];
}

/** An object without a path, as a remote store gives. */
export function memoryObject(bytes: Uint8Array, uri = 'memory:object'): MemoryObject {
  const reads: MemoryObject['reads'] = [];
  return {
    uri,
    sizeBytes: bytes.byteLength,
    etag: 'test',
    reads,
    async read(offset, length) {
      reads.push({ offset, length });
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}

export function requestFor(object: PinnedObject, limits: Partial<DecodeLimits> = {}): DecodeRequest {
  return { object, plan: FIVE_SECONDS, limits: { ...DEFAULT_DECODE_LIMITS, ...limits } };
}
