/** Mapping of the feature topic's record. */
import type { MediaProbe, Signals } from '../../core/extraction.ts';
import type { Embedding, Producer, Timings, UploadFeatures } from '../../core/features.ts';
import type { RecordMapping } from './avro-serde.ts';
import { bytesToFloats, floatsToBytes } from './float-bytes.ts';
import {
  identityFromRaw,
  modalitiesFromRaw,
  probeFromRaw,
  type RawIdentity,
  type RawText,
  requireIdentity,
  textFromRaw,
  textToRaw,
} from './media-records.ts';

interface RawEmbedding {
  readonly name: string;
  readonly model: string;
  readonly dim: number;
  readonly dtype: 'float32';
  readonly values: Buffer;
}

export interface RawFeatures extends RawIdentity {
  readonly mediaEtag: string;
  readonly text: RawText;
  readonly probe: MediaProbe;
  readonly signals: Signals;
  readonly missing: readonly string[];
  readonly embeddings: readonly RawEmbedding[];
  readonly producer: Producer;
  readonly timings: Timings;
}

export const featuresMapping: RecordMapping<UploadFeatures, RawFeatures> = {
  toRaw(features) {
    requireIdentity(features);
    return {
      ...features,
      text: textToRaw(features.text),
      embeddings: features.embeddings.map(embeddingToRaw),
    };
  },
  fromRaw(raw) {
    const { bundle, bundleDigest, planDigest, decoderBuild, executionProvider } = raw.producer;
    return {
      ...identityFromRaw(raw),
      mediaEtag: raw.mediaEtag,
      text: textFromRaw(raw.text),
      probe: probeFromRaw(raw.probe),
      signals: { ...raw.signals },
      missing: modalitiesFromRaw(raw.missing),
      embeddings: raw.embeddings.map(embeddingFromRaw),
      producer: { bundle, bundleDigest, planDigest, decoderBuild, executionProvider },
      timings: { ...raw.timings },
    };
  },
};

function embeddingToRaw({ name, model, values }: Embedding): RawEmbedding {
  return { name, model, dim: values.length, dtype: 'float32', values: floatsToBytes(values) };
}

function embeddingFromRaw({ name, model, dim, values }: RawEmbedding): Embedding {
  return { name, model, values: bytesToFloats(values, dim) };
}
