"""Frame selections and sizes as the published systems compute them (NumPy, PyTorch and plain Python), for many T and fps.

Run in the environment of ../resample/requirements.txt. Random offsets are replaced by the middle of their range.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch

CLIPS = [(1, 30.0), (2, 30.0), (7, 25.0), (15, 10.0), (16, 30.0), (20, 24.0), (29, 29.97), (33, 8.5), (100, 19.92), (150, 30.0),
         (151, 29.97002997), (168, 19.92), (193, 30.0), (240, 30.0), (290, 29.97), (300, 60.0), (999, 59.94), (1801, 30.0)]
SIZES = [(480, 854), (854, 480), (480, 852), (224, 224), (223, 500), (1080, 1920), (1920, 1080), (2160, 3840), (61, 1000), (33, 17), (720, 405)]


def second_starts(total, fps, n):  # LMM-EVQA mm_utils, first_n_seconds
    if total < n * fps:
        return np.linspace(0, total - 1, n, dtype=int).tolist()
    return [int(i * fps) for i in range(n)]


def segment_middles(total, fps, n):  # LMM-EVQA mm_utils, uniform
    seg = (total - 1) / n
    return [int(np.round(seg * i + seg / 2 + 1e-6)) for i in range(n)]


def second_middles(total, fps, n):  # ModularBVQA
    rate = max(1, round(fps))
    found = [i for i in range(total) if i % rate == int(rate / 2)][:n]
    found = found or [total - 1]
    return found + [found[-1]] * (n - len(found))


def second_runs(total, fps, n, frames):  # ModularBVQA, SlowFast clips
    rate = max(1, round(fps))
    clips = [[min(total - 1, i * rate + k) for k in range(frames)] for i in range(max(1, total // rate))][:n]
    return sum(clips + [clips[-1]] * (n - len(clips)), [])


def stretch_middles(total, fps, n):  # mPLUG-2 'middle'
    edges = np.linspace(0, total, n + 1).astype(int)
    return [int(min(total - 1, (edges[i] + edges[i + 1]) // 2)) for i in range(n)]


def even(total, fps, n, take=None):  # qwen_vl_utils
    return torch.linspace(0, total - 1, n).round().long().tolist()[:take]


def paced(total, fps, per_second, low, high, multiple, take):  # qwen_vl_utils smart_nframes
    n = min(min(max(total / fps * per_second, low), high), total)
    return even(total, fps, max(1, math.floor(n / multiple) * multiple), take)


def segment_runs(total, fps, n, frames, stride):  # DOVER UnifiedFrameSampler
    part = total // n
    spare = part - frames * stride
    offset = (spare - 1) // 2 if spare > 0 else 0
    grid = np.array([part * i for i in range(n)])
    return np.mod((np.arange(frames)[None] * stride + offset + grid[:, None]).ravel(), total).tolist()


def dense(total, fps, chunk, tail, drop):  # SnapUGC baseline
    x = list(range(max(1, total - drop)))
    q, r = divmod(len(x), chunk)
    if q == 0:
        return [min(i, len(x) - 1) for i in range(chunk)]
    return x[: q * chunk] + x[-chunk:] if r > tail else x[: q * chunk]


SELECTIONS = [
    ({"rule": "second-starts", "count": 8}, lambda t, f: second_starts(t, f, 8)),
    ({"rule": "second-starts", "count": 5}, lambda t, f: second_starts(t, f, 5)),
    ({"rule": "segment-middles", "count": 8}, lambda t, f: segment_middles(t, f, 8)),
    ({"rule": "second-middles", "count": 8}, lambda t, f: second_middles(t, f, 8)),
    ({"rule": "second-runs", "count": 8, "frames": 32}, lambda t, f: second_runs(t, f, 8, 32)),
    ({"rule": "stretch-middles", "count": 32}, lambda t, f: stretch_middles(t, f, 32)),
    ({"rule": "even", "count": 16}, lambda t, f: even(t, f, 16)),
    ({"rule": "paced", "perSecond": 1, "min": 4, "max": 16, "multipleOf": 2, "take": 8}, lambda t, f: paced(t, f, 1, 4, 16, 2, 8)),
    ({"rule": "segment-runs", "count": 3, "frames": 32, "stride": 2}, lambda t, f: segment_runs(t, f, 3, 32, 2)),
    ({"rule": "segment-runs", "count": 32, "frames": 1, "stride": 2}, lambda t, f: segment_runs(t, f, 32, 1, 2)),
    ({"rule": "dense", "chunk": 16, "tailOver": 3, "dropLast": 0, "maxFrames": 2000}, lambda t, f: dense(t, f, 16, 3, 0)),
    ({"rule": "dense", "chunk": 16, "tailOver": 3, "dropLast": 1, "maxFrames": 2000}, lambda t, f: dense(t, f, 16, 3, 1)),
]


def cover(h, w, side):  # torchvision Resize + CenterCrop
    short, long = (w, h) if w <= h else (h, w)
    new = int(side * long / short)
    sw, sh = (side, new) if w <= h else (new, side)
    return {"scaled": [sh, sw], "top": int(round((sh - side) / 2.0)), "left": int(round((sw - side) / 2.0))}


def multiples(h, w, unit, low, high):  # qwen_vl_utils smart_resize
    hb, wb = max(unit, round(h / unit) * unit), max(unit, round(w / unit) * unit)
    if hb * wb > high:
        beta = math.sqrt((h * w) / high)
        hb, wb = max(unit, math.floor(h / beta / unit) * unit), max(unit, math.floor(w / beta / unit) * unit)
    elif hb * wb < low:
        beta = math.sqrt(low / (h * w))
        hb, wb = math.ceil(h * beta / unit) * unit, math.ceil(w * beta / unit) * unit
    return [hb, wb]


def main():
    cases = [{"select": s, "total": t, "fps": f, "indices": make(t, f)} for s, make in SELECTIONS for t, f in CLIPS if t <= 300 or s["rule"] != "dense"]
    sizes = [{"native": [h, w], "cover": cover(h, w, 224), "multiples": multiples(h, w, 28, 100352, 602112)} for h, w in SIZES]
    lines = ["{", '"cases": [', ",\n".join(json.dumps(c) for c in cases), "],", '"sizes": [', ",\n".join(json.dumps(c) for c in sizes), "]", "}"]
    Path(__file__).with_name("cases.json").write_text("\n".join(lines) + "\n")


main()
