/**
 * The manifest of a bundle, `models/<name>/<version>/bundle.json`, as a value. docs/specs/bundle.md explains every field;
 * the model repository parses and refuses (`BUNDLE_INVALID`), so that code behind it can trust these types.
 */
import type { ExtractionPlan } from './extraction.ts';
import type { PriorAssumptions } from './prior.ts';
import type { TicketPolicy } from './ticket.ts';

export type TensorType = 'uint8' | 'float32' | 'int32';

/** `n` is the batch and always the first dimension; `tokens` is one of the graph's text lengths; the others are fixed. */
export interface TensorSpec {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly ['n', ...(number | 'tokens')[]];
  /** Feature of the bundle that fills this input, zeros where an upload has none. Absent: bound by the input's name. */
  readonly feature?: string;
}

export const TEXT_FIELDS = ['title', 'description', 'caption'] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

/** What a graph may read as one text: a field, or title and description with ` . ` between, which stays where one is absent. */
export const TEXT_READINGS = [...TEXT_FIELDS, 'title+description'] as const;
export type TextReading = (typeof TEXT_READINGS)[number];

export interface TokenizerManifest extends BundleFile {
  readonly kind: 'word-piece';
  /** Longer texts are cut; the special tokens count. */
  readonly maxTokens: number;
}

export interface GraphManifest {
  readonly file: string;
  readonly sha256: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Batch sizes that are prepared, rising; a batch is padded to the next one. */
  readonly buckets: readonly number[];
  /** How rows shorter than the input are filled, in words. */
  readonly padding?: string;
  /** Of a graph that reads text: it runs once for each text that a feature asks for. */
  readonly text?: TextGraphManifest;
  /**
   * Of a graph over features: names of inputs that are taken away together. It then runs on 2 + groups rows: everything, all but
   * each group in turn, nothing (zeros). A head makes reasons of the differences.
   */
  readonly occlusion?: readonly (readonly string[])[];
}

export interface TextGraphManifest {
  readonly tokenizer: string;
  /** Row lengths that are prepared, rising; a text is padded to the next one. The last is the tokenizer's `maxTokens`. */
  readonly lengths: readonly number[];
}

/** A feature kept with the upload: one output of one graph, pooled over its rows where it has several per upload. */
export interface FeatureManifest {
  readonly name: string;
  /** `<graph>.<output>` */
  readonly from: string;
  /** The text that the graph reads, where it reads text. */
  readonly reading?: TextReading;
  /** A field that this reading leaves out: what the others say by themselves. */
  readonly without?: TextField;
  /** Over the rows of one upload. Default: their mean. `concat` keeps them all, one after another. */
  readonly pool?: 'mean' | 'concat';
  readonly dim: number;
  readonly labels?: readonly string[];
}

export interface BundleFile {
  readonly file: string;
  readonly sha256: string;
}

/** What every head states; its own parameters are parsed by the code of that kind. */
export interface HeadManifest extends BundleFile {
  readonly kind: 'hashed-ngram-linear' | 'stacked-text';
  readonly [parameter: string]: unknown;
}

export interface PriorManifest extends PriorAssumptions {
  /** True until outcomes have replaced `meanEcr` and `spread`. */
  readonly assumed: boolean;
  /** Cross-validated correlation by the set of weighted modalities present (`none`, `text`, `text+caption`, ...). */
  readonly rho: Readonly<Record<string, number>>;
}

export interface CalibrationManifest {
  readonly kind: 'rank-to-ecr-normal';
  /** False until outcomes have been seen; travels into every score as `calibrated`. */
  readonly fitted: boolean;
  readonly statement: string;
}

export interface BundleManifest {
  readonly schemaVersion: 1;
  readonly name: string;
  readonly version: string;
  readonly tier: number;
  readonly trained: boolean;
  readonly description: string;
  readonly licence: string;
  readonly extractionPlan: ExtractionPlan;
  readonly tokenizers?: Readonly<Record<string, TokenizerManifest>>;
  readonly graphs: Readonly<Record<string, GraphManifest>>;
  readonly features: readonly FeatureManifest[];
  readonly head: HeadManifest;
  readonly prior: PriorManifest;
  readonly calibration: CalibrationManifest;
  readonly ticket: TicketPolicy;
  readonly golden: BundleFile;
  readonly provenance: readonly unknown[];
  readonly metrics: Readonly<Record<string, unknown>>;
}

export interface BundleIdentity {
  readonly name: string;
  readonly version: string;
}

/** `name@version`, the one string form of a bundle's identity. */
export function bundleLabel({ name, version }: BundleIdentity): string {
  return `${name}@${version}`;
}
