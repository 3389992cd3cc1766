"""Figures: why Lemma 9 fails as printed, and the windows of radii of its two repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.success_repairs import lemma_9, repaired_gradient, repaired_signs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_ETA = 0.1


def _objective(w: Array) -> Array:
    return np.asarray(np.cos(w) + np.sin(w) / 20)


def _model(w: Array) -> Array:
    return np.asarray(1.0 - w / 100 - w**2 / 2)


@figure(lemma_9)
def the_wrong_way(figure: Figure, results: Results) -> None:
    """The model sends the step to the right, where L rises; a smaller radius makes it worse."""
    figure.set_size_inches(WIDTH, 3.6)
    left, right = figure.subplots(1, 2)
    w = np.linspace(-0.12, 0.12, 200)
    left.plot(w, _objective(w), color=PALETTE["blue"], label="$L = \\cos w + \\frac{\\sin w}{20}$")
    left.plot(w, _model(w), "--", color=PALETTE["orange"], label="model, reported $g$")
    for radius in (0.1, 0.05, 0.025):
        ends = np.array([radius, radius])
        left.plot(ends, [float(_objective(ends)[0]), float(_model(ends)[0])], "o-", lw=0.8,
                  markersize=3, color=PALETTE["grey"])  # fmt: skip
    left.set(xlabel="$w$", title="$\\nabla L = 0.05$, $g = -0.01$")
    left.locator_params(axis="x", nbins=5)
    left.legend(fontsize=8)
    radii = np.geomspace(1e-2, 2.0, 200)
    kept = (1.0 - _objective(radii)) / (1.0 - _model(radii))
    both = (1.0 - np.minimum(_objective(radii), _objective(-radii))) / (radii**2 / 2)
    right.plot(radii, kept, color=PALETTE["vermilion"], label="as printed")
    right.plot(radii, both, "--", color=PALETTE["green"], label="both signs")
    right.axhline(_ETA, color=PALETTE["grey"], lw=1.0, ls=":")
    right.set(xscale="log", xlabel="radius $\\Delta$", ylabel="ratio $\\rho$", ylim=(-4, 4),
              title="$\\rho$ ($\\eta = 0.1$ dotted)")  # fmt: skip
    right.legend(fontsize=8)


@figure(repaired_signs)
def one_sided_window(figure: Figure, results: Results) -> None:
    """The least ratio of the better sign against the radius, for errors of the Hessian."""
    axes = figure.subplots()
    share = np.geomspace(0.02, 4.0, 300)
    for used, colour in ((0.0, "green"), (0.5, "sky"), (1.0, "blue")):
        ratio = 1.0 - (1.0 - _ETA) * (used + share) / 2
        axes.plot(share, ratio, color=PALETTE[colour],
                  label=f"$\\delta_H$: {used:g} of its limit")  # fmt: skip
    _finish(figure, axes, "Both signs tried: no condition on the gradient")


@figure(repaired_gradient)
def two_sided_window(figure: Figure, results: Results) -> None:
    """The least ratio with the gradient kept: steps succeed between D_min and D_H."""
    axes = figure.subplots()
    share = np.geomspace(0.02, 4.0, 300)
    for parts, colour in ((1, "vermilion"), (4, "orange"), (16, "blue")):
        least = 1.0 / parts
        ratio = 1.0 - (1.0 - _ETA) * (least / share + 1.0 + share) / 3
        axes.plot(share, ratio, color=PALETTE[colour],
                  label=f"$D_{{min}} = D_H/{parts}$")  # fmt: skip
        axes.plot([least], [1.0 - (1.0 - _ETA) * (2.0 + least) / 3], "o", color=PALETTE[colour])
    _finish(figure, axes, "Gradient kept: too small a radius is rejected as well")


def _finish(figure: Figure, axes: Axes, title: str) -> None:
    axes.axhspan(-1.0, _ETA, color=PALETTE["grey"], alpha=0.12, lw=0,
                 label=f"rejected: $\\rho < \\eta = {_ETA:g}$")  # fmt: skip
    axes.axvline(1.0, color=PALETTE["grey"], lw=1.0, ls="--")
    axes.set(xscale="log", xlabel="radius $\\Delta / D_H$", ylabel="least ratio $\\rho$",
             ylim=(-1, 1.05), title=title)  # fmt: skip
    figure.set_size_inches(WIDTH, 4.0)
    figure.legend(loc="outside lower center", ncols=2)


# after the figures of their own, what the searches found
figure(repaired_signs)(ratio_curve)
figure(repaired_gradient)(ratio_curve)
