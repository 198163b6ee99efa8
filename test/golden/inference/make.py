"""Writes toy.onnx, a graph of a few hundred bytes that the inference tests can make fail on purpose.

    python make.py        (onnx 1.17.0)

y[n,4] = 2 * x[n,4] + table[index[n]], with table[r][c] = 10 r + c for r in 0..7. An index outside the table fails the
whole run; a NaN in x makes its own row NaN and no other. `bytes[n,2]` (uint8) is only summed: total[n,1].
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

table = (10 * np.arange(8)[:, None] + np.arange(4)).astype(np.float32)
graph = helper.make_graph(
    [
        helper.make_node("Gather", ["table", "index"], ["picked"], axis=0),
        helper.make_node("Mul", ["x", "two"], ["double"]),
        helper.make_node("Add", ["double", "picked"], ["y"]),
        helper.make_node("Cast", ["bytes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["floats", "axes"], ["total"], keepdims=1),
    ],
    "toy",
    [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4]),
        helper.make_tensor_value_info("index", TensorProto.INT32, ["n"]),
        helper.make_tensor_value_info("bytes", TensorProto.UINT8, ["n", 2]),
    ],
    [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4]),
        helper.make_tensor_value_info("total", TensorProto.FLOAT, ["n", 1]),
    ],
    [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.float32([2]), "two"),
        numpy_helper.from_array(np.int64([1]), "axes"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, str(Path(__file__).parent / "toy.onnx"))
