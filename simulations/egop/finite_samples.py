"""Measures how often the share of Gaussian samples is certified, and draws the samples needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, measurement
from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, Results, figure
from theory.egop.finite_samples import (
    confidence,
    gap_free_samples,
    retained_share,
    samples_needed,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

_CASES = ((64, 4, 0.0, 2.0), (40, 8, 1.0, 1.5), (100, 1, 0.0, 3.0))
_POINTS = [{"samples": n, "dimension": d, "offset": t, "deviation": s} for n, d, t, s in _CASES]


@measurement(
    gap_free_samples,
    points={"quick": _POINTS},
    # Without the deviation the last point holds in 93 % of the trials against 98.9 % claimed, 20
    # standard errors of sqrt(.07/8000) = 0.3 %; without the dimension the second in hardly any.
    trials={"quick": 8_000, "standard": 80_000, "deep": 800_000},
    estimate=estimators.proportion("certified", side="lower"),
    claimed=lambda statement, point: confidence(point["deviation"]),
    block=4_000,
    divisible=True,
)
def certified_bases(
    stream: Stream, trials: int, samples: int, dimension: int, offset: float, deviation: float,
    forgotten: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Whether ``(1 - delta) c^2 Hess^2 <= EGOP``; the same event for every regular Hessian."""
    xp = stream.xp
    away = stream.normal((trials, samples, dimension))
    away = away - xp.asarray(offset * np.eye(dimension)[0])
    second = xp.matrix_transpose(away) @ away / samples
    least = xp.linalg.eigvalsh(second)[:, 0]
    share = retained_share(samples, dimension, deviation)
    added = {"": 0.0, "dimension": dimension**0.5, "deviation": deviation}[forgotten]
    claimed = ((share * samples) ** 0.5 + added) ** 2 / samples
    return {"certified": xp.astype(least >= claimed, xp.float64)}


@figure(gap_free_samples)
def samples_for_a_share(figure: Figure, results: Results) -> None:
    """Samples a dimension that certify a share, at 99 per cent."""
    axes = figure.subplots()
    shares = np.linspace(0.02, 0.95, 120)
    for d, colour in ((1, "grey"), (10, "orange"), (100, "vermilion"), (1000, "blue")):
        needed = [samples_needed(d, float(share), 3.035) / d for share in shares]
        axes.plot(shares, needed, color=PALETTE[colour], label=f"$d = {d}$")
    axes.plot(shares, 1 / (1 - np.sqrt(shares)) ** 2, color=PALETTE["black"], lw=1.0, ls="--",
              label="limit, $(1 - \\sqrt{1-\\delta})^{-2}$")  # fmt: skip
    axes.set(yscale="log", xlabel="certified share $1 - \\delta$", ylabel="samples over dimension")
    axes.set_title("Gradients that certify $(1-\\delta)\\,c^2 K^2 \\preceq \\hat E$ at 99 %")
    axes.legend()


# after the figure of its own, what the search found
figure(gap_free_samples)(ratio_curve)
