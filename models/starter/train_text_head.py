"""Fit the text head of the starter bundle and write `text-head.bin` and `text-head.json`.

    python train_text_head.py --data DIR/engagement_text.csv --unlabelled DIR/val_metadata.csv --out 1.0.0

Both files are public (see README.md). Two modalities carry weight: `text` (title and description) and `caption`.
1. No score depends on whether a field is there: a modality's n-grams are pooled over its fields and scaled to length
   one, and each set of present modalities has its own combination, scale and rank table.
2. Every number reported comes from rows whose group (near-duplicates included) was not trained on; teacher and
   student are both refitted in each fold.
3. The shipped weights come from all rows; the tables and correlations from the out-of-fold scores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
from pathlib import Path

import numpy as np

import text_evaluation as ev
import text_features
from sentence_teacher import sentence_vectors
from text_data import Row, duplicate_groups, grouped_folds, read_rows
from text_model import Block, Corpus, Recipe, design, fit_modality

FOLDS, REPEATS = 10, 5
RECIPES = {
    "text": Recipe((Block("word", 1, 2, 1 << 15, 1), Block("char", 2, 4, 1 << 15, 2)), teacher_alpha=10, student_alpha=1, label_share=0.3),
    "caption": Recipe((Block("word", 1, 2, 1 << 15, 3), Block("char", 2, 4, 1 << 15, 4)), teacher_alpha=3, student_alpha=3, label_share=0.4),
}
FIELDS = {"text": ("title", "description"), "caption": ("caption",)}
SETS = {"text": ("text",), "caption": ("caption",), "text+caption": ("text", "caption")}
MAGIC, VERSION = b"FFTH", 1


def is_present(modality: str, row: Row) -> bool:
    """A modality is present where any of its fields holds a word."""
    return any(text_features.words(getattr(row, field)) for field in FIELDS[modality])


class Modality:
    """Rows of one modality, their features, and the position of each labelled row in the whole table."""

    def __init__(self, name: str, rows: list[Row], unlabelled: list[Row]) -> None:
        self.recipe = RECIPES[name]
        self.index = np.array([i for i, r in enumerate(rows) if is_present(name, r)])
        members = [rows[i] for i in self.index] + [r for r in unlabelled if is_present(name, r)]
        texts = [[getattr(r, f) for f in FIELDS[name]] for r in members]
        features, self.idfs = design(texts, list(self.recipe.blocks))
        vectors = sentence_vectors([" . ".join(t) for t in texts])
        self.corpus = Corpus(features, vectors, np.array([rows[i].label for i in self.index]))

    def out_of_fold(self, folds: np.ndarray, total: int) -> np.ndarray:
        """Score per row of the whole table; NaN where the modality is absent."""
        own = folds[self.index]
        out = np.full(total, np.nan)
        for fold in range(FOLDS):
            weights, intercept = fit_modality(self.corpus, own != fold, self.recipe)
            held_out = np.flatnonzero(own == fold)
            out[self.index[held_out]] = self.corpus.features[held_out] @ weights + intercept
        return out


def cross_validate(modalities: dict[str, Modality], labels: np.ndarray, groups: np.ndarray) -> tuple[dict[str, dict], dict]:
    """Per set of present modalities: combination, rank table, rho and metrics; then metrics over sets."""
    runs = []
    for repeat in range(REPEATS):
        folds = grouped_folds(groups, FOLDS, seed=1000 + repeat)
        runs.append({name: m.out_of_fold(folds, len(labels)) for name, m in modalities.items()})
    sets = {name: describe_set(members, runs, labels) for name, members in SETS.items()}
    return sets, order_captioned(sets, runs, labels)


def order_captioned(sets: dict[str, dict], runs: list[dict[str, np.ndarray]], labels: np.ndarray) -> dict:
    """How `ecr` orders all rows with a caption, each scored from everything that it has."""
    repeats = []
    for run in runs:
        position = np.full(len(labels), np.nan)
        for name in ("caption", "text+caption"):
            stated_set = sets[name]
            z = sum(run[m] * a for m, a in stated_set["coefficients"].items()) + stated_set["intercept"]
            here = ~np.isnan(z)
            position[here] = ev.prior_position(z[here], stated_set["rankTable"], stated_set["rho"])
        rows = ~np.isnan(position)
        repeats.append(ev.repeat_metrics(position[rows], labels[rows]))
    return {"rows": int(rows.sum()), **ev.summarise(repeats)}


def describe_set(members: tuple[str, ...], runs: list[dict[str, np.ndarray]], labels: np.ndarray) -> dict:
    tables = [np.stack([run[m] for m in members], axis=1) for run in runs]
    rows = ~np.isnan(tables[0]).any(axis=1)
    pooled, y = np.concatenate([t[rows] for t in tables]), labels[rows]
    combination = ev.combination(pooled, np.tile(y, len(runs)))
    z = pooled @ combination["coefficients"] + combination["intercept"]
    metrics = ev.summarise([ev.repeat_metrics(part, y) for part in np.split(z, len(runs))])
    alone = {m: ev.spread([ev.srocc(t[rows][:, i], y) for t in tables]) for i, m in enumerate(members)}
    return {
        "coefficients": dict(zip(members, (float(c) for c in combination["coefficients"]), strict=True)),
        "intercept": combination["intercept"],
        "rho": metrics["srocc"]["mean"],
        "rankTable": ev.rank_table(z),
        "metrics": {"rows": int(rows.sum()), **metrics, "sroccOfEachAlone": alone},
    }


def write_weights(path: Path, tables: list[tuple[np.ndarray, np.ndarray]]) -> list[int]:
    """Header (magic, version, block count, 0: 16 bytes), then per block idf and weights as float16; offsets returned."""
    data = bytearray(struct.pack("<4sIII", MAGIC, VERSION, len(tables), 0))
    offsets = []
    for idf, weights in tables:
        offsets.append(len(data))
        data += idf.astype("<f2").tobytes() + weights.astype("<f2").tobytes()
    path.write_bytes(data)
    return offsets


def export(modalities: dict[str, Modality], out: Path) -> tuple[list[dict], dict[str, float]]:
    """Fit on all rows, write text-head.bin; the block list of the bundle, and each modality's own intercept."""
    tables, blocks, intercepts = [], [], {}
    for name, modality in modalities.items():
        everything = np.ones(len(modality.index), bool)
        weights, intercepts[name] = fit_modality(modality.corpus, everything, modality.recipe)
        start = 0
        for block, idf in zip(modality.recipe.blocks, modality.idfs, strict=True):
            tables.append((idf, weights[start : start + block.buckets]))
            blocks.append({"modality": name, "fields": list(FIELDS[name]), **vars(block)})
            start += block.buckets
    offsets = write_weights(out / "text-head.bin", tables)
    return [{**block, "offset": offset} for block, offset in zip(blocks, offsets, strict=True)], intercepts


def stated(fitted: dict, intercepts: dict[str, float]) -> dict:
    """A set as the bundle states it: the modalities' own intercepts are part of the set's."""
    own = sum(a * intercepts[m] for m, a in fitted["coefficients"].items())
    return {
        "coefficients": fitted["coefficients"],
        "intercept": fitted["intercept"] + own,
        "rho": fitted["rho"],
        "rankTable": fitted["rankTable"],
    }


def file_identity(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("--data", "--unlabelled", "--out"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--emoji", type=Path, default=Path(__file__).parents[2] / text_features.EMOJI_NAMES)
    options = parser.parse_args()
    emoji = text_features.load_emoji(options.emoji)
    rows, unlabelled = read_rows(options.data, emoji), read_rows(options.unlabelled, emoji)
    groups = duplicate_groups([[f"{r.title} \n {r.description}" for r in rows], [r.caption for r in rows]])
    modalities = {name: Modality(name, rows, unlabelled) for name in RECIPES}
    sets, captioned = cross_validate(modalities, np.array([r.label for r in rows]), groups)
    blocks, intercepts = export(modalities, options.out)
    result = {
        "blocks": blocks,
        "sets": {name: stated(s, intercepts) for name, s in sets.items()},
        "metrics": {
            "method": f"{REPEATS} repeats of {FOLDS}-fold cross-validation, near-duplicates in one fold; sd over repeats",
            "groups": int(len(np.unique(groups))),
            "sets": {name: s["metrics"] for name, s in sets.items()},
            "captionedByEcr": captioned,
        },
        "data": [file_identity(options.data), file_identity(options.unlabelled)],
        "recipes": {name: {k: v for k, v in vars(r).items() if k != "blocks"} for name, r in RECIPES.items()},
    }
    (options.out / "text-head.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["metrics"], indent=1))


if __name__ == "__main__":
    main()
