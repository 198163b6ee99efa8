import { describe, expect, it } from 'vitest';
import { painterFor } from '../../../src/cli/output/paint.ts';
import { scoreLine } from '../../../src/cli/output/score-line.ts';
import { outcomeJson, type ScoreOutcome } from '../../../src/cli/output/score-outcome.ts';
import { scoreBar, scoreTable } from '../../../src/cli/output/score-table.ts';
import { toJson } from '../../../src/cli/output/streams.ts';
import { textWidth } from '../../../src/cli/output/text-width.ts';
import type { ColdStartScore } from '../../../src/core/score.ts';
import type { UploadId } from '../../../src/core/upload.ts';
import { captured } from '../cli-harness.ts';

const plain = (_style: unknown, text: string) => text;

function scored(uploadId: string, changes: Partial<ColdStartScore> = {}): ScoreOutcome {
  const score: ColdStartScore = {
    scoreId: 's',
    uploadId: uploadId as UploadId,
    revision: 0,
    uploadedAt: 0,
    tier: 1,
    ecr: 0.63,
    alpha: 6.3,
    beta: 3.7,
    lower: 0.38,
    upper: 0.84,
    rank: 0.7,
    calibrated: false,
    ticket: { impressions: 240, breakEven: 11, expiresAt: 9 },
    reasons: [
      { feature: 'intercept', contribution: 0.4 },
      { feature: 'description:other', contribution: -0.2 },
      { feature: 'title:puppy', contribution: 0.35 },
      { feature: 'calibration', contribution: 0.01 },
    ],
    missing: [],
    rejection: null,
    bundle: 'starter@1.0.0',
    bundleDigest: 'b',
    planDigest: 'p',
    executionProvider: 'cpu',
    lane: 'live',
    timings: { extract: 212.4, 'extract.open': 3, embed: 98, score: 0.4 },
    scoredAt: 1,
    ...changes,
  };
  return { status: 'scored', score };
}

const rejected: ScoreOutcome = {
  status: 'rejected',
  uploadId: 'bad\x1b[31m',
  code: 'MEDIA_CORRUPT',
  stage: 'extract',
  message: 'moov atom not found',
};

describe('the JSON form', () => {
  it('has every key of the contract for a scored upload', () => {
    const contract = [
      'uploadId',
      'status',
      'ecr',
      'rank',
      'alpha',
      'beta',
      'lower',
      'upper',
      'ticket',
      'reasons',
      'bundle',
      'timings',
    ];
    expect(Object.keys(outcomeJson(scored('a')))).toEqual(expect.arrayContaining(contract));
  });

  it('has exactly the keys of the contract for a rejected one', () => {
    expect(Object.keys(outcomeJson(rejected))).toEqual(['uploadId', 'status', 'code', 'stage', 'message']);
  });

  it('refuses what JSON cannot say, and escapes what a terminal would act on', () => {
    expect(() => toJson({ ecr: Number.NaN })).toThrow('ecr is NaN');
    expect(toJson({ n: 5n, big: 2n ** 60n })).toBe('{"n":5,"big":"1152921504606846976"}');
    const text = toJson({ title: 'a\u009b2J\u007f' });
    expect(text).toBe('{"title":"a\\u009b2J\\u007f"}');
    expect(JSON.parse(text)).toEqual({ title: 'a\u009b2J\u007f' });
  });
});

describe('the plain line', () => {
  it('names the upload, its ecr with two digits, its interval and its strongest reasons', () => {
    expect(scoreLine(scored('a'))).toBe('a  0.63  [0.38, 0.84]  title:puppy +0.35, description:other -0.20');
  });

  it('says what was missing', () => {
    expect(scoreLine(scored('a', { missing: ['audio'], reasons: [] }))).toBe(
      'a  0.63  [0.38, 0.84]  without audio',
    );
  });

  it('says why an upload was rejected, without its control characters', () => {
    expect(scoreLine(rejected)).toBe('bad  rejected  MEDIA_CORRUPT  moov atom not found');
  });
});

describe('the table', () => {
  const outcomes = [
    scored('bunny'),
    scored('日本語のタイトル 👨‍👩‍👧'),
    scored('x'.repeat(90), { missing: ['audio'] }),
    rejected,
  ];

  it.each([80, 100, 110, 132, 200])('fits %i columns', (columns) => {
    const lines = scoreTable(outcomes, { columns, paint: plain });
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns);
    for (const line of lines.slice(1, 4)) expect(line).toMatch(/0\.63 .*0\.38 to 0\.84/);
  });

  it('keeps its columns in line, whatever the width of the names', () => {
    const starts = scoreTable(outcomes.slice(0, 3), { columns: 120, paint: plain })
      .slice(1)
      .map((line) => textWidth(line.slice(0, line.indexOf('0.63'))));
    expect(new Set(starts).size).toBe(1);
  });

  it('shows each stage where there is room, and their sum where there is not', () => {
    expect(scoreTable(outcomes, { columns: 132, paint: plain })[1]).toMatch(
      /extract 212 {2}embed 98 {2}score 0\.4$/,
    );
    expect(scoreTable(outcomes, { columns: 80, paint: plain })[1]).toMatch(/ 311$/);
  });

  it('draws a score between its bounds', () => {
    expect(scoreBar({ ecr: 0.5, lower: 0.25, upper: 0.75 }, plain)).toBe('─────━━━━━╋━━━━━────');
    for (const [lower, ecr, upper] of [
      [0, 0, 0],
      [0, 0.5, 1],
      [1, 1, 1],
      [0.99, 0.995, 1],
    ] as const) {
      expect(scoreBar({ lower, ecr, upper }, plain)).toHaveLength(20);
    }
  });
});

describe('colours', () => {
  it('are for terminals that want them', () => {
    const terminal = captured(undefined, 80).stream;
    const pipe = captured().stream;
    const isColoured = (stream: typeof pipe, env: Record<string, string>) =>
      painterFor(stream, env)('red', 'x') !== 'x';
    expect(isColoured(terminal, {})).toBe(true);
    expect(isColoured(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(isColoured(terminal, { TERM: 'dumb' })).toBe(false);
    expect(isColoured(pipe, {})).toBe(false);
    expect(isColoured(pipe, { FORCE_COLOR: '1' })).toBe(true);
    expect(isColoured(pipe, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});
