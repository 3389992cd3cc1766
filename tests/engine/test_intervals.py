"""Coverage of every fixed-n interval on planted truths, duality with p-values, and far tails."""

import math

import numpy as np
import pytest
from scipy import special, stats

from simulations.engine import intervals, laws_ks, moments
from simulations.engine.estimators import ratio_of_means
from simulations.engine.multiplicity import holm

CASES = 4_000
NOMINAL = 0.05
# The standard error of a coverage of 95 % over 4,000 cases is 0.34 %: the band is 4.4 of them.
LOWEST, HIGHEST = 0.935, 0.965


def mean_interval(sample, alpha=NOMINAL):
    summary = moments.mean_summary(moments.summarise_moments([sample], 4))
    return intervals.studentised_interval(summary, alpha)


def variance_interval(sample):
    summary = moments.variance_summary(moments.summarise_moments([sample], 8))
    return intervals.studentised_interval(summary, NOMINAL)


def quantile_interval(q):
    return lambda sample: intervals.quantile_interval(np.sort(sample), q, NOMINAL)


def proportion_interval(sample):
    count = int(np.count_nonzero(sample < 0.3))
    return intervals.binomial_interval(count, len(sample), NOMINAL)


def ratio_interval(sample):
    estimator = ratio_of_means("x", "y")
    columns = {"x": sample[::2], "y": sample[::2] + 2.0 * sample[1::2]}
    return estimator.interval(estimator.summarise(columns), NOMINAL)


PLANTED = {
    "mean, exponential": (mean_interval, "standard_exponential", (), 400, 1.0),
    "mean, normal, few": (mean_interval, "standard_normal", (), 12, 0.0),
    "mean, uniform": (mean_interval, "random", (), 100, 0.5),
    "ratio of means": (ratio_interval, "standard_exponential", (), 400, 1.0 / 3.0),
    "variance, normal": (variance_interval, "standard_normal", (), 400, 1.0),
    "variance, gamma": (variance_interval, "standard_gamma", (4.0,), 1000, 4.0),
    "proportion": (proportion_interval, "random", (), 2000, 0.3),
    "median, Cauchy": (quantile_interval(0.5), "standard_cauchy", (), 1000, 0.0),
    "lower quartile, Cauchy": (quantile_interval(0.25), "standard_cauchy", (), 1000, -1.0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_coverage(name):
    interval_of, law, parameters, n, truth = PLANTED[name]
    draw = getattr(np.random.default_rng(20), law)
    found = [interval_of(draw(*parameters, size=n)) for _ in range(CASES)]
    coverage = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert LOWEST <= coverage <= HIGHEST


def test_ks_band_and_ks_p_value_have_their_level():
    rng = np.random.default_rng(21)
    band = laws_ks.dkw_band(400, NOMINAL)
    distances = [
        laws_ks.ks_distance(np.sort(rng.random(400)), stats.uniform.cdf) for _ in range(CASES)
    ]
    accepted = [laws_ks.ks_p_value(distance, 400) > NOMINAL for distance in distances]
    assert LOWEST <= np.mean(np.asarray(distances) <= band) <= HIGHEST
    assert LOWEST <= np.mean(accepted) <= HIGHEST


def test_skewness_correction_is_honest_far_in_the_tail():
    # One tail at 5e-4 of a skewed mean: Student's t alone is wrong by the factor
    # exp(g z^3 / (3 sqrt n)) = 4.2; what is left must be within 5 Poisson errors of 1.5.
    n, cases, tail = 250, 200_000, 5e-4
    rng, too_low, uncorrected = np.random.default_rng(22), 0, 0
    for _ in range(cases // 10_000):
        x = rng.standard_exponential((10_000, n))
        t = (x.mean(axis=1) - 1.0) / (x.std(axis=1, ddof=1) / math.sqrt(n))
        uncorrected += int(np.count_nonzero(special.stdtr(n - 1, t) <= tail))
        for sample in x[t < -2.0]:
            summary = moments.mean_summary(moments.summarise_moments([sample], 4))
            too_low += intervals.studentised_p_value(summary, 1.0, "lower") <= tail
    expected = cases * tail
    assert uncorrected > 2.5 * expected
    assert too_low <= 1.5 * expected + 5.0 * math.sqrt(expected)


@pytest.mark.parametrize("skewness", [-3.0, -1e-9, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("t", [-50.0, -4.0, 0.0, 1e-3, 4.0, 300.0])
def test_hall_transform_and_inverse(skewness, t):
    value = intervals.hall_transform(t, 50, skewness)
    # The inverse divides by the derivative (1 + c t)^2, which is small near its turning point.
    slope = (1.0 + skewness * t / (3.0 * math.sqrt(50))) ** 2
    tolerance = 1e-12 * (1.0 + abs(t)) / min(slope, 1.0)
    assert intervals.hall_inverse(value, 50, skewness) == pytest.approx(t, abs=tolerance)
    assert intervals.hall_transform(t + 0.1, 50, skewness) > value


@pytest.mark.parametrize("alpha", [0.3, 0.05, 1e-6])
@pytest.mark.parametrize("side", ["both", "upper", "lower"])
def test_studentised_interval_and_p_value_are_dual(alpha, side):
    sample = np.random.default_rng(23).standard_exponential(300)
    summary = moments.mean_summary(moments.summarise_moments([sample], 4))
    interval = intervals.studentised_interval(summary, alpha, side)
    shift = 1e-6 * interval.half_width
    for limit, outward, tested in ((interval.low, -1, "lower"), (interval.high, 1, "upper")):
        inside, outside = limit - outward * shift, limit + outward * shift
        rejects = [
            intervals.studentised_p_value(summary, value, side) <= alpha
            for value in (inside, outside)
        ]
        # A one-sided claim is only refuted on its own side: "at most c" by c below the interval.
        assert rejects == ([False, True] if side != tested else [False, False])


@pytest.mark.parametrize("alpha", [0.2, 0.05, 1e-7])
@pytest.mark.parametrize(("count", "n"), [(0, 40), (3, 40), (40, 40), (911, 2000)])
def test_binomial_interval_and_p_value_are_dual(count, n, alpha):
    interval = intervals.binomial_interval(count, n, alpha)
    assert 0.0 <= interval.low <= count / n <= interval.high <= 1.0
    for limit, outward in ((interval.low, -1.0), (interval.high, 1.0)):
        if limit in (0.0, 1.0):
            continue
        inside, outside = limit - 1e-7 * outward * limit, limit + 1e-7 * outward * limit
        assert intervals.binomial_p_value(count, n, inside) > alpha
        assert intervals.binomial_p_value(count, n, min(outside, 1.0)) <= alpha


def test_binomial_p_value_at_certainty_and_out_of_range():
    assert intervals.binomial_p_value(0, 50, 0.0) == 1.0
    assert intervals.binomial_p_value(1, 50, 0.0) == 0.0
    assert intervals.binomial_p_value(50, 50, 1.0) == 1.0
    assert intervals.binomial_p_value(49, 50, 1.0) == 0.0
    # P <= 1.2 holds and P >= 1.2 does not, whatever was counted.
    for value, upper, lower in ((1.2, 1.0, 0.0), (-0.1, 0.0, 1.0)):
        assert intervals.binomial_p_value(1, 50, value) == 0.0
        assert intervals.binomial_p_value(1, 50, value, "upper") == upper
        assert intervals.binomial_p_value(1, 50, value, "lower") == lower


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 1e-5])
def test_quantile_interval_and_p_value_are_dual(q, alpha):
    sample = np.sort(np.random.default_rng(24).standard_cauchy(500))
    interval = intervals.quantile_interval(sample, q, alpha)
    for limit, outward in ((interval.low, -1.0), (interval.high, 1.0)):
        if math.isinf(limit):
            continue
        step = 1e-9 * abs(limit)
        assert intervals.quantile_p_value(sample, q, limit - outward * step) > alpha
        assert intervals.quantile_p_value(sample, q, limit + outward * step) <= alpha


def test_quantile_of_a_law_with_atoms():
    sample = np.repeat([0.0, 1.0, 2.0], [100, 300, 100])
    assert intervals.quantile_p_value(sample, 0.5, 1.0) == 1.0
    assert intervals.quantile_p_value(sample, 0.5, 0.5) < 1e-6
    assert intervals.quantile_interval(sample, 0.5, 0.05) == intervals.Interval(1.0, 1.0)
    assert intervals.quantile_interval(sample[:3], 0.5, 1e-3).half_width == math.inf


def test_p_values_stay_accurate_where_a_complement_would_round_to_zero():
    summary = moments.Summary(n=10**6, mean=0.02, variance=1.0, skewness=0.0, excess=0.0,
                              magnitude=1.0)  # fmt: skip
    # t = 20; against the normal tail times the ratio of the t and normal densities there.
    expected = 2.0 * stats.t.sf(20.0, 10**6 - 1)
    assert 1e-90 < intervals.studentised_p_value(summary, 0.0) < 1e-85
    assert intervals.studentised_p_value(summary, 0.0) == pytest.approx(expected, rel=1e-9)
    # Smirnov's one-sided tail, doubled, is exact where both sides cannot be reached together.
    assert laws_ks.ks_p_value(0.05, 20_000) == pytest.approx(
        2.0 * special.smirnov(20_000, 0.05), rel=1e-9
    )


def test_rounding_is_not_evidence():
    sample = 0.1 + 1e-17 * np.arange(100.0)
    summary = moments.mean_summary(moments.summarise_moments([sample], 4))
    assert summary.variance == 0.0
    assert intervals.studentised_p_value(summary, 0.1 + 1e-15) == 1.0
    assert intervals.studentised_p_value(summary, 0.1001) == 0.0
    assert "constant" in intervals.studentised_caveat(summary, 1e-5)
    interval = intervals.studentised_interval(summary, 1e-5)
    assert 0.0 < interval.half_width < 1e-12


@pytest.mark.parametrize(
    ("sample", "trusted"),
    [
        (np.random.default_rng(25).standard_normal(2000), True),
        (np.random.default_rng(25).standard_exponential(2000), True),
        (np.random.default_rng(25).standard_normal(9), False),
        (np.random.default_rng(25).standard_cauchy(200_000), False),
        (np.random.default_rng(25).pareto(1.5, 200_000), False),
        ((np.arange(2000) < 3).astype(float), False),
    ],
)
def test_tails_too_heavy_for_a_mean_are_noticed(sample, trusted):
    summary = moments.mean_summary(moments.summarise_moments([sample], 4))
    assert (intervals.studentised_caveat(summary, 1e-5) == "") is trusted


def test_ratio_interval_is_infinite_where_the_denominator_may_vanish():
    rng = np.random.default_rng(26)
    estimator = ratio_of_means("x", "y")
    stats_ = estimator.summarise({"x": rng.normal(size=100), "y": rng.normal(size=100)})
    assert estimator.interval(stats_, 1e-4).half_width == math.inf


def test_ks_distance_on_both_sides_and_with_atoms():
    cdf = stats.uniform.cdf
    assert laws_ks.ks_distance(np.asarray([0.5]), cdf) == 0.5
    assert laws_ks.ks_distance(np.asarray([0.9]), cdf) == pytest.approx(0.9)
    assert laws_ks.ks_distance(np.asarray([0.1]), cdf) == pytest.approx(0.9)

    def coin(x):
        return 0.5 * (x >= 0.0) + 0.5 * (x >= 1.0)

    fair = np.sort(np.asarray([0.0, 1.0] * 50))
    assert laws_ks.ks_distance(fair, coin) == 0.0
    assert laws_ks.ks_distance(fair[:60], coin) == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("cdf", [lambda x: 2.0 * x, lambda x: 1.0 - x, lambda _: 0.5])
def test_what_is_no_distribution_function_is_refused(cdf):
    with pytest.raises(ValueError, match="claimed cdf"):
        laws_ks.ks_distance(np.linspace(0.1, 0.9, 5), cdf)


def test_holm_by_hand():
    # Sorted .005 <= .05/4, .012 <= .05/3, .03 > .05/2: the step-down stops there.
    np.testing.assert_array_equal(
        holm([0.03, 0.005, 0.012, 0.04], 0.05), [False, True, True, False]
    )
    assert not holm([0.03, 0.04], 0.05).any()
    assert holm([], 0.05).shape == (0,)
    for bad in ([1.2], [-0.1], [math.nan]):
        with pytest.raises(ValueError, match="p_values"):
            holm(bad, 0.05)
    with pytest.raises(ValueError, match="alpha"):
        holm([0.1], 1.0)


def test_holm_keeps_the_family_wise_level():
    rng, families, false_alarms = np.random.default_rng(27), 4_000, 0
    for _ in range(families):
        p = rng.random(20)
        p[:5] *= 1e-4
        false_alarms += bool(holm(p, 0.05)[5:].any())
    # 5 standard errors of a proportion of 5 % above it.
    assert false_alarms / families <= 0.05 + 5.0 * math.sqrt(0.05 * 0.95 / families)
