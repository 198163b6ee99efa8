"""Golden arrays of the starter bundle, made by the Python reference and by SciPy and scikit-learn.

    python test/golden/starter/make.py        (packages: models/starter/export/requirements.txt)

Writes text-head.json (odd texts through normaliser, hashing and the shipped head) and metrics.json beside itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "models" / "starter"))
BUNDLE = ROOT / "models" / "starter" / "1.0.0"

import text_features  # noqa: E402
from odd_texts import ODD_TEXTS  # noqa: E402
from reference_metrics import metric_cases  # noqa: E402
from sklearn.utils import murmurhash3_32  # noqa: E402
from text_model import Block, count_matrix, weigh  # noqa: E402

FIELDS = ("title", "description", "caption")


def read_tables(data: bytes, block: dict) -> tuple[np.ndarray, np.ndarray]:
    size = block["buckets"]
    both = np.frombuffer(data, dtype="<f2", count=2 * size, offset=block["offset"]).astype(np.float64)
    return both[:size], both[size:]


class Head:
    """The shipped head, read from its files and evaluated with sparse matrices."""

    def __init__(self) -> None:
        self.parameters = json.loads((BUNDLE / "bundle.json").read_text(encoding="utf-8"))["head"]
        self.data = (BUNDLE / self.parameters["file"]).read_bytes()

    def score(self, folded: dict[str, str]) -> dict:
        modalities = {b["modality"]: b["fields"] for b in self.parameters["blocks"]}
        present = [m for m, fields in modalities.items() if any(text_features.words(folded[f]) for f in fields)]
        if not present:
            return {"present": [], "z": 0, "rank": 0.5, "rho": 0}
        combine = self.parameters["combine"]["+".join(present)]
        z = combine["intercept"]
        for block in self.parameters["blocks"]:
            if block["modality"] in present:
                idf, weights = read_tables(self.data, block)
                rule = Block(*(block[k] for k in ("kind", "low", "high", "buckets", "seed")))
                row = weigh(count_matrix([[folded[f] for f in block["fields"]]], rule), idf)
                z += combine["coefficients"][block["modality"]] * float((row @ weights)[0])
        table = combine["rankTable"]
        return {"present": present, "z": z, "rank": float(np.interp(z, table["z"], table["rank"])), "rho": combine["rho"]}


def text_cases() -> list[dict]:
    emoji = text_features.load_emoji(ROOT / text_features.EMOJI_NAMES)
    head = Head()
    cases = []
    for texts in ODD_TEXTS:
        given = {f: t for f, t in zip(FIELDS, texts, strict=True) if t is not None}
        normal = {f: text_features.normalise(t, emoji) for f, t in given.items()}
        folded = {f: text_features.fold(normal.get(f, "")) for f in FIELDS}
        cases.append({"text": given, "normal": normal, "words": {f: text_features.words(folded[f]) for f in given}, **head.score(folded)})
    return cases


def hash_cases() -> list[dict]:
    texts = ["", "a", "ab", "abc", "abcd", "abcde", " a ", "funny dog", "été", "滑板", "😀", "x" * 1000]
    return [{"text": t, "seed": s, "hash": murmurhash3_32(t.encode(), seed=s, positive=True)} for t in texts for s in (0, 1, 2**31, 2**32 - 1)]


def write(name: str, value: object) -> None:
    (Path(__file__).parent / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    write("text-head.json", {"cases": text_cases(), "hashes": hash_cases()})
    write("metrics.json", metric_cases())


if __name__ == "__main__":
    main()
