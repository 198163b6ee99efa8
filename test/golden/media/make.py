"""Makes golden.json: what ffmpeg and independent NumPy formulas say of the sample clips.

    python3 -m pip install numpy==2.4.6 pyloudnorm==0.2.0 && python3 test/golden/media/make.py

Needs ffmpeg (its version is recorded). Decoded planes do not depend on the FFmpeg build; scaled pictures do, within the
tolerance that the test states. Nothing here shares code with the product.
"""

import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pyloudnorm

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[2] / "samples"
TARGETS_MS = [0, 1000, 2000, 3000, 4000]
WINDOW_S = 5
SIZE = 224
BLOCK = 8
RGB_TARGETS = [0, 3]


def run(*args, data=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def ffmpeg(*args, data=None):
    return run("ffmpeg", "-hide_banner", "-loglevel", "error", *args, data=data)


def probe(clip):
    return json.loads(run("ffprobe", "-v", "error", "-show_streams", "-of", "json", str(clip)))["streams"]


def frames_of(clip):
    """(seconds after the first frame, MD5 of the packed planes) of every frame."""
    text = ffmpeg("-noautorotate", "-i", str(clip), "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    lines = text.decode().splitlines()
    base = next(line.split(":")[1] for line in lines if line.startswith("#tb 0"))
    numerator, denominator = map(int, base.split("/"))
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    pts = [int(row[2]) for row in rows]
    return [((p - pts[0]) * numerator / denominator, row[5].strip()) for p, row in zip(pts, rows)]


def answers(frames):
    times = [t for t, _ in frames]
    return [max(i for i, t in enumerate(times) if t <= at / 1000) for at in TARGETS_MS]


def luma_planes(clip, indices, width, height):
    raw = ffmpeg("-noautorotate", "-i", str(clip), "-map", "0:v:0", "-fps_mode", "passthrough",
                 "-frames:v", str(max(indices) + 1), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    size = width * height * 3 // 2
    whole = np.frombuffer(raw, np.uint8)
    return [whole[i * size:i * size + width * height].reshape(height, width).astype(float) for i in indices]


def rgb_pictures(clip, indices):
    """Upright (autorotate), squashed, BT.601 or BT.709 as tagged; untagged small pictures are BT.601."""
    chosen = "+".join(f"eq(n,{i})" for i in indices)
    raw = ffmpeg("-i", str(clip), "-map", "0:v:0", "-vf",
                 f"select='{chosen}',scale={SIZE}:{SIZE}:flags=bicubic+accurate_rnd+full_chroma_int",
                 "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE, 3).astype(float)


def luma_signals(planes):
    brightness, contrast, si, sharp, blocky = [], [], [], [], []
    for plane in planes:
        y = (plane - 16) * 255 / 219
        inner = y[1:-1, 1:-1]
        gx = (y[:-2, 2:] + 2 * y[1:-1, 2:] + y[2:, 2:]) - (y[:-2, :-2] + 2 * y[1:-1, :-2] + y[2:, :-2])
        gy = (y[2:, :-2] + 2 * y[2:, 1:-1] + y[2:, 2:]) - (y[:-2, :-2] + 2 * y[:-2, 1:-1] + y[:-2, 2:])
        laplace = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * inner
        brightness.append(inner.mean() / 255)
        contrast.append(inner.std() / 255)
        si.append(np.hypot(gx, gy).std())
        sharp.append(laplace.var())
        rows = np.arange(4, y.shape[0] - 1, 4)
        columns = np.arange(1, y.shape[1] - 1)
        dx = np.abs(y[rows][:, columns] - y[rows][:, columns - 1])
        grid = columns % 8 == 0
        dy = np.abs(y[rows][:, columns] - y[rows - 1][:, columns])
        on = rows % 8 == 0
        blocky.append((dx[:, grid].mean() / dx[:, ~grid].mean() + dy[on].mean() / dy[~on].mean()) / 2)
    mean = lambda values: float(np.mean(values))
    return {"video.brightness": mean(brightness), "video.contrast": mean(contrast), "video.si": float(max(si)),
            "video.siMean": mean(si), "video.sharpness": mean(sharp), "video.blockiness": mean(blocky)}


def rgb_signals(pictures):
    colour = []
    for picture in pictures:
        r, g, b = picture.reshape(-1, 3).T
        rg, yb = r - g, (r + g) / 2 - b
        colour.append(np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2))
    luma = pictures @ np.array([0.299, 0.587, 0.114])
    steps = luma[1:] - luma[:-1]
    bins = [np.histogramdd(p.reshape(-1, 3), bins=4, range=[(0, 256)] * 3)[0] for p in pictures]
    distances = [np.abs(a - b).sum() / 2 / SIZE / SIZE for a, b in zip(bins, bins[1:])]
    return {"video.colourfulness": float(np.mean(colour)),
            "video.changeBetweenTargets": float(np.abs(steps).mean(axis=(1, 2)).mean() / 255),
            "video.motionBetweenTargets": float(steps.std(axis=(1, 2)).max()),
            "video.cutsBetweenTargets": int(sum(d > 0.5 for d in distances))}


def audio_signals(clip, stream):
    rate, channels = int(stream["sample_rate"]), stream["channels"]
    raw = ffmpeg("-i", str(clip), "-map", "0:a:0", "-f", "f32le", "-")
    native = np.frombuffer(raw, np.float32).reshape(-1, channels)[:WINDOW_S * rate].astype(float)
    mono = native.mean(axis=1).astype(np.float32)
    resampled = ffmpeg("-f", "f32le", "-ar", str(rate), "-ac", "1", "-i", "-", "-f", "f32le", "-ar", "16000", "-",
                       data=mono.tobytes())
    x = np.frombuffer(resampled, np.float32)[:WINDOW_S * 16000].astype(float)
    loudness = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(native)
    peak = np.abs(native).max()
    blocks = x[:len(x) // 320 * 320].reshape(-1, 320)
    frames = np.lib.stride_tricks.sliding_window_view(x, 512)[::256]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1))
    energy = (spectrum ** 2)[:, 1:].sum()
    frequencies = np.arange(257) * 16000 / 512
    band = (frequencies >= 300) & (frequencies <= 3400)
    level = np.log(1 + 1000 * 4 * spectrum / 512)
    flux = np.concatenate([[0], np.maximum(np.diff(level, axis=0), 0)[:, 1:].mean(axis=1)])
    return {"audio.loudness": None if not np.isfinite(loudness) else float(loudness),
            "audio.peak": None if peak == 0 else float(20 * np.log10(peak)),
            "audio.silenceRatio": float(((blocks ** 2).mean(axis=1) < 1e-5).mean()),
            "audio.speechBandShare": None if energy == 0 else float((spectrum[:, band] ** 2).sum() / energy),
            "audio.onsetRate": onsets(flux) / (len(x) / 16000)}


def onsets(flux):
    count, last = 0, -99
    for n in range(1, len(flux)):
        if n - last <= 3:
            continue
        around = flux[max(0, n - 9):n + 4]
        if flux[n] >= flux[max(0, n - 3):n + 4].max() and flux[n] >= around.mean() + 0.15:
            count, last = count + 1, n
    return count


def golden(clip):
    streams = probe(clip)
    video = next(s for s in streams if s["codec_type"] == "video")
    audio = next((s for s in streams if s["codec_type"] == "audio"), None)
    frames = frames_of(clip)
    chosen = answers(frames)
    distinct = sorted(set(chosen))
    pictures = rgb_pictures(clip, distinct)
    blocks = pictures.reshape(-1, SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK, 3).mean(axis=(2, 4))
    signals = luma_signals(luma_planes(clip, distinct, video["width"], video["height"])) | rgb_signals(pictures)
    if audio is not None:
        signals |= audio_signals(clip, audio)
    return {
        "targets": [{"ptsMs": frames[i][0] * 1000, "md5": frames[i][1]} for i in chosen],
        "rgbBlocks": {str(k): base64.b64encode(np.rint(blocks[distinct.index(chosen[k])]).astype(np.uint8).tobytes())
                      .decode() for k in RGB_TARGETS},
        "signals": signals,
    }


if __name__ == "__main__":
    version = run("ffmpeg", "-version").decode().split()[2]
    clips = {clip.name: golden(clip) for clip in sorted(SAMPLES.glob("*.mp4"))}
    made = {"generator": "test/golden/media/make.py", "ffmpeg": version, "numpy": np.__version__,
            "block": BLOCK, "size": SIZE, "clips": clips}
    (HERE / "golden.json").write_text(json.dumps(made, indent=1) + "\n")
