"""Export `music.onnx`: musicnn's 50 tags -> what they mean, as a sentence vector.

    python music.py --out ../1.0.0

Each tag's name has a sentence vector (from the shipped `sentence.onnx`); a clip's is their mean, weighted by the tags above THRESHOLD.
A clip without such a tag gives zeros. float32 [n, 50] -> float32 [n, 384]. Parity with numpy is asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

sys.path[:0] = [str(Path(__file__).parents[1] / "train"), str(Path(__file__).parents[2] / "starter")]
from make_bundle import TAGS  # noqa: E402  (the starter's)
from sentences import DIMENSIONS, Sentences  # noqa: E402

OPSET, THRESHOLD, SMALLEST = 17, 0.1, 1e-6


def build(names: np.ndarray) -> onnx.ModelProto:
    """`names`: float32 [50, 384], the tags' sentence vectors."""
    nodes = [
        helper.make_node("Greater", ["tags", "threshold"], ["heard"]),
        helper.make_node("Where", ["heard", "tags", "nothing"], ["weights"]),
        helper.make_node("MatMul", ["weights", "names"], ["total"]),
        helper.make_node("ReduceSum", ["weights", "axis"], ["weight"], keepdims=1),
        helper.make_node("Max", ["weight", "smallest"], ["weight.safe"]),
        helper.make_node("Div", ["total", "weight.safe"], ["music"]),
    ]
    constants = {"threshold": np.float32([THRESHOLD]), "nothing": np.float32([0]), "names": names, "smallest": np.float32([SMALLEST])}
    graph = helper.make_graph(
        nodes,
        "music",
        [helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["n", len(TAGS)])],
        [helper.make_tensor_value_info("music", TensorProto.FLOAT, ["n", DIMENSIONS])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()] + [numpy_helper.from_array(np.int64([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name="firstfive")
    onnx.checker.check_model(model)
    return model


def reference(tags: np.ndarray, names: np.ndarray) -> np.ndarray:
    weights = np.where(tags > np.float32(THRESHOLD), tags, 0)
    return weights @ names / np.maximum(weights.sum(1, keepdims=True), SMALLEST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    names = Sentences(out).vectors(list(TAGS))
    model = build(names)
    rng = np.random.default_rng(3)
    tags = np.concatenate([rng.uniform(0, 1, (8, len(TAGS))), rng.uniform(0, 0.2, (8, len(TAGS))), np.zeros((1, len(TAGS)))]).astype(np.float32)
    got = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(["music"], {"tags": tags})[0]
    report = {"maxAbsError": float(np.abs(got - reference(tags, names)).max()), "bytes": model.ByteSize()}
    assert report["maxAbsError"] < 1e-6 and not got[-1].any(), report
    onnx.save(model, str(out / "music.onnx"))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
