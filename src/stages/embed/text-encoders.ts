/** What turns text into the ids that a bundle's graphs read, by tokenizer name. Its files are read and parsed once. */
import type { TextGraphManifest, TokenizerManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import { WordPiece } from '../../core/text/word-piece.ts';
import { parseWordPieceModel } from '../../core/text/word-piece-model.ts';
import type { LoadedBundle } from '../model-repository.ts';

export interface UploadTextEncoder {
  /** Ids with the special tokens, at most the manifest's `maxTokens`; synchronous, and no slower for a text that is cut. */
  encode(text: string): Int32Array;
}

export type UploadTextEncoders = ReadonlyMap<string, UploadTextEncoder>;

/** `BUNDLE_INVALID` when a file is not what its kind says. */
export async function openTextEncoders(
  bundle: Pick<LoadedBundle, 'manifest' | 'read'>,
): Promise<UploadTextEncoders> {
  const encoders = new Map<string, UploadTextEncoder>();
  for (const [name, tokenizer] of Object.entries(bundle.manifest.tokenizers ?? {})) {
    encoders.set(name, openEncoder(tokenizer, await bundle.read(tokenizer.file)));
  }
  return encoders;
}

function openEncoder({ kind, maxTokens }: TokenizerManifest, file: Uint8Array): UploadTextEncoder {
  switch (kind) {
    case 'word-piece':
      return new WordPiece(parseWordPieceModel(new TextDecoder().decode(file)), maxTokens);
  }
}

export function requireEncoder(
  graph: string,
  { tokenizer }: TextGraphManifest,
  encoders: UploadTextEncoders,
): UploadTextEncoder {
  const encoder = encoders.get(tokenizer);
  if (encoder !== undefined) return encoder;
  throw new FirstFiveError('BUNDLE_INVALID', `graph ${graph}: the tokenizer ${tokenizer} was not opened`);
}
