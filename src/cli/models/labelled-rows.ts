/**
 * Labelled uploads from a CSV file (RFC 4180), row by row.
 *
 * L1. An empty cell is absent. A row with none of title, description, caption and uri says nothing and is left out.
 * L2. Columns that are not ours are ignored: data sets carry ids and notes.
 */
import { createReadStream } from 'node:fs';
import { dirname } from 'node:path';
import { type CsvError, parse } from 'csv-parse';
import { FirstFiveError } from '../../core/errors.ts';
import type { UploadText } from '../../core/upload.ts';
import { mediaUri } from '../inputs/upload-row.ts';

export interface LabelledRow {
  /** From 1, the header not counted. */
  readonly number: number;
  readonly label: number;
  readonly text: UploadText;
  /** Absolute. */
  readonly uri: string | undefined;
  readonly outcome: { readonly impressions: number; readonly continues: number } | undefined;
}

const CONTENT = ['title', 'description', 'caption', 'uri'] as const;

type Cells = Readonly<Record<string, string>>;

/** `USAGE` names the file and the row of what is wrong. */
export async function* readLabelledRows(path: string, labelColumn: string): AsyncGenerator<LabelledRow> {
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    columns: (header: string[]) => requireColumns(path, header, labelColumn),
    max_record_size: 4 * 1024 * 1024,
  });
  const source = createReadStream(path);
  source.on('error', (error) => parser.destroy(error));
  let number = 0;
  try {
    for await (const cells of source.pipe(parser) as AsyncIterable<Cells>) {
      number++;
      const row = labelledRow(cells, { path, number, labelColumn });
      if (row !== undefined) yield row;
    }
  } catch (error) {
    if (error instanceof FirstFiveError) throw error;
    const reason =
      error instanceof Error ? ((error as Partial<CsvError>).code ?? error.message) : String(error);
    throw usage(`cannot read ${path} (${reason})`);
  } finally {
    source.destroy();
  }
}

interface RowPlace {
  readonly path: string;
  readonly number: number;
  readonly labelColumn: string;
}

function labelledRow(cells: Cells, place: RowPlace): LabelledRow | undefined {
  const label = numberIn(cells, place.labelColumn, place);
  if (label === undefined) throw wrong(place, `${place.labelColumn} is empty`);
  const { title, description, caption, uri } = cells;
  const text = {
    ...(title ? { title } : {}),
    ...(description ? { description } : {}),
    ...(caption ? { caption } : {}),
  };
  if (!uri && Object.keys(text).length === 0) return undefined;
  return {
    number: place.number,
    label,
    text,
    uri: uri ? mediaUri(uri, dirname(place.path)) : undefined,
    outcome: outcomeIn(cells, place),
  };
}

function outcomeIn(cells: Cells, place: RowPlace): LabelledRow['outcome'] {
  const impressions = numberIn(cells, 'impressions', place);
  const continues = numberIn(cells, 'continues', place);
  if (impressions === undefined && continues === undefined) return undefined;
  const whole = (value: number | undefined): value is number =>
    Number.isSafeInteger(value) && Number(value) >= 0;
  if (!whole(impressions) || !whole(continues) || continues > impressions) {
    throw wrong(place, 'impressions and continues must be whole numbers, continues at most impressions');
  }
  return { impressions, continues };
}

function numberIn(cells: Cells, column: string, place: RowPlace): number | undefined {
  const cell = cells[column]?.trim();
  if (cell === undefined || cell === '') return undefined;
  const value = Number(cell);
  if (Number.isFinite(value)) return value;
  throw wrong(place, `${column} is no number`);
}

function requireColumns(path: string, header: string[], labelColumn: string): string[] {
  if (!header.includes(labelColumn))
    throw usage(`${path} has no column ${JSON.stringify(labelColumn)}; --label-column names it`);
  if (!CONTENT.some((column) => header.includes(column)))
    throw usage(`${path} has none of the columns ${CONTENT.join(', ')}`);
  return header;
}

function wrong({ path, number }: RowPlace, what: string): FirstFiveError {
  return usage(`${path}, row ${number}: ${what}`);
}

function usage(message: string): FirstFiveError {
  return new FirstFiveError('USAGE', message);
}
