import { describe, expect, it } from 'vitest';
import { type BackfillPlan, parsePlan, planText, runTopic } from '../../src/core/backfill-plan.ts';
import {
  type ControlPart,
  controlKey,
  foldControl,
  phaseOf,
  SILENT_AFTER_MS,
} from '../../src/core/backfill-state.ts';

const plan: BackfillPlan = {
  schemaVersion: 1,
  run: 'r1',
  createdAt: 1_700_000_000_000,
  topology: 'backfill',
  stage: 'cold-start',
  steps: ['extract', 'embed', 'score'],
  groupId: 'g',
  input: 'in.v1',
  liveOutputs: { score: 'out.v1' },
  outputs: { score: 'out.backfill.r1' },
  deadLetters: 'dead.backfill.r1',
  from: 'beginning',
  to: 'now',
  filter: { keys: ['a'] },
  partitions: [{ partition: 0, start: 0n, end: 2n ** 60n, selected: 1, offsets: 'AAE=' }],
  counted: { records: 2, bytes: 200, tombstones: 0, selected: 1, selectedBytes: 100 },
  estimate: { basis: 'unknown', detail: '', recordsPerSecond: null, seconds: null, workSeconds: null },
};

describe('a backfill plan', () => {
  it('reads as it was written, offsets beyond 2^53 included', () => {
    expect(parsePlan(planText(plan))).toEqual(plan);
  });

  it.each([
    ['a changed range', planText(plan).replace('"from": "beginning"', '"from": "now"')],
    ['a missing digest', JSON.stringify({ schemaVersion: 1 })],
    ['no object', '[]'],
    ['no JSON', 'plan'],
  ])('is refused with %s', (_what, text) => {
    expect(() => parsePlan(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('names topics of its own', () => {
    expect(runTopic('ranking.cold-start.v1', 'r1')).toBe('ranking.cold-start.backfill.r1');
    expect(runTopic('dev.uploads', 'r1')).toBe('dev.uploads.backfill.r1');
  });
});

type Part = readonly [part: ControlPart, value: object | string];

describe('the state of a run', () => {
  const written = (...records: readonly Part[]) =>
    records
      .reduce(
        (states, [part, value]) =>
          foldControl(
            states,
            controlKey('r1', part),
            typeof value === 'string' ? value : JSON.stringify(value),
          ),
        new Map() as ReturnType<typeof foldControl>,
      )
      .get('r1');
  const identity = {
    bundle: 'b',
    bundleDigest: 'd',
    extractionPlanDigest: 'e',
    calibrationDigest: 'c',
    decoderBuild: 'none',
    startedAt: 1,
  };
  const alive = (at: number, state = 'running') =>
    ['process.0', { state, pid: 1, host: 'h', startedAt: 1, at, recordsPerSecond: null }] as const;

  it('follows from what was written last, and from how long a process has been silent', () => {
    const phase = (now: number, ...records: readonly Part[]) => {
      const state = written(...records);
      return state && phaseOf(state, now);
    };
    const begun = [
      ['plan', planText(plan)],
      ['identity', identity],
    ] as const satisfies readonly Part[];
    expect(phase(0, ['plan', planText(plan)])).toBe('planned');
    expect(phase(100, ...begun, [...alive(100)])).toBe('running');
    expect(phase(100 + SILENT_AFTER_MS + 1, ...begun, [...alive(100)])).toBe('interrupted');
    expect(phase(101, ...begun, [...alive(100, 'stopped')])).toBe('interrupted');
    expect(phase(101, ...begun, [...alive(100)], ['wanted', { state: 'pause', at: 100 }])).toBe('paused');
    expect(
      phase(
        101,
        ...begun,
        ['wanted', { state: 'pause', at: 99 }],
        ['wanted', { state: 'run', at: 100 }],
        [...alive(100)],
      ),
    ).toBe('running');
  });

  it('passes over what it cannot read', () => {
    const state = written(['plan', planText(plan)], ['wanted', 'not JSON'], ['identity', { bundle: 1 }]);
    expect(state).toMatchObject({ plan: { run: 'r1' }, wanted: undefined, identity: undefined });
    expect(foldControl(new Map(), 'no-slash', '{}').size).toBe(0);
  });
});
