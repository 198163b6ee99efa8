/**
 * Scores as a table that a person enjoys reading: one row per clip with its score as a bar, the 90 % interval, what
 * pushed it, and what it cost.
 *
 * T1. The table fits its terminal: names and reasons give way, numbers never do.
 */
import type { Timings } from '../../core/features.ts';
import type { ColdStartScore } from '../../core/score.ts';
import type { Paint } from './paint.ts';
import { reasonText, topReasons } from './score-line.ts';
import type { RejectedUpload, ScoreOutcome } from './score-outcome.ts';
import { cutTo, harmless, padEnd, textWidth } from './text-width.ts';

const BAR_COLUMNS = 20;
const MIN_NAME = 8;
const MAX_NAME = 32;
const MIN_REASONS = 12;

export interface TableSettings {
  readonly columns: number;
  readonly paint: Paint;
}

interface Widths {
  readonly name: number;
  readonly reasons: number;
  /** A narrow terminal gets the sum of the stages instead of each of them. */
  readonly detailed: boolean;
}

const DETAILED_FROM = 110;

export function scoreTable(outcomes: readonly ScoreOutcome[], settings: TableSettings): readonly string[] {
  const widths = columnWidths(outcomes, settings.columns);
  const header = [
    padEnd('upload', widths.name),
    padEnd('ecr', 4),
    padEnd(axis(), BAR_COLUMNS),
    padEnd('90 % interval', 13),
    padEnd('reasons', widths.reasons),
    widths.detailed ? 'milliseconds by stage' : 'ms',
  ].join('  ');
  return [
    settings.paint('dim', header.trimEnd()),
    ...outcomes.map((outcome) => row(outcome, widths, settings.paint)),
  ];
}

function row(outcome: ScoreOutcome, widths: Widths, paint: Paint): string {
  return outcome.status === 'scored'
    ? scoredRow(outcome.score, widths, paint)
    : rejectedRow(outcome, widths, paint);
}

function scoredRow(score: ColdStartScore, widths: Widths, paint: Paint): string {
  const name = padEnd(cutTo(harmless(score.uploadId), widths.name), widths.name);
  const reasons = padEnd(cutTo(reasonsText(score), widths.reasons), widths.reasons);
  const interval = padEnd(`${score.lower.toFixed(2)} to ${score.upper.toFixed(2)}`, 13);
  return [
    paint('bold', name),
    paint('cyan', score.ecr.toFixed(2)),
    scoreBar(score, paint),
    interval,
    reasons,
    paint('dim', stagesText(score.timings, widths.detailed)),
  ]
    .join('  ')
    .trimEnd();
}

function rejectedRow(outcome: RejectedUpload, widths: Widths, paint: Paint): string {
  const name = padEnd(cutTo(harmless(outcome.uploadId), widths.name), widths.name);
  const room = 4 + BAR_COLUMNS + 13 + widths.reasons + 6;
  return `${paint('bold', name)}  ${paint('red', cutTo(`${outcome.code} ${harmless(outcome.message)}`, room))}`;
}

/** `───━━━╋━━━──────────`: the interval heavy, the score itself a cross, on an axis from 0 to 1. */
export function scoreBar(score: Pick<ColdStartScore, 'ecr' | 'lower' | 'upper'>, paint: Paint): string {
  const cell = (value: number) => Math.min(BAR_COLUMNS - 1, Math.max(0, Math.floor(value * BAR_COLUMNS)));
  const [from, at, to] = [cell(score.lower), cell(score.ecr), cell(score.upper)];
  return [
    paint('dim', '─'.repeat(from)),
    paint('cyan', `${'━'.repeat(at - from)}╋${'━'.repeat(Math.max(0, to - at))}`),
    paint('dim', '─'.repeat(BAR_COLUMNS - 1 - Math.max(at, to))),
  ].join('');
}

function axis(): string {
  return `0${' '.repeat(BAR_COLUMNS - 2)}1`;
}

function reasonsText(score: ColdStartScore): string {
  const reasons = topReasons(score.reasons, 2).map(reasonText);
  const missing = score.missing.map((modality) => `no ${modality}`);
  return [...reasons, ...missing].join(', ') || 'base rate';
}

/** Whole stages only (`extract`, not `extract.open`). */
function stagesText(timings: Timings, detailed: boolean): string {
  const stages = Object.entries(timings).filter(([name]) => !name.includes('.'));
  if (!detailed) return milliseconds(stages.reduce((sum, [, ms]) => sum + ms, 0));
  return stages.map(([name, ms]) => `${harmless(name)} ${milliseconds(ms)}`).join('  ');
}

function milliseconds(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0);
}

/** Names and reasons share what the fixed columns leave (T1). */
function columnWidths(outcomes: readonly ScoreOutcome[], columns: number): Widths {
  const detailed = columns >= DETAILED_FROM;
  const names = outcomes.map((o) =>
    textWidth(harmless(o.status === 'scored' ? o.score.uploadId : o.uploadId)),
  );
  const scored = outcomes.flatMap((o) => (o.status === 'scored' ? [o.score] : []));
  const reasons = Math.max(MIN_REASONS, ...scored.map((score) => textWidth(reasonsText(score))));
  const stages = Math.max(0, ...scored.map((score) => textWidth(stagesText(score.timings, detailed))));
  const name = Math.min(MAX_NAME, Math.max(MIN_NAME, ...names));
  const room = columns - (4 + BAR_COLUMNS + 13 + stages + 10);
  const forReasons = Math.min(reasons, Math.max(MIN_REASONS, room - name));
  return { name: Math.max(MIN_NAME, Math.min(name, room - forReasons)), reasons: forReasons, detailed };
}
