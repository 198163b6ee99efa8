"""An XGBoost regressor as ONNX nodes: `TreeEnsembleRegressor` of ai.onnx.ml, branch for branch.

XGBoost compares float32 with `<` and goes left; so does `BRANCH_LT`. Leaves and base score are summed. Inputs are never NaN here,
so default directions do not matter.
"""

from __future__ import annotations

import json

import numpy as np
import onnx
import xgboost as xgb
from onnx import helper

ML_OPSET = 3


def between_values(booster: xgb.Booster, x: np.ndarray) -> xgb.Booster:
    """The same trees with every threshold moved halfway to the next smaller value of `x`, the rows that it was fitted on.

    XGBoost puts thresholds on values of the data, where the last bit of a matrix product would decide which way such a row goes.
    """
    model = json.loads(booster.save_raw("json"))
    columns = [np.unique(column) for column in x.T.astype(np.float32)]
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left == -1:
                continue
            values, threshold = columns[tree["split_indices"][node]], np.float32(tree["split_conditions"][node])
            at = int(np.searchsorted(values, threshold))
            if 0 < at < len(values):
                tree["split_conditions"][node] = float((values[at - 1] + min(threshold, values[at])) / 2)
    moved = xgb.Booster()
    moved.load_model(bytearray(json.dumps(model).encode()))
    return moved


def tree_nodes(booster: xgb.Booster, x: str, output: str) -> onnx.NodeProto:
    """`x` float32 [n, features] -> `output` float32 [n, 1]."""
    model = json.loads(booster.save_raw("json"))["learner"]
    base = float(json.loads(model["learner_model_param"]["base_score"])[0] if "[" in model["learner_model_param"]["base_score"] else model["learner_model_param"]["base_score"])
    columns: dict[str, list] = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    leaves: dict[str, list] = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    for tree_id, tree in enumerate(model["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            leaf = left == -1
            row = (tree_id, node, 0 if leaf else tree["split_indices"][node], "LEAF" if leaf else "BRANCH_LT")
            row += (0.0 if leaf else tree["split_conditions"][node], 0 if leaf else left, 0 if leaf else tree["right_children"][node])
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
            if leaf:
                for column, value in zip(leaves.values(), (tree_id, node, 0, tree["split_conditions"][node]), strict=True):
                    column.append(value)
    attributes = {f"nodes_{k}": v for k, v in columns.items()} | {f"target_{k}": v for k, v in leaves.items()}
    attributes["nodes_values"] = [float(np.float32(v)) for v in columns["values"]]
    return helper.make_node(
        "TreeEnsembleRegressor", [x], [output], domain="ai.onnx.ml", n_targets=1, base_values=[base], aggregate_function="SUM", **attributes
    )
