"""Figures: the range of a norm's ratio, the threshold of Lemma 2, and the constant against eps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.ellipsoids import (
    equivalence_constant,
    largest_eps_for_uniform_equivalence,
    rmsprop_matrix,
)
from theory.adaptive_norms.uniform_equivalence import (
    definition_1,
    every_eps,
    every_eps_constant,
    lemma_2,
    lemma_3,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Array = np.ndarray[Any, Any]
_ANGLES = np.linspace(0.0, np.pi, 361)
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


@figure(definition_1)
def between_two_balls(figure: Figure, results: Results) -> None:
    """The quotient of the norms over all directions of the plane, for spectra of one constant."""
    axes = figure.subplots()
    mu = 2.0
    for low, high, colour in ((0.25, 4.0, "blue"), (0.5, 2.0, "green"), (0.25, 1.0, "orange")):
        quotient = np.sqrt(_quotients(np.diag([low, high])))
        constant = equivalence_constant(np.diag([low, high]))
        label = f"$\\lambda = ({low:g}, {high:g})$: smallest $\\mu = {constant:.3g}$"
        axes.plot(np.degrees(_ANGLES), quotient, color=PALETTE[colour], label=label)
    _band(axes, 1 / mu, mu, "$1/\\mu \\leq \\|w\\|_A/\\|w\\| \\leq \\mu$, $\\mu = 2$")
    axes.set(yscale="log", ylabel="$\\|w\\|_A \\,/\\, \\|w\\|$", title="Norms of $w$ in the plane")
    axes.set_yticks([0.5, 1.0, 2.0], ["1/2", "1", "2"])
    axes.minorticks_off()
    _angle_axis(axes)


@figure(lemma_3)
def same_singular_values(figure: Figure, results: Results) -> None:
    """Three matrices with the singular values 1/zeta and zeta; only the definite one obeys."""
    axes = figure.subplots()
    zeta = 2.0
    turned = np.array([[0.0, -zeta], [1 / zeta, 0.0]])
    panels = (
        ("symmetric positive definite", np.diag([1 / zeta, zeta]), "blue", "-"),
        ("symmetric indefinite", np.diag([1 / zeta, -zeta]), "vermilion", "--"),
        ("not symmetric", turned, "orange", "-."),
    )
    for label, matrix, colour, line in panels:
        axes.plot(np.degrees(_ANGLES), _quotients(matrix), line, color=PALETTE[colour], label=label)
    _band(axes, 1 / zeta, zeta, "$[1/\\zeta, \\zeta]$, $\\zeta = 2$")
    axes.set(ylabel="$w^\\top A w \\,/\\, \\|w\\|^2$",
             title="Singular values $1/\\zeta$ and $\\zeta$ each")  # fmt: skip
    _angle_axis(axes)


@figure(lemma_2)
def threshold(figure: Figure, results: Results) -> None:
    """The largest eps of Lemma 2 against G, its two asymptotes, and the usual eps."""
    axes = figure.subplots()
    bounds = np.geomspace(1e-2, 1e5, 400)
    largest = np.array([largest_eps_for_uniform_equivalence(float(bound)) for bound in bounds])
    axes.fill_between(bounds, 1e-11, largest, color=PALETTE["sky"], alpha=0.25, lw=0)
    axes.plot(bounds, largest, color=PALETTE["blue"],
              label="largest $\\epsilon = 2/(G^2 + \\sqrt{G^4 + 4})$")  # fmt: skip
    axes.plot(bounds, np.ones_like(bounds), ":", color=PALETTE["black"], lw=1.2,
              label="$1$, the limit for $G \\to 0$")  # fmt: skip
    wide = bounds[bounds > 0.3]
    axes.plot(wide, wide**-2, "--", color=PALETTE["orange"],
              label="$1/G^2$, for $G \\to \\infty$: slightly too large")  # fmt: skip
    naive = (np.sqrt(bounds**4 + 4.0) - bounds**2) / 2.0
    lost = (naive == 0) | (np.abs(naive / largest - 1) > 0.1)
    shown = lost & (naive > 0)
    axes.plot(bounds[shown], naive[shown], "x", color=PALETTE["vermilion"], markersize=4,
              label="$(\\sqrt{G^4 + 4} - G^2)/2$ in float64, 10 % off or more")  # fmt: skip
    axes.plot([1e4], [1e-8], "o", color=PALETTE["black"])
    axes.annotate("$\\epsilon = 10^{-8}$: $G^2 \\leq 10^8 - 10^{-8}$", (1e4, 1e-8),
                  xytext=(-8, -4), textcoords="offset points", ha="right", va="top")  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(1e-11, 5.0), xlim=(1e-2, 1e5),
             xlabel="bound $G$ on the gradient norms", ylabel="$\\epsilon$",
             title="Where $\\mu = \\epsilon^{-1/2}$ serves (shaded)")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.2)
    figure.legend(loc="outside lower center", ncols=1)


@figure(every_eps)
def constant_against_eps(figure: Figure, results: Results) -> None:
    """Mu against eps: both branches, their maximum, and an extremal matrix at each eps."""
    axes = figure.subplots()
    bound = 1.0
    plot_constants(axes, bound)
    points = np.geomspace(1e-8, 1e2, 11)
    extremal = [equivalence_constant(rmsprop_matrix(np.array([[bound, 0.0]]), 0.0, float(eps)))
                for eps in points]  # fmt: skip
    axes.plot(points, extremal, "o", color=PALETTE["black"], markersize=4,
              label="one gradient of norm $G$, $\\beta = 0$")  # fmt: skip
    axes.axvline(largest_eps_for_uniform_equivalence(bound), color=PALETTE["grey"], lw=1.0, ls="--")
    axes.annotate("threshold of Lemma 2", (largest_eps_for_uniform_equivalence(bound), 3e3),
                  xytext=(-5, 0), textcoords="offset points", ha="right", fontsize=9,
                  color=PALETTE["grey"])  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2)


def plot_constants(axes: Axes, bound: float) -> None:
    """Draw ``eps^(-1/2)``, ``sqrt(G^2 + eps)`` and the larger of the two against eps."""
    eps = np.geomspace(1e-8, 1e2, 300)
    largest = [math.sqrt(every_eps_constant(bound, float(value))) for value in eps]
    axes.plot(eps, largest, color=PALETTE["blue"], lw=3.0, alpha=0.5,
              label="$\\mu$ for every $\\epsilon$: the larger of both")  # fmt: skip
    axes.plot(eps, eps**-0.5, "--", color=PALETTE["vermilion"], lw=1.2,
              label="$\\epsilon^{-1/2}$")  # fmt: skip
    axes.plot(eps, np.sqrt(bound**2 + eps), "-.", color=PALETTE["green"], lw=1.2,
              label="$\\sqrt{G^2 + \\epsilon}$")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="$\\epsilon$", ylabel="constant $\\mu$",
             ylim=(0.05, 2e4), title=f"RMSProp's matrix, $G = {bound:g}$")  # fmt: skip


def _quotients(matrix: Array) -> Array:
    return np.asarray(np.sum(_DIRECTIONS * (_DIRECTIONS @ matrix.T), axis=1))


def _band(axes: Axes, low: float, high: float, label: str) -> None:
    axes.axhspan(low, high, color=PALETTE["sky"], alpha=0.2, lw=0, label=label)


def _angle_axis(axes: Axes) -> None:
    axes.set(xlabel="direction of $w$ (degrees)", xticks=range(0, 181, 30), xlim=(0, 180))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)


# after the figures of their own, what the searches found
figure(lemma_3)(ratio_curve)
figure(lemma_2)(ratio_curve)
figure(every_eps)(ratio_curve)
