/** Made-up uploads and extractions for tests of the stages. */
import type { Extraction, MediaProbe } from '../../src/core/extraction.ts';
import type { UploadFeatures } from '../../src/core/features.ts';
import type { UploadEvent, UploadId } from '../../src/core/upload.ts';

export const probe: MediaProbe = {
  container: 'mp4',
  sizeBytes: 1_000,
  durationMs: 8_000,
  bitRate: 1_000_000,
  video: null,
  audio: null,
};

export function uploadEvent(change: Partial<UploadEvent> = {}): UploadEvent {
  return {
    uploadId: 'u1' as UploadId,
    revision: 1,
    media: { uri: 'clip.mp4' },
    title: 'a cat plays the piano',
    uploadedAt: 1_700_000_000_000,
    attributes: {},
    ...change,
  };
}

/** Five frames of a flat colour each, and one second of a tone. */
export function extraction(change: Partial<Extraction> = {}): Extraction {
  const targets = [0, 1_000, 2_000, 3_000, 4_000].map((atMs) => ({ atMs, ptsMs: atMs, repeated: false }));
  const frameBytes = 224 * 224 * 3;
  const pixels = new Uint8Array(5 * frameBytes);
  for (let i = 0; i < 5; i++) pixels.fill(40 * (i + 1), i * frameBytes, (i + 1) * frameBytes);
  return {
    probe,
    video: { width: 224, height: 224, targets, pixels },
    audio: {
      sampleRate: 16_000,
      samples: Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i / 8) / 2),
    },
    signals: { 'video.brightness': 0.5 },
    timings: { decode: 12, cpu: 10 },
    ...change,
  };
}

export function uploadFeatures(change: Partial<UploadFeatures> = {}): UploadFeatures {
  return {
    uploadId: 'u1' as UploadId,
    revision: 1,
    uploadedAt: 1_700_000_000_000,
    mediaEtag: 'etag-1',
    text: { title: 'a cat plays the piano', description: 'filmed at home' },
    probe,
    signals: {},
    missing: [],
    embeddings: [],
    producer: {
      bundle: 'starter@1.0.0',
      bundleDigest: 'digest',
      planDigest: 'plan',
      decoderBuild: 'decoder',
      executionProvider: 'cpu',
    },
    timings: { extract: 20, embed: 30 },
    ...change,
  };
}
