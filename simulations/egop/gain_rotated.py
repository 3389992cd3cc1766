"""Figure: both upper bounds in the eigenbasis, as the Hessian varies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.egop.gain_bounds import outer_product_error, root_error
from theory.egop.gain_rotated import lemma_8, lemma_8_sharper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LIPSCHITZ = np.geomspace(1e-6, 1e-1, 61)
_DIMENSION = 4


def upper_bounds(lipschitz: float) -> tuple[float, float]:
    """Lemma 8 and its sharper form over the least sum at H = 0, for ``Hess = e_1 e_1'``.

    ``theta* = 0``, c = 1, the corners of a cube, and the point ``theta*`` alone for a ball, so
    that only the error of the EGOP shows: one eigenvalue is 1, the other three are 0. The slack
    of the sharper form is the best one.
    """
    d = _DIMENSION
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * d)).reshape(d, -1).T
    origin = np.zeros(d)
    error = outer_product_error(corners, origin, 1.0, lipschitz)
    paper = np.sqrt(1 + error) + (d - 1) * np.sqrt(error)
    small = root_error(corners, origin, lipschitz)
    slack = np.geomspace(1e-8, 10, 600)
    sharper = np.sqrt(1 + slack) + d * np.sqrt(1 + 1 / slack) * small
    return float(paper), float(sharper.min())


@figure(lemma_8_sharper)
def bounds_against_the_hessian(figure: Figure, results: Results) -> None:
    """Both upper bounds over the least sum of a quadratic, as the Hessian's variation grows."""
    axes = figure.subplots()
    values = np.array([upper_bounds(float(value)) for value in _LIPSCHITZ])
    axes.plot(_LIPSCHITZ, values[:, 0] - 1, "--", color=PALETTE["vermilion"], label="Lemma 8")
    axes.plot(_LIPSCHITZ, values[:, 1] - 1, color=PALETTE["blue"],
              label="with the error of the root")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="Lipschitz constant $H$ of the Hessian",
             ylabel="upper bound / least sum $-$ 1",
             title="Rank-one Hessian, $d = 4$, $\\theta^* = 0$, $B = 0$")  # fmt: skip
    figure.set_size_inches(WIDTH, 3.6)
    figure.legend(loc="outside lower center", ncols=2)


figure(lemma_8)(ratio_curve)
