/**
 * Extractions kept in the object store, so that a second bundle with the same plan, a replay or a backfill costs no decode.
 *
 * C1. An entry is found by media, plan and decoder build together (`extractionKey`): another build decodes again.
 * C2. Only successes are kept. A rejection is cheap to find again, and a limit may have been raised since.
 * C3. A damaged or half-collected entry is a miss: it is deleted and made anew. A store that cannot be reached is an error, as it
 *     is for the media.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { StoredParts } from '../../core/extracted-upload.ts';
import type { Extraction } from '../../core/extraction.ts';
import { type ExtractionIdentity, extractionKey } from '../../core/extraction-key.ts';
import type { ObjectStore } from '../object-store.ts';
import { loadParts, storeParts } from './stored-parts.ts';

export interface CachedExtraction {
  readonly extraction: Extraction;
  /** Where its bytes are. */
  readonly stored: StoredParts;
}

export interface ExtractionCache {
  find(identity: ExtractionIdentity, signal?: AbortSignal): Promise<CachedExtraction | undefined>;
  keep(identity: ExtractionIdentity, extraction: Extraction, signal?: AbortSignal): Promise<CachedExtraction>;
}

/** Raised when the entry's form changes: old entries are then misses. */
const FORM = 1;

type Entry = StoredParts & Pick<Extraction, 'probe' | 'signals'> & { readonly form: typeof FORM };

export function createExtractionCache(store: ObjectStore): ExtractionCache {
  return {
    find: async (identity, signal) => {
      const key = extractionKey(identity);
      const bytes = await store.get(key, signal).catch(absentAsUndefined);
      if (bytes === undefined) return undefined;
      try {
        const entry = parseEntry(bytes);
        const { probe, signals } = entry;
        const parts = await loadParts(store, entry, signal);
        return { extraction: { probe, signals, timings: {}, ...parts }, stored: entry };
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
        await store.delete(key);
        return undefined;
      }
    },
    keep: async (identity, extraction, signal) => {
      const stored = await storeParts(store, extraction, signal);
      const { probe, signals } = extraction;
      const entry: Entry = { form: FORM, probe, signals, ...stored };
      await store.putIfAbsent(
        extractionKey(identity),
        new TextEncoder().encode(JSON.stringify(entry)),
        signal,
      );
      return { extraction, stored };
    },
  };
}

function parseEntry(bytes: Uint8Array): Entry {
  const entry: unknown = JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes));
  if (entry === null || typeof entry !== 'object' || !('form' in entry) || entry.form !== FORM) {
    throw new FirstFiveError('ARTEFACT_MISSING', 'an extraction of another form');
  }
  return entry as Entry;
}

function absentAsUndefined(thrown: unknown): undefined {
  if (thrown instanceof FirstFiveError && thrown.code === 'ARTEFACT_MISSING') return undefined;
  throw thrown;
}

/** Not JSON, of another form, or with a part that is absent or changed. */
function isDamage(thrown: unknown): boolean {
  if (thrown instanceof FirstFiveError) return thrown.code === 'ARTEFACT_MISSING';
  return thrown instanceof SyntaxError || thrown instanceof TypeError;
}
