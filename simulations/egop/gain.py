"""Figure: the original sum of constants against both lower bounds, as the Hessian varies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.egop.gain import lemma_6, lemma_6_sharper
from theory.egop.gain_bounds import outer_product_error, root_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_ERRORS = np.geomspace(1e-6, 1e-1, 61)
_DIMENSION = 4


def lower_bounds(lipschitz: float) -> tuple[float, float]:
    """Lemma 6 and its sharper form over the least sum, for a dense rank-one Hessian.

    ``Hess = s s'/d`` with s = (1, ..., 1), ``theta* = 0``, c = 1 and the corners of a cube: the
    least sum is d. The EGOP is that of the quadratic, the errors are those for H = `lipschitz`.
    The slack of the sharper form is the best one.
    """
    d = _DIMENSION
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * d)).reshape(d, -1).T
    origin = np.zeros(d)
    error = outer_product_error(corners, origin, 1.0, lipschitz)
    paper = (d - d * error) / (2 * np.sqrt(1 + error)) / d
    small = root_error(corners, origin, lipschitz)
    slack = np.geomspace(1e-6, 10, 400)
    sharper = (d - d * np.sqrt(1 + 1 / slack) * small) / np.sqrt(1 + slack) / d
    return max(float(paper), 0.0), max(float(sharper.max()), 0.0)


@figure(lemma_6_sharper)
def bounds_against_the_hessian(figure: Figure, results: Results) -> None:
    """Both lower bounds over the least sum of constants, as the Hessian's variation grows."""
    axes = figure.subplots()
    values = np.array([lower_bounds(float(value)) for value in _ERRORS])
    axes.plot(_ERRORS, values[:, 1], color=PALETTE["blue"], label="with the root of the EGOP")
    axes.plot(_ERRORS, values[:, 0], "--", color=PALETTE["vermilion"], label="Lemma 6")
    axes.axhline(1.0, color=PALETTE["black"], lw=1.0)
    axes.set(xscale="log", ylim=(0.0, 1.08), xlabel="Lipschitz constant $H$ of the Hessian",
             ylabel="lower bound / least sum",
             title="Rank-one Hessian along a dense vector, $d = 4$, $\\theta^* = 0$")  # fmt: skip
    figure.set_size_inches(WIDTH, 3.6)
    figure.legend(loc="outside lower center", ncols=2)


figure(lemma_6)(ratio_curve)
