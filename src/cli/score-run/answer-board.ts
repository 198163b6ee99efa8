/**
 * Every upload of a one-shot run and its answer, given out in input order as soon as all before it are answered.
 *
 * B1. Each upload is answered exactly once; a second answer (a revision emitted again, say) changes nothing.
 * B2. Memory holds what is unanswered or waits for its turn, not what was given out.
 */
import type { ScoreOutcome } from '../output/score-outcome.ts';

export class AnswerBoard {
  readonly #waiting = new Map<string, { readonly index: number; readonly uploadId: string }>();
  readonly #ready = new Map<number, ScoreOutcome>();
  #next = 0;
  #added = 0;

  /** `source` is `topic/partition/offset` of the upload's event; without one the answer is known already. */
  add(
    upload: { readonly uploadId: string } & ({ readonly source: string } | { readonly answer: ScoreOutcome }),
  ): void {
    const index = this.#added++;
    if ('source' in upload) this.#waiting.set(upload.source, { index, uploadId: upload.uploadId });
    else this.#ready.set(index, upload.answer);
  }

  /** The upload behind a source that still waits for its answer. */
  waitingFor(source: string): string | undefined {
    return this.#waiting.get(source)?.uploadId;
  }

  answer(source: string, answer: ScoreOutcome): void {
    const upload = this.#waiting.get(source);
    if (upload === undefined) return;
    this.#waiting.delete(source);
    this.#ready.set(upload.index, answer);
  }

  /** Answers whose turn has come, in input order. */
  *take(): Generator<ScoreOutcome> {
    for (;;) {
      const answer = this.#ready.get(this.#next);
      if (answer === undefined) return;
      this.#ready.delete(this.#next);
      this.#next += 1;
      yield answer;
    }
  }

  get unanswered(): number {
    return this.#waiting.size;
  }
}
