/** Receipts as files: `<data folder>/receipts/<run>.json`, and any file that was kept elsewhere. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FirstFiveError } from '../../../core/errors.ts';
import { type Receipt, receiptSchema } from '../../../core/receipt.ts';

export function receiptPath(dataDir: string, run: string): string {
  return join(dataDir, 'receipts', `${run}.json`);
}

/** Replaced whole, so that nobody reads half of one. */
export async function writeReceipt(path: string, receipt: Receipt): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(receipt, null, 1)}\n`);
  await rename(temporary, path);
}

/** `USAGE` for what is no receipt. */
export async function readReceipt(path: string): Promise<Receipt> {
  try {
    return receiptSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (thrown) {
    throw new FirstFiveError('USAGE', `${path} is no receipt of a backfill`, { cause: thrown });
  }
}
