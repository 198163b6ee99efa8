"""Decodes one file for each path on stdin; answers with wall and CPU seconds. First line: the versions."""

import sys
import time

import av

from first_seconds import first_seconds


def main() -> None:
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    print(f"PyAV {av.__version__} (libavcodec {codec})", flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        frames, _ = first_seconds(line.rstrip("\n"))
        assert len(frames) == 5
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    main()
