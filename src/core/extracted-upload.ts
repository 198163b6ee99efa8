/** What an extract stage hands on when frames and sound travel through the object store and not in memory. */
import type { ArtefactRef } from './claim-check.ts';
import type { FrameTarget, MediaModality, MediaProbe, ShownFrame, Signals } from './extraction.ts';
import type { Timings } from './features.ts';
import type { UploadIdentity, UploadText } from './upload.ts';

export interface StoredVideo {
  readonly width: number;
  readonly height: number;
  readonly targets: readonly FrameTarget[];
  /** uint8 `[targets, height, width, 3]`, RGB, tightly packed. */
  readonly pixels: ArtefactRef;
}

export interface StoredAudio {
  readonly sampleRate: number;
  /** float32 little-endian mono in [-1, 1]. */
  readonly samples: ArtefactRef;
}

export interface StoredView {
  readonly dims: readonly number[];
  readonly frames: readonly ShownFrame[];
  readonly type: 'uint8' | 'float32';
  readonly data: ArtefactRef;
}

/** Every part of an extraction that is bytes. */
export interface StoredParts {
  readonly video: StoredVideo | null;
  readonly audio: StoredAudio | null;
  readonly views: Readonly<Record<string, StoredView>>;
  readonly sounds: Readonly<Record<string, StoredAudio>>;
}

export interface ExtractedUpload extends UploadIdentity {
  readonly mediaEtag: string;
  /** As the uploader wrote it. */
  readonly text: UploadText;
  readonly probe: MediaProbe;
  readonly signals: Signals;
  readonly missing: readonly MediaModality[];
  readonly video: StoredVideo | null;
  readonly audio: StoredAudio | null;
  /** JSON of the views and sounds (`StoredParts`), where the plan has any. */
  readonly further: ArtefactRef | null;
  readonly planDigest: string;
  readonly decoderBuild: string;
  readonly timings: Timings;
}
