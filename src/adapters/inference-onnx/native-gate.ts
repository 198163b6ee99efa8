/**
 * Keeps a process from ending while a worker thread is inside ONNX Runtime.
 *
 * When Node ends (also by `process.exit`) it terminates its worker threads; a thread that is inside a native call then
 * throws a C++ exception that nothing catches, and the exit code becomes that of SIGABRT (onnxruntime-node 1.30.0). So
 * the main thread shuts the gate first: no call starts any more, and the one under way is waited for.
 *
 * Why nothing slips through: the worker says `inside` before it looks at `shut`, the main thread says `shut` before it
 * looks at `inside`, and atomic operations are seen by all threads in one order. At least one of the two sees the other.
 */
const INSIDE = 0;
const SHUT = 1;

export class NativeGate {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** In the worker: runs a native call inside the gate, one at a time. Throws without calling once the gate is shut. */
  async pass<T>(call: () => Promise<T>): Promise<T> {
    Atomics.store(this.#cells, INSIDE, 1);
    try {
      if (Atomics.load(this.#cells, SHUT) === 1) throw new Error('the process is ending');
      return await call();
    } finally {
      Atomics.store(this.#cells, INSIDE, 0);
      Atomics.notify(this.#cells, INSIDE);
    }
  }

  /** In the main thread: blocks it until nothing is inside, at most `maxWaitMs`; false when something still is. */
  shut(maxWaitMs: number): boolean {
    Atomics.store(this.#cells, SHUT, 1);
    return Atomics.wait(this.#cells, INSIDE, 1, maxWaitMs) !== 'timed-out';
  }
}
