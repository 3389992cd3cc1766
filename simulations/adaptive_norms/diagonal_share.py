"""Measures the diagonal share of Wigner matrices' mean magnitudes (Proposition 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy

from simulations.adaptive_norms.wigner import dimension_axis, rows_per_block
from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.kernels.shares import wigner_sums
from theory.adaptive_norms.diagonal_share import proposition_1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

_EQUAL = [{"d": d, "sigma_diagonal": 1.0, "sigma_off": 1.0} for d in (2, 8, 32, 128)]
_GOE = [{"d": d, "sigma_diagonal": math.sqrt(2.0), "sigma_off": 1.0} for d in (4, 16, 64)]
_UNEQUAL = [
    {"d": 16, "sigma_diagonal": 0.5, "sigma_off": 2.0},
    {"d": 16, "sigma_diagonal": 10.0, "sigma_off": 0.5},
]
_LARGE = [{"d": 512, "sigma_diagonal": 1.0, "sigma_off": 1.0},
          {"d": 512, "sigma_diagonal": math.sqrt(2.0), "sigma_off": 1.0}]  # fmt: skip


def _mass_trials(point: Mapping[str, Any], budget: str) -> int:
    # Relative standard error of the share: sqrt((pi/2 - 1) / (d trials)) = 0.003 for 60,000/d
    # trials, so that the mutant 4 % off lies 13 standard errors away at the largest d.
    factor = {"quick": 1, "standard": 10, "deep": 100}[budget]
    return math.ceil(60_000 * factor / int(point["d"]))


@measurement(
    proposition_1,
    points={"quick": _EQUAL + _GOE + _UNEQUAL, "standard": _EQUAL + _GOE + _UNEQUAL + _LARGE},
    trials=_mass_trials,
    block=rows_per_block,
    estimate=estimators.ratio_of_means("diagonal", "total"),
    resolution=0.025,
    divisible=True,
)
def mass(
    stream: Stream,
    trials: int,
    d: int,
    sigma_diagonal: float,
    sigma_off: float,
    diagonal: str = "gaussian",
) -> dict[str, Any]:
    """Absolute sums of the diagonal and of the whole of Wigner matrices."""
    on, off = wigner_sums(stream, trials, d, sigma_diagonal=sigma_diagonal, sigma_off=sigma_off)
    if diagonal == "rademacher":
        on = stream.xp.full_like(on, sigma_diagonal * d)
    return {"diagonal": on, "total": on + 2.0 * off}


@figure(proposition_1)
def share_against_dimension(figure: Figure, results: Results) -> None:
    """Share of the mean magnitudes against d, and its ratio to the claimed value."""
    rows = results.rows("mass")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    families = (
        ("equal standard deviations: $1/d$", "blue", _is_equal),
        ("GOE: diagonal larger by $\\sqrt{2}$", "vermilion", _is_goe),
        ("other ratios of standard deviations", "green", _is_other),
    )
    for label, colour, member in families:
        chosen = sorted((row for row in rows if member(row)), key=lambda row: row["d"])
        d = [row["d"] for row in chosen]
        if member is not _is_other:
            upper.plot(d, [row["claimed"] for row in chosen], color=PALETTE[colour], lw=1.0)
        upper.plot(d, [row["estimate"] for row in chosen], "o", color=PALETTE[colour], label=label)
        ratio, low, high = (
            [row[key] / row["claimed"] for row in chosen] for key in ("estimate", "low", "high")
        )
        errors = [numpy.subtract(ratio, low), numpy.subtract(high, ratio)]
        lower.errorbar(d, ratio, yerr=errors, fmt="o", ms=4, capsize=3, color=PALETTE[colour])
    for row in filter(_is_other, rows):
        text = f"ratio {row['sigma_diagonal'] / row['sigma_off']:g}"
        upper.annotate(text, (row["d"], row["estimate"]), xytext=(8, -3),
                       textcoords="offset points", fontsize=8, color=PALETTE["green"])  # fmt: skip
    upper.set(yscale="log", ylabel="diagonal share")
    upper.legend(loc="lower left")
    lower.axhline(1.0, color=PALETTE["grey"], ls="--", lw=1.0)
    lower.set(ylabel="measured / claimed")
    dimension_axis(lower, sorted({row["d"] for row in rows}))


def _is_equal(row: Mapping[str, Any]) -> bool:
    return bool(row["sigma_diagonal"] == row["sigma_off"])


def _is_goe(row: Mapping[str, Any]) -> bool:
    return math.isclose(row["sigma_diagonal"], math.sqrt(2.0) * row["sigma_off"])


def _is_other(row: Mapping[str, Any]) -> bool:
    return not (_is_equal(row) or _is_goe(row))
