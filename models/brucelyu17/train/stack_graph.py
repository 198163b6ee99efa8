"""`stack-<modality>.onnx`: sentence vectors of a modality -> what trees say of them.

    text float32 [n, 384], <field> float32 [n, 384] ... (zeros: absent) -> trees float32 [n, 1]

1. `text` is the vector of the fields joined; where it is absent (a field was taken away from it) the fields that are left stand in,
   added and brought to length 1.
2. Where all are absent the average text stands in: what the graph says of it is the constant that occlusion measures from.
3. The trees see principal components of the vector.
"""

from __future__ import annotations

import numpy as np
import onnx
import xgboost as xgb
from onnx import TensorProto, helper, numpy_helper

from trees_onnx import ML_OPSET, tree_nodes

OPSET, DIMENSIONS = 17, 384
SMALLEST_NORM = 1e-6


def present(vector: str, smallest: str) -> list[onnx.NodeProto]:
    """Nodes that give `<vector>.absent`, bool [n, 1]."""
    return [
        helper.make_node("ReduceL2", [vector], [f"{vector}.norm"], axes=[1], keepdims=1),
        helper.make_node("Less", [f"{vector}.norm", smallest], [f"{vector}.absent"]),
    ]


def build_stack(fields: list[str], components: np.ndarray, average: np.ndarray, booster: xgb.Booster) -> onnx.ModelProto:
    """`components`: float32 [384, k], applied to the vector less `average` [384]; `booster` reads them."""
    nodes = [
        *([helper.make_node("Sum", fields, ["rest"])] if fields else [helper.make_node("Mul", ["text", "zero"], ["rest"])]),
        *present("text", "smallest"),
        *present("rest", "smallest"),
        helper.make_node("Max", ["rest.norm", "smallest"], ["rest.safe"]),
        helper.make_node("Div", ["rest", "rest.safe"], ["rest.direction"]),
        helper.make_node("Where", ["rest.absent", "average", "rest.direction"], ["stand-in"]),
        helper.make_node("Where", ["text.absent", "stand-in", "text"], ["vector"]),
        helper.make_node("Sub", ["vector", "average"], ["centred"]),
        helper.make_node("MatMul", ["centred", "components"], ["reduced"]),
        tree_nodes(booster, "reduced", "trees"),
    ]
    constants = {"average": average.reshape(1, DIMENSIONS), "smallest": np.array([SMALLEST_NORM]), "components": components}
    if not fields:
        constants["zero"] = np.array([0])
    graph = helper.make_graph(
        nodes,
        "stack",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", DIMENSIONS]) for name in ["text", *fields]],
        [helper.make_tensor_value_info("trees", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="firstfive")
    onnx.checker.check_model(model)
    return model
