import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerIndex, TargetPicker } from '../../../src/core/media/targets.ts';

/** The rule in one line, over all frames at once: latest PTS <= t, else the first (frames that do not move on dropped). */
function expected(times: readonly number[], atMs: readonly number[]): number[] {
  const counting = times.filter((time, i) => times.slice(0, i).every((before) => before < time));
  return atMs.map((at) => counting[answerIndex(counting, at)] ?? 0);
}

describe('picking the frames that answer the targets', () => {
  const picked = (times: readonly number[], atMs: readonly number[]) => {
    const picker = new TargetPicker(atMs);
    const answers = new Map<number, number>();
    let last = 0;
    for (const time of times) {
      const { counts, previous, now } = picker.offer(time);
      for (const index of previous) answers.set(index, last);
      for (const index of now) answers.set(index, time);
      if (counts) last = time;
    }
    for (const index of picker.finish()) answers.set(index, last);
    return { answers: atMs.map((_, index) => answers.get(index)), targets: picker.targets() };
  };

  it('takes the latest frame at or before each target', () => {
    const { targets } = picked([0, 900, 1100, 2000, 2900], [0, 1000, 2000, 3000]);
    expect(targets.map(({ ptsMs }) => ptsMs)).toEqual([0, 900, 2000, 2900]);
    expect(targets.some(({ repeated }) => repeated)).toBe(false);
  });

  it('marks a frame that answers a second target', () => {
    const { targets } = picked([0, 100], [0, 1000, 2000]);
    expect(targets.map(({ repeated }) => repeated)).toEqual([false, false, true]);
  });

  it('passes over frames whose clock stands still or runs backwards', () => {
    expect(picked([0, 500, 500, 400, 900], [0, 600, 1000]).answers).toEqual([0, 500, 900]);
  });

  it('is done as soon as the last target is certain', () => {
    const picker = new TargetPicker([0, 1000]);
    picker.offer(0);
    picker.offer(990);
    expect(picker.done).toBe(false);
    picker.offer(1000);
    expect(picker.done).toBe(true);
  });

  it('agrees with the rule for any frames and targets', () => {
    const times = fc.array(fc.integer({ min: -50, max: 200 }), { minLength: 1, maxLength: 30 });
    const targets = fc.array(fc.integer({ min: 0, max: 250 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(times, targets, (raw, atMs) => {
        const relative = raw.map((time) => time - (raw[0] ?? 0));
        const { answers, targets: told } = picked(relative, atMs);
        expect(answers).toEqual(expected(relative, atMs));
        expect(told.map(({ ptsMs }) => ptsMs)).toEqual(answers);
      }),
    );
  });
});
