/**
 * A YAML file checked against a strict schema, every problem named with its file, line and column.
 *
 * Y1. All problems are reported at once: fixing a file should take one round.
 * Y2. A key given twice, an unknown key and a missing key are problems like any other.
 */
import { type Document, isCollection, isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type ErrorCode, FirstFiveError } from '../core/errors.ts';

/** At most this many problems are listed in one message. */
const MAX_LISTED = 12;

export interface YamlSource {
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
}

export function parseYaml<T>(source: YamlSource, schema: z.ZodType<T>, code: ErrorCode): T {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      (error) => `${position(source, lines, error.pos[0])} ${firstLine(error.message)}`,
    );
    throw new FirstFiveError(code, listed(problems));
  }
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) =>
    issueTexts(document, issue).map(
      ({ path, text }) => `${position(source, lines, offsetOf(document, path))} ${text}`,
    ),
  );
  throw new FirstFiveError(code, listed(problems));
}

type Path = readonly PropertyKey[];

/** An issue over several unknown keys becomes one text per key, so that each has its own line number. */
function issueTexts(document: Document, issue: z.core.$ZodIssue): readonly { path: Path; text: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      text: `unknown key ${pathText([...issue.path, key])}`,
    }));
  }
  if (issue.path.length > 0 && !document.hasIn(issue.path)) {
    return [{ path: issue.path, text: `missing key ${pathText(issue.path)}` }];
  }
  const where = issue.path.length === 0 ? '' : `${pathText(issue.path)}: `;
  return [{ path: issue.path, text: `${where}${issue.message}` }];
}

/** Where the key at the end of `path` stands; for a missing key, where its closest existing parent does. */
function offsetOf(document: Document, path: Path): number {
  for (let depth = path.length; depth > 0; depth--) {
    const offset = keyOffset(document, path.slice(0, depth));
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? 0;
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    );
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  if (!isCollection(parent)) return undefined;
  const item: unknown = parent.get(last, true);
  return isScalar(item) || isCollection(item) ? item.range?.[0] : undefined;
}

function position(source: YamlSource, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${source.file}:${line}:${col}:`;
}

function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function listed(problems: readonly string[]): string {
  const shown = problems.slice(0, MAX_LISTED);
  const more = problems.length - shown.length;
  return more === 0 ? shown.join('; ') : `${shown.join('; ')}; and ${more} more`;
}
