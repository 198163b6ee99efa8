/**
 * Deadlines of equal length on one timer: tens of thousands of attempts a second must not cost a timer each.
 *
 * D1. Equal lengths fall due in the order in which they began, so a queue is enough and the timer follows its head.
 */
import { Fifo } from '../core/fifo.ts';
import type { Clock } from './clock.ts';

export interface Deadline {
  /** After this, nothing is called. Idempotent. */
  met(): void;
}

interface Entry extends Deadline {
  readonly at: number;
  readonly isMet: boolean;
  readonly onLate: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #lengthMs: number;
  readonly #entries = new Fifo<Entry>();
  #armed = false;

  constructor(clock: Clock, lengthMs: number) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
  }

  /** Calls `onLate` once, `lengthMs` from now, unless the deadline is met before. */
  start(onLate: () => void): Deadline {
    const entry = {
      at: this.#clock.now() + this.#lengthMs,
      isMet: false,
      onLate,
      met() {
        entry.isMet = true;
      },
    };
    this.#entries.push(entry);
    if (!this.#armed) this.#arm(entry);
    return entry;
  }

  #arm(head: Entry): void {
    this.#armed = true;
    this.#clock.after(head.at - this.#clock.now(), () => this.#fire());
  }

  #fire(): void {
    this.#armed = false;
    const now = this.#clock.now();
    for (let head = this.#entries.peek(); head !== undefined; head = this.#entries.peek()) {
      if (!head.isMet && head.at > now) {
        this.#arm(head);
        return;
      }
      this.#entries.shift();
      if (!head.isMet) head.onLate();
    }
  }
}
