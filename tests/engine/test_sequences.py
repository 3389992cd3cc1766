"""The anytime-valid sequence: time-uniform level, width, power and monotone looks."""

import itertools
import math

import numpy as np
import pytest

from simulations.engine import sequences

ALPHA = 0.05
CASES = 2_000
# 4.1 standard errors of a share of 5 % over 2,000 cases.
MONTE_CARLO_ERROR = 0.02


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda rng: rng.beta(2.0, 5.0, 1000), 2.0 / 7.0),
        (lambda rng: rng.random(1000), 0.5),
        (lambda rng: (rng.random(1000) < 0.02).astype(float), 0.02),
    ],
)
def test_time_uniform_miscoverage_is_at_most_nominal(draw, mean):
    # The p-value is the smallest of all looks so far: one look at the end sees every earlier one.
    rng = np.random.default_rng(31)
    missed = np.mean([sequences.betting_p_value(draw(rng), mean) <= ALPHA for _ in range(CASES)])
    assert missed <= ALPHA + MONTE_CARLO_ERROR


def test_interval_is_dual_to_the_p_value_and_shrinks_with_every_look():
    x = np.random.default_rng(32).beta(2.0, 5.0, 4000)
    looks = [sequences.betting_interval(x[:n], ALPHA) for n in (100, 500, 1000, 2000, 4000)]
    for earlier, later in itertools.pairwise(looks):
        # Limits are roots to 1e-10.
        assert later.low >= earlier.low - 1e-9
        assert later.high <= earlier.high + 1e-9
    last = looks[-1]
    assert last.low < 2.0 / 7.0 < last.high
    for limit, outward in ((last.low, -1.0), (last.high, 1.0)):
        assert sequences.betting_p_value(x, limit - outward * 1e-6) > ALPHA
        assert sequences.betting_p_value(x, limit + outward * 1e-6) <= ALPHA


@pytest.mark.parametrize(("n", "factor"), [(2_000, 1.8), (50_000, 2.6)])
def test_median_width_is_within_a_stated_factor_of_the_fixed_n_width(n, factor, record_property):
    ratios = []
    for seed in range(15):
        x = np.random.default_rng(seed).beta(2.0, 5.0, n)
        half = sequences.betting_interval(x, ALPHA).half_width
        ratios.append(half / (1.96 * x.std() / math.sqrt(n)))
    record_property("half_width_over_fixed_n", round(float(np.median(ratios)), 3))
    # Validity at every time costs at least the fixed-n width, and sqrt(log n) beyond it.
    assert 1.0 < np.median(ratios) < factor


def test_planted_bias_of_one_per_cent_is_caught_and_the_truth_is_not():
    x = np.random.default_rng(34).beta(20.0, 20.0, 60_000)
    assert sequences.betting_p_value(x, 0.5) > 1e-3
    for biased in (0.495, 0.505):
        assert sequences.betting_p_value(x, biased) < 1e-6


def test_bets_look_only_at_the_past():
    x = np.random.default_rng(35).random(50)
    changed = x.copy()
    changed[30:] = 1.0 - changed[30:]
    before, after = sequences.predictable_bets(x), sequences.predictable_bets(changed)
    np.testing.assert_array_equal(before[:31], after[:31])
    assert not np.array_equal(before, after)


def test_capital_never_becomes_negative_and_is_monotone_in_the_mean():
    x = np.concatenate([np.zeros(20), np.ones(20)])
    bets = sequences.predictable_bets(x)
    for sign in (1.0, -1.0):
        capital = [sequences.log_capital(x, bets, m, sign) for m in np.linspace(0.01, 0.99, 25)]
        assert np.all(np.isfinite(capital))
        assert np.all(sign * np.diff(capital, axis=0) <= 1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_extreme_samples(value):
    interval = sequences.betting_interval(np.full(500, value), ALPHA)
    assert interval.low <= value <= interval.high
    assert interval.half_width < 0.05
    assert sequences.betting_p_value(np.full(500, value), 1.0 - value) < 1e-6
    assert sequences.betting_p_value(np.full(500, value), 1.5) == 0.0
