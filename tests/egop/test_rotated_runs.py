"""Runs over a grid of rates: the same as one by one; rotation; divergence; the sweep."""

from functools import partial

import numpy as np
import pytest

from simulations.egop.rotated_runs import descend, two_step_sweep
from theory.models.bases import haar_basis, power_law, with_spectrum
from theory.models.objectives import LogSumExp, Quadratic
from theory.optimizers import adagrad, adam, rmsprop, sgd, sgd_momentum

EPS = np.finfo(float).eps


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(31))


@pytest.mark.parametrize("make", [sgd, partial(sgd_momentum, beta=0.9), adagrad, rmsprop, adam])
def test_a_grid_of_rates_is_the_runs_one_by_one(rng, make):
    f, start = LogSumExp(rng.standard_normal((9, 4)), np.zeros(9)), rng.standard_normal(4)
    rates = np.array([0.3, 0.03, 0.003])
    runs = descend(f, make, rates, start, 30, recorded=3)
    assert runs.steps.tolist() == [0, 10, 20, 30]
    for rate, losses in zip(rates, runs.losses, strict=True):
        optimizer, x = make(float(rate)), start
        state = optimizer.init(x)
        for _ in range(30):
            x, state = optimizer.update(f.gradient(x), state, x)
        # One more rounding a step, amplified by divisions by small roots at the start.
        assert losses[-1] == pytest.approx(f.value(x), rel=1e5 * EPS)


def test_rotated_gradient_descent_takes_the_same_path(rng):
    f = Quadratic(with_spectrum(power_law(6, 1.0), haar_basis(rng.standard_normal((6, 6)))),
                  rng.standard_normal(6))  # fmt: skip
    V, start = haar_basis(rng.standard_normal((6, 6))), rng.standard_normal(6)
    plain = descend(f, sgd, [0.5], start, 50)
    turned = descend(f.rotated(V), sgd, [0.5], V.T @ start, 50)
    np.testing.assert_allclose(turned.losses, plain.losses, rtol=1e4 * EPS)


def test_divergence_is_recorded_and_not_hidden(rng):
    f = Quadratic(np.eye(2), np.zeros(2))
    runs = descend(f, sgd, [1e3, 0.5], np.ones(2), 400, tolerance=1e-6)
    assert np.isinf(runs.losses[0, -1])
    assert runs.reached.tolist()[0] == -1
    # ||gradient|| halves each step from sqrt 2: below 1e-6 after 21 steps.
    assert runs.reached[1] == 21
    assert runs.best == 1


def test_the_sweep_finds_the_best_multiple(rng):
    f = Quadratic(np.diag([1.0, 0.1]), np.zeros(2))
    rate, runs = two_step_sweep(f, sgd, np.ones(2), 40)
    # The rates below 2/(1 + 0.1) = 1.82 contract; of the grid .8, 1 and 2, the largest stable one.
    assert rate == 1.0
    assert len(runs.rates) == 8


def test_bad_arguments_are_named():
    f = Quadratic(np.eye(1), np.zeros(1))
    with pytest.raises(ValueError, match="rates are"):
        descend(f, sgd, [0.1, -1.0], np.ones(1), 3)
    with pytest.raises(ValueError, match="steps and recorded are 0"):
        descend(f, sgd, [0.1], np.ones(1), 0)
