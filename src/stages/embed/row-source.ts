/** Where the rows of one graph input come from. */
import type { TensorSpec } from '../../core/bundle.ts';
import type { Extraction, ExtractionPlan, MediaModality } from '../../core/extraction.ts';
import type { Tensor } from './inference.ts';

export interface RowSource {
  readonly modality: MediaModality;
  readonly type: TensorSpec['type'];
  /** Dims behind the batch that the plan yields. */
  dims(plan: ExtractionPlan): readonly number[];
  /** `undefined`: not there, though its modality is. */
  rows(extraction: Extraction, plan: ExtractionPlan): Tensor | undefined;
}
