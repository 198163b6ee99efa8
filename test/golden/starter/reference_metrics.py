"""Reference values of the evaluation metrics, from SciPy and scikit-learn on seeded rows."""

from __future__ import annotations

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score


def ranked_case(name: str, scores: np.ndarray, labels: np.ndarray) -> dict:
    srocc, plcc = float(spearmanr(scores, labels).statistic), float(pearsonr(scores, labels).statistic)
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "srocc": srocc,
        "plcc": plcc,
        "final": 0.6 * srocc + 0.4 * plcc,
        "auc": float(roc_auc_score(labels == labels.max(), scores)),
    }


def expected_calibration_error(truth: np.ndarray, predicted: np.ndarray) -> float:
    """15 equal-width bins, each impression one row."""
    bins = np.minimum(14, np.floor(predicted * 15).astype(int))
    gaps = [abs(truth[bins == b].sum() - predicted[bins == b].sum()) for b in range(15)]
    return float(sum(gaps) / len(truth))


def calibration_case(rng: np.random.Generator) -> dict:
    n = 60
    ecr = rng.uniform(0.02, 0.98, n)
    impressions = rng.integers(0, 40, n)
    continues = rng.binomial(impressions, np.clip(ecr + rng.normal(0, 0.1, n), 0, 1))
    lower, upper = np.clip(ecr - 0.15, 0, 1), np.clip(ecr + 0.15, 0, 1)
    truth = np.concatenate([np.r_[np.ones(k), np.zeros(m - k)] for k, m in zip(continues, impressions, strict=True)])
    predicted = np.repeat(ecr, impressions)
    seen = impressions > 0
    rate = continues[seen] / impressions[seen]
    columns = {"ecr": ecr, "lower": lower, "upper": upper, "impressions": impressions, "continues": continues}
    return {
        "outcomes": [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)],
        "brier": float(brier_score_loss(truth, predicted)),
        "logLoss": float(log_loss(truth, predicted)),
        "ece": expected_calibration_error(truth, predicted),
        "intervalCoverage": float(np.mean((rate >= lower[seen]) & (rate <= upper[seen]))),
    }


def metric_cases() -> dict:
    rng = np.random.default_rng(11)
    classes = rng.integers(0, 3, 80)
    noisy = classes + rng.normal(0, 1.5, 80)
    return {
        "ranked": [
            ranked_case("three classes, continuous scores", noisy, classes.astype(float)),
            ranked_case("scores with many ties", np.round(noisy), classes.astype(float)),
            ranked_case("continuous labels", noisy, noisy * -0.5 + rng.normal(0, 1, 80)),
            ranked_case("two rows", np.array([0.1, 0.7]), np.array([0.0, 1.0])),
        ],
        "calibration": calibration_case(rng),
    }
