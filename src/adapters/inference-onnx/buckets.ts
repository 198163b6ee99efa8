/** Fixed batch sizes: which one a batch is padded to, and how a batch over the largest one is cut. */

export interface BucketChunk {
  readonly from: number;
  readonly rows: number;
  /** The prepared batch size that `rows` is padded to. */
  readonly bucket: number;
}

/** Chunks that cover `rows` rows in order: as many of the largest bucket as fit, the rest in the smallest that holds it. */
export function cutIntoBuckets(rows: number, buckets: readonly number[]): readonly BucketChunk[] {
  const largest = Math.max(...buckets);
  const chunks: BucketChunk[] = [];
  for (let from = 0; from < rows; from += largest) {
    const count = Math.min(largest, rows - from);
    chunks.push({ from, rows: count, bucket: smallestBucket(count, buckets) });
  }
  return chunks;
}

function smallestBucket(rows: number, buckets: readonly number[]): number {
  return Math.min(...buckets.filter((bucket) => bucket >= rows));
}
