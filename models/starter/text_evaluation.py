"""Turning out-of-fold scores into what the bundle states: combinations, rank tables, correlations with their spread."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

KNOTS = 65


def srocc(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rho with average ranks for ties."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def polyserial(score: np.ndarray, label: np.ndarray) -> float:
    """Correlation with the normal variable behind the ordered classes (Olsson et al. 1982, two-step ad hoc form)."""
    shares = np.cumsum([np.mean(label == c) for c in np.unique(label)])[:-1]
    return float(np.corrcoef(score, label)[0, 1] * label.std() / norm.pdf(norm.ppf(shares)).sum())


def combination(scores: np.ndarray, label: np.ndarray) -> dict[str, object]:
    """Least-squares direction over the columns of `scores`, scaled so that z has mean 0 and deviation 1 out of fold."""
    centred = scores - scores.mean(axis=0)
    direction = np.linalg.lstsq(centred, label - label.mean(), rcond=None)[0] if scores.shape[1] > 1 else np.ones(1)
    scale = (centred @ direction).std()
    coefficients = direction / scale
    return {"coefficients": coefficients, "intercept": float(-scores.mean(axis=0) @ coefficients)}


def rank_table(z: np.ndarray) -> dict[str, list[float]]:
    """Knots of the monotone piecewise-linear map z -> percentile (empirical quantiles, made strictly increasing)."""
    knots = np.quantile(z, np.linspace(0, 1, KNOTS))
    for i in range(1, KNOTS):
        knots[i] = max(knots[i], np.nextafter(knots[i - 1], np.inf))
    return {"z": [float(k) for k in knots], "rank": [i / (KNOTS - 1) for i in range(KNOTS)]}


def prior_position(z: np.ndarray, table: dict[str, list[float]], rho: float) -> np.ndarray:
    """rho * Phi^-1(rank): where a row stands among rows of any set; ecr rises with it (m = mbar + rho tau Phi^-1(rank))."""
    rank = np.interp(z, table["z"], table["rank"])
    return rho * norm.ppf(np.clip(rank, 0.001, 0.999))


def spread(values: list[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values, ddof=1)), 4)}


def repeat_metrics(z: np.ndarray, label: np.ndarray) -> dict[str, float]:
    return {
        "srocc": srocc(z, label),
        "plcc": float(np.corrcoef(z, label)[0, 1]),
        "auc": float(roc_auc_score(label == label.max(), z)),
        "polyserial": polyserial(z, label),
    }


def summarise(repeats: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: spread([r[name] for r in repeats]) for name in repeats[0]}
