import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RejectedUpload } from '../../../src/cli/output/score-outcome.ts';
import { AnswerBoard } from '../../../src/cli/score-run/answer-board.ts';

const rejected = (uploadId: string): RejectedUpload => ({
  status: 'rejected',
  uploadId,
  code: 'MEDIA_EMPTY',
  stage: 'extract',
  message: 'no bytes',
});

const ids = (board: AnswerBoard) =>
  [...board.take()].map((answer) => (answer.status === 'scored' ? answer.score.uploadId : answer.uploadId));

describe('AnswerBoard', () => {
  it('gives every answer once, in input order, however the answers come', () => {
    const order = fc.integer({ min: 0, max: 40 }).chain((n) => {
      const all = Array.from({ length: n }, (_, i) => i);
      return fc.shuffledSubarray(all, { minLength: n, maxLength: n });
    });
    fc.assert(
      fc.property(order, (arrivals) => {
        const board = new AnswerBoard();
        for (let i = 0; i < arrivals.length; i++) board.add({ uploadId: `u${i}`, source: `t/0/${i}` });
        const given: string[] = [];
        for (const i of arrivals) {
          board.answer(`t/0/${i}`, rejected(`u${i}`));
          board.answer(`t/0/${i}`, rejected('twice'));
          given.push(...ids(board));
        }
        expect(given).toEqual(arrivals.map((_, i) => `u${i}`));
        expect(board.unanswered).toBe(0);
      }),
    );
  });

  it('gives an answer that was known from the start in its own place', () => {
    const board = new AnswerBoard();
    board.add({ uploadId: 'a', source: 't/0/0' });
    board.add({ uploadId: 'b', answer: rejected('b') });
    expect([...board.take()]).toEqual([]);
    expect(board.waitingFor('t/0/0')).toBe('a');
    board.answer('t/0/0', rejected('a'));
    expect(ids(board)).toEqual(['a', 'b']);
  });

  it('ignores answers to uploads of others', () => {
    const board = new AnswerBoard();
    board.answer('t/0/9', rejected('x'));
    expect([...board.take()]).toEqual([]);
  });
});
