"""The first block of a linear network's EGOP against its closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, figure, measurement
from simulations.engine.figures import PALETTE, WIDTH
from theory.core import Statement
from theory.egop.estimators import average_over_units
from theory.egop.outer_product import egop
from theory.egop.symmetry import LinearNetwork, first_layer_block, symmetry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results

Point = dict[str, Any]
Array = np.ndarray[Any, Any]

_D1, _D2, _D3 = 3, 6, 4
NETWORK = LinearNetwork(
    second_moment=np.array([[1.0, 0.5], [0.5, 1.0]]),
    cross_moment=np.array([[1.0, 1.0], [1.0, 0.5], [0.0, 1.0], [1.0, 1.0]]),
    widths=(_D1, _D2),
    variances=(0.1, 0.1, 0.1),
)


def _claimed(statement: Statement, point: Point) -> float:
    """The entry of ``I (x) B1``."""
    block = np.kron(np.eye(_D1), first_layer_block(NETWORK))
    return float(block[point["row"], point["column"]])


@measurement(
    symmetry,
    points={"quick": [{"row": i, "column": j, "stacking": "rows", "spread": 1.0}
                      for i, j in ((0, 0), (0, 1), (0, 2), (4, 4))]},
    # Standard deviation of a product 2 (B1)_11: standard error 0.003 at 20,000 trials. By columns
    # the entry (0, 1) is 0 for 0.167, a unit scaled by 2 has 0.98 for 0.201: 50 of them away.
    trials={"quick": 20_000, "standard": 200_000, "deep": 1_000_000},
    estimate=estimators.mean("product"), claimed=_claimed, resolution=0.25, host=True,
)  # fmt: skip
def products_of_gradients(stream: Any, trials: int, *, row: int, column: int, stacking: str,
                          spread: float) -> Any:  # fmt: skip
    """``g_i g_j`` of two entries of the first layer's gradient, stacked row by row.

    `spread` multiplies the weights into the first hidden unit's outgoing column.
    """
    gradients = _gradients(lambda shape: np.asarray(stream.normal(shape)), trials, spread)
    ordered = gradients if stacking == "rows" else gradients.mT
    flat = ordered.reshape(trials, -1)
    return {"product": flat[:, row] * flat[:, column]}


def _gradients(normal: Callable[[tuple[int, ...]], Array], trials: int, spread: float) -> Array:
    """Gradients (trials, d1, d0) at random weights."""
    d0 = len(NETWORK.second_moment)
    shapes = ((_D1, d0), (_D2, _D1), (_D3, _D2))
    first, second, third = (
        np.sqrt(variance) * normal((trials, *shape))
        for variance, shape in zip(NETWORK.variances, shapes, strict=True)
    )
    second[:, :, 0] *= spread
    return np.asarray(NETWORK.first_gradients((first, second, third)))


@figure(symmetry)
def groups_of_eigenvalues(figure: Figure, results: Results) -> None:
    """The first layer's EGOP from samples, and its eigenvalues before and after averaging."""
    samples = _gradients(np.random.default_rng(0).standard_normal, 2_000, 1.0)
    estimate = egop(samples.reshape(len(samples), -1))
    size = len(estimate)
    averaged = average_over_units(estimate, np.arange(size).reshape(_D1, -1))
    exact = np.kron(np.eye(_D1), first_layer_block(NETWORK))
    figure.set_size_inches(WIDTH, 3.2)
    left, right = figure.subplots(1, 2)
    image = left.imshow(estimate, cmap="viridis")
    left.set(title="Sampled EGOP of $W_1$", xlabel="entry, stacked by rows", ylabel="entry")
    left.grid(visible=False)
    figure.colorbar(image, ax=left, shrink=0.8)
    shown = (
        ("2,000 samples", estimate, "o", "grey"),
        ("averaged over units", averaged, "x", "blue"),
        ("$I \\otimes B_1$", exact, "_", "vermilion"),
    )
    for label, matrix, marker, colour in shown:
        values = np.linalg.eigvalsh(matrix)[::-1]
        right.plot(range(1, size + 1), values, marker, color=PALETTE[colour], label=label,
                   markersize=9)  # fmt: skip
    right.set(yscale="log", xlabel="index", ylabel="eigenvalue", title="Groups of eigenvalues")
    right.legend()
