"""The share from blocks against that of the Hessian itself."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.adaptive_norms.network_hessian import has_blocks, share_from_blocks
from theory.adaptive_norms.diagonal_share import diagonal_share
from theory.models.multilayer import Network


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
@pytest.mark.parametrize(("widths", "n"), [((1, 1, 2), 3), ((6, 4, 3), 1), ((5, 7, 4), 40)])
def test_equals_the_share_of_the_hessian(
    activation: str, widths: tuple[int, int, int], n: int
) -> None:
    rng = np.random.default_rng(n)
    net = Network(widths, activation)
    params, X = rng.standard_normal(net.size), rng.standard_normal((n, widths[0]))
    labels = rng.integers(0, widths[-1], n)
    expected = float(diagonal_share(net.hessian(params, X, labels)))
    # Entries are sums of n terms of order 1; the share is a ratio of two sums of such magnitudes.
    assert share_from_blocks(net, params, X, labels) == pytest.approx(expected, rel=1e-12)


def test_other_networks_and_numbers_that_are_not_finite_are_refused() -> None:
    net, X = Network((2, 3, 2), "tanh"), np.ones((1, 2))
    labels = np.zeros(1, dtype=np.int64)
    for other in (Network((2, 3, 3, 2)), Network((2, 2, 2), objective="squared"), Network((2, 2))):
        assert not has_blocks(other)
        with pytest.raises(ValueError, match="it must have one hidden layer"):
            share_from_blocks(other, np.zeros(other.size), X, labels)
    with pytest.raises(ValueError, match="must be finite and positive"):
        share_from_blocks(net, np.full(net.size, np.nan), X, labels)
