/** A receipt for people. */
import { finishedRecords, rejectedTotal } from '../../../core/backfill-progress.ts';
import { RECEIPT_STAGES, type Receipt } from '../../../core/receipt.ts';

export function receiptLines(receipt: Receipt): readonly string[] {
  const { counts, made } = receipt;
  const rejected = Object.entries(counts.rejected)
    .map(([code, n]) => `${n} ${code}`)
    .join(', ');
  const lines = [
    `run ${receipt.run} finished ${new Date(receipt.finishedAt).toISOString()} with ${made.bundle}`,
    `  records   ${finishedRecords(counts)} done: ${counts.scored} scored, ${rejectedTotal(counts)} rejected${rejected === '' ? '' : ` (${rejected})`}, ` +
      `${counts.superseded} superseded, ${counts.tombstones} tombstones; ${counts.filtered} not selected`,
    `  rate      ${receipt.recordsPerSecond === null ? 'unknown' : `${receipt.recordsPerSecond.toFixed(1)} records/s`}`,
    `  made by   ${[...made.decoderBuilds, ...made.executionProviders].join(', ') || 'nothing'}`,
    `  wrote     ${Object.values(receipt.outputs).join(', ')}`,
  ];
  for (const stage of RECEIPT_STAGES) {
    const checksum = receipt.checksums[stage];
    if (checksum !== undefined)
      lines.push(`  ${stage.padEnd(9)} ${checksum.sum.slice(0, 16)} over ${checksum.rows} rows`);
  }
  return lines;
}
