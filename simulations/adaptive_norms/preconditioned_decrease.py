"""Figures: what preconditioned conjugate gradients keep of Lemma 5's bound, and what they lose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.model_decrease import cauchy_bound, cauchy_decrease
from theory.adaptive_norms.preconditioned_decrease import (
    kantorovich_constant,
    lemma_5_pcg,
    lemma_5_pcg_inherits,
    preconditioned_cg_decrease,
    saddle_decreases,
    steihaug_violates_assumption_2,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_SAMPLES = 40


@figure(lemma_5_pcg)
def loss_against_condition(figure: Figure, results: Results) -> None:
    """One CG iteration over Lemma 5's bound against the condition number of the ellipsoid."""
    axes = figure.subplots()
    rng = np.random.default_rng(1)
    kappas = np.geomspace(1.0, 1e4, 25)
    points = [(kappa, _random_loss(rng, float(kappa))) for kappa in kappas
              for _ in range(_SAMPLES)]  # fmt: skip
    axes.plot(*np.array(points).T, ".", color=PALETTE["grey"], markersize=3, alpha=0.5,
              label="random gradients, $d = 3$")  # fmt: skip
    worst = [_loss(np.array([1.0, np.sqrt(k)]), np.array([1.0, k])) for k in kappas]
    axes.plot(kappas, worst, "o", color=PALETTE["blue"], label="$g = (1, \\sqrt{\\kappa})$")
    constant = [kantorovich_constant(1.0, float(k)) for k in kappas]
    axes.plot(kappas, constant, color=PALETTE["vermilion"],
              label="$c_A = 4\\kappa/(1+\\kappa)^2$")  # fmt: skip
    axes.plot(kappas, np.sqrt(constant), ":", color=PALETTE["green"],
              label="$\\sqrt{c_A}$: runs that end at a saddle")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="condition number $\\kappa$ of $A$",
             ylabel="decrease / bound of Lemma 5",
             title="$B = \\beta I$, one iteration, large radius")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.2)
    figure.legend(loc="outside lower center", ncols=2)


def _random_loss(rng: np.random.Generator, kappa: float) -> float:
    spectrum = np.array([1.0, kappa, kappa ** rng.random()])
    return _loss(rng.standard_normal(3) * spectrum ** rng.random(), spectrum)


def _loss(gradient: Array, spectrum: Array) -> float:
    problem = gradient, np.eye(len(gradient)), np.diag(spectrum), 1e12
    bound = cauchy_bound(gradient, np.diag(spectrum), 1e12, 1.0)
    return float(preconditioned_cg_decrease(*problem, 1) / bound)


@figure(lemma_5_pcg_inherits)
def below_the_bound(figure: Figure, results: Results) -> None:
    """The counterexample in three dimensions: decreases and Lemma 5's bound against the radius."""
    axes = figure.subplots()
    hessian = np.array([[1.24, 3.06, 7.04], [3.06, 1.33, -1.68], [7.04, -1.68, -0.488]])
    gradient, ellipsoid = np.array([0.974, 3.82, 4.85]), np.diag([0.546, 604.0, 489.0])
    beta = 1 + float(np.linalg.norm(hessian, 2))
    radii = np.geomspace(0.1, 300.0, 200)
    bound = np.array([cauchy_bound(gradient, ellipsoid, float(r), beta) for r in radii])
    along = [cauchy_decrease(gradient, hessian, ellipsoid, float(r)) for r in radii]
    runs = {steps: np.array([preconditioned_cg_decrease(gradient, hessian, ellipsoid, float(r),
                                                        steps) for r in radii])
            for steps in (1, 99)}  # fmt: skip
    axes.plot(radii, along, "--", color=PALETTE["green"], label="Cauchy point, along $-g$")
    axes.plot(radii, bound, color=PALETTE["vermilion"], label="bound of Lemma 5")
    axes.plot(radii, runs[1], "-.", color=PALETTE["sky"], label="one iteration, along $-A^{-1}g$")
    axes.plot(radii, runs[99], color=PALETTE["blue"], label="preconditioned CG to the end")
    axes.fill_between(radii, runs[99], bound, where=runs[99] < bound, color=PALETTE["vermilion"],
                      alpha=0.2, lw=0, label="below the bound")  # fmt: skip
    axes.plot([18.1], [0.97781], "o", color=PALETTE["black"], label="the certified instance")
    axes.set(xscale="log", yscale="log", xlabel="radius $\\Delta$", ylabel="model decrease",
             title="$A = \\mathrm{diag}(0.546, 604, 489)$")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.6)
    figure.legend(loc="outside lower center", ncols=2)


@figure(steihaug_violates_assumption_2)
def saddle(figure: Figure, results: Results) -> None:
    """Level lines of the model with CG's step and the eigenpoints; decreases against the radius."""
    figure.set_size_inches(WIDTH, 3.4)
    left, right = figure.subplots(1, 2)
    x, y = np.meshgrid(np.linspace(-2.4, 2.4, 161), np.linspace(-2.4, 2.4, 161))
    model = x + x**2 / 2 - y**2 / 2
    left.contour(x, y, model, levels=np.arange(-4.0, 5.0, 0.5), colors=PALETTE["grey"],
                 linewidths=0.7)  # fmt: skip
    angles = np.linspace(0, 2 * np.pi, 181)
    left.plot(2 * np.cos(angles), 2 * np.sin(angles), color=PALETTE["blue"])
    left.plot([0.0, -1.0], [0.0, 0.0], color=PALETTE["vermilion"])
    left.plot([-1.0], [0.0], "o", color=PALETTE["vermilion"], label="CG (1/2 for $\\Delta = 2$)")
    left.plot([0.0, 0.0], [2.0, -2.0], "D", color=PALETTE["green"], label="eigenpoint (2)")
    left.set(aspect="equal", xlabel="$s_1$", ylabel="$s_2$", title="$\\Delta = 2$")
    left.grid(visible=False)
    radii = np.linspace(1.01, 4.0, 60)
    sides = np.array([saddle_decreases(1.0, 1.0, 1.0, float(r), 9)[0] for r in radii])
    right.plot(radii, sides[:, 0], color=PALETTE["vermilion"], label="CG")
    right.plot(radii, sides[:, 1], color=PALETTE["green"], label="eigenpoint")
    right.set(xlabel="radius $\\Delta$", ylabel="model decrease", title="$b = c = \\gamma = 1$")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)


# after the figure of its own, what the search found
figure(lemma_5_pcg)(ratio_curve)
