/**
 * Durations and sizes as people write them in files and on the command line.
 *
 * A bare number is refused (except 0): `30` leaves open whether seconds or milliseconds are meant.
 */

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** `200ms`, `1.5s`, `30m`, `72h`, `7d`, `0` to whole milliseconds; `undefined` when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, MILLISECONDS);
}

/** `512B`, `64kB`, `1.5MB`, `256MiB`, `2GiB`, `0` to whole bytes; `undefined` when it is not a size. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, BYTES);
}

/** The shortest exact form: 86400000 is `1d`, 1500 is `1500ms`. */
export function formatDuration(milliseconds: number): string {
  return formatQuantity(milliseconds, ['d', 'h', 'm', 's', 'ms'], MILLISECONDS);
}

/** The shortest exact form: 268435456 is `256MiB`. */
export function formatBytes(bytes: number): string {
  return formatQuantity(bytes, ['GiB', 'MiB', 'KiB', 'B'], BYTES);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  if (match === null) return undefined;
  const amount = Number(match[1]);
  const unit = match[2] ?? '';
  if (unit === '') return amount === 0 ? 0 : undefined;
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) return undefined;
  const value = Math.round(amount * factor);
  return Number.isSafeInteger(value) ? value : undefined;
}

function formatQuantity(
  value: number,
  names: readonly string[],
  units: Readonly<Record<string, number>>,
): string {
  if (value === 0) return '0';
  for (const name of names) {
    const factor = units[name] ?? 1;
    if (value >= factor && value % factor === 0) return `${value / factor}${name}`;
  }
  return `${value}${names.at(-1) ?? ''}`;
}
