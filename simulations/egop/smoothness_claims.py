"""Figures: the least sum against the nuclear norm and the best sign vector, and on balls."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.egop.smoothness import smallest_smoothness_sum
from theory.egop.smoothness_claims import lemma_9, lemma_10, nuclear_norm
from theory.egop.smoothness_set_claims import logistic_smoothness
from theory.egop.smoothness_sets import logistic_ball_sum, logistic_smoothness_sum
from theory.models.bases import haar_basis, power_law, with_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_DIMENSION = 8
_DECAYS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@figure(nuclear_norm)
def sum_in_random_bases(figure: Figure, results: Results) -> None:
    """Least sum in random bases over the nuclear norm, and over the form at the best signs."""
    figure.set_size_inches(WIDTH, 4.6)
    left, right = figure.subplots(1, 2, sharex=True)
    rng = np.random.default_rng(11)
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=_DIMENSION)))
    for name, colour, marker, alternating in (("$H \\succeq 0$", "blue", "o", False),
                                              ("indefinite", "vermilion", "^", True)):  # fmt: skip
        found = np.array([_relations(rng, decay, signs, alternating)
                          for decay in _DECAYS for _ in range(10)])  # fmt: skip
        for axes, column in ((left, 1), (right, 2)):
            axes.plot(found[:, 0], found[:, column], marker, color=PALETTE[colour], markersize=4,
                      label=name if axes is left else None)  # fmt: skip
    left.axhline(1.0, color=PALETTE["black"], lw=1.2)
    left.set(ylabel="$L_f \\,/\\, \\|H\\|_*$", title="In an eigenbasis: 1")
    right.axhline(1.0, color=PALETTE["black"], lw=1.2)
    right.axhline(np.pi / 2, color=PALETTE["blue"], lw=1.2, ls="--")
    right.annotate("$\\pi/2$, for $H \\succeq 0$", (0.0, np.pi / 2), xytext=(0, -12),
                   textcoords="offset points", fontsize=9)  # fmt: skip
    right.set(ylabel="$L_f \\,/\\, \\max_{s,t} s^\\top H t$", title="Best sign vectors")
    figure.supxlabel(f"decay $p$ of $|\\lambda_k| = k^{{-p}}$, $d = {_DIMENSION}$", fontsize=10.0)
    figure.legend(loc="outside upper center", ncols=2)


def _relations(
    rng: np.random.Generator, decay: float, signs: Array, alternating: bool
) -> tuple[float, float, float]:
    """Decay (moved a little), the sum over the nuclear norm, the sum over the best form."""
    values = power_law(_DIMENSION, decay)
    if alternating:
        values = values * (-1.0) ** np.arange(_DIMENSION)
    hessian = with_spectrum(values, haar_basis(rng.standard_normal((_DIMENSION, _DIMENSION))))
    least = smallest_smoothness_sum(hessian).value
    # max over t of s'Ht is the l1 norm of Hs; for H >= 0 the best t is s itself
    best = np.abs(signs @ hessian).sum(axis=1).max()
    moved = decay + rng.uniform(-0.08, 0.08)
    return float(moved), float(least / np.abs(values).sum()), float(least / best)


@figure(logistic_smoothness)
def sum_on_balls(figure: Figure, results: Results) -> None:
    """Bound of the least sum on a ball over the least sum on the whole space, by radius."""
    axes = figure.subplots()
    rows = np.random.default_rng(12).standard_normal((40, _DIMENSION)) / np.sqrt(_DIMENSION)
    whole = logistic_smoothness_sum(rows).value
    radii = np.linspace(0.0, 12.0, 25)
    direction = np.ones(_DIMENSION) / np.sqrt(_DIMENSION)
    for distance, colour in ((0.0, "black"), (3.0, "sky"), (6.0, "blue"), (12.0, "vermilion")):
        ratios = [logistic_ball_sum(rows, distance * direction, float(radius)).value / whole
                  for radius in radii]  # fmt: skip
        axes.plot(radii, ratios, color=PALETTE[colour], label=f"$\\|\\theta_0\\| = {distance:g}$")
        # from here on the ball contains 0, where the sum is known
        axes.plot(distance, 1.0, "o", color=PALETTE[colour], markersize=5)
    axes.set(xlabel="radius $B$ of the ball about $\\theta_0$", ylim=(0.0, 1.05),
             ylabel="bound on the ball / whole space",
             title=f"Logistic loss, $n = 40$, $d = {_DIMENSION}$")  # fmt: skip
    figure.legend(loc="outside lower center", ncols=4)


# after the figure of its own, what the searches found
figure(nuclear_norm)(ratio_curve)
figure(lemma_9)(ratio_curve)
figure(lemma_10)(ratio_curve)
