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

/** Without `onLate` it is met: what the callback held is free at once, and not when the time would have been up. */
class Entry implements Deadline {
  readonly at: number;
  onLate: (() => void) | undefined;

  constructor(at: number, onLate: () => void) {
    this.at = at;
    this.onLate = onLate;
  }

  met(): void {
    this.onLate = undefined;
  }
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
    this.#dropMet();
    const entry = new Entry(this.#clock.now() + this.#lengthMs, onLate);
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
    for (let head = this.#dropMet(); head !== undefined; head = this.#dropMet()) {
      if (head.at > now) {
        this.#arm(head);
        return;
      }
      this.#entries.shift();
      head.onLate?.();
    }
  }

  /** The first entry that is not met; those before it are forgotten. */
  #dropMet(): Entry | undefined {
    let head = this.#entries.peek();
    while (head !== undefined && head.onLate === undefined) {
      this.#entries.shift();
      head = this.#entries.peek();
    }
    return head;
  }
}
