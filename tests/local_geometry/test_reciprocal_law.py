"""The law of a mean of reciprocals, its enclosure, and its finite-size error."""

import flint
import numpy as np
import pytest
from scipy import stats

from proofs_check.local_geometry.reciprocal_law import stable_probability
from simulations.local_geometry.reciprocal_law import GROUP, _median_of_group
from theory.laws import StableLemma35
from theory.local_geometry.dominance_rates import KAPPA, SHIFT
from theory.local_geometry.reciprocal_law import lemma_35, mean_reciprocal_cdf


def test_the_law_at_large_d():
    rng = np.random.default_rng(0)
    means = np.concatenate([np.mean(1 / abs(2 * rng.standard_normal((250, 4000))), axis=1)
                            for _ in range(8)])  # fmt: skip
    # Type I error 1e-6 on a fixed seed; the limit law is 0.001 off at this d.
    assert stats.kstest(means, mean_reciprocal_cdf(4000, 2.0)).pvalue > 1e-6


def test_the_stated_finite_size_error():
    """Kolmogorov's distance at d = 16 is 0.066; 40,000 draws know it to 0.007 (six sigma)."""
    rng = np.random.default_rng(1)
    means = np.sort(np.mean(1 / abs(rng.standard_normal((40_000, 16))), axis=1))
    at = mean_reciprocal_cdf(16)(means)
    distance = np.max(abs(at - (np.arange(40_000) + 0.5) / 40_000))
    assert distance == pytest.approx(0.066, abs=0.01)


def test_scale():
    x = np.array([2.0, 5.0, 11.0])
    np.testing.assert_allclose(mean_reciprocal_cdf(50, 4.0)(x / 4), mean_reciprocal_cdf(50)(x))


@pytest.mark.parametrize("z", [-1.5, 0.0, 2.0, 30.0])
def test_the_enclosure_is_tight(z):
    ball = stable_probability(flint.arb(z))
    assert float(ball.rad()) < 1e-10
    assert float(ball.mid()) == pytest.approx(float(StableLemma35().cdf(z)), abs=1e-9)


def test_expected_median_of_a_group():
    """Against draws from the stable law: standard error 0.37/sqrt(4000)."""
    d = 64
    claimed = _median_of_group(lemma_35.itself(), {"d": d})
    z = StableLemma35().sample(np.random.default_rng(2), (4000, GROUP))
    values = KAPPA * (np.log(KAPPA * d) + SHIFT + np.median(z, axis=1))
    assert claimed == pytest.approx(values.mean(), abs=6 * values.std() / np.sqrt(4000))


@pytest.mark.parametrize(("arguments", "message"), [((1,), "d is 1"), ((8, 0.0), "s is 0")])
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        mean_reciprocal_cdf(*arguments)
