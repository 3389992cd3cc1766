"""Figure: what the subproblem solvers miss of the optimum, against Hessian-vector products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.subproblem import subproblem_duality, subproblem_solvers
from theory.optimizers.trust_region import (
    cauchy_point,
    exact_subproblem,
    gltr,
    steihaug_toint,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_DIMENSION, _PROBLEMS = 30, 7
_FLOOR = 1e-16


@figure(subproblem_solvers)
def accuracy_against_products(figure: Figure, results: Results) -> None:
    """Relative distance from the optimal decrease against products: GLTR, Steihaug, Cauchy."""
    figure.set_size_inches(WIDTH, 3.6)
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, indefinite=False)
    _panel(right, indefinite=True)
    left.set(title="$B$ definite, minimiser inside", ylabel="missing share of the optimal decrease",
             yscale="log", ylim=(_FLOOR / 2, 2.0))  # fmt: skip
    right.set(title="$B$ indefinite")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)


def _panel(axes: Axes, *, indefinite: bool) -> None:
    counts = np.arange(1, _DIMENSION + 1, 2)
    missing = np.array([_missing(seed, counts, indefinite) for seed in range(_PROBLEMS)])
    curves = (("GLTR", "blue", "-"), ("Steihaug-Toint", "vermilion", "--"),
              ("Cauchy point along $-g$", "grey", ":"))  # fmt: skip
    for index, (label, colour, line) in enumerate(curves):
        low, middle, high = np.quantile(missing[:, index], [0.0, 0.5, 1.0], axis=0)
        axes.plot(counts, middle, line, color=PALETTE[colour], label=label)
        axes.fill_between(counts, low, high, color=PALETTE[colour], alpha=0.15, lw=0)
    axes.set(xlabel="Hessian-vector products", xlim=(1, _DIMENSION - 1))


def _missing(seed: int, counts: Array, indefinite: bool) -> list[list[float]]:
    """One row a solver: ``1 - decrease/optimum`` after each number of products."""
    rng = np.random.default_rng([seed, indefinite])
    spectrum = np.geomspace(1e-2, 1.0, _DIMENSION)
    if indefinite:
        spectrum *= rng.choice([-1.0, 1.0], _DIMENSION)
    Q = np.linalg.qr(rng.standard_normal((_DIMENSION, _DIMENSION)))[0]
    B = Q * spectrum @ Q.T
    B, g = (B + B.T) / 2, rng.standard_normal(_DIMENSION)
    A = 10.0 ** rng.uniform(-0.5, 0.5, _DIMENSION)
    radius = 30.0 if indefinite else 1e4
    best = exact_subproblem(B, g, radius, ellipsoid=A).model_decrease
    budgets = [int(count) for count in counts]
    found = [
        [gltr(B, g, radius, ellipsoid=A, max_iter=k, verify=False) for k in budgets],
        [steihaug_toint(B, g, radius, ellipsoid=A, max_iter=k) for k in budgets],
        [cauchy_point(B, g, radius, ellipsoid=A)] * len(budgets),
    ]
    return [[max(1 - one.model_decrease / best, _FLOOR) for one in row] for row in found]


# after the figure of their own, what the searches found
figure(subproblem_solvers)(ratio_curve)
figure(subproblem_duality)(ratio_curve)
