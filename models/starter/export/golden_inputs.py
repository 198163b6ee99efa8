"""Deterministic inputs of the golden vectors, from integer formulas, so that no large file has to travel.

The TypeScript side regenerates them from the same formulas; bundle consumers can do so in any language.
"""

from __future__ import annotations

import numpy as np

FRAME_FORMULA = "frames[i][y][x][c] = (x*7 + y*13 + c*29 + i*31) mod 256"
WAVE_FORMULA = (
    "wave[i][t] = 0.4*sin(2*pi*((t*(220+110*i)) mod 16000)/16000)"
    " + 0.2*sin(2*pi*((t*(1760+330*i)) mod 16000)/16000), as float32; zero for t >= samples[i]"
)
SAMPLE_RATE = 16_000
WAVE_SAMPLES = 80_000


def golden_frames(count: int) -> np.ndarray:
    """uint8 [count, 224, 224, 3] by FRAME_FORMULA."""
    i, y, x, c = np.ogrid[0:count, 0:224, 0:224, 0:3]
    return ((x * 7 + y * 13 + c * 29 + i * 31) % 256).astype(np.uint8)


def golden_wave(samples: list[int]) -> np.ndarray:
    """float32 [len(samples), 80000] by WAVE_FORMULA."""
    t = np.arange(WAVE_SAMPLES, dtype=np.int64)
    rows = []
    for i, length in enumerate(samples):
        low = np.sin(2 * np.pi * ((t * (220 + 110 * i)) % SAMPLE_RATE) / SAMPLE_RATE)
        high = np.sin(2 * np.pi * ((t * (1760 + 330 * i)) % SAMPLE_RATE) / SAMPLE_RATE)
        rows.append(np.where(t < length, 0.4 * low + 0.2 * high, 0.0))
    return np.stack(rows).astype(np.float32)
