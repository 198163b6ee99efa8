"""Write `golden/golden.json`: what the shipped graphs give for deterministic inputs (see golden_inputs.py).

    python golden.py --out ../1.0.0

`models verify` regenerates the inputs from the stated formulas and compares: first 16 values and the L2 norm of
each output row, within the stated tolerance. The tolerance covers kernel differences between execution providers
and versions; float16 storage is part of the file and not of the tolerance.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

from golden_inputs import FRAME_FORMULA, WAVE_FORMULA, golden_frames, golden_wave

FRAME_COUNT = 3
SAMPLES = [80_000, 80_000, 24_000, 0]


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def summary(rows: np.ndarray) -> list[dict[str, object]]:
    return [{"first": [float(v) for v in row[:16]], "norm": float(np.linalg.norm(row.astype(np.float64)))} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    vision = session(out / "vision.onnx").run(["vision"], {"frames": golden_frames(FRAME_COUNT)})[0]
    tags, audio = session(out / "audio.onnx").run(
        ["tags", "audio"], {"wave": golden_wave(SAMPLES), "samples": np.array(SAMPLES, dtype=np.int32)}
    )
    cases = [
        {
            "graph": "vision",
            "inputs": {"frames": {"formula": FRAME_FORMULA, "count": FRAME_COUNT}},
            "outputs": {"vision": summary(vision)},
            "tolerance": {"absolute": 1e-3, "relativeNorm": 1e-4},
        },
        {
            "graph": "audio",
            "inputs": {"wave": {"formula": WAVE_FORMULA}, "samples": {"values": SAMPLES}},
            "outputs": {"tags": summary(tags), "audio": summary(audio)},
            "tolerance": {"absolute": 1e-3, "relativeNorm": 1e-4},
        },
    ]
    made_with = {"onnxruntime": ort.__version__, "executionProvider": "cpu"}
    (out / "golden").mkdir(exist_ok=True)
    (out / "golden" / "golden.json").write_text(json.dumps({"schemaVersion": 1, "madeWith": made_with, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
