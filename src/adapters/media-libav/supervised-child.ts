/**
 * One decode child as its parent sees it: start, one upload at a time, and a certain end.
 *
 * K1. The child gets an empty environment but for the two variables of `CHILD_ENV`, no inherited descriptors and the
 *     parent's process group; what it prints is kept in a bounded ring and shown in crash messages only. It runs behind a
 *     sandbox where there is one (launch.ts); `pid` is then the sandbox's, which takes the child with it.
 * K2. Every upload has a deadline, counted from the moment the child got it. A child that passes it is killed (SIGKILL)
 *     and never used again, as is one that is aborted or breaks the protocol.
 * K3. `ended` resolves once the process is gone; nothing here relies on its co-operation.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { FirstFiveError } from '../../core/errors.ts';
import { type Decoded, decodedOf, endError, extractMessage, type Job, NotTaken } from './child-messages.ts';
import { childLaunch, type LaunchOptions } from './launch.ts';
import { OutputRing } from './output-ring.ts';
import { ANSWER_FD, type FromChild, LIFELINE_FD, type ReadMessage, type ToChild } from './protocol.ts';
import { FrameParser, frameHead, type WireFrame } from './wire.ts';

export interface ChildOptions extends LaunchOptions {
  readonly startTimeoutMs: number;
}

/** One pool thread is enough (range reads block it), few allocator arenas keep the resident set flat. */
const CHILD_ENV = { UV_THREADPOOL_SIZE: '2', MALLOC_ARENA_MAX: '2' };
/** A parent whose event loop was held up sees deadline and answer at once: the answer gets this long to be read. */
const LATE_ANSWER_MS = 50;

interface Running {
  readonly id: number;
  readonly job: Job;
  readonly settle: PromiseWithResolvers<Decoded>;
  readError: unknown;
  taken: boolean;
  timedOut: boolean;
}

export class SupervisedChild {
  readonly #process: ChildProcess;
  readonly #output = new OutputRing();
  readonly #ended: Promise<void>;
  readonly #started = Promise.withResolvers<string>();
  #running: Running | undefined;
  #nextId = 1;
  #alive = true;
  /** Resident set after the last upload, and when the child was new; bytes. */
  rssBytes = 0;
  freshRssBytes = 0;
  /** Uploads that it was given, and how long it had them, milliseconds. */
  uploads = 0;
  busyMs = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#started.promise.catch(() => {});
    this.#ended = new Promise((resolve) => {
      // `exit` is the launcher's where there is a sandbox; the pipes close with the last process behind its wall.
      process.once('exit', () => {
        this.#alive = false;
      });
      process.once('close', (code, signal) => resolve(this.#gone(code, signal)));
      process.once('error', () => resolve(this.#gone(null, null)));
    });
    this.#listen();
  }

  /** Starts a child and waits until libav is loaded in it. Fails with `DECODER_UNAVAILABLE`. */
  static async start(options: ChildOptions): Promise<{ child: SupervisedChild; build: string }> {
    const { command, args } = childLaunch(options);
    const stdio = Array<'pipe'>(LIFELINE_FD + 1).fill('pipe');
    const child = new SupervisedChild(spawn(command, args, { stdio, env: CHILD_ENV }));
    const timer = setTimeout(() => child.kill(), options.startTimeoutMs);
    try {
      const build = await child.#started.promise;
      child.#hold(false);
      return { child, build };
    } finally {
      clearTimeout(timer);
    }
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Decodes one upload; the next is sent only when this has settled. Rejects with the signal's reason on abort, and with
   * `NotTaken` when the child was gone before it had the upload.
   */
  async run(job: Job, signal?: AbortSignal): Promise<Decoded> {
    signal?.throwIfAborted();
    const running: Running = {
      ...{ id: this.#nextId++, job, settle: Promise.withResolvers<Decoded>() },
      ...{ readError: undefined, taken: false, timedOut: false },
    };
    this.#running = running;
    this.uploads++;
    this.#hold(true);
    const start = performance.now();
    const abandon = () => this.#abandon(signal?.reason);
    signal?.addEventListener('abort', abandon, { once: true });
    const deadline = setTimeout(() => this.#late(running), job.request.limits.deadlineMs);
    try {
      if (this.#alive) this.#send(extractMessage(running.id, job));
      else
        running.settle.reject(
          new NotTaken('it had ended', {
            cause: new FirstFiveError('DECODE_CRASHED', 'the decode child had ended'),
          }),
        );
      return await running.settle.promise;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abandon);
      this.#running = undefined;
      this.busyMs += performance.now() - start;
      this.#hold(false);
    }
  }

  /** SIGKILL; `end` waits for what follows. */
  kill(): void {
    this.#alive = false;
    this.#process.kill('SIGKILL');
  }

  /** Kills the child and waits until it is gone (K3). The upload it held, if any, fails with `reason`. */
  async end(reason: unknown): Promise<void> {
    this.#abandon(reason);
    this.#hold(true);
    await this.#ended;
  }

  #abandon(reason: unknown): void {
    this.#running?.settle.reject(reason);
    this.kill();
  }

  #late(running: Running): void {
    setTimeout(() => {
      if (this.#running !== running) return;
      running.timedOut = true;
      this.kill();
    }, LATE_ANSWER_MS);
  }

  #listen(): void {
    const { stdin, stdout, stderr, stdio } = this.#process;
    const parser = new FrameParser<FromChild>();
    const answers = stdio[ANSWER_FD] as Readable;
    answers.on('data', (chunk: Uint8Array) => {
      try {
        for (const frame of parser.push(chunk)) this.#answer(frame);
      } catch (error) {
        this.#output.add(Buffer.from(`broken answer: ${String(error)}`));
        this.kill();
      }
    });
    // A pipe to a process that has just died reports it here; `exit` carries the news (K3).
    for (const stream of [stdin, stdout, stderr, answers, stdio[LIFELINE_FD]]) stream?.on('error', () => {});
    for (const stream of [stdout, stderr]) stream?.on('data', (chunk: Uint8Array) => this.#output.add(chunk));
  }

  #answer(frame: WireFrame<FromChild>): void {
    const { header, payload } = frame;
    if (header.type === 'ready') {
      this.freshRssBytes = header.rssBytes;
      this.rssBytes = header.rssBytes;
      this.#started.resolve(header.build);
      return;
    }
    const running = this.#running;
    if (running === undefined || header.id !== running.id) return;
    if (header.type === 'taken') {
      running.taken = true;
      return;
    }
    if (header.type === 'read') {
      void this.#read(running, header);
      return;
    }
    this.rssBytes = header.rssBytes;
    if (header.type === 'result') running.settle.resolve(decodedOf(header, payload));
    else if (header.readFailed) running.settle.reject(running.readError);
    else running.settle.reject(new FirstFiveError(header.code, header.message, { kind: header.kind }));
  }

  /** A range for the child; an error of the store is kept here and ends the upload with itself. */
  async #read(running: Running, { readId, offset, length }: ReadMessage): Promise<void> {
    try {
      const bytes = await running.job.request.object.read(offset, length);
      this.#send({ type: 'range', readId, failed: false }, bytes);
    } catch (error) {
      running.readError = error;
      this.#send({ type: 'range', readId, failed: true });
    }
  }

  #send(header: ToChild, payload?: Uint8Array): void {
    const { stdin } = this.#process;
    if (!this.#alive || stdin === null || !stdin.writable) return;
    const parts = payload === undefined ? [] : [payload];
    stdin.write(frameHead(header, parts));
    for (const part of parts) stdin.write(part);
  }

  #gone(code: number | null, signal: NodeJS.Signals | null): void {
    this.#alive = false;
    const running = this.#running;
    const timedOutMs = running?.timedOut === true ? running.job.request.limits.deadlineMs : undefined;
    const error = endError({ code, signal, output: this.#output.text(), timedOutMs });
    this.#started.reject(
      new FirstFiveError('DECODER_UNAVAILABLE', `the decode child did not start: ${error.message}`),
    );
    const blamed = running === undefined || running.taken || running.timedOut;
    running?.settle.reject(blamed ? error : new NotTaken('it ended first', { cause: error }));
  }

  /** An idle child does not keep the parent's event loop alive; one that starts or works does. */
  #hold(hold: boolean): void {
    const { stdin, stdout, stderr, stdio } = this.#process;
    const pipes = [stdin, stdout, stderr, stdio[ANSWER_FD], stdio[LIFELINE_FD]];
    for (const handle of [this.#process, ...pipes] as (Held | null)[]) {
      if (hold) handle?.ref?.();
      else handle?.unref?.();
    }
  }
}

interface Held {
  ref?(): void;
  unref?(): void;
}
