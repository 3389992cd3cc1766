"""Figure: the Hessian of a small ReLU network, its Gauss-Newton part, and what is between them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.gauss_newton import (
    gauss_newton_form,
    relu_ggn_is_not_the_hessian,
    relu_slopes,
    second_derivative,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_WIDTHS = (3, 4, 3, 2)


def polarised(form: Any, sizes: list[tuple[int, int]], **network: Any) -> Array:
    """The symmetric matrix (P, P) of a quadratic form in all weights, layer by layer by rows.

    ``M_ij = (q(e_i + e_j) - q(e_i) - q(e_j)) / 2``.
    """
    count = sum(rows * columns for rows, columns in sizes)
    ends = np.cumsum([0] + [rows * columns for rows, columns in sizes])

    def value(v: Array) -> float:
        layers = [v[a:b].reshape(size) for (a, b), size in zip(pairwise(ends), sizes, strict=True)]
        return float(form(directions=layers, **network))

    unit = np.eye(count)
    single = np.array([value(e) for e in unit])
    pairs = np.array([[value(a + b) for b in unit] for a in unit])
    return np.asarray((pairs - single[:, None] - single[None, :]) / 2)


@figure(relu_ggn_is_not_the_hessian)
def three_matrices(figure: Figure, results: Results) -> None:
    """Hessian, Gauss-Newton matrix and their difference for one sample, three ReLU layers."""
    draws = np.random.default_rng(1)
    sizes = [(n, m) for m, n in pairwise(_WIDTHS)]
    weights = [0.3 + 0.6 * draws.standard_normal(size) for size in sizes]
    sample = 1.0 + 0.5 * draws.standard_normal(_WIDTHS[0])
    network = {
        "weights": weights, "slopes": relu_slopes(weights, sample), "sample": sample,
        "gradient": np.array([1.0, -1.0]), "curvature": np.eye(_WIDTHS[-1]),
    }  # fmt: skip
    hessian = polarised(second_derivative, sizes, **network)
    gauss_newton = polarised(gauss_newton_form, sizes, **network)
    panels = (("Hessian $H$", hessian), ("Gauss-Newton $J^\\top C J$", gauss_newton),
              ("difference", hessian - gauss_newton))  # fmt: skip
    scale = float(np.max(np.abs(hessian - gauss_newton)))
    edges = np.cumsum([rows * columns for rows, columns in sizes])[:-1]
    figure.set_size_inches(WIDTH, 2.7)
    for axes, (name, matrix) in zip(figure.subplots(1, 3), panels, strict=True):
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-scale, vmax=scale)
        for edge in edges:
            axes.axhline(edge - 0.5, color=PALETTE["grey"], lw=0.8)
            axes.axvline(edge - 0.5, color=PALETTE["grey"], lw=0.8)
        low, *_, high = np.round(np.linalg.eigvalsh(matrix), 2) + 0.0
        span = f"$\\lambda$: {low:.2f} to {high:.2f}".replace("-", "\u2212")
        axes.set(xticks=[], yticks=[], xlabel=span)
        axes.set_title(name, fontsize=10)
        axes.grid(visible=False)
    figure.colorbar(image, ax=figure.axes, shrink=0.8, extend="both")
    figure.supxlabel("weights of a ReLU network with three layers (lines), one sample", fontsize=9)
