"""Figures: decrease of the Cauchy point and of the eigenpoint against their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.model_decrease import (
    cauchy_bound,
    cauchy_chain,
    cauchy_decrease,
    eigenpoint_chain,
    lemma_5,
    lemma_6,
    root_bound,
    yao_lemma_10,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]


@figure(lemma_5)
def decrease_against_radius(figure: Figure, results: Results) -> None:
    """The Cauchy point's decrease against the radius, for curvatures between -beta and beta."""
    axes = figure.subplots()
    gradient, beta = np.array([1.0, 0.0]), 1.0
    ellipsoid, mu = np.diag([2.25, 4.0]), 2.0
    radii = np.linspace(0.02, 4.5, 300)
    curvatures = (
        (-1.0, "purple", "-."),
        (0.0, "green", "--"),
        (0.5, "sky", "-"),
        (1.0, "blue", "-"),
    )
    for curvature, colour, line in curvatures:
        hessian = np.diag([curvature, 1.0])
        values = [cauchy_decrease(gradient, hessian, ellipsoid, float(r)) for r in radii]
        label = f"decrease, $g^\\top Bg = {curvature:g}\\,\\beta\\,\\|g\\|^2$"
        axes.plot(radii, values, line, color=PALETTE[colour], label=label)
    bound = [cauchy_bound(gradient, ellipsoid, float(r), beta) for r in radii]
    uniform = [
        cauchy_chain(gradient, np.eye(2), ellipsoid, float(r), beta, mu)[0][0] for r in radii
    ]
    axes.plot(radii, bound, color=PALETTE["vermilion"], lw=2.4, label="bound of Lemma 5")
    axes.plot(radii, uniform, ":", color=PALETTE["vermilion"], label="with $\\Delta/\\mu$")
    axes.axvline(1.5, color=PALETTE["grey"], lw=1.0, ls="--")
    axes.annotate("$\\Delta = \\|g\\|_A/\\beta$", (1.5, 0.02), xytext=(5, 0),
                  textcoords="offset points", color=PALETTE["grey"], fontsize=9)  # fmt: skip
    axes.set(xlabel="radius $\\Delta$", ylabel="model decrease", ylim=(0, 1.6), xlim=(0, 4.5),
             title="$\\|g\\| = \\beta = 1$, $\\|g\\|_A = 3/2$, $\\mu = 2$")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.4)
    figure.legend(loc="outside lower center", ncols=2)


@figure(lemma_6)
def decrease_along_the_eigenvector(figure: Figure, results: Results) -> None:
    """Model decrease along u and -u inside the region, and the bound at its ends."""
    axes = figure.subplots()
    smallest, nu, radius, mu = -1.0, 0.75, 2.0, 1.25
    direction, ellipsoid = np.array([0.0, 1.0]), np.diag([1.0, 1.25])
    hessian = np.diag([1.0, nu * smallest])
    end = radius / float(np.sqrt(ellipsoid[1, 1]))
    lengths = np.linspace(-end, end, 201)
    for slope, colour, line in ((0.0, "blue", "-"), (0.4, "green", "--"), (0.8, "orange", "-.")):
        gradient = np.array([1.0, slope])
        values = -lengths * slope - lengths**2 * hessian[1, 1] / 2
        axes.plot(lengths, values, line, color=PALETTE[colour], label=f"$g^\\top u = {slope:g}$")
        (uniform, bound), (_, decrease) = eigenpoint_chain(
            gradient, hessian, ellipsoid, radius, direction, nu, smallest, mu
        )
        axes.plot([-end], [decrease], "o", color=PALETTE[colour])
    axes.axhline(bound, color=PALETTE["vermilion"], label="bound of Lemma 6")
    axes.axhline(uniform, color=PALETTE["vermilion"], ls=":", label="with $\\Delta^2/\\mu^2$")
    axes.set(xlabel="$t$ in $s = t\\,u$, $\\|u\\| = 1$", ylabel="model decrease",
             title="Both ends lie on the boundary; the eigenpoint (dot) has $g^\\top s \\leq 0$",
             ylim=(-0.5, 3.0))  # fmt: skip
    figure.set_size_inches(WIDTH, 4.2)
    figure.legend(loc="outside lower center", ncols=3)


@figure(yao_lemma_10)
def quotient_of_the_root(figure: Figure, results: Results) -> None:
    """The root over the minimum of the two powers: smallest, sqrt 2 - 1, where b = a^2."""
    axes = figure.subplots()
    ratio = np.geomspace(1e-3, 1e3, 400)
    sides = np.array([root_bound(1.0, float(b)) for b in ratio])
    constant = np.sqrt(2.0) - 1
    root = sides[:, 1]
    axes.plot(ratio, root / np.sqrt(ratio), "--", color=PALETTE["green"],
              label="divided by $\\sqrt{b}$")  # fmt: skip
    axes.plot(ratio, root / ratio, "-.", color=PALETTE["orange"], label="divided by $b/a$")
    axes.plot(ratio, root * constant / sides[:, 0], color=PALETTE["blue"], lw=2.4, alpha=0.7,
              label="divided by the smaller of both")  # fmt: skip
    axes.axhline(constant, color=PALETTE["vermilion"], lw=1.2, ls=":", label="$\\sqrt{2} - 1$")
    axes.set(xscale="log", xlabel="$b/a^2$", ylabel="quotient", ylim=(0, 1.1),
             title="$\\sqrt{a^2 + b} - a$ in units of its bound")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.0)
    figure.legend(loc="outside lower center", ncols=2)


# after the figures of their own, what the searches found
figure(lemma_5)(ratio_curve)
figure(lemma_6)(ratio_curve)
