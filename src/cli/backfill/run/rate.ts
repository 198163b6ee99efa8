/** `--rate`: records a second. */
import { FirstFiveError } from '../../../core/errors.ts';

/** `50/s`, `50`, `0.5/s`; `undefined` stays. */
export function parseRate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text);
  const rate = Number(match?.[1]);
  if (match !== null && rate > 0 && rate <= 1e9) return rate;
  throw new FirstFiveError(
    'USAGE',
    `--rate: ${JSON.stringify(text)} is no rate; write 50/s, or 0.5/s for one in two seconds`,
  );
}
