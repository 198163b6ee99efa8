/** Deterministic identity of a score: the same inputs give the same id on every replay, so an output can be recognised. */
import { sha256Hex } from './digest.ts';
import type { UploadText } from './upload.ts';

export interface ScoreIdParts {
  readonly uploadId: string;
  readonly revision: number;
  readonly mediaEtag: string;
  /** After the production normaliser. */
  readonly text: UploadText;
  readonly planDigest: string;
  readonly bundleDigest: string;
  readonly calibrationDigest: string;
  readonly decoderBuild: string;
}

const SCORE_ID_HEX_DIGITS = 32;

/**
 * First 128 bits, in hex, of the SHA-256 of the parts, each written as its length and itself, so that no two sets of
 * parts share an encoding. An absent text differs from an empty one.
 */
export function scoreIdOf(parts: ScoreIdParts): string {
  const { text } = parts;
  const encoded =
    part('firstfive-score-1') +
    part(parts.uploadId) +
    part(String(parts.revision)) +
    part(parts.mediaEtag) +
    part(text.title) +
    part(text.description) +
    part(text.caption) +
    part(parts.planDigest) +
    part(parts.bundleDigest) +
    part(parts.calibrationDigest) +
    part(parts.decoderBuild);
  return sha256Hex(encoded).slice(0, SCORE_ID_HEX_DIGITS);
}

function part(value: string | undefined): string {
  return value === undefined ? '-;' : `${value.length}:${value};`;
}
