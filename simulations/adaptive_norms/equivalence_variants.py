"""Figures: the constant after the best scaling, the bias correction, and the diagonal variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.adaptive_norms.uniform_equivalence import plot_constants
from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.ellipsoids import equivalence_constant, rmsprop_diagonal, rmsprop_matrix
from theory.adaptive_norms.equivalence_variants import (
    best_scale,
    bias_corrected,
    diagonal_variant,
    optimal_scaling,
)
from theory.adaptive_norms.preconditioners import adam_form, rmsprop_form

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@figure(optimal_scaling)
def scaled_constant(figure: Figure, results: Results) -> None:
    """Mu against eps, not scaled and after the best scaling, with extremal matrices."""
    axes = figure.subplots()
    bound = 1.0
    plot_constants(axes, bound)
    eps = np.geomspace(1e-8, 1e2, 300)
    axes.plot(eps, (1 + bound**2 / eps) ** 0.25, color=PALETTE["black"],
              label="best scaling: $(1 + G^2/\\epsilon)^{1/4}$")  # fmt: skip
    points = np.geomspace(1e-8, 1e2, 11)
    gradient = np.array([[bound, 0.0]])
    reached = [
        equivalence_constant(
            float(best_scale(bound, float(value))) * rmsprop_matrix(gradient, 0.0, float(value))
        )
        for value in points
    ]
    axes.plot(points, reached, "o", color=PALETTE["black"], markersize=4,
              label="scaled, one gradient of norm $G$, $\\beta = 0$")  # fmt: skip
    axes.annotate("$\\epsilon = 10^{-8}$: 100 in place of $10^4$", (1e-8, 100.0), xytext=(2, -50),
                  textcoords="offset points", fontsize=9)  # fmt: skip
    figure.set_size_inches(WIDTH, 4.0)
    figure.legend(loc="outside lower center", ncols=2)


@figure(bias_corrected)
def largest_eigenvalue(figure: Figure, results: Results) -> None:
    """Largest eigenvalue against t for the constant sequence, corrected and not, and for decay."""
    axes = figure.subplots()
    count, eps, bound = 60, 0.05, 1.0
    steps = np.arange(1, count + 1)
    constant = np.tile([bound, 0.0], (count, 1))
    fading = constant * (0.9 ** np.arange(count))[:, None]
    axes.plot(steps, _largest(adam_form, constant, 0.9, eps), color=PALETTE["black"],
              label="corrected, constant gradients, every $\\beta$")  # fmt: skip
    for beta, colour in ((0.9, "blue"), (0.98, "vermilion")):
        axes.plot(steps, _largest(rmsprop_form, constant, beta, eps), "--", color=PALETTE[colour],
                  label=f"not corrected, constant, $\\beta = {beta}$")  # fmt: skip
        axes.plot(steps, _largest(adam_form, fading, beta, eps), ":", color=PALETTE[colour],
                  label=f"corrected, fading, $\\beta = {beta}$")  # fmt: skip
    axes.axhspan(eps, bound**2 + eps, color=PALETTE["sky"], alpha=0.2, lw=0,
                 label="$[\\epsilon, G^2 + \\epsilon]$")  # fmt: skip
    axes.set(xlabel="number of gradients $t + 1$", ylabel="largest eigenvalue", ylim=(0, 1.15),
             title="$G = 1$, $\\epsilon = 0.05$, gradients $g_t = G u$ or $0.9^t G u$")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.0)
    figure.legend(loc="outside lower center", ncols=2)


def _largest(form: Any, gradients: np.ndarray[Any, Any], beta: float, eps: float) -> list[float]:
    return [float(np.linalg.eigvalsh(form(gradients[:n], beta, eps))[-1])
            for n in range(1, len(gradients) + 1)]  # fmt: skip


@figure(diagonal_variant)
def full_and_diagonal(figure: Figure, results: Results) -> None:
    """Largest eigenvalue of both matrices for gradients of ones, entries bounded by 1."""
    axes = figure.subplots()
    dimensions, eps, beta, count = [1, 2, 4, 8, 16, 32, 64], 1e-8, 0.9, 100
    full, diagonal = [], []
    for d in dimensions:
        gradients = np.ones((count, d))
        full.append(float(np.linalg.eigvalsh(rmsprop_matrix(gradients, beta, eps))[-1]))
        diagonal.append(float(np.max(rmsprop_diagonal(gradients, beta, eps))))
    axes.plot(dimensions, full, "s--", color=PALETTE["vermilion"], label="full matrix: $d$")
    axes.plot(dimensions, diagonal, "o-", color=PALETTE["blue"], label="diagonal matrix: 1")
    axes.axhspan(eps, 1 + eps, color=PALETTE["sky"], alpha=0.2, lw=0,
                 label="bound from the entries, $G_\\infty = 1$")  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(0.3, 100), xlabel="dimension $d$",
             ylabel="largest eigenvalue", xticks=dimensions, xticklabels=dimensions,
             title="Constant gradients $(1, ..., 1)$, $\\beta = 0.9$, $t = 99$")  # fmt: skip
    axes.minorticks_off()
    axes.legend(loc="upper left")


# after the figures of their own, what the searches found
figure(optimal_scaling)(ratio_curve)
figure(bias_corrected)(ratio_curve)
figure(diagonal_variant)(ratio_curve)
