"""Reference values of the normal and Beta distributions and of the prior's formulas, from SciPy.

    python make.py > values.json        (scipy 1.13.1, numpy 1.26.4)

The prior is written here a second time, from docs/specs/prior.md and not from the TypeScript.
"""

import json
import math

import numpy as np
import scipy
from scipy import special, stats


def normal():
    xs = [-38, -20, -10, -8.5, -6, -5.5, -4, -3, -2, -1, -0.66, -0.47, -0.1, 0, 1e-9, 0.3, 0.5, 1, 1.645, 2, 3, 4.5, 6, 8, 10]
    ps = [1e-300, 1e-100, 1e-20, 1e-10, 1e-5, 0.001, 0.01, 0.05, 0.0749, 0.0751, 0.2, 0.5, 0.6, 0.9, 0.95, 0.999, 1 - 1e-9, 1 - 1e-15]
    return {
        "cdf": [{"x": x, "value": float(stats.norm.cdf(x))} for x in xs],
        "quantile": [{"p": p, "value": float(special.ndtri(p))} for p in ps],
        "erfc": [{"x": x, "value": float(special.erfc(x))} for x in [-3, -0.4, 0, 0.2, 0.46, 0.5, 1, 2, 3.9, 4.1, 8, 20]],
    }


def beta():
    rng = np.random.default_rng(20240611)
    shapes = [(0.5, 0.5), (0.5, 3), (1, 1), (1, 9.4), (6.2, 4.1), (8.3, 1.0), (600, 400), (2400, 1600), (20000, 15000), (0.7, 300)]
    shapes += [tuple(float(v) for v in np.exp(rng.uniform(math.log(0.5), math.log(5000), 2))) for _ in range(40)]
    quantile, cdf = [], []
    for a, b in shapes:
        for p in (0.05, 0.5, 0.95, 0.001):
            quantile.append({"p": p, "a": a, "b": b, "value": float(special.betaincinv(a, b, p))})
        for x in (0.01, 0.3, a / (a + b), 0.97):
            cdf.append({"x": x, "a": a, "b": b, "value": float(special.betainc(a, b, x))})
    gammas = [{"x": x, "value": float(special.gammaln(x))} for x in (0.01, 0.5, 1, 1.5, 2, 3.7, 10, 100.25, 20000)]
    return {"quantile": quantile, "cdf": cdf, "logGamma": gammas}


def prior():
    cases = []
    for mean, spread in ((0.6, 0.15), (0.35, 0.1), (0.5, 0.25)):
        for rho in (0, 0.1, 0.25, 0.45, 0.9):
            for rank in (-3, 0, 0.0005, 0.02, 0.37, 0.5, 0.81, 0.9995, 1):
                z = stats.norm.ppf(min(0.999, max(0.001, rank)))
                s = mean * (1 - mean) / (spread**2 * (1 - rho**2)) - 1
                m = min(1 - 1 / s, max(1 / s, mean + rho * spread * z))
                a, b = m * s, (1 - m) * s
                impressions = math.ceil(m * (1 - m) * (1.645 / 0.05) ** 2 - s - 1)
                cases.append(
                    {
                        "mean": mean, "spread": spread, "rho": rho, "rank": rank, "strength": s, "alpha": a, "beta": b,
                        "ecr": a / (a + b), "lower": float(stats.beta.ppf(0.05, a, b)), "upper": float(stats.beta.ppf(0.95, a, b)),
                        "impressions": min(2000, max(50, impressions)), "breakEven": math.ceil(s),
                    }
                )
    return cases


print(json.dumps({"scipy": scipy.__version__, "normal": normal(), "beta": beta(), "prior": prior()}, indent=1))
