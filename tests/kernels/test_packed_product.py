"""The packed product against NumPy's, over shapes that fill no panel and no block of rows."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.kernels.packed_product_cpu import PackedMatrix


@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 1), (8, 16, 16), (3, 5, 17), (40, 33, 31), (9, 300, 160)]
)
def test_equals_the_product(m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(m + k + n)
    X, V = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for matrix in (V, np.asfortranarray(V)):
        found = PackedMatrix(matrix).product(X)
        # Two sums of k products, each with an error of at most k eps times the sum of magnitudes.
        assert np.all(np.abs(found - X @ V) <= 2 * k * 2.0**-53 * (np.abs(X) @ np.abs(V)))


def test_numbers_that_are_not_finite_stay_in_their_row() -> None:
    X = np.ones((2, 3))
    X[1, 1] = np.nan
    found = PackedMatrix(np.eye(3)).product(X)
    assert found[0].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(found[1]).all()


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="X has 2 columns; it must be 3"):
        PackedMatrix(np.eye(3)).product(np.ones((1, 2)))


def test_no_rows_have_no_products() -> None:
    assert PackedMatrix(np.ones((5, 3))).product(np.empty((0, 5))).shape == (0, 3)
