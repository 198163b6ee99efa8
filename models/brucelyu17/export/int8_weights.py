"""Weights stored as int8 with one float32 scale per output channel, computed in float32.

Only storage is quantised. Activations stay float32, so that a row's output does not depend on the rows it is batched with or on its
padding (dynamic quantisation takes one scale over the whole tensor), and CPU, CUDA and remote agree. `Cast` and `Mul` on
constants are folded when a session is opened; a table that is gathered from is gathered first and scaled after.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LARGEST = 127


def quantise(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 matrix -> int8 of the same shape and float32 scales along `axis` (kept as a dimension of size 1 elsewhere)."""
    other = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.abs(weight).max(axis=other, keepdims=True) / LARGEST
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.clip(np.rint(weight / scale), -LARGEST, LARGEST).astype(np.int8), scale


def store_weights_as_int8(model: onnx.ModelProto, min_elements: int) -> onnx.ModelProto:
    """Matrices of `min_elements` and more that are the second input of a MatMul (per column) or the table of a Gather (per row)."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    large = {t.name: t for t in graph.initializer if np.prod(t.dims) >= min_elements and len(t.dims) == 2}
    nodes: list[onnx.NodeProto] = []
    done: set[str] = set()
    for node in graph.node:
        name = next((i for i in node.input if i in large), None)
        if name is None or node.op_type not in ("MatMul", "Gather"):
            nodes.append(node)
            continue
        axis = 1 if node.op_type == "MatMul" else 0
        packed, scale = quantise(numpy_helper.to_array(large[name]), axis)
        assert name not in done, f"{name} has two readers"
        done.add(name)
        graph.initializer.remove(large[name])
        graph.initializer.append(numpy_helper.from_array(packed, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        nodes.extend(read_matmul(node, name) if axis == 1 else read_gather(node, name))
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(out)
    return out


def read_matmul(node: onnx.NodeProto, name: str) -> list[onnx.NodeProto]:
    cast = helper.make_node("Cast", [f"{name}.int8"], [f"{name}.wide"], to=TensorProto.FLOAT)
    scaled = helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [f"{name}.float"])
    product = helper.make_node("MatMul", [node.input[0], f"{name}.float"], list(node.output))
    return [cast, scaled, product]


def read_gather(node: onnx.NodeProto, name: str) -> list[onnx.NodeProto]:
    rows, scales, wide = f"{name}.rows", f"{name}.scales", f"{name}.wide"
    return [
        helper.make_node("Gather", [f"{name}.int8", node.input[1]], [rows]),
        helper.make_node("Gather", [f"{name}.scale", node.input[1]], [scales]),
        helper.make_node("Cast", [rows], [wide], to=TensorProto.FLOAT),
        helper.make_node("Mul", [wide, scales], list(node.output)),
    ]
