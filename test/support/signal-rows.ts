/** One row of the table in docs/specs/signals.md. */
import type { SignalDefinition } from '../../src/core/signals/table.ts';

export function signalRow(name: string, { unit, range, formula, source }: SignalDefinition): string {
  const [low, high] = range.map((bound) => bound?.toLocaleString('en-US'));
  const bounds = high === undefined ? `from ${low}` : `${low} to ${high}`;
  // A bar would end the cell.
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return `| \`${name}\` | ${cell(unit)} | ${bounds} | ${cell(formula)} | ${cell(source)} |`;
}
