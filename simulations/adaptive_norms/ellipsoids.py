"""Figures: preconditioned steps as minimisers of the linear model over ellipses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.ellipsoids import (
    corollary_1,
    first_order_step,
    lemma_1,
    rmsprop_matrix,
)
from theory.matrix_roots import matrix_square_root

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]


@figure(lemma_1)
def ellipses(figure: Figure, results: Results) -> None:
    """Gradient descent's ball and Adagrad-like ellipses, axis-aligned and rotated, d = 2."""
    gradient = np.array([1.0, 2.0])
    cosine = sine = np.sqrt(0.5)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    stretched = np.diag([0.5, 4.0])
    panels = (
        ("$A = I$", np.eye(2)),
        ("$A$ diagonal", stretched),
        ("$A$ rotated", rotation @ stretched @ rotation.T),
    )
    figure.set_size_inches(WIDTH, 2.7)
    for axes, (title, matrix) in zip(figure.subplots(1, 3), panels, strict=True):
        _panel(axes, gradient, matrix, title)
    _explain(figure, "$s^* = -\\eta A^{-1} g$", "over $\\|s\\|_A \\leq \\eta\\,\\|g\\|_{A^{-1}}$")


@figure(corollary_1)
def two_ellipses(figure: Figure, results: Results) -> None:
    """RMSProp's step touches the ellipse of A^{1/2}; in the ellipse of A another step is best."""
    gradients = np.array([[1.0, 0.5], [2.0, -8.0], [1.0, 1.5]])
    matrix = rmsprop_matrix(gradients, 0.5, 0.1)
    root, gradient = matrix_square_root(matrix), gradients[-1]
    step = first_order_step(gradient, root, 1.0)
    left, right = figure.subplots(1, 2)
    _panel(left, gradient, root, "ellipse of $A^{1/2}$ (Corollary 1)")
    # the ellipse of A through RMSProp's step
    scale = float(np.sqrt((step @ matrix @ step) / (gradient @ np.linalg.solve(matrix, gradient))))
    _panel(right, gradient, matrix, "ellipse of $A$ (Lemma 2)", scale)
    right.plot(*step, "X", color=PALETTE["vermilion"], zorder=4, label="RMSProp's step")
    right.legend(loc="upper left")
    _explain(figure, "the minimiser", "over the ellipse")


def _panel(axes: Axes, gradient: Array, matrix: Array, title: str, eta: float = 0.5) -> None:
    step = first_order_step(gradient, matrix, eta)
    radius = eta * float(np.sqrt(gradient @ np.linalg.solve(matrix, gradient)))
    angles = np.linspace(0.0, 2.0 * np.pi, 361)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    edge = radius * np.linalg.solve(np.linalg.cholesky(matrix).T, circle)
    size = 1.25 * float(np.max(np.abs(edge)))
    axes.fill(*edge, color=PALETTE["sky"], alpha=0.25, lw=0)
    axes.plot(*edge, color=PALETTE["blue"], lw=1.2)
    _level_line(axes, gradient, step, size)
    axes.annotate("", step, xytext=(0, 0),
                  arrowprops={"arrowstyle": "-|>", "color": PALETTE["black"], "shrinkA": 0,
                              "shrinkB": 0})  # fmt: skip
    axes.plot(*step, "o", color=PALETTE["black"], markersize=4, zorder=5)
    downhill = -gradient / np.linalg.norm(gradient) * 0.55 * size
    axes.annotate("", downhill, xytext=(0, 0),
                  arrowprops={"arrowstyle": "->", "color": PALETTE["grey"], "ls": "--",
                              "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    axes.set(title=title, aspect="equal", xlim=(-size, size), ylim=(-size, size))
    axes.locator_params(nbins=5)


def _level_line(axes: Axes, gradient: Array, step: Array, size: float) -> None:
    along = np.array([-gradient[1], gradient[0]]) / np.linalg.norm(gradient)
    ends = np.stack([step - 4 * size * along, step + 4 * size * along])
    axes.plot(ends[:, 0], ends[:, 1], color=PALETTE["orange"], lw=1.2)


def _explain(figure: Figure, step: str, where: str) -> None:
    figure.supxlabel(
        f"solid arrow: {step}; orange: the lowest level line of $g^\\top s$ {where};\ndashed: $-g$",
        fontsize=9,
    )


# after the figures of their own, what the searches found
figure(lemma_1)(ratio_curve)
figure(corollary_1)(ratio_curve)
