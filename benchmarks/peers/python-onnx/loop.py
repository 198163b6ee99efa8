"""The plain loop that an ML engineer would write: one session, one batch after the other, the same input arrays each time.

usage: loop.py GRAPH THREADS ROWS, then one number of batches a line on stdin; each is answered with the seconds it took.
"""

import sys
import time

import numpy
import onnxruntime

TYPES = {"tensor(uint8)": numpy.uint8, "tensor(float)": numpy.float32, "tensor(int32)": numpy.int32}


def filled(tensor, rows: int):
    """Integers stay in a range that counts of samples and token ids both allow."""
    shape = [rows, *(dim if isinstance(dim, int) else 32 for dim in tensor.shape[1:])]
    return numpy.full(shape, 1, dtype=TYPES[tensor.type])


def main() -> None:
    graph, threads, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {tensor.name: filled(tensor, rows) for tensor in session.get_inputs()}
    session.run(None, feeds)
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            session.run(None, feeds)
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
