/** Mean over rows: several frames of one upload become one vector. */
import { FirstFiveError } from '../../core/errors.ts';

/** float32 `[rows, dim]` to its mean over rows, `[dim]`, summed in float64. A single row is copied as it is. */
export function poolRows(rows: Float32Array, dim: number): Float32Array {
  const count = rows.length / dim;
  if (!Number.isInteger(count) || count === 0) {
    throw new FirstFiveError('INFERENCE_FAILED', `${rows.length} values do not make rows of ${dim}`, {
      stage: 'embed',
    });
  }
  if (count === 1) return rows.slice();
  const sums = new Float64Array(dim);
  for (let at = 0; at < rows.length; at += dim) {
    for (let k = 0; k < dim; k++) sums[k] = (sums[k] ?? 0) + (rows[at + k] ?? 0);
  }
  return Float32Array.from(sums, (sum) => sum / count);
}
