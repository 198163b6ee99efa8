/** One value of each record type, with every optional part present. */
import type { ExtractedUpload } from '../../../src/core/extracted-upload.ts';
import type { UploadFeatures } from '../../../src/core/features.ts';
import type { ColdStartScore } from '../../../src/core/score.ts';
import type { UploadEvent, UploadId } from '../../../src/core/upload.ts';
import type { UploadDeletion } from '../../../src/core/upload-deletion.ts';
import type { Watch } from '../../../src/core/watch.ts';

const identity = { uploadId: 'upload-1' as UploadId, revision: 3, uploadedAt: 1_700_000_000_123 };

export const upload: UploadEvent = {
  ...identity,
  media: { uri: 'file:///clips/a%20b.mp4' },
  title: 'Café 🎬 東京',
  description: 'two\nlines',
  creatorId: 'creator-9',
  attributes: { caption: 'a cat plays', 'sprache-ü': 'de' },
};

export const smallestUpload: UploadEvent = { ...identity, media: { uri: 'clips/a.mp4' }, attributes: {} };

const probe: UploadFeatures['probe'] = {
  container: 'mov,mp4',
  sizeBytes: 5_000_000_000,
  durationMs: 10_016.5,
  bitRate: null,
  video: {
    codec: 'h264',
    pixelFormat: 'yuv420p',
    width: 1920,
    height: 1080,
    displayWidth: 1080,
    displayHeight: 1920,
    rotation: 90,
    mirrored: false,
    frameRate: 29.97,
    still: false,
  },
  audio: { codec: 'aac', sampleRate: 44_100, channels: 2 },
};

export const features: UploadFeatures = {
  ...identity,
  mediaEtag: 'etag-1',
  text: { title: 'cafe', caption: 'a cat plays' },
  probe,
  signals: { brightness: 0.5, loudness: -23.1, speechShare: null },
  missing: ['audio'],
  embeddings: [
    {
      name: 'vision',
      model: 'starter@1.0.0/vision#0123456789ab',
      values: Float32Array.from([0.25, -1.5, 3e-8]),
    },
    { name: 'audio.tags', model: 'starter@1.0.0/audio#ba9876543210', values: new Float32Array(0) },
  ],
  producer: {
    bundle: 'starter@1.0.0',
    bundleDigest: 'b'.repeat(64),
    planDigest: 'p'.repeat(64),
    decoderBuild: 'libav/8.1.1',
    executionProvider: 'cpu',
  },
  timings: { extract: 31.25, 'embed.vision': 12 },
};

export const extracted: ExtractedUpload = {
  ...identity,
  mediaEtag: 'etag-1',
  text: { title: 'Café', description: 'x' },
  probe: { ...probe, video: null },
  signals: { brightness: null },
  missing: ['video'],
  video: {
    width: 224,
    height: 224,
    targets: [
      { atMs: 0, ptsMs: 0, repeated: false },
      { atMs: 1000, ptsMs: 966.7, repeated: true },
    ],
    pixels: { key: 'sha256/aa/bb', sha256: 'aabb', sizeBytes: 301_056 },
  },
  audio: { sampleRate: 16_000, samples: { key: 'sha256/cc/dd', sha256: 'ccdd', sizeBytes: 320_000 } },
  further: { key: 'sha256/ee/ff', sha256: 'eeff', sizeBytes: 512 },
  planDigest: 'p'.repeat(64),
  decoderBuild: 'libav/8.1.1',
  timings: {},
};

export const score: ColdStartScore = {
  ...identity,
  scoreId: 'score-1',
  tier: 1,
  ecr: 0.6125,
  alpha: 6.37,
  beta: 4.03,
  lower: 0.36,
  upper: 0.84,
  calibrated: false,
  rank: 0.55,
  ticket: { impressions: 214, breakEven: 11, expiresAt: 1_700_600_000_000 },
  reasons: [
    { feature: 'intercept', contribution: 0.405 },
    { feature: 'text:cat', contribution: 0.05 },
  ],
  missing: ['audio'],
  rejection: 'MEDIA_NO_FRAMES',
  bundle: 'starter@1.0.0',
  bundleDigest: 'b'.repeat(64),
  planDigest: 'p'.repeat(64),
  executionProvider: 'cpu',
  lane: 'backfill',
  timings: { score: 0.4 },
  scoredAt: 1_700_000_005_000,
};

export const deletion: UploadDeletion = {
  uploadId: identity.uploadId,
  deletedAt: 1_700_000_009_000,
  reason: 'owner',
};

export const watch: Watch = {
  impressionId: 'impression-1',
  uploadId: identity.uploadId,
  watchedMs: 5_400,
  durationMs: 9_000,
  surface: 'feed',
  randomised: true,
  propensity: 0.01,
  watchedAt: 1_700_000_010_000,
};
