"""Fit the head of brucelyu17: n-grams of the starter's recipe, and XGBoost trees over sentence vectors, stacked.

    python train_stack.py --data DIR/engagement_text.csv --unlabelled DIR/val_metadata.csv --out ../1.0.0 [--cache DIR]

Writes text-head.bin, stack-text.onnx, stack-caption.onnx and stack.json (parameters, metrics, provenance).
1. Every number reported comes from rows whose group (near-duplicates included) was not trained on; n-grams, teacher and trees are
   refitted in each fold. The files are sorted by label in blocks, so folds are shuffled by seed.
2. That a modality is there adds nothing to a score. Title and description are read as one text; the joint between them tells which is which.
3. Members of a modality are weighed by non-negative least squares on its out-of-fold scores; the modalities of a row by least squares.
4. Components are fitted on texts without labels; every use of a label is inside the folds.
5. Sentence vectors are PyTorch's in float32. What the shipped int8 storage changes is measured on held-out rows (`servedAgainstTrained`).
6. The shipped files come from all rows; tables and correlations from out-of-fold scores. The ONNX trees are checked against XGBoost.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import xgboost as xgb
from scipy.optimize import nnls
from sklearn.decomposition import PCA

sys.path.insert(0, str(Path(__file__).parents[2] / "starter"))
import text_evaluation as ev  # noqa: E402
import text_features  # noqa: E402
from sentences import Sentences, reference_vectors  # noqa: E402
from stack_graph import build_stack  # noqa: E402
from text_data import Row, duplicate_groups, grouped_folds, read_rows  # noqa: E402
from text_model import Corpus, design, fit_modality  # noqa: E402
from trees_onnx import between_values  # noqa: E402
from train_text_head import FIELDS, RECIPES, SETS, file_identity, is_present, write_weights  # noqa: E402

FOLDS, REPEATS, SERVED_ROWS = 10, 5, 150
JOINT = " . "


@dataclass(frozen=True)
class TreeRecipe:
    components: int
    rounds: int
    parameters: dict[str, float | int | str]


SHARED = {"objective": "reg:squarederror", "tree_method": "hist", "max_bin": 32, "eta": 0.05, "subsample": 0.8, "nthread": 1, "seed": 1}
TREES = {
    "text": TreeRecipe(64, 300, {**SHARED, "max_depth": 2, "min_child_weight": 20, "reg_lambda": 20, "colsample_bytree": 0.3}),
    "caption": TreeRecipe(128, 300, {**SHARED, "max_depth": 3, "min_child_weight": 20, "reg_lambda": 20, "colsample_bytree": 0.3}),
}


def joined(row: Row, modality: str) -> str:
    """The one text that is embedded: title, joint, description; a field without a word is empty, and the joint stays."""
    return JOINT.join(t if text_features.words(t) else "" for t in (getattr(row, f) for f in FIELDS[modality]))


class Modality:
    """Rows of one modality: n-gram features, sentence vectors, components, and each labelled row's place in the whole table."""

    def __init__(self, name: str, rows: list[Row], unlabelled: list[Row], cache: Path | None) -> None:
        self.name, self.trees = name, TREES[name]
        self.index = np.array([i for i, r in enumerate(rows) if is_present(name, r)])
        members = [rows[i] for i in self.index] + [r for r in unlabelled if is_present(name, r)]
        features, self.idfs = design([[getattr(r, f) for f in FIELDS[name]] for r in members], list(RECIPES[name].blocks))
        self.texts = [joined(r, name) for r in members]
        vectors = reference_vectors(self.texts, cache)
        self.labels = np.array([rows[i].label for i in self.index])
        self.corpus = Corpus(features, vectors, self.labels)
        pca = PCA(self.trees.components, svd_solver="full").fit(vectors)
        self.average = pca.mean_.astype(np.float32)
        self.components = np.ascontiguousarray(pca.components_.T, dtype=np.float32)
        self.reduced = (vectors[: len(self.index)] - self.average) @ self.components

    def fit_trees(self, train: np.ndarray) -> xgb.Booster:
        rows = self.reduced[train]
        booster = xgb.train(self.trees.parameters, xgb.DMatrix(rows, self.labels[train]), self.trees.rounds)
        return between_values(booster, rows)

    def out_of_fold(self, folds: np.ndarray) -> np.ndarray:
        """[labelled rows of the modality, 2]: n-grams, trees."""
        own, out = folds[self.index], np.zeros((len(self.index), 2))
        for fold in range(FOLDS):
            train, held_out = own != fold, np.flatnonzero(own == fold)
            weights, intercept = fit_modality(self.corpus, train, RECIPES[self.name])
            out[held_out, 0] = self.corpus.features[held_out] @ weights + intercept
            out[held_out, 1] = self.fit_trees(train).predict(xgb.DMatrix(self.reduced[held_out]))
        return out


def member_weights(scores: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Non-negative weights of n-grams and trees over the pooled repeats; centred per repeat."""
    pooled = np.concatenate([s - s.mean(axis=0) for s in scores])
    return nnls(pooled, np.tile(labels - labels.mean(), len(scores)))[0]


@dataclass(frozen=True)
class Validation:
    """Per repeat, over all labelled rows, NaN where a modality is absent: its two members and their weighted sum."""

    members: list[dict[str, np.ndarray]]
    weights: dict[str, np.ndarray]

    def modality(self, repeat: int, name: str) -> np.ndarray:
        return self.members[repeat][name] @ self.weights[name]


def cross_validate(modalities: dict[str, Modality], total: int, groups: np.ndarray) -> Validation:
    repeats = []
    for repeat in range(REPEATS):
        folds = grouped_folds(groups, FOLDS, seed=2000 + repeat)
        tables = {name: np.full((total, 2), np.nan) for name in modalities}
        for name, modality in modalities.items():
            tables[name][modality.index] = modality.out_of_fold(folds)
        repeats.append(tables)
        print(f"repeat {repeat + 1} of {REPEATS}", file=sys.stderr, flush=True)
    weights = {name: member_weights([r[name][m.index] for r in repeats], m.labels) for name, m in modalities.items()}
    return Validation(repeats, weights)


def describe_set(members: tuple[str, ...], validation: Validation, labels: np.ndarray) -> dict:
    tables = [np.stack([validation.modality(i, m) for m in members], axis=1) for i in range(REPEATS)]
    rows = ~np.isnan(tables[0]).any(axis=1)
    y = labels[rows]
    pooled = np.concatenate([t[rows] for t in tables])
    combination = ev.combination(pooled, np.tile(y, REPEATS))
    z = pooled @ combination["coefficients"] + combination["intercept"]
    metrics = ev.summarise([ev.repeat_metrics(part, y) for part in np.split(z, REPEATS)])
    alone = {
        f"{m}:{kind}": ev.spread([ev.srocc(r[m][rows][:, k], y) for r in validation.members])
        for m in members
        for k, kind in enumerate(("ngrams", "trees"))
    }
    return {
        "modalities": dict(zip(members, (float(c) for c in combination["coefficients"]), strict=True)),
        "intercept": combination["intercept"],
        "rho": metrics["srocc"]["mean"],
        "rankTable": ev.rank_table(z),
        "metrics": {"rows": int(rows.sum()), **metrics, "sroccOfEachAlone": alone},
    }


def by_ecr(sets: dict[str, dict], validation: Validation, labels: np.ndarray, asked: str) -> dict:
    """How `ecr` orders all rows that have the modality `asked`, each scored from everything that it has."""
    repeats = []
    for i in range(REPEATS):
        present = {m: ~np.isnan(validation.modality(i, m)) for m in FIELDS}
        position = np.full(len(labels), np.nan)
        for name, members in SETS.items():
            here = np.all([present[m] == (m in members) for m in FIELDS], axis=0) & present[asked]
            z = sum(validation.modality(i, m) * a for m, a in sets[name]["modalities"].items()) + sets[name]["intercept"]
            position[here] = ev.prior_position(z[here], sets[name]["rankTable"], sets[name]["rho"])
        rows = ~np.isnan(position)
        repeats.append(ev.repeat_metrics(position[rows], labels[rows]))
    return {"rows": int(rows.sum()), **ev.summarise(repeats)}


def served_against_trained(modality: Modality, folds: np.ndarray, served: Sentences) -> dict[str, float]:
    """Trees of one fold on SERVED_ROWS of its held-out rows: vectors as trained on, and as the shipped graph gives them."""
    own = folds[modality.index]
    held_out = np.flatnonzero(own == 0)[:SERVED_ROWS]
    booster = modality.fit_trees(own != 0)
    vectors = served.vectors([modality.texts[i] for i in held_out])
    trained = booster.predict(xgb.DMatrix(modality.reduced[held_out]))
    shipped = booster.predict(xgb.DMatrix((vectors - modality.average) @ modality.components))
    cosine = (vectors * modality.corpus.vectors[held_out]).sum(1)
    return {
        "rows": len(held_out),
        "meanCosine": round(float(cosine.mean()), 5),
        "minCosine": round(float(cosine.min()), 5),
        "correlationOfScores": round(float(np.corrcoef(trained, shipped)[0, 1]), 4),
    }


def export_trees(modality: Modality, out: Path) -> dict[str, float]:
    """Fitted on all rows; parity of the ONNX graph with XGBoost over the training vectors."""
    booster = modality.fit_trees(np.ones(len(modality.index), bool))
    fields = list(FIELDS[modality.name]) if len(FIELDS[modality.name]) > 1 else []
    model = build_stack(fields, modality.components, modality.average, booster)
    vectors = modality.corpus.vectors[: len(modality.index)]
    feeds = {"text": vectors, **{f: np.zeros_like(vectors) for f in fields}}
    got = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(["trees"], feeds)[0][:, 0]
    want = booster.predict(xgb.DMatrix(modality.reduced))
    # A component within rounding of a threshold may fall on its other side: rare, and a leaf's worth.
    differing = float(np.mean(np.abs(got - want) > 1e-5))
    assert differing < 0.01, f"{modality.name}: {differing:.2%} of rows differ from XGBoost"
    onnx.save(model, str(out / f"stack-{modality.name}.onnx"))
    return {"trees": modality.trees.rounds, "rowsThatDiffer": differing, "bytes": model.ByteSize()}


def export_ngrams(modalities: dict[str, Modality], out: Path) -> tuple[list[dict], dict[str, float]]:
    tables, blocks, intercepts = [], [], {}
    for name, modality in modalities.items():
        weights, intercepts[name] = fit_modality(modality.corpus, np.ones(len(modality.index), bool), RECIPES[name])
        start = 0
        for block, idf in zip(RECIPES[name].blocks, modality.idfs, strict=True):
            tables.append((idf, weights[start : start + block.buckets]))
            blocks.append({"modality": name, "fields": list(FIELDS[name]), **vars(block)})
            start += block.buckets
    offsets = write_weights(out / "text-head.bin", tables)
    return [{**block, "offset": offset} for block, offset in zip(blocks, offsets, strict=True)], intercepts


def stated(fitted: dict, weights: dict[str, np.ndarray], intercepts: dict[str, float]) -> dict:
    """A set as the bundle states it: one coefficient per member; the n-grams' own intercepts belong to the set's."""
    coefficients, intercept = {}, fitted["intercept"]
    for modality, a in fitted["modalities"].items():
        ngrams, trees = (float(a * w) for w in weights[modality])
        coefficients |= {f"{modality}:ngrams": ngrams, f"{modality}:trees": trees}
        intercept += ngrams * intercepts[modality]
    return {"coefficients": coefficients, "intercept": intercept, "rho": fitted["rho"], "rankTable": fitted["rankTable"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("--data", "--unlabelled", "--out"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder for sentence vectors, which take minutes")
    options = parser.parse_args()
    emoji = text_features.load_emoji(Path(__file__).parents[3] / text_features.EMOJI_NAMES)
    rows, unlabelled = read_rows(options.data, emoji), read_rows(options.unlabelled, emoji)
    groups = duplicate_groups([[f"{r.title} \n {r.description}" for r in rows], [r.caption for r in rows]])
    modalities = {name: Modality(name, rows, unlabelled, options.cache) for name in RECIPES}
    labels = np.array([r.label for r in rows])
    validation = cross_validate(modalities, len(rows), groups)
    sets = {name: describe_set(members, validation, labels) for name, members in SETS.items()}
    folds, served = grouped_folds(groups, FOLDS, seed=2000), Sentences(options.out)
    blocks, intercepts = export_ngrams(modalities, options.out)
    result = {
        "blocks": blocks,
        "sets": {name: stated(s, validation.weights, intercepts) for name, s in sets.items()},
        "metrics": {
            "method": f"{REPEATS} repeats of {FOLDS}-fold cross-validation, near-duplicates in one fold; sd over repeats",
            "groups": int(len(np.unique(groups))),
            "sets": {name: s["metrics"] for name, s in sets.items()},
            "byEcr": {m: by_ecr(sets, validation, labels, m) for m in FIELDS},
            "memberWeights": {m: {"ngrams": float(w[0]), "trees": float(w[1])} for m, w in validation.weights.items()},
            "servedAgainstTrained": {name: served_against_trained(m, folds, served) for name, m in modalities.items()},
            "onnxAgainstXgboost": {name: export_trees(m, options.out) for name, m in modalities.items()},
        },
        "data": [file_identity(options.data), file_identity(options.unlabelled)],
        "recipes": {
            name: {
                "ngrams": {k: v for k, v in vars(RECIPES[name]).items() if k != "blocks"},
                "trees": {"components": t.components, "rounds": t.rounds, **t.parameters},
            }
            for name, t in TREES.items()
        },
    }
    (options.out / "stack.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["metrics"], indent=1))


if __name__ == "__main__":
    main()
