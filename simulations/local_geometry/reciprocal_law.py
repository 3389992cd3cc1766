"""Measures the law of a mean of reciprocals of Gaussian variables, and its growth with d."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from simulations.engine import estimators, measurement, scaling
from simulations.engine.figures import PALETTE, Results, figure
from simulations.engine.scaling import Comparison, column, fit_power_law
from theory.core import Statement
from theory.local_geometry.dominance_rates import KAPPA
from theory.local_geometry.reciprocal_law import lemma_35

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Point = Mapping[str, Any]
# Numbers in one block: 8 MB of float64.
_BLOCK_NUMBERS = 1_000_000
# Sums in a group, of which the median is taken; odd.
GROUP = 25


def _means(stream: Stream, shape: tuple[int, ...], d: int, s: float) -> Any:
    xp = stream.xp
    return xp.mean(1.0 / xp.abs(s * stream.normal((*shape, d))), axis=-1)


@measurement(
    lemma_35,
    points={"quick": [{"d": 2048, "s": 1.0}, {"d": 1024, "s": 2.0}],
            "deep": [{"d": 8192, "s": 1.0}, {"d": 4096, "s": 2.0}]},
    # Kolmogorov's distance resolves 5/sqrt(n) = 0.05 at level 1e-11; the nearest mutant (log d for
    # log(kappa d)) is 0.045 off and the limit law itself 0.003 at d = 1024.
    trials={"quick": 8_000, "standard": 12_000, "deep": 20_000},
    block=lambda point: max(1, _BLOCK_NUMBERS // int(point["d"])),
    estimate=estimators.law("mean"), resolution=0.05, divisible=True,
)  # fmt: skip
def mean_of_reciprocals(stream: Stream, trials: int, d: int, s: float) -> dict[str, Any]:
    """Mean of 1/|X_i| over d Gaussian variables of standard deviation s."""
    return {"mean": _means(stream, (trials,), d, s)}


def _median_of_group(statement: Statement, point: Point) -> float:
    """Expected median of a group of independent draws from the claimed law."""
    cdf = statement.formula(point["d"], 1.0)
    x = np.linspace(0.0, 60.0 * KAPPA, 6_001)
    half = (GROUP + 1) / 2.0
    # The median of a group is at most x with probability I_F(x)(13, 13), and E = int (1 - that).
    return float(np.trapezoid(special.betaincc(half, half, np.clip(cdf(x), 0.0, 1.0)), x))


@measurement(
    lemma_35,
    points={"quick": [{"d": d} for d in (16, 64, 256, 1024)],
            "standard": [{"d": d} for d in (64, 256, 1024, 4096)]},
    # The median of 25 means has relative sd 0.15: 1 % at 250 groups. The limit law is 0.8 % off at
    # d = 16, 0.4 % at 64 and less beyond.
    trials={"quick": 250, "standard": 400, "deep": 800},
    block=lambda point: max(1, _BLOCK_NUMBERS // (GROUP * int(point["d"]))),
    estimate=estimators.mean("median"), resolution=0.1, claimed=_median_of_group, divisible=True,
)  # fmt: skip
def median_of_groups(stream: Stream, trials: int, d: int) -> dict[str, Any]:
    """Median of 25 means of d reciprocals: a location that exists for every tail."""
    ordered = stream.xp.sort(_means(stream, (trials, GROUP), d, 1.0), axis=-1)
    return {"median": ordered[:, GROUP // 2]}


@scaling(lemma_35, of="median_of_groups")
def growth_with_d(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The location grows as the claimed one, log(kappa d) plus a constant: exponent 1."""
    claimed = [_median_of_group(statement, {"d": row["d"]}) for row in rows]
    fit = fit_power_law(claimed, column(rows, "estimate"), column(rows, "standard_error"))
    return Comparison(fit, "exponent", 1.0, resolution=0.2)


@figure(lemma_35)
def law_and_growth(figure: Figure, results: Results) -> None:
    """Quantiles of the mean of 1/|X_i| against the stable law's, and its location against d."""
    left, right = figure.subplots(1, 2)
    rows = results.rows("mean_of_reciprocals")
    shown = zip(rows, ("blue", "vermilion"), ("o", "s"), strict=False)
    for row, colour, marker in shown:
        quantiles = row["quantiles"]
        scale = row["s"] / KAPPA
        theory, sample = (np.asarray(quantiles[key])[1:-1] * scale for key in ("claimed", "sample"))
        left.plot(theory, sample, marker, ms=3, color=PALETTE[colour],
                  label=f"$d = {row['d']}$, $s = {row['s']:g}$")  # fmt: skip
    ends = [left.get_xlim()[0], left.get_xlim()[1]]
    left.plot(ends, ends, color=PALETTE["grey"], ls="--", lw=1.0)
    left.set(xscale="log", yscale="log", xlabel="claimed quantile, times $s/\\kappa$",
             ylabel="sample quantile, times $s/\\kappa$")  # fmt: skip
    ticks = [5, 10, 20, 50]
    left.set_xticks(ticks, [str(tick) for tick in ticks])
    left.set_yticks(ticks, [str(tick) for tick in ticks])
    left.minorticks_off()
    left.legend()
    rows = sorted(results.rows("median_of_groups"), key=lambda row: row["d"])
    d = [row["d"] for row in rows]
    value = [row["estimate"] for row in rows]
    errors = [[v - row["low"] for v, row in zip(value, rows, strict=True)],
              [row["high"] - v for v, row in zip(value, rows, strict=True)]]  # fmt: skip
    right.plot(d, [row["claimed"] for row in rows], color=PALETTE["blue"], lw=1.0, label="claimed")
    right.errorbar(d, value, yerr=errors, fmt="o", ms=4, color=PALETTE["blue"], capsize=2,
                   label="measured")  # fmt: skip
    right.set(xscale="log", xlabel="$d$", ylabel=f"median of {GROUP} means of $1/|X_i|$")
    right.set_xticks(d, [str(size) for size in d])
    right.minorticks_off()
    right.legend()
