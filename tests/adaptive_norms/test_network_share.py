"""Shares of network Hessians: baselines, networks, training, and a model whose share is known."""

import numpy as np
import pytest

from simulations.adaptive_norms import network_share as simulated
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.network_share import (
    baseline_share,
    batch_size,
    digit_network,
    experiment_network_share,
    growth_bound,
)
from theory.adaptive_norms.ols_share import ols_share


def stream(key=1):
    return Stream(select_backend("numpy"), key, 0)


def chosen(**changes):
    return simulated.network("tanh", 16, 8) | changes


def test_least_squares_is_never_below_wigner_and_equals_it_for_one_sample():
    for d in (2, 50, 1000):
        for n in (1, 2, 32, 512):
            wigner, ols = (baseline_share(d, n, name) for name in ("wigner", "ols"))
            assert wigner == pytest.approx(1 / d, rel=1e-15)
            assert ols >= wigner
    # Quadrupling a large batch doubles the odds of the diagonal.
    odds = [1 / (1 / baseline_share(442, n, "ols") - 1) for n in (256, 1024)]
    assert odds[1] / odds[0] == pytest.approx(2, rel=1e-3)


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match="baseline is 'goe'"):
        baseline_share(3, 2, "goe")
    with pytest.raises(ValueError, match="model is 'cnn'"):
        digit_network(16, 8, 1, "cnn")
    with pytest.raises(ValueError, match="inputs is 'cifar'"):
        simulated.draw_pool(stream(), 2, "cifar", 16)


def test_networks_have_the_sizes_that_the_claim_names():
    sizes = [digit_network(p, h, 1, "tanh").size for p, h in ((16, 8), (16, 16), (64, 8), (64, 16))]
    assert sizes == [226, 442, 610, 1210]
    assert digit_network(64, 32, 1, "relu").size == 2410
    assert digit_network(64, 9, 3, "least squares").widths == (64, 10)


def test_the_share_of_least_squares_is_recovered():
    given = chosen(inputs="random", pixels=64, model="least squares")
    found = simulated.hessian_shares(stream(), 60, (8, 32, 128), **given)
    for n, shares in zip((8, 32, 128), found, strict=True):
        # The share of the expectation differs from the mean share by less than 1/d of it.
        error = 5 * np.std(shares) / np.sqrt(60) + ols_share(64, n) / 64
        assert abs(np.mean(shares) - ols_share(64, n)) < error


def test_batches_are_drawn_from_the_pool_of_their_trial_without_repetition():
    pool = simulated.draw_pool(stream(), 3, "random", 4)
    index = np.argsort(np.random.default_rng(0).random((3, pool.size)), axis=1)[:, :7]
    X, labels = pool.take(np, index)
    assert X.shape == (3, 7, 4)
    rows = np.reshape(pool.inputs, (3, pool.size, 4))
    for k in range(3):
        np.testing.assert_array_equal(X[k], rows[k][index[k]])
        assert len(np.unique(X[k], axis=0)) == 7
    assert labels.min() >= 0
    assert labels.max() <= 9


def test_training_stops_each_network_at_its_accuracy():
    pytest.importorskip("sklearn")
    draws, net = stream(5), digit_network(16, 16, 1, "tanh")
    pool = simulated.draw_pool(draws, 4, "digits", 16)
    params = net.initialise(draws.normal((4, net.size)))
    assert np.array_equal(simulated.train(draws, net, params, pool, 0.0), params)
    trained = simulated.train(draws, net, params, pool, 0.6)
    X, labels = pool.take(np, np.broadcast_to(np.arange(pool.size), (4, pool.size)))
    accuracy = net.accuracy(trained, X, labels)
    assert np.all(accuracy >= 0.6)
    # Ten steps of RMSprop pass the mark by some per cent, not by the whole way to the end.
    assert np.all(accuracy < 0.85)


def test_training_that_does_not_get_there_says_so(monkeypatch):
    monkeypatch.setattr(simulated, "LIMIT", 20)
    given = chosen(inputs="random", reached=0.9)
    with pytest.raises(ValueError, match=r"did not reach an accuracy of 0\.9 within 20 steps"):
        simulated.hessian_shares(stream(), 2, (4,), **given)


def test_exponents_and_bounds():
    small = np.array([0.1, 0.1])
    assert simulated.growth_exponent(small, 4 * small) == pytest.approx(0.5)
    assert growth_bound("digits") < growth_bound("random") < 0.5
    least = [np.asarray(ols_share(610, n)) for n in (simulated.SMALL, simulated.LARGE)]
    assert 0.45 < simulated.growth_exponent(*least) < 0.5


def test_claims_need_the_extra():
    assert experiment_network_share.extra == "nets"
    assert batch_size.extra == "nets"
