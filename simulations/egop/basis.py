"""Figures: the two-sided law, and how far the EGOP basis is from the best one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.egop.basis import near_optimal_basis, two_sided
from theory.egop.basis_adam import adam_analogue
from theory.egop.outer_product import density, egop_quadratic, eigenbasis, stable_rank
from theory.egop.smoothness import smallest_smoothness_sum
from theory.models.bases import haar_basis, power_law, with_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_DIMENSION = 8


@figure(two_sided)
def gain_between_both_ends(figure: Figure, results: Results) -> None:
    """Measured gain of random quadratics between both ends of the law, against the stable rank."""
    axes = figure.subplots()
    rng = np.random.default_rng(5)
    found = []
    for decay in np.repeat([0.0, 0.5, 1.0, 1.5, 2.0, 3.0], 6):
        values, basis = power_law(_DIMENSION, float(decay)), _partly_dense(rng)
        gain = smallest_smoothness_sum(with_spectrum(values, basis)).value / values.sum()
        # at theta* = 0 the roots of the EGOP's eigenvalues are c times the Hessian's
        rank = stable_rank(values**2)
        found.append((rank, _DIMENSION * density(basis[:, 0]) ** 2 / rank, gain))
    rank, low, gain = np.array(found).T
    axes.vlines(rank, low, _DIMENSION / rank, color=PALETTE["sky"], lw=1.2,
                label="from $d\\beta^2/\\mathrm{sr}$ to $d/\\mathrm{sr}$")  # fmt: skip
    axes.plot(
        rank, gain, "o", color=PALETTE["blue"], markersize=4, label="gain $L_f/L_{\\tilde f}$"
    )
    line = np.linspace(1.0, _DIMENSION, 100)
    axes.plot(line, _DIMENSION / line, "--", color=PALETTE["vermilion"], lw=1.2,
              label="$d/\\mathrm{sr}$")  # fmt: skip
    axes.axhline(1.0, color=PALETTE["grey"], lw=1.0)
    axes.set(xscale="log", yscale="log", xlabel="stable rank", ylabel="gain",
             title=f"Quadratics, $d = {_DIMENSION}$, $\\theta_* = 0$")  # fmt: skip
    axes.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    axes.set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncols=3)


def _partly_dense(rng: np.random.Generator) -> Array:
    """A Haar basis, or the Q factor of one near the identity, whose columns are sparse."""
    weight = float(rng.choice([0.05, 0.2, 1.0]))
    normals = rng.standard_normal((_DIMENSION, _DIMENSION))
    return haar_basis(weight * normals + (1 - weight) * np.eye(_DIMENSION))


@figure(near_optimal_basis)
def distance_from_the_best_basis(figure: Figure, results: Results) -> None:
    """Least sum in the EGOP basis over the nuclear norm, against the norm of theta*."""
    axes = figure.subplots()
    rng = np.random.default_rng(3)
    ratios = np.linspace(0.02, 3.0, 60)
    radius = np.sqrt(1 + ratios**2)
    axes.plot(ratios, radius, color=PALETTE["vermilion"], label="$\\kappa/c$: proved")
    axes.plot(ratios, 2 * radius / (radius + 1), "--", color=PALETTE["purple"],
              label="$2\\kappa/(\\kappa + c)$: conjectured")  # fmt: skip
    for label, d, colour in (("$d = 2$", 2, "sky"), ("$d = 3$", 3, "green")):
        points = np.array([_random_distance(rng, d) for _ in range(150)])
        axes.plot(*points.T, ".", color=PALETTE[colour], markersize=4, label=f"random, {label}")
    worst = np.array([_near_worst(float(ratio)) for ratio in ratios[::5]])
    axes.plot(ratios[::5], worst, "o", color=PALETTE["black"], markersize=4,
              label="$H = \\mathrm{diag}(\\kappa, c)$, $\\theta_*$ near axis 2")  # fmt: skip
    axes.axvline(1.0, color=PALETTE["grey"], lw=1.0, ls=":")
    axes.annotate("Assumption 1", (1.0, 2.6), xytext=(-4, 0), textcoords="offset points",
                  ha="right", fontsize=9, color=PALETTE["grey"])  # fmt: skip
    axes.set(xlabel="$\\|\\theta_*\\| / c$", ylabel="$L_{\\tilde f} \\,/\\, \\|H\\|_*$",
             ylim=(0.95, 2.8), title="How far from the best basis")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.2)
    figure.legend(loc="outside lower center", ncols=2)


def _random_distance(rng: np.random.Generator, d: int) -> tuple[float, float]:
    """Norm of theta* and distance, for an indefinite Hessian of random spectrum, c = 1."""
    hessian = np.diag(rng.standard_normal(d))
    direction = rng.standard_normal(d)
    length = float(rng.uniform(0.0, 3.0))
    return length, _distance(hessian, length * direction / np.linalg.norm(direction))


def _near_worst(length: float) -> float:
    """A stationary point a little off the axis, where the eigenvalues of the EGOP nearly agree."""
    hessian = np.diag([np.sqrt(1 + length**2), 1.0])
    return max(_distance(hessian, length * np.array([np.sin(angle), np.cos(angle)]))
               for angle in np.geomspace(1e-4, 0.3, 12))  # fmt: skip


def _distance(hessian: Array, minimizer: Array) -> float:
    _, basis = eigenbasis(egop_quadratic(hessian, minimizer, 1.0))
    least = smallest_smoothness_sum(basis.T @ hessian @ basis).value
    return float(least / np.abs(np.linalg.eigvalsh(hessian)).sum())


# after the figures of their own, what the searches found
figure(two_sided)(ratio_curve)
figure(near_optimal_basis)(ratio_curve)
figure(adam_analogue)(ratio_curve)
