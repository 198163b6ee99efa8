"""Sentence vectors: from the shipped files (`tokenizer.json`, `sentence.onnx`), and from the model that they were made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

import text_features
from sentence_teacher import sentence_vectors

MAX_TOKENS, DIMENSIONS, BATCH = 256, 384, 32
LENGTHS = (16, 32, 64, 128, 256)


class Sentences:
    def __init__(self, bundle: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(bundle / "sentence.onnx"), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.encode_special_tokens = True  # text is never markup

    def vectors(self, texts: list[str]) -> np.ndarray:
        """float32 [len(texts), 384]; zeros for a text without a word."""
        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        rows = {i: self.tokenizer.encode(t).ids for i, t in enumerate(texts) if text_features.words(t)}
        for length in LENGTHS:
            fitting = [i for i, r in rows.items() if length == next(size for size in LENGTHS if size >= len(r))]
            for start in range(0, len(fitting), BATCH):
                batch = fitting[start : start + BATCH]
                ids = np.zeros((len(batch), length), np.int32)
                mask = np.zeros_like(ids)
                for k, i in enumerate(batch):
                    ids[k, : len(rows[i])], mask[k, : len(rows[i])] = rows[i], 1
                out[batch] = self.session.run(["sentence"], {"ids": ids, "mask": mask})[0]
        return out


def reference_vectors(texts: list[str], cache: Path | None) -> np.ndarray:
    """float32 [len(texts), 384] from PyTorch, kept in the cache folder by content: they take a quarter of an hour of CPU."""
    if cache is None:
        return sentence_vectors(texts)
    path = cache / f"{cache_key(texts)}.npy"
    if not path.exists():
        np.save(path, sentence_vectors(texts))
    return np.load(path)


def cache_key(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
