"""The `audio.onnx` graph, written node by node: 16 kHz wave -> log-mel -> musicnn -> tags and embedding.

Network: J. Pons, X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging"
(ISMIR 2019 late-breaking), the MagnaTagATune checkpoint of PyPI musicnn 0.1.0.
Invariants:
1. Short clips are repeated to 5 s (`wave[t] = wave[t mod samples]`), the rule the network was trained with
   ("pad_short": "repeat-pad"); `samples` = 0 means silence.
2. Two 187-frame patches (at 0 s and at 2 s) are tagged and averaged, as the released tagger averages its patches.
3. The mel spectrogram stays float32 (the released front end casts to float16 and overflows on loud audio).
4. Batch normalisation follows ReLU here, so it cannot be folded into the convolution before it: it is a scale and
   a shift. Even SAME kernels put the extra padding row last, as TensorFlow does.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WAVE_SAMPLES, FFT, HOP, MELS, SAMPLE_RATE = 80_000, 512, 256, 96, 16_000
PATCH_FRAMES, PATCH_STARTS = 187, (0, 125)
BATCH_NORM_EPSILON = 1e-3
STFT_KERNEL = "stft_kernel"
OPSET = 17


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale (Auditory Toolbox 1998): linear below 1 kHz, logarithmic above."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


def mel_filters() -> np.ndarray:
    """float64 [257, 96] triangular filters from 0 to 8 kHz, area-normalised."""
    edges = mel_to_hz(np.linspace(0, hz_to_mel(np.array(SAMPLE_RATE / 2.0)), MELS + 2))
    bins = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (centre - lower)
    falling = (upper - bins[:, None]) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)


def stft_kernel() -> np.ndarray:
    """float32 [514, 1, 512]: periodic Hann times cosine rows, then sine rows; phases reduced as integers."""
    n = np.arange(FFT)
    phase = 2 * np.pi * ((np.arange(FFT // 2 + 1)[:, None] * n) % FFT) / FFT
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / FFT)
    return (np.concatenate([np.cos(phase), np.sin(phase)]) * hann)[:, None].astype(np.float32)


class GraphBuilder:
    """Collects nodes and initialisers; `checkpoint` maps TensorFlow variable names to float32 arrays."""

    def __init__(self, checkpoint: dict[str, np.ndarray]) -> None:
        self.checkpoint = checkpoint
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def ints(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, dtype=np.int64))

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def batch_norm(self, x: str, layer: int, shape: tuple[int, ...]) -> str:
        name = "batch_normalization" + (f"_{layer}" if layer else "")
        stats = {k: self.checkpoint[f"{name}/{k}"].astype(np.float64) for k in ("gamma", "beta", "moving_mean", "moving_variance")}
        scale = stats["gamma"] / np.sqrt(stats["moving_variance"] + BATCH_NORM_EPSILON)
        shift = stats["beta"] - stats["moving_mean"] * scale
        scaled = self.node("Mul", [x, self.constant(f"{name}.scale", scale.reshape(shape).astype(np.float32))], f"{name}.scaled")
        return self.node("Add", [scaled, self.constant(f"{name}.shift", shift.reshape(shape).astype(np.float32))], name)

    def conv_relu(self, x: str, layer: int, weight: np.ndarray, pads: list[int]) -> str:
        name = "conv2d" + (f"_{layer}" if layer else "")
        inputs = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", self.checkpoint[f"{name}/bias"])]
        return self.node("Relu", [self.node("Conv", inputs, f"{name}.linear", pads=pads)], name)


def add_front_end(g: GraphBuilder) -> str:
    """wave [n,80000], samples [n] -> log-mel patches [2n,1,187,96], first all patches at 0 s, then all at 2 s."""
    at_least_one = g.node("Max", [g.node("Cast", ["samples"], "samples.int64", to=TensorProto.INT64), g.ints("one", 1)], "samples.safe")
    period = g.node("Unsqueeze", [at_least_one, g.ints("axis.1", 1)], "period")
    bounds = [g.constant(f"time.{k}", np.int64(v)) for k, v in (("start", 0), ("end", WAVE_SAMPLES), ("step", 1))]
    time = g.node("Unsqueeze", [g.node("Range", bounds, "time"), g.ints("axis.0", 0)], "time.row")
    index = g.node("Mod", [time, period], "repeat.index")
    repeated = g.node("GatherElements", ["wave", index], "repeat", axis=1)
    channel = g.node("Unsqueeze", [repeated, "axis.1"], "channel")
    padded = g.node("Pad", [channel, g.ints("stft.pads", 0, 0, FFT // 2, 0, 0, FFT // 2)], "stft.padded", mode="reflect")
    spectrum = g.node("Conv", [padded, g.constant(STFT_KERNEL, stft_kernel())], "stft", strides=[HOP])
    squared = g.node("Mul", [spectrum, spectrum], "stft.squared")
    g.nodes.append(helper.make_node("Split", [squared], ["stft.real2", "stft.imag2"], name="stft.split", axis=1))
    power = g.node("Add", ["stft.real2", "stft.imag2"], "power")
    by_frame = g.node("Transpose", [power], "power.by_frame", perm=[0, 2, 1])
    mel = g.node("MatMul", [by_frame, g.constant("mel_filters", mel_filters().astype(np.float32))], "mel")
    lifted = g.node("Add", [g.node("Mul", [mel, g.constant("ten_thousand", np.float32(10_000))], "mel.scaled"), g.constant("one.float", np.float32(1))], "mel.lifted")
    log_mel = g.node("Mul", [g.node("Log", [lifted], "mel.ln"), g.constant("log10_e", np.float32(np.log10(np.e)))], "log_mel")
    patches = [
        g.node("Slice", [log_mel, g.ints(f"patch{i}.start", start), g.ints(f"patch{i}.end", start + PATCH_FRAMES), "axis.1"], f"patch{i}")
        for i, start in enumerate(PATCH_STARTS)
    ]
    return g.node("Unsqueeze", [g.node("Concat", patches, "patches", axis=0), "axis.1"], "patches.nchw")


def add_network(g: GraphBuilder, patches: str) -> tuple[str, str]:
    """patches [p,1,187,96] -> tag probabilities [p,50], penultimate activations [p,200]."""
    x = g.batch_norm(patches, 0, (1,))
    branches = []
    # kernel height, vertical padding (before, after): two timbral branches (valid in frequency), three temporal ones
    for layer, (before, after) in enumerate([(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]):
        kernel = g.checkpoint["conv2d" + (f"_{layer}" if layer else "") + "/kernel"].transpose(3, 2, 0, 1)
        y = g.batch_norm(g.conv_relu(x, layer, kernel, [before, 0, after, 0]), layer + 1, (1, -1, 1, 1))
        branches.append(g.node("ReduceMax", [y], f"branch{layer}", axes=[3], keepdims=0))
    front = g.node("Concat", branches, "front", axis=1)
    stages = [front]
    for layer in (5, 6, 7):
        kernel = g.checkpoint[f"conv2d_{layer}/kernel"][:, :, 0].transpose(2, 1, 0)
        y = g.batch_norm(g.conv_relu(stages[-1], layer, kernel, [3, 3]), layer + 1, (1, -1, 1))
        stages.append(y if layer == 5 else g.node("Add", [y, stages[-1]], f"residual{layer}"))
    dense = g.node("Concat", stages, "dense_connection", axis=1)
    pooled = [g.node(op, [dense], f"pool.{op}", axes=[2], keepdims=1) for op in ("ReduceMax", "ReduceMean")]
    flat = g.node("Flatten", [g.node("Concat", pooled, "pool", axis=2)], "pool.flat")
    hidden = g.node("Gemm", [g.batch_norm(flat, 9, (1, -1)), g.constant("dense.weight", g.checkpoint["dense/kernel"]), g.constant("dense.bias", g.checkpoint["dense/bias"])], "dense.linear")
    penultimate = g.batch_norm(g.node("Relu", [hidden], "dense.relu"), 10, (1, -1))
    logits = g.node("Gemm", [penultimate, g.constant("dense_1.weight", g.checkpoint["dense_1/kernel"]), g.constant("dense_1.bias", g.checkpoint["dense_1/bias"])], "logits")
    return g.node("Sigmoid", [logits], "tags.by_patch"), penultimate


def build_model(checkpoint: dict[str, np.ndarray]) -> onnx.ModelProto:
    """wave float32 [n,80000], samples int32 [n] -> tags float32 [n,50], audio float32 [n,200]."""
    g = GraphBuilder(checkpoint)
    tags, penultimate = add_network(g, add_front_end(g))
    for source, width, output in ((tags, 50, "tags"), (penultimate, 200, "audio")):
        by_patch = g.node("Reshape", [source, g.ints(f"{output}.shape", len(PATCH_STARTS), -1, width)], f"{output}.stacked")
        g.node("ReduceMean", [by_patch], output, axes=[0], keepdims=0)
    graph = helper.make_graph(
        g.nodes,
        "musicnn-mtt",
        [
            helper.make_tensor_value_info("wave", TensorProto.FLOAT, ["n", WAVE_SAMPLES]),
            helper.make_tensor_value_info("samples", TensorProto.INT32, ["n"]),
        ],
        [
            helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["n", 50]),
            helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["n", 200]),
        ],
        g.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="firstfive")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
