"""The published musicnn, run with TensorFlow from the same checkpoint: the reference for parity only.

Front end by NumPy's FFT in float64 (librosa 0.7's rules: centred frames, reflect padding, Slaney mel), network by
the released `musicnn.models.define_model`. Shares no code with `audio_graph.py` but the mel filter formula, which is
itself compared with librosa's published filters in `audio.py`.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from audio_graph import mel_filters


def checkpoint_prefix() -> str:
    spec = importlib.util.find_spec("musicnn")
    assert spec and spec.origin, "musicnn 0.1.0 is not installed"
    return str(Path(spec.origin).parent / "MTT_musicnn") + "/"


def read_checkpoint() -> dict[str, np.ndarray]:
    """Network variables by TensorFlow name (the optimiser's are left out)."""
    reader = tf.compat.v1.train.NewCheckpointReader(checkpoint_prefix())
    names = [n for n in reader.get_variable_to_shape_map() if "Adam" not in n and not n.endswith("_power")]
    return {name: reader.get_tensor(name) for name in sorted(names)}


def log_mel(wave: np.ndarray) -> np.ndarray:
    """float32 [t] -> [frames, 96]; float64 inside."""
    padded = np.pad(wave.astype(np.float64), 256, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::256]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    return np.log10(10_000 * (power @ mel_filters()) + 1)


def tag_clips(clips: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Clips of up to 80,000 samples -> mean tags [n,50] and mean penultimate activations [n,200] of two patches."""
    from musicnn import models

    spectra = [log_mel(np.resize(c, 80_000) if len(c) else np.zeros(80_000)) for c in clips]
    patches = np.stack([s[start : start + 187] for s in spectra for start in (0, 125)]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 187, 96])
        training = tf.compat.v1.placeholder(tf.bool)
        with tf.name_scope("model"):
            outputs = models.define_model(x, training, "MTT_musicnn", 50)
        tags, penultimate = tf.nn.sigmoid(outputs[0]), outputs[-1]
        tf.compat.v1.train.Saver().restore(session, checkpoint_prefix())
        values = session.run([tags, penultimate], {x: patches, training: False})
    return tuple(v.reshape(len(clips), 2, -1).mean(axis=1) for v in values)
