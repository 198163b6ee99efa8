"""Store the large float32 initialisers of an ONNX model as float16, with a Cast to float32 in the graph.

Halves the file and leaves the arithmetic in float32: every execution provider folds the casts once, when the
session is created. Small tensors (biases, scales, shapes) stay as they are.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HALF_MAX = float(np.finfo(np.float16).max)


def store_weights_as_half(model: onnx.ModelProto, min_elements: int, keep: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """Return a copy of `model`; initialisers with fewer than `min_elements` values or named in `keep` are untouched.

    Raises ValueError if a weight would overflow float16.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    casts = []
    for tensor in out.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name in keep:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < min_elements:
            continue
        if not np.all(np.abs(values) < HALF_MAX):
            raise ValueError(f"{tensor.name}: a value does not fit float16")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.to_float32", to=TensorProto.FLOAT))
    nodes = list(out.graph.node)
    del out.graph.node[:]
    out.graph.node.extend(casts + nodes)
    onnx.checker.check_model(out)
    return out
