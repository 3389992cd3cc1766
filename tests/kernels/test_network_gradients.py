"""The kernel of minibatch gradients against the network's own."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.kernels.network_gradients_cpu import BatchGradients
from theory.models.multilayer import Network


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize(("objective", "bias"), [("cross-entropy", True), ("squared", False)])
@pytest.mark.parametrize(
    ("widths", "groups", "rates", "sets", "batch"),
    [((6, 5, 3), 4, 2, 1, 7), ((5, 4, 3, 4), 6, 1, 3, 9), ((2, 3), 2, 1, 2, 1)],
)
def test_equals_backpropagation(
    activation: str, objective: str, bias: bool, widths: tuple[int, ...], groups: int, rates: int,
    sets: int, batch: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(groups)
    net = Network(widths, activation, objective, bias=bias)
    X = rng.standard_normal((sets, 20, widths[0]))
    Y = rng.integers(0, widths[-1], (sets, 20)) if bias else rng.normal(size=(sets, 20, widths[-1]))
    theta = rng.standard_normal((groups, rates, net.size))
    index = rng.integers(0, 20, (groups, batch))
    X.flags.writeable = theta.flags.writeable = False
    own = np.arange(groups)[:, None] // (groups // sets)
    expected = net.gradient(theta, X[own, index][:, None], Y[own, index][:, None])
    found = BatchGradients(net, X, Y)(theta, index)
    # Sums of at most 20 terms in each of three layers, in another order.
    assert np.abs(found - expected).max() <= 100 * 2.0**-53 * max(1.0, np.abs(expected).max())


def test_classes_may_be_probabilities() -> None:
    rng = np.random.default_rng(5)
    net = Network((3, 4, 2), "relu")
    X, Y, theta = rng.normal(size=(1, 6, 3)), rng.random((1, 6, 2)), rng.normal(size=(1, 1, 26))
    found = BatchGradients(net, X, Y)(theta, np.arange(6)[None])
    expected = net.gradient(theta[0, 0], X[0], Y[0])
    assert np.abs(found[0, 0] - expected).max() <= 100 * 2.0**-53 * np.abs(expected).max()


@pytest.mark.parametrize(
    "net", [Network((2, 3, 2), "tanh"), Network((2, 3, 2), "relu", "binary-cross-entropy")]
)
def test_other_networks_are_refused(net: Network) -> None:
    with pytest.raises(ValueError, match="its hidden layers must be all linear or all relu"):
        BatchGradients(net, np.ones((1, 1, 2)), np.zeros((1, 1, 2)))


@pytest.mark.parametrize(
    ("theta", "index", "text"),
    [
        (
            np.ones((2, 1, 5)),
            np.zeros((2, 1), int),
            r"it must be \(g, r, 4\), g >= 1 a multiple of 2",
        ),
        (np.ones((3, 1, 4)), np.zeros((3, 1), int), "g >= 1 a multiple of 2"),
        (np.ones((0, 1, 4)), np.zeros((0, 1), int), r"theta has shape \(0, 1, 4\).*g >= 1"),
        (np.ones((2, 1, 4)), np.zeros((1, 1), int), r"it must be \(2, b\), b >= 1"),
        (np.ones((2, 1, 4)), np.full((2, 1), 3), r"index has 3 to 3; it must lie in \[0, 2\]"),
    ],
)
def test_shapes_and_rows_are_checked(theta: np.ndarray, index: np.ndarray, text: str) -> None:
    net = Network((2, 2), (), "squared", bias=False)
    with pytest.raises(ValueError, match=text):
        BatchGradients(net, np.ones((2, 3, 2)), np.ones((2, 3, 2)))(theta, index)


@pytest.mark.parametrize(
    ("X", "Y", "text"),
    [
        (np.ones((1, 9, 6)), np.zeros((1, 9), int), r"X has shape \(1, 9, 6\).*\(s, n, 4\)"),
        (np.ones((9, 4)), np.zeros(9, int), r"X has shape \(9, 4\)"),
        (np.ones((0, 9, 4)), np.zeros((0, 9), int), r"X has shape \(0, 9, 4\)"),
        (np.ones((1, 9, 4)), np.ones((1, 2, 3)), r"Y has shape \(1, 2, 3\).*\(1, 9, 3\), or"),
        (np.ones((1, 9, 4)), np.ones((1, 9, 2)), r"Y has shape \(1, 9, 2\)"),
        (np.ones((2, 9, 4)), np.ones((1, 9, 3)), r"Y has shape \(1, 9, 3\).*must be \(2, 9, 3\)"),
        (np.ones((1, 9, 4)), np.zeros((1, 9)), r"Y has shape \(1, 9\) of float64"),
        (np.ones((1, 9, 4)), np.full((1, 9), -1), r"classes -1 to -1; .* lie in \[0, 2\]"),
        (np.ones((1, 9, 4)), np.full((1, 9), 3), "Y has classes 3 to 3"),
    ],
)  # fmt: skip
def test_data_are_checked(X: np.ndarray, Y: np.ndarray, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        BatchGradients(Network((4, 5, 3), "relu"), X, Y)


def test_classes_are_for_cross_entropy() -> None:
    net = Network((4, 5, 3), "relu", "squared")
    with pytest.raises(ValueError, match=r"Y has shape \(1, 9\) of int64; it must be \(1, 9, 3\)$"):
        BatchGradients(net, np.ones((1, 9, 4)), np.zeros((1, 9), int))
