"""A network at one point: the same bits as separate evaluations, and one pass for all of them."""

import numpy as np
import pytest

from theory.models import linearised
from theory.models.multilayer import Network, autoencoder

NETS = {
    "classifier": Network((5, 4, 3), "tanh", "cross-entropy"),
    "relu": Network((5, 6, 4, 3), "relu", "squared"),
    "linear": Network((5, 4, 3), "linear", "squared", bias=False),
    "autoencoder": autoencoder((5, 3)),
}


def _problem(net, trials=()):
    rng = np.random.default_rng(0)
    X = rng.random((*trials, 7, 5))
    outputs = net.widths[-1]
    Y = rng.integers(0, outputs, (*trials, 7)) if net.objective == "cross-entropy" else (
        rng.random((*trials, 7, outputs)))  # fmt: skip
    params, v = rng.standard_normal((2, *trials, net.size))
    return params, X, Y, v


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("trials", [(), (2,)])
def test_the_order_of_evaluations_changes_no_bit(name, trials):
    net = NETS[name]
    params, X, Y, v = _problem(net, trials)
    point = net.at(params, X, Y)
    hvp, ggn = point.hvp(v), point.ggn_product(v)
    assert np.array_equal(point.loss(), net.loss(params, X, Y))
    assert np.array_equal(point.gradient(), net.gradient(params, X, Y))
    assert np.array_equal(hvp, net.hvp(params, X, Y, v))
    assert np.array_equal(point.hvp(v), hvp)
    assert np.array_equal(ggn, net.ggn_product(params, X, Y, v))


def test_products_share_the_pass(monkeypatch):
    net = NETS["autoencoder"]
    params, X, Y, v = _problem(net)
    point, calls = net.at(params, X, Y), []
    point.hvp(v)
    monkeypatch.setattr(linearised, "derivatives", lambda *args: calls.append(args))
    point.hvp(2.0 * v)
    point.gradient()
    assert calls == []
