"""The fast way for one point of NumPy arrays against the general one."""

import numpy as np
import pytest

from theory.models import outputs
from theory.models.activations import LOSSES, sigmoid
from theory.models.linearised import Linearised
from theory.models.multilayer import Network, autoencoder

EPS = float(np.finfo(float).eps)
NETWORKS = {
    "classifier": Network((5, 4, 3), "tanh", "cross-entropy"),
    "two kinds": Network((3, 5, 4, 2), ("tanh", "sigmoid"), "cross-entropy"),
    "autoencoder": autoencoder((6, 4, 2)),
    "relu": Network((5, 6, 4, 3), "relu", "squared"),
    "without bias": Network((5, 4, 3, 2), "sigmoid", "squared", bias=False),
    "one layer": Network((3, 2), (), "binary-cross-entropy"),
    "units alone": Network((1, 1, 1), "tanh", "squared"),
}
CASES = pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)


def problem(net, seed=0, samples=9):
    rng = np.random.default_rng(seed)
    X = rng.random((samples, net.widths[0]))
    Y = rng.random((samples, net.widths[-1]))
    params, v = rng.standard_normal((2, net.size))
    return X, Y, params, v


def close(found, expected):
    # Sums of fewer than 1e3 terms, magnified by three layers of weights: 1e4 roundings.
    assert np.max(np.abs(found - expected)) <= 1e4 * EPS * (np.max(np.abs(expected)) + 1.0)


@CASES
@pytest.mark.parametrize("samples", [1, 9])
def test_one_point_gives_the_numbers_of_the_general_way(net, samples):
    X, Y, params, v = problem(net, samples=samples)
    general, point = Linearised(net, params, X, Y), net.on(X, Y).at(params)
    close(point.output, general.output)
    close(point.loss(), general.loss())
    close(point.gradient(), general.gradient())
    close(point.hvp(v), general.hvp(v))
    close(point.ggn_product(v), general.ggn_product(v))
    close(point.hvp(np.stack([v, -v])), general.hvp(np.stack([v, -v])))


@CASES
def test_the_whole_hessian_is_made_of_products(net):
    X, Y, params, _ = problem(net)
    whole = net.hessian(params, X, Y)
    close(whole, whole.T)
    close(whole, net.hessian(params[None], X, Y)[0])


@CASES
def test_points_share_buffers_but_no_numbers(net):
    X, Y, params, v = problem(net)
    shared = net.on(X, Y)
    first, other = shared.at(params), shared.at(2.0 * params)
    expected = first.hvp(v)
    kept = expected.copy()
    broken = shared.at(np.full_like(params, np.nan))
    assert np.isnan(broken.loss())
    assert np.isnan(broken.hvp(v)).any()
    other.ggn_product(3.0 * v)
    assert np.array_equal(first.hvp(v), kept)
    assert np.array_equal(expected, kept)


@pytest.mark.parametrize("objective", LOSSES)
@pytest.mark.parametrize("size", [3.0, 290.0, 1e4])
def test_losses_of_small_and_of_large_outputs(objective, size):
    rng = np.random.default_rng(1)
    # Two trials that share their targets.
    z, y = size * (2.0 * rng.random((2, 5, 3)) - 1.0), rng.random((5, 3))
    r = rng.standard_normal((2, 5, 3))
    fast, plain = outputs.make_outputs(objective, z, y), outputs.Outputs(objective, z, y)
    # Each number is rounded at the size of the outputs, a few times for each of 15 of them.
    tolerance = 100 * EPS * max(1.0, float(np.max(np.abs(plain.loss()))))
    assert np.allclose(fast.loss(), plain.loss(), rtol=0, atol=tolerance)
    assert np.allclose(fast.gradient(), plain.gradient(), rtol=100 * EPS, atol=100 * EPS)
    assert np.allclose(fast.curved(r), plain.curved(r), rtol=100 * EPS, atol=100 * EPS)
    into = np.empty_like(r)
    assert np.array_equal(fast.curved(r, into), into)


def test_the_sigmoid_keeps_its_relative_accuracy():
    z = np.array([[-299.0, -40.0, -1.0, 0.0, 1.0, 40.0, 299.0]])
    value, other = outputs.activated("sigmoid", z)
    slope, bend = outputs.derivatives("sigmoid", z, value, other)
    assert np.allclose(value, sigmoid(z), rtol=8 * EPS, atol=0)
    expected = outputs.derivatives("sigmoid", z, value, None)
    assert np.allclose(slope, expected[0], rtol=16 * EPS, atol=0)
    assert np.allclose(bend, expected[1], rtol=16 * EPS, atol=0)


@pytest.mark.parametrize("array", [np.zeros((4, 5), dtype=np.float32), np.zeros((2, 4, 5))])
def test_samples_of_another_kind_are_refused(array):
    with pytest.raises(ValueError, match=r"^X is a ndarray of .* must be a float64 NumPy array"):
        NETWORKS["classifier"].on(array)


def test_points_of_another_kind_are_refused():
    net = NETWORKS["classifier"]
    with pytest.raises(ValueError, match=r"^params is a ndarray .* with 1 axes"):
        net.on(np.zeros((4, 5))).at(np.zeros((2, net.size)))
    with pytest.raises(ValueError, match=r"^params has shape \(3,\)"):
        net.on(np.zeros((4, 5))).at(np.zeros(3))
    point = net.on(np.zeros((4, 5)), np.zeros(4, dtype=int)).at(np.zeros(net.size))
    with pytest.raises(ValueError, match=r"^params has shape \(3,\)"):
        point.hvp(np.zeros(3))
