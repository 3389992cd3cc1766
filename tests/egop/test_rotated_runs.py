"""Runs over a grid of rates: the same as one by one; rotation; divergence; the sweep."""

from functools import partial

import numpy as np
import pytest

from simulations.egop.rotated_runs import descend, two_step_sweep
from theory.models.bases import haar_basis, power_law, with_spectrum
from theory.models.objectives import LeastSquares, Logistic, LogSumExp, LogSumExpSquares, Quadratic
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


def problems(rng, kind, stacked):
    """An objective with 9 rows in 4 coordinates, or a stack of 3, and its start or starts."""
    lead, row = ((3,), (1, 9)) if stacked else ((), (9,))
    A, y = rng.standard_normal((*lead, 9, 4)), rng.standard_normal((*lead, *row))
    f = kind(A, np.sign(y) if kind is Logistic else y)
    return f.rotated(haar_basis(rng.standard_normal((4, 4)))), rng.standard_normal((*lead, 4))


def textbook(f, rule, rates, start, steps, tolerance):
    """The same runs by the definition: losses at every step, first small gradients, last points."""
    x = np.stack([start] * len(rates), axis=-2)
    state, losses, norms = rule.init(x), [], []
    for step in range(steps + 1):
        losses.append(f.value(x))
        norms.append(np.linalg.norm(f.gradient(x), axis=-1))
        if step < steps:
            moved, state = rule.update(f.gradient(x), state, x)
            x = x + rates[:, None] * (moved - x)
    small = np.array(norms) <= tolerance
    return np.array(losses), np.where(small.any(axis=0), small.argmax(axis=0), -1), x


@pytest.mark.parametrize("stacked", [False, True], ids=["one", "stack"])
@pytest.mark.parametrize("kind", [LeastSquares, Logistic, LogSumExp, LogSumExpSquares])
@pytest.mark.parametrize("make", [sgd, partial(sgd_momentum, beta=0.9), adagrad, rmsprop, adam])
def test_runs_are_the_textbook_loop_bit_for_bit(rng, make, kind, stacked):
    f, start = problems(rng, kind, stacked)
    rates, tolerance = np.array([0.3, 0.03]), 0.3
    runs = descend(f, make, rates, start, 24, tolerance=tolerance, recorded=4)
    losses, reached, last = textbook(f, make(1.0), rates, start, 24, tolerance)
    assert np.array_equal(runs.losses, np.moveaxis(losses[::6], 0, -1))
    assert np.array_equal(runs.points, last)
    assert np.array_equal(runs.reached, reached)


@pytest.mark.parametrize("kind", [LeastSquares, LogSumExpSquares])
def test_a_run_that_diverges_leaves_the_others_alone(rng, kind):
    f, start = problems(rng, kind, stacked=True)
    runs = descend(f, sgd, [1e6, 1e-3], start, 60, recorded=60)
    finite = np.isfinite(runs.losses)
    assert finite[..., 0].all()
    assert not finite[:, 0, -1].any()
    # Once infinite, always infinite.
    assert np.array_equal(finite, np.logical_and.accumulate(finite, axis=-1))
    alone = descend(f, sgd, [1e-3], start, 60, recorded=60)
    # Products of one row and of two are summed in another order: 60 contracting steps of 9 terms.
    np.testing.assert_allclose(runs.losses[:, 1], alone.losses[:, 0], rtol=60 * 9 * 10 * EPS)


@pytest.mark.parametrize("tolerance", [0.0, 1e-200])
def test_a_gradient_of_zero_is_reached_at_any_tolerance(tolerance):
    # Rate 1 on the identity arrives in one step; rate 1/2 halves a gradient of 1 and never does.
    runs = descend(Quadratic(np.eye(3), np.zeros(3)), sgd, [1.0, 0.5], np.ones(3), 40,
                   tolerance=tolerance)  # fmt: skip
    assert runs.reached.tolist() == [1, -1]


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
