"""The scoring pipeline that a Python engineer would write: worker processes, each with PyAV and its own onnxruntime sessions.

usage: pipeline.py VISION.onnx AUDIO.onnx WORKERS, then lines of JSON `{"paths": [...]}` on stdin; each is answered with a line
`{"seconds", "cpuSeconds", "residentMiB", "rows"}` once every path is embedded.
"""

import json
import multiprocessing
import sys
import time

import numpy
import onnxruntime

from first_seconds import RATE, SECONDS, first_seconds

state = {}


def start(vision: str, audio: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    for name, path in (("vision", vision), ("audio", audio)):
        state[name] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def embed(path: str) -> tuple[int, float]:
    before = time.process_time()
    frames, wave = first_seconds(path)
    (vision,) = state["vision"].run(["vision"], {"frames": frames})
    row = [vision.mean(axis=0)]
    if len(wave) > 0:
        padded = numpy.zeros((1, int(SECONDS * RATE)), numpy.float32)
        padded[0, : len(wave)] = wave
        tags, audio = state["audio"].run(
            ["tags", "audio"], {"wave": padded, "samples": numpy.array([len(wave)], numpy.int32)}
        )
        row += [tags[0], audio[0]]
    return len(numpy.concatenate(row)), time.process_time() - before


def resident_mib() -> float:
    total = 0.0
    for child in multiprocessing.active_children():
        with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    return total


def main() -> None:
    vision, audio, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with multiprocessing.get_context("spawn").Pool(workers, start, (vision, audio)) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            paths = json.loads(line)["paths"]
            began = time.perf_counter()
            done = list(pool.imap_unordered(embed, paths, chunksize=1))
            answer = {
                "seconds": time.perf_counter() - began,
                "cpuSeconds": sum(cpu for _, cpu in done),
                "residentMiB": resident_mib(),
                "rows": len(done),
            }
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
