"""Hashed n-gram blocks and the linear models over them, as served by `src/core/text`.

A block is one kind of n-gram of one modality. Its vector is v[b] = (1 + ln count[b]) * idf[b], divided by its own L2
norm; the score of a modality is the sum over its blocks of weight . v, plus an intercept. Nothing else is learned, so
that the served head is two tables (idf, weight) per block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import Ridge

import text_features


@dataclass(frozen=True)
class Block:
    """`kind`: 'word' or 'char'; n-grams of `low`..`high`; `buckets` is a power of two."""

    kind: str
    low: int
    high: int
    buckets: int
    seed: int


cached_bucket = lru_cache(maxsize=4_000_000)(text_features.bucket)


def count_matrix(texts: list[list[str]], block: Block) -> csr_matrix:
    """`texts`: for each row its fields, normalised and folded; n-grams never cross a field. float64 [rows, buckets]."""
    grams = text_features.word_ngrams if block.kind == "word" else text_features.char_ngrams
    indices: list[int] = []
    pointers = [0]
    for fields in texts:
        for field in fields:
            tokens = text_features.words(field)
            indices.extend(cached_bucket(g, block.seed, block.buckets) for g in grams(tokens, block.low, block.high))
        pointers.append(len(indices))
    matrix = csr_matrix((np.ones(len(indices)), indices, pointers), shape=(len(texts), block.buckets))
    matrix.sum_duplicates()
    return matrix


def fit_idf(counts: csr_matrix) -> np.ndarray:
    """Smoothed inverse document frequency, ln((1 + rows) / (1 + df)) + 1, rounded to float16 as it is shipped."""
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + frequency)) + 1).astype(np.float16).astype(np.float64)


def weigh(counts: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Sublinear counts times idf, rows scaled to length 1 (empty rows stay zero)."""
    matrix = counts.copy()
    matrix.data = 1 + np.log(matrix.data)
    matrix = matrix @ diags(idf)
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (diags(1 / np.where(norms > 0, norms, 1)) @ matrix).tocsr()


def design(texts: list[list[str]], blocks: list[Block], reference: np.ndarray | None = None) -> tuple[csr_matrix, list[np.ndarray]]:
    """Feature matrix of all blocks side by side; idf from the rows in `reference` (all by default)."""
    parts, idfs = [], []
    for block in blocks:
        counts = count_matrix(texts, block)
        idf = fit_idf(counts if reference is None else counts[reference])
        parts.append(weigh(counts, idf))
        idfs.append(idf)
    return hstack(parts).tocsr(), idfs


def fit_ridge(x: csr_matrix, y: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """Weights and intercept of a ridge regression."""
    model = Ridge(alpha=alpha, solver="sparse_cg", tol=1e-4).fit(x, y)
    return model.coef_, float(model.intercept_)


@dataclass(frozen=True)
class Recipe:
    """How one modality is fitted. The student regresses teacher + `label_share` * (label - teacher) on n-grams."""

    blocks: tuple[Block, ...]
    teacher_alpha: float
    student_alpha: float
    label_share: float


@dataclass(frozen=True)
class Corpus:
    """Rows of one modality: labelled ones first (`labels` has their length), then unlabelled ones."""

    features: csr_matrix
    vectors: np.ndarray
    labels: np.ndarray


def fit_modality(corpus: Corpus, train: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, float]:
    """n-gram weights and intercept learned from the labelled rows in `train` and every unlabelled row.

    A ridge on sentence vectors is fitted to the labels (teacher); its judgement of training and unlabelled texts,
    moved by a share of the residual where a label is known, is what the n-gram ridge (student) learns.
    """
    labelled = np.flatnonzero(train)
    unlabelled = np.arange(len(corpus.labels), corpus.features.shape[0])
    teacher = Ridge(alpha=recipe.teacher_alpha).fit(corpus.vectors[labelled], corpus.labels[labelled])
    known = teacher.predict(corpus.vectors[labelled])
    known += recipe.label_share * (corpus.labels[labelled] - known)
    targets = np.concatenate([known, teacher.predict(corpus.vectors[unlabelled])]) if len(unlabelled) else known
    return fit_ridge(corpus.features[np.concatenate([labelled, unlabelled])], targets, recipe.student_alpha)
