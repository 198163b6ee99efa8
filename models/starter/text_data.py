"""Reading the engagement texts, and folds that keep near-duplicates together."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import text_features

DUPLICATE_JACCARD = 0.5  # of word-bigram sets; above it two texts count as one
COMMON_SHINGLE = 200  # a bigram in more rows than this says nothing about duplication


@dataclass(frozen=True)
class Row:
    """One upload; texts normalised and folded."""

    title: str
    description: str
    caption: str
    label: float | None


def read_rows(path: Path, emoji: dict) -> list[Row]:
    """CSV with columns title, description (any capitals) and, where given, caption and label."""
    with path.open(encoding="utf-8", newline="") as file:
        records = [{k.lower(): v for k, v in r.items()} for r in csv.DictReader(file)]
    return [
        Row(
            *(text_features.fold(text_features.normalise(r.get(f) or "", emoji)) for f in ("title", "description", "caption")),
            label=float(r["label"]) if r.get("label") else None,
        )
        for r in records
    ]


def shingles(text: str) -> frozenset[str]:
    tokens = text_features.words(text)
    if len(tokens) < 3:
        return frozenset([" ".join(tokens)] if tokens else [])
    return frozenset(text_features.word_ngrams(tokens, 2, 2))


def duplicate_groups(columns: list[list[str]]) -> np.ndarray:
    """Group number per row; rows whose texts are near-duplicates in any column share one (single linkage)."""
    parent = list(range(len(columns[0])))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for texts in columns:
        index: dict[str, list[int]] = defaultdict(list)
        sets = [shingles(t) for t in texts]
        for i, own in enumerate(sets):
            shared: dict[int, int] = defaultdict(int)
            for gram in own:
                if len(index[gram]) < COMMON_SHINGLE:
                    for j in index[gram]:
                        shared[j] += 1
                index[gram].append(i)
            for j, count in shared.items():
                if count / (len(own) + len(sets[j]) - count) >= DUPLICATE_JACCARD:
                    parent[find(i)] = find(j)
    return np.array([find(i) for i in range(len(parent))])


def grouped_folds(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold number per row: whole groups, shuffled with `seed` (the source file is sorted by label in blocks)."""
    unique, inverse = np.unique(groups, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(unique)) % count)[inverse]
