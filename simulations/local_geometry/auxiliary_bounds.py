"""Measures the level of the batch noise and the gradients' deviations; draws Lemma 33's bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from theory.core import Statement
from theory.local_geometry.auxiliary_bounds import (
    deviation_level,
    lemma_31,
    lemma_33,
    quotient_branches,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Point = Mapping[str, Any]
# The probability 1 - 1/d of the lemma, as a quantile.
_D = 8
_WEIGHTS = 0.5


def _two_point(stream: Stream, shape: tuple[int, ...], size: float) -> Any:
    """Noise of variance 1 with the values 0 and +-size: Chebyshev's inequality is an equality."""
    xp = stream.xp
    chance = stream.uniform(shape)
    half = 0.5 / (size * size)
    up, either = (xp.astype(chance < level, xp.float64) for level in (half, 2.0 * half))
    return size * (2.0 * up - either)


def _level(statement: Statement, point: Point) -> float:
    """The claimed K: the first bound for |w_i| <= 1 and W = 0."""
    d = point["d"]
    zeros = np.zeros((d, d))
    return float(
        statement.formula(d, point["steps"], 1.0, np.ones(d), zeros, zeros, zeros[0])[1][0]
    )


@measurement(
    lemma_31,
    # The size of the noise, over K. Just below K the chance of a deviation is above 1/d.
    points={"quick": [{"d": _D, "steps": steps, "share": share}
                      for steps in (1, 3) for share in (0.93, 1.02)]},
    # At 0.93 K the chance is 0.1346: nine standard errors above 1/8, so that the quantile is 0.93 K
    # and a level 10 % lower is refuted; at 1.02 K it is 0.113, eleven below.
    trials={"quick": 100_000, "standard": 400_000, "deep": 2_000_000}, block=5_000,
    estimate=estimators.quantile("largest", 1.0 - 1.0 / _D, side="upper"), resolution=0.01,
    claimed=_level, divisible=True,
)  # fmt: skip
def largest_deviation(stream: Stream, trials: int, d: int, steps: int, share: float
                      ) -> dict[str, Any]:  # fmt: skip
    """Largest of T(d^2 + d) entries of the extremal noise, and its quantile 1 - 1/d."""
    size = share * float(deviation_level(d, steps, 1.0))
    noise = _two_point(stream, (trials, steps * (d * d + d)), size)
    return {"largest": stream.xp.max(stream.xp.abs(noise), axis=1)}


def _bound(statement: Statement, point: Point) -> float:
    d = point["d"]
    weights, zeros = np.full((d, d), _WEIGHTS), np.zeros((d, d))
    sides = statement.formula(d, point["steps"], 1.0, weights[0], weights, zeros, zeros[0])
    return float(sides[1][point["layer"] - 1])


@measurement(
    lemma_31,
    points={"quick": [{"d": _D, "steps": 4, "layer": layer, "law": law}
                      for layer in (1, 2) for law in ("gaussian", "two-point")]},
    # Deviations are some hundredth of the bound: any number of trials above a hundred is enough.
    trials={"quick": 2_000, "standard": 20_000, "deep": 200_000}, block=2_000,
    estimate=estimators.quantile("largest", 1.0 - 1.0 / _D, side="upper"), claimed=_bound,
    divisible=True,
)  # fmt: skip
def gradient_deviations(stream: Stream, trials: int, d: int, steps: int, layer: int, law: str
                        ) -> dict[str, Any]:  # fmt: skip
    """Largest deviation of a gradient over T steps, for equal weights."""
    xp = stream.xp
    shape = (trials, steps, d + 1, d)
    size = float(deviation_level(d, steps, 1.0))
    noise = stream.normal(shape) if law == "gaussian" else _two_point(stream, shape, size)
    output = _WEIGHTS * _WEIGHTS * d
    deviation = output * xp.sum(noise[:, :, :d, :], axis=2) - noise[:, :, d, :]
    if layer == 2:
        deviation = xp.sum(deviation, axis=-1)[..., None]
    return {"largest": _WEIGHTS * xp.max(xp.abs(deviation), axis=(1, 2))}


@figure(lemma_31)
def deviations_over_bounds(figure: Figure, results: Results) -> None:
    """Quantiles 1 - 1/d of the largest deviations, over the claimed level and bounds."""
    axes = figure.add_subplot()
    shown = [("largest_deviation", "noise of {share:g} K, T = {steps}", "vermilion"),
             ("gradient_deviations", "gradient {layer}, {law} noise", "blue")]  # fmt: skip
    labels: list[str] = []
    for check, label, colour in shown:
        for row in results.rows(check):
            value, high = (row[key] / row["claimed"] for key in ("estimate", "high"))
            axes.errorbar([value], [len(labels)], xerr=[[0.0], [high - value]], fmt="o", ms=5,
                          color=PALETTE[colour], capsize=2)  # fmt: skip
            labels.append(label.format(**row))
    axes.axvline(1.0, color=PALETTE["grey"], ls="--", lw=1.0)
    axes.set(xlabel="quantile of the largest deviation / claimed", xlim=(-0.03, 1.08))
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()


@figure(lemma_33)
def branches_of_the_bound(figure: Figure, results: Results) -> None:
    """Both branches of the bound over delta, their crossing, and how close the search came."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    delta = np.linspace(0.001, 0.6, 300)
    smaller, larger = quotient_branches(delta)
    left.plot(delta, smaller / delta, color=PALETTE["blue"], label="smallest denominator")
    left.plot(delta, larger / delta, color=PALETTE["vermilion"], label="largest denominator")
    left.plot(delta, np.maximum(smaller, larger) / delta, color=PALETTE["black"], lw=0.8, ls=":",
              label="bound")  # fmt: skip
    crossing = 0.26002
    left.plot([crossing], [quotient_branches(crossing)[0] / crossing], "o", ms=4,
              color=PALETTE["black"])  # fmt: skip
    left.annotate("0.260", (crossing, 1.79), textcoords="offset points", xytext=(0, 14),
                  ha="center")  # fmt: skip
    left.axhline(2.5, color=PALETTE["grey"], ls="--", lw=1.0)
    left.set(xlabel=r"$\delta$", ylabel=r"bound $/\ \delta$", ylim=(1.0, 2.8))
    left.legend(loc="lower left")
    pieces = results.of_kind("search")
    found = [value for piece in pieces for value in piece.data.get("ratios") or []]
    ratios = sorted(value for value in found if math.isfinite(value))
    right.plot(np.linspace(0.0, 1.0, len(ratios)), ratios, color=PALETTE["green"])
    right.axhline(1.0, color=PALETTE["grey"], ls="--", lw=1.0)
    right.set(xlabel="share of the instances", ylabel="change / bound")
