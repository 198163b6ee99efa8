"""Export musicnn's MagnaTagATune tagger as `audio.onnx`: 5 s of 16 kHz mono in, 50 tags and a 200-d embedding out.

    python audio.py --out ../1.0.0

Weights: PyPI musicnn 0.1.0 (ISC, Music Technology Group, Universitat Pompeu Fabra). Asserted: parity with the
released TensorFlow network (float32 weights: 1e-4; float16-stored: tags within 2e-3, embedding cosine >= 0.9999),
mel filters against librosa's where librosa is installed, and finite outputs on silence and full-scale noise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from audio_graph import STFT_KERNEL, WAVE_SAMPLES, build_model, mel_filters
from golden_inputs import golden_wave
from half_weights import store_weights_as_half
from musicnn_reference import read_checkpoint, tag_clips


def probe_clips() -> list[np.ndarray]:
    """Golden tones, noise at full scale (where a float16 mel overflows), silence, a drum-like burst, short clips."""
    rng = np.random.default_rng(7)
    t = np.arange(WAVE_SAMPLES) / 16_000
    burst = np.exp(-((t % 0.5) * 30)) * rng.standard_normal(WAVE_SAMPLES) * 0.7
    chord = sum(np.sin(2 * np.pi * f * t) for f in (261.6, 329.6, 392.0)) / 3
    square = np.sign(np.sin(2 * np.pi * 110 * t))
    waves = [golden_wave([80_000])[0], rng.uniform(-1, 1, WAVE_SAMPLES), np.zeros(WAVE_SAMPLES), burst, chord, square]
    waves += [golden_wave([0, 80_000])[1][:24_000], chord[:52_345], burst[:1], np.zeros(0)]
    return [w.astype(np.float32) for w in waves]


def run(model: onnx.ModelProto, clips: list[np.ndarray]) -> list[np.ndarray]:
    wave = np.stack([np.pad(c, (0, WAVE_SAMPLES - len(c))) for c in clips])
    samples = np.array([len(c) for c in clips], dtype=np.int32)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["tags", "audio"], {"wave": wave, "samples": samples})


def errors(got: list[np.ndarray], want: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    dots = (got[1] * want[1]).sum(1) / (np.linalg.norm(got[1], axis=1) * np.linalg.norm(want[1], axis=1))
    return {
        "tags": float(np.abs(got[0] - want[0]).max()),
        "audio": float(np.abs(got[1] - want[1]).max()),
        "minCosine": float(dots.min()),
    }


def librosa_difference() -> float | None:
    try:
        import librosa
    except ImportError:
        return None
    return float(np.abs(librosa.filters.mel(sr=16_000, n_fft=512, n_mels=96, dtype=np.float64).T - mel_filters()).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    full = build_model(read_checkpoint())
    half = store_weights_as_half(full, min_elements=1_000, keep=frozenset({STFT_KERNEL, "mel_filters"}))
    clips = probe_clips()
    want = tag_clips(clips)
    assert np.isfinite(want[0]).all() and np.isfinite(want[1]).all()
    report = {"float": errors(run(full, clips), want), "half": errors(run(half, clips), want), "librosaMel": librosa_difference()}
    assert report["float"]["tags"] < 1e-4 and report["float"]["audio"] < 1e-3, report
    assert report["half"]["tags"] < 2e-3 and report["half"]["minCosine"] > 0.9999, report
    assert report["librosaMel"] is None or report["librosaMel"] < 1e-9, report
    onnx.save(half, str(out / "audio.onnx"))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
