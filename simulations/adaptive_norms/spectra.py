"""Measurements of spectral moments of Gaussian OLS Hessians."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.adaptive_norms.ols_share import draw_entries
from simulations.engine import estimators, figure, measurement, scaling
from simulations.engine.figures import PALETTE
from simulations.engine.scaling import Comparison, column, fit_power_law
from theory.adaptive_norms.spectra import marchenko_pastur, marchenko_pastur_moment
from theory.core import Statement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results

SIZES = ((2, 4), (4, 8), (20, 10), (8, 16), (16, 32), (24, 24))
# Rows at d/n = 1/2, for the distance from the limit.
ASPECT = 0.5


def _points() -> list[dict[str, Any]]:
    return [{"k": k, "d": d, "n": n, "law": "gaussian"} for d, n in SIZES for k in (1, 2, 3)]


def _trials(point: Mapping[str, Any], budget: str) -> int:
    # Relative variance of tr(W^k) about 2 k^2 (1 + d/n)^2/(nd); with an error of 1/(30 n) for
    # k = 2, where the exponent is fitted, and 1/(15 n) else, at most 0.003, the terms of order 1/n
    # are at least fifteen standard errors and two per cent are seven.
    k, d, n = int(point["k"]), int(point["d"]), int(point["n"])
    spread = 2 * k**2 * (1 + d / n) ** 2 / (n * d)
    error = (
        min(0.003, 1 / ((30 if k == 2 else 15) * n))
        / {"quick": 1.0, "standard": 3.0, "deep": 10.0}[budget]
    )
    return max(1000, math.ceil(spread / error**2))


@measurement(
    marchenko_pastur, points={"quick": _points()}, trials=_trials,
    block=lambda point: max(1, 1_000_000 // (point["d"] * max(point["n"], point["d"]))),
    estimate=estimators.mean("moment"), resolution=0.025,
    claimed=lambda statement, point: statement.formula(point["k"], point["d"], point["n"]),
    divisible=True,
)  # fmt: skip
def trace_of_powers(stream: Any, trials: int, *, k: int, d: int, n: int, law: str) -> Any:
    """tr(W^k)/d from the whole matrix W = X X'/n."""
    xp = stream.xp
    x = draw_entries(stream, law, (trials, d, n))
    w = xp.matmul(x, xp.matrix_transpose(x)) / n
    power = w if k == 3 else xp.eye(d)[None, :, :]
    # tr(W^k) is an inner product of two symmetric matrices: no third matrix product is needed.
    left = xp.matmul(power, w) if k == 3 else (w if k == 2 else power)
    return {"moment": xp.sum(left * w, axis=(1, 2)) / d}


@scaling(marchenko_pastur, of="trace_of_powers")
def distance_from_the_limit(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The second moment leaves its limit like 1/n at d = n/2."""
    same = [row for row in rows if row["k"] == 2 and row["d"] == ASPECT * row["n"]]
    n, estimate, error = (column(same, key) for key in ("n", "estimate", "standard_error"))
    limit = marchenko_pastur_moment(2, ASPECT)
    short, long = float(n.min()), float(n.max())
    gaps = [abs(statement.formula(2, ASPECT * size, size) - limit) for size in (short, long)]
    claimed = math.log(gaps[1] / gaps[0]) / math.log(long / short) if min(gaps) > 0 else 0.0
    fit = fit_power_law(n, np.abs(estimate - limit), error)
    return Comparison(fit, "exponent", claimed, resolution=0.2)


@figure(marchenko_pastur)
def moments_against_size(figure: Figure, results: Results) -> None:
    """Measured moments, relative to the limit, against the exact finite-size values."""
    axes = figure.subplots()
    rows = results.rows("trace_of_powers")
    colours = {1: PALETTE["blue"], 2: PALETTE["orange"], 3: PALETTE["vermilion"]}
    labels = [f"{d} x {n}" for d, n in SIZES]
    axes.axhline(0.0, color=PALETTE["grey"], linewidth=1.0)
    axes.annotate("Marchenko-Pastur limit", (len(SIZES) - 0.6, 0.0), xytext=(0, -13), ha="right",
                  textcoords="offset points", color=PALETTE["grey"], fontsize=9)  # fmt: skip
    for k, colour in colours.items():
        for place, (d, n) in enumerate(SIZES):
            row = next(r for r in rows if (r["k"], r["d"], r["n"]) == (k, d, n))
            limit = marchenko_pastur_moment(k, d / n)
            position = place + 0.22 * (k - 2)
            low, high, claimed = (row[key] / limit - 1 for key in ("low", "high", "claimed"))
            axes.plot([position - 0.09, position + 0.09], [claimed] * 2, color=PALETTE["black"],
                      label="exact" if (k, place) == (1, 0) else None)  # fmt: skip
            axes.errorbar(position, row["estimate"] / limit - 1, color=colour, fmt="o",
                          yerr=[[row["estimate"] / limit - 1 - low],
                                [high - row["estimate"] / limit + 1]],
                          label=f"tr W^{k}" if place == 0 else None)  # fmt: skip
    axes.set_ylim(-0.07, 0.58)
    axes.set_xticks(range(len(SIZES)), labels)
    axes.set_xlabel("size d x n")
    axes.set_ylabel("moment / limit - 1")
    axes.set_title("Spectral moments of X X'/n: exact at every size")
    axes.legend()
