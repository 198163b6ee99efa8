"""Golden vectors and texts of the bundle: what Python and its ONNX Runtime compute from the shipped files.

    python golden.py --out ../1.0.0        (after sentence.py, music.py and train_stack.py)

Cases of the audio graph are those of the starter bundle, whose file it is. `texts` go all the way: normaliser, tokenizer, sentence
vectors, trees, n-grams, standardised score.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

MODELS = Path(__file__).parents[2]
sys.path[:0] = [str(MODELS / "brucelyu17" / "train"), str(MODELS / "starter")]

import text_features  # noqa: E402
from probe_texts import PROBE_TEXTS  # noqa: E402
from sentences import Sentences  # noqa: E402
from text_model import Block, count_matrix, weigh  # noqa: E402
from train_text_head import FIELDS  # noqa: E402

LENGTH, FIRST = 32, 16
VECTOR = "vector[i][k] = ((i*131 + k*71) mod 257 - 128) / 2048"
NOTHING = "vector[i][k] = 0"
SHARE = "share[i][k] = ((i*131 + k*71) mod 257) / 257"
JOINT = " . "
TEXTS: tuple[dict[str, str], ...] = (
    {"title": "a cat plays the piano"},
    {"description": "how to make the perfect pancake in under five minutes #cooking"},
    {"title": "Wait for it 😂😂", "description": "my dog learned to skate 🛹 #fyp #dog"},
    {"title": "!!!", "description": "día 12 de entrenamiento"},
    {"caption": "A man in a red shirt talks to the camera in a kitchen."},
    {"title": "مرحبا بالعالم", "caption": "A dog rides a skateboard down a hill. The crowd cheers."},
    {"title": "[SEP] don't #STOP", "description": "ΟΔΥΣΣΕΥΣ straße 你好", "caption": "The video shows a game being played on a phone."},
)


def vectors(count: int, dim: int) -> np.ndarray:
    i, k = np.arange(count)[:, None], np.arange(dim)[None, :]
    return (((i * 131 + k * 71) % 257 - 128) / 2048).astype(np.float32)


def shares(count: int, dim: int) -> np.ndarray:
    i, k = np.arange(count)[:, None], np.arange(dim)[None, :]
    return (((i * 131 + k * 71) % 257) / 257).astype(np.float32)


class Bundle:
    """The shipped files, run by Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sentences = Sentences(folder)
        self.fitted = json.loads((folder / "stack.json").read_text())
        self.weights = (folder / "text-head.bin").read_bytes()
        self.emoji = text_features.load_emoji(MODELS.parent / text_features.EMOJI_NAMES)
        self.sessions = {name: self.open(name) for name in ("music", "stack-text", "stack-caption")}

    def open(self, name: str) -> ort.InferenceSession:
        return ort.InferenceSession(str(self.folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])

    def trees(self, modality: str, texts: list[str]) -> float:
        """`texts`: one per field, empty where it is absent."""
        feeds = {i.name: np.zeros((1, 384), np.float32) for i in self.sessions[f"stack-{modality}"].get_inputs()}
        feeds["text"] = self.sentences.vectors([JOINT.join(texts)])
        return float(self.sessions[f"stack-{modality}"].run(["trees"], feeds)[0][0, 0])

    def ngrams(self, modality: str, texts: list[str]) -> float:
        total = 0.0
        for block in (b for b in self.fitted["blocks"] if b["modality"] == modality):
            size = block["buckets"]
            both = np.frombuffer(self.weights, "<f2", 2 * size, block["offset"]).astype(np.float64)
            rule = Block(*(block[k] for k in ("kind", "low", "high", "buckets", "seed")))
            folded = [text_features.fold(t) for t in texts]
            total += float((weigh(count_matrix([folded], rule), both[:size]) @ both[size:])[0])
        return total

    def score(self, upload: dict[str, str]) -> float:
        normal = {k: text_features.normalise(v, self.emoji) for k, v in upload.items()}
        held = {m: [normal[f] if text_features.words(normal.get(f, "")) else "" for f in fields] for m, fields in FIELDS.items()}
        present = [m for m, texts in held.items() if any(texts)]
        stated = self.fitted["sets"]["+".join(present)]
        z = stated["intercept"]
        for modality in present:
            z += stated["coefficients"][f"{modality}:ngrams"] * self.ngrams(modality, held[modality])
            z += stated["coefficients"][f"{modality}:trees"] * self.trees(modality, held[modality])
        return z


def rows_of(values: np.ndarray) -> list[dict]:
    return [{"first": [float(v) for v in row[:FIRST]], "norm": float(np.linalg.norm(row.astype(np.float64)))} for row in values]


def sentence_case(bundle: Bundle) -> dict:
    encoded = [bundle.sentences.tokenizer.encode(t).ids for t in PROBE_TEXTS]
    rows = [r for r in encoded if len(r) <= LENGTH][:6]
    ids = np.array([r + [0] * (LENGTH - len(r)) for r in rows], np.int32)
    mask = np.array([[1] * len(r) + [0] * (LENGTH - len(r)) for r in rows], np.int32)
    out = bundle.sentences.session.run(["sentence"], {"ids": ids, "mask": mask})[0]
    inputs = {"ids": {"rows": ids.tolist()}, "mask": {"rows": mask.tolist()}}
    return {"graph": "sentence", "inputs": inputs, "outputs": {"sentence": rows_of(out)}, "tolerance": {"absolute": 2e-5, "relativeNorm": 1e-5}}


def formula_case(bundle: Bundle, graph: str, formula: str, count: int) -> dict:
    session = bundle.sessions[graph]
    make = {VECTOR: vectors, SHARE: shares, NOTHING: lambda n, d: np.zeros((n, d), np.float32)}[formula]
    feeds = {i.name: make(count, i.shape[1]) for i in session.get_inputs()}
    (output,) = (o.name for o in session.get_outputs())
    return {
        "graph": graph,
        "inputs": {name: {"formula": formula, "count": count} for name in feeds},
        "outputs": {output: rows_of(session.run([output], feeds)[0])},
        "tolerance": {"absolute": 1e-5, "relativeNorm": 1e-5},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    bundle = Bundle(out)
    starter = json.loads((MODELS / "starter" / "1.0.0" / "golden" / "golden.json").read_text())
    cases = [sentence_case(bundle), *(c for c in starter["cases"] if c["graph"] == "audio"), formula_case(bundle, "music", SHARE, 3)]
    cases += [formula_case(bundle, f"stack-{m}", f, n) for m in FIELDS for f, n in ((VECTOR, 4), (NOTHING, 1))]
    golden = {
        "schemaVersion": 1,
        "madeWith": {"onnxruntime": ort.__version__, "numpy": np.__version__},
        "cases": cases,
        "texts": {"absolute": 1e-4, "cases": [{**t, "z": bundle.score(t)} for t in TEXTS]},
    }
    (out / "golden").mkdir(exist_ok=True)
    (out / "golden" / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps([round(c["z"], 4) for c in golden["texts"]["cases"]]))


if __name__ == "__main__":
    main()
