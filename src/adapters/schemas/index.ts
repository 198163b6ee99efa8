/** Serdes of all topics, from the schemas that ship with this version. */
import { fileURLToPath } from 'node:url';
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractedUpload } from '../../core/extracted-upload.ts';
import type { UploadFeatures } from '../../core/features.ts';
import type { ColdStartScore } from '../../core/score.ts';
import type { UploadEvent, UploadIdentity } from '../../core/upload.ts';
import type { UploadDeletion } from '../../core/upload-deletion.ts';
import type { Watch } from '../../core/watch.ts';
import type { SchemaRegistry, Serde } from '../../runtime/serde.ts';
import { AvroSerde, type RecordMapping } from './avro-serde.ts';
import { extractedMapping } from './extracted-record.ts';
import { featuresMapping } from './features-record.ts';
import { openFolderRegistry } from './folder-registry.ts';
import { identityFromRaw } from './media-records.ts';
import { scoreMapping } from './score-record.ts';
import { deletionMapping, uploadMapping, watchMapping } from './upload-records.ts';

export type { RegistrySettings } from './registry-credentials.ts';
export { openRestRegistry, type RestRegistryOptions } from './rest-registry.ts';
export { openFolderRegistry };

/** The folder `schemas/` of this checkout or package: the same from `src` and from `dist`. */
export const SHIPPED_SCHEMAS = fileURLToPath(new URL('../../../schemas', import.meta.url));

export interface UploadSerde extends Serde<UploadEvent> {
  /** Who the upload is, even where its text is refused; `undefined` when the bytes cannot be decoded. Never throws. */
  identity(bytes: Uint8Array): UploadIdentity | undefined;
}

/** By topic family; a dead letter has no schema of its own (its value is the original bytes). */
export interface Serdes {
  readonly uploadCreated: UploadSerde;
  readonly uploadExtracted: Serde<ExtractedUpload>;
  readonly uploadEmbedded: Serde<UploadFeatures>;
  readonly coldStartScore: Serde<ColdStartScore>;
  readonly uploadDeleted: Serde<UploadDeletion>;
  readonly watch: Serde<Watch>;
}

/** Topic family to subject (TopicNameStrategy, without a topic prefix). */
export const SUBJECTS = {
  uploadCreated: 'media.upload.created.v1-value',
  uploadExtracted: 'media.upload.extracted.v1-value',
  uploadEmbedded: 'media.upload.embedded.v1-value',
  coldStartScore: 'ranking.cold-start.v1-value',
  uploadDeleted: 'media.upload.deleted.v1-value',
  watch: 'engagement.watch.v1-value',
} as const satisfies Record<keyof Serdes, string>;

/** Registers the newest schema of each topic (a look-up where it is registered already) and makes the serdes. */
export async function createSerdes(registry: SchemaRegistry): Promise<Serdes> {
  const shipped = await openFolderRegistry(SHIPPED_SCHEMAS);
  const serde = async <T, Raw>(family: keyof Serdes, mapping: RecordMapping<T, Raw>) => {
    const newest = (await shipped.versions(SUBJECTS[family])).at(-1);
    if (newest === undefined)
      throw new FirstFiveError('REGISTRY_UNAVAILABLE', `${SHIPPED_SCHEMAS} has no ${SUBJECTS[family]}`);
    const id = await registry.register(SUBJECTS[family], newest.schema);
    return new AvroSerde(registry, { id, schema: newest.schema }, mapping);
  };
  return {
    uploadCreated: withIdentity(await serde('uploadCreated', uploadMapping)),
    uploadExtracted: await serde('uploadExtracted', extractedMapping),
    uploadEmbedded: await serde('uploadEmbedded', featuresMapping),
    coldStartScore: await serde('coldStartScore', scoreMapping),
    uploadDeleted: await serde('uploadDeleted', deletionMapping),
    watch: await serde('watch', watchMapping),
  };
}

function withIdentity<Raw extends { uploadId: string; revision: number; uploadedAt: number }>(
  serde: AvroSerde<UploadEvent, Raw>,
): UploadSerde {
  return {
    serialize: (value) => serde.serialize(value),
    deserialize: (bytes) => serde.deserialize(bytes),
    prepare: (bytes) => serde.prepare(bytes),
    identity(bytes) {
      try {
        const raw = serde.deserializeRaw(bytes, true);
        return raw.uploadId.includes('\ufffd') ? undefined : identityFromRaw(raw);
      } catch {
        return undefined;
      }
    },
  };
}
