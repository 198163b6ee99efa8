"""Golden arrays for the FFT resampler: scipy.signal.resample (scipy 1.13.1, numpy 1.26) of a formula, float32 little-endian in
sound.bin, one after the other. Cases: (samples, wanted)."""
from pathlib import Path

import numpy as np
from scipy.signal import resample

CASES = [(441, 160), (440, 160), (441, 161), (160, 441), (160, 440), (161, 441), (1000, 1000), (2205, 800), (7, 3), (999, 500)]


def source(n):
    i = np.arange(n)
    return (np.sin(i * 0.05) * 0.5 + ((i * 7919) % 211) / 422 - 0.25).astype(np.float32)


if __name__ == "__main__":
    parts = [resample(source(n).astype(np.float64), m).astype("<f4") for n, m in CASES]
    Path(__file__).with_name("sound.bin").write_bytes(b"".join(p.tobytes() for p in parts))
