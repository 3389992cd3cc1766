"""Estimators: merging, agreement with direct formulas, ranges, and planted biases."""

import math

import numpy as np
import pytest
from scipy import stats

from simulations.engine import estimators, moments
from theory.core import ClaimError

RNG = np.random.default_rng(41)
X = RNG.standard_exponential(3_000) + 5.0
Y = X * RNG.random(3_000) + 1.0
COLUMNS = {"x": X, "y": Y, "hit": (X > 6.0).astype(float), "share": Y / (X + Y)}

ESTIMATORS = {
    "mean": (estimators.mean("x"), X.mean()),
    "upper_mean": (estimators.upper_mean("x"), X.mean()),
    "lower_mean": (estimators.lower_mean("x"), X.mean()),
    "moment": (estimators.moment("x", 3), (X**3).mean()),
    "variance": (estimators.variance("x"), X.var(ddof=1)),
    "ratio_of_means": (estimators.ratio_of_means("x", "y"), X.mean() / Y.mean()),
    "proportion": (estimators.proportion("hit"), (X > 6.0).mean()),
    "bounded_mean": (estimators.bounded_mean("share", 0.0, 1.0), COLUMNS["share"].mean()),
    "quantile": (estimators.quantile("x", 0.3), np.quantile(X, 0.3)),
    "law": (estimators.law("x"), stats.kstest(X, stats.norm(6.0).cdf).statistic),
}


def claimed_for(name, value):
    return stats.norm(6.0).cdf if name == "law" else value


def whole(estimator):
    return estimator.summarise({name: COLUMNS[name] for name in estimator.reads})


def parts(estimator, cuts):
    columns = {name: np.split(COLUMNS[name], cuts) for name in estimator.reads}
    return [
        estimator.summarise({name: pieces[k] for name, pieces in columns.items()})
        for k in range(len(cuts) + 1)
    ]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimate_is_the_direct_formula_and_interval_contains_it(name):
    estimator, direct = ESTIMATORS[name]
    summarised, claimed = whole(estimator), claimed_for(name, direct)
    assert estimator.count(summarised) == len(X)
    # Sums of 3,000 terms in another order: 3,000 ulps bound the difference.
    assert estimator.estimate(summarised, claimed) == pytest.approx(direct, rel=1e-12)
    interval = estimator.interval(summarised, 1e-3, claimed)
    assert interval.low < direct < interval.high
    assert 0.0 <= estimator.p_value(summarised, claimed) <= 1.0
    if name != "law":
        # The betting sequence also remembers the looks at which the mean was elsewhere.
        assert estimator.p_value(summarised, direct) > (0.05 if name == "bounded_mean" else 0.4)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("cuts", [[1000, 2000], [1, 2, 2999], [2500]])
def test_merged_blocks_agree_with_one_block(name, cuts):
    estimator, direct = ESTIMATORS[name]
    claimed = claimed_for(name, direct)
    merged = estimator.merge(parts(estimator, cuts))
    one = whole(estimator)
    assert estimator.count(merged) == estimator.count(one)
    # Moments are merged in other operations: errors of some thousand ulps.
    assert estimator.estimate(merged, claimed) == pytest.approx(direct, rel=1e-11)
    a, b = (estimator.interval(part, 1e-4, claimed) for part in (merged, one))
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_merging_is_bit_for_bit_repeatable_and_incremental(name):
    estimator, _ = ESTIMATORS[name]
    blocks = parts(estimator, [700, 1400, 2100])
    at_once = estimator.merge(blocks)
    again = estimator.merge(parts(estimator, [700, 1400, 2100]))
    step_by_step = blocks[0]
    for block in blocks[1:]:
        step_by_step = estimator.merge([step_by_step, block])
    for other in (again, step_by_step):
        assert other.keys() == at_once.keys()
        for key, value in at_once.items():
            np.testing.assert_array_equal(other[key], value)


def test_merging_leaves_the_blocks_as_they_are():
    estimator = estimators.ratio_of_means("x", "y")
    blocks = parts(estimator, [1500])
    copies = [{key: value.copy() for key, value in block.items()} for block in blocks]
    estimator.merge(blocks)
    for block, copy in zip(blocks, copies, strict=True):
        for key, value in copy.items():
            np.testing.assert_array_equal(block[key], value)


def test_merged_moments_of_a_large_mean_keep_their_digits():
    # Naive sums of squares lose all digits of a variance of 1 at a mean of 1e8.
    x = 1e8 + np.random.default_rng(42).standard_normal(10_000)
    blocks = [moments.summarise_moments([block], 4) for block in np.split(x, 20)]
    merged = moments.mean_summary(moments.merge_moments(blocks))
    centred = x - 1e8
    # x is rounded to 1.5e-8; the summary inherits that and no more.
    assert merged.variance == pytest.approx(centred.var(ddof=1), rel=1e-7)
    assert merged.skewness == pytest.approx(stats.skew(centred), abs=1e-6)
    assert merged.excess == pytest.approx(stats.kurtosis(centred), abs=1e-6)


def test_summary_of_a_difference_is_that_of_the_column():
    stats_ = moments.summarise_moments([X, Y], 4)
    for ratio in (-1.0, 0.0, 1.4):
        found = moments.difference_summary(stats_, ratio)
        column = X - ratio * Y
        expected = moments.mean_summary(moments.summarise_moments([column], 4))
        for attribute in ("n", "mean", "variance", "skewness", "excess"):
            # Binomial sums of co-moments cancel a few digits.
            assert getattr(found, attribute) == pytest.approx(
                getattr(expected, attribute), rel=1e-8, abs=1e-10
            )


def test_ratio_standard_error_is_the_delta_method():
    estimator = estimators.ratio_of_means("x", "y")
    ratio = X.mean() / Y.mean()
    delta = (X - ratio * Y).std(ddof=1) / (Y.mean() * math.sqrt(len(X)))
    assert estimator.standard_error(whole(estimator)) == pytest.approx(delta, rel=1e-9)


@pytest.mark.parametrize(
    ("estimator", "draw", "truth"),
    [
        (estimators.mean("x"), lambda g, n: {"x": g.standard_exponential(n)}, 1.0),
        (estimators.moment("x", 2), lambda g, n: {"x": g.standard_normal(n)}, 1.0),
        (estimators.variance("x"), lambda g, n: {"x": g.standard_normal(n)}, 1.0),
        (
            estimators.ratio_of_means("x", "y"),
            lambda g, n: {"x": g.standard_exponential(n), "y": g.random(n)},
            2.0,
        ),
        (estimators.proportion("x"), lambda g, n: {"x": g.random(n) < 0.4}, 0.4),
        (estimators.bounded_mean("x", -1.0, 3.0), lambda g, n: {"x": 3.0 * g.random(n)}, 1.5),
        (estimators.quantile("x", 0.5), lambda g, n: {"x": 1.0 + g.pareto(1.0, n)}, 2.0),
    ],
)
def test_planted_bias_of_one_per_cent_is_caught_and_the_truth_is_not(estimator, draw, truth):
    samples = draw(np.random.default_rng(43), 1_000_000)
    summarised = estimator.summarise({key: np.asarray(x, float) for key, x in samples.items()})
    assert estimator.p_value(summarised, truth) > 1e-3
    for biased in (0.99 * truth, 1.01 * truth):
        assert estimator.p_value(summarised, biased) < 1e-5
        interval = estimator.interval(summarised, 1e-5)
        assert not interval.low <= biased <= interval.high
    assert estimator.caveat(summarised, 1e-5) == ""


def test_planted_bias_of_one_per_cent_in_a_law_is_caught():
    sample = np.random.default_rng(44).standard_normal(1_000_000)
    estimator = estimators.law("x")
    summarised = estimator.summarise({"x": sample})
    assert estimator.p_value(summarised, stats.norm.cdf) > 1e-3
    assert estimator.p_value(summarised, stats.norm(scale=1.01).cdf) < 1e-5
    assert estimator.p_value(summarised, stats.norm(loc=0.01).cdf) < 1e-5


@pytest.mark.parametrize(
    ("estimator", "refuted", "agreeing"),
    [
        (estimators.upper_mean("x"), X.mean() - 0.3, X.mean() + 0.3),
        (estimators.lower_mean("x"), X.mean() + 0.3, X.mean() - 0.3),
        (estimators.ratio_of_means("x", "y", side="upper"), 1.0, 3.0),
        (estimators.ratio_of_means("x", "y", side="lower"), 3.0, 1.0),
        (estimators.proportion("hit", side="upper"), 0.2, 0.6),
        (estimators.proportion("hit", side="lower"), 0.6, 0.2),
        (estimators.quantile("x", 0.5, side="upper"), 5.2, 6.5),
        (estimators.quantile("x", 0.5, side="lower"), 6.5, 5.2),
    ],
)
def test_one_sided_claims(estimator, refuted, agreeing):
    assert estimator.p_value(whole(estimator), refuted) < 1e-6
    assert estimator.p_value(whole(estimator), agreeing) > 0.99


def test_one_sided_ratio_with_a_negative_denominator():
    estimator = estimators.ratio_of_means("x", "y", side="upper")
    flipped = estimator.summarise({"x": -X, "y": -Y})
    assert estimator.p_value(flipped, 1.0) < 1e-6
    assert estimator.p_value(flipped, 3.0) > 0.99


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: estimators.mean(""), "quantity is ''"),
        (lambda: estimators.mean(X), "the name of a sampled quantity"),
        (lambda: estimators.moment("x", 0), "k is 0; it must be an integer >= 1"),
        (lambda: estimators.quantile("x", 1.0), r"q is 1.0; it must be in \(0, 1\)"),
        (lambda: estimators.bounded_mean("x", 1.0, 0.0), "low < high"),
        (lambda: estimators.proportion("x", side="left"), "side is 'left'"),
    ],
)
def test_bad_estimators_are_refused(make, message):
    with pytest.raises(ClaimError, match=message):
        make()


def test_samples_out_of_range_are_refused():
    with pytest.raises(ValueError, match="'x' must be 0 or 1"):
        estimators.proportion("x").summarise({"x": np.asarray([0.0, 0.5])})
    with pytest.raises(ValueError, match=r"'x' is 1.5; it must be in \[0.0, 1.0\]"):
        estimators.bounded_mean("x", 0.0, 1.0).summarise({"x": np.asarray([0.0, 1.5])})
    with pytest.raises(ValueError, match="must be a distribution function"):
        estimators.law("x").claimed_number(0.5)
    zero = estimators.ratio_of_means("x", "y").summarise({"x": np.ones(3), "y": np.zeros(3)})
    with pytest.raises(ValueError, match="mean of 'y' is 0"):
        estimators.ratio_of_means("x", "y").estimate(zero)
