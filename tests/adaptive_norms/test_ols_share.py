import importlib
import itertools
import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy
from scipy import stats

from proofs_check.engine import run_proof
from simulations.adaptive_norms.ols_share import bartlett, masses, trials_for
from simulations.engine.backend import select_backend
from simulations.engine.measurement import points
from simulations.engine.streams import Stream
from theory.adaptive_norms import ols_rates, ols_share, spectra
from theory.adaptive_norms.ols_share import (
    mean_absolute_inner_product,
    noncentred_share_limit,
    ols_share_limit,
)
from theory.adaptive_norms.ols_share import ols_share as share
from theory.core import Registry, Verdict


def registered():
    for room in ("proofs_check", "simulations"):
        for topic in ("ols_share", "ols_rates", "spectra"):
            importlib.import_module(f"{room}.adaptive_norms.{topic}")
    registry = Registry()
    registry.add_modules([ols_share, ols_rates, spectra])
    registry.attach_checks()
    return [check for entry in registry.select() for check in entry.checks]


CHECKS = registered()
PROOFS = [check for check in CHECKS if check.kind in ("proof", "certificate")]
MEASUREMENTS = [check for check in CHECKS if check.kind == "monte-carlo"]
BY_NAME = pytest.mark.parametrize("check", PROOFS, ids=lambda check: check.name)


@pytest.mark.parametrize("m", range(1, 31))
def test_even_lengths_are_rational(m):
    exact = float(Fraction(2 * m * math.comb(2 * m, m), 4**m))
    # A few units in the last place of the Gamma function.
    for law, n in (("gaussian", 2 * m), ("rademacher", 2 * m), ("rademacher", 2 * m - 1)):
        assert mean_absolute_inner_product(n, law) == pytest.approx(exact, rel=2e-15)


def test_odd_gaussian_lengths():
    found = [mean_absolute_inner_product(n) * math.pi for n in (1, 3, 5)]
    assert found == pytest.approx([2, 4, 16 / 3], rel=1e-15)


@pytest.mark.parametrize("n", range(1, 13))
def test_signs_by_enumeration(n):
    sums = [abs(sum(signs)) for signs in itertools.product((-1, 1), repeat=n)]
    assert mean_absolute_inner_product(n, "rademacher") == pytest.approx(np.mean(sums), rel=2e-15)


@pytest.mark.parametrize("n", [10**3, 10**6, 10**9, 10**12])
def test_large_lengths_keep_their_digits(n):
    with mpmath.workdps(60):
        half = mpmath.mpf(n) / 2
        exact = 2 * mpmath.exp(mpmath.loggamma(half + 0.5) - mpmath.loggamma(half))
        exact /= mpmath.sqrt(mpmath.pi)
        assert mean_absolute_inner_product(n) == pytest.approx(float(exact), rel=1e-15)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 1000])
def test_floats_agree_with_balls(n):
    ball = mean_absolute_inner_product(flint.arb(n))
    # Gamma near 30 is good to about 1e-15 in float64.
    assert mean_absolute_inner_product(n) == pytest.approx(float(ball), rel=3e-15)
    assert share(3, n) == pytest.approx(float(share(flint.arb(3), flint.arb(n))), rel=3e-15)
    assert ols_share_limit(3, n) == pytest.approx(
        float(ols_share_limit(flint.arb(3), flint.arb(n))), rel=1e-15
    )


def test_symbols_and_floats_agree():
    n = sympy.Integer(6)
    assert mean_absolute_inner_product(n) == sympy.Rational(15, 8)
    assert mean_absolute_inner_product(n, "rademacher") == sympy.Rational(15, 8)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 57, 10**4])
def test_gaussian_share_lies_above_the_limit_and_below_watson(n):
    ratio = mean_absolute_inner_product(n) / math.sqrt(2 * n / math.pi)
    assert math.sqrt(1 - 1 / (2 * n)) < ratio < 1
    assert share(7, n) > ols_share_limit(7, n)
    assert (share(7, n, "rademacher") > ols_share_limit(7, n)) == (n % 2 == 0)


def test_one_row_has_only_a_diagonal():
    assert share(1, 5) == ols_share_limit(1, 5) == noncentred_share_limit(1, 2.0, 1.0) == 1


def test_nonnegative_entries():
    assert noncentred_share_limit(20, 0.5, 12**-0.5) == pytest.approx(4 / 61, rel=1e-15)
    assert noncentred_share_limit(20, 0.0, 1.0) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((0, 5), "d is 0; it must be >= 1"), ((3, 0), "n is 0; it must be >= 1"),
     ((3, math.nan), "n is nan"),
     ((3, 5, "normal"), "law is 'normal'; it must be one of gaussian")],
)  # fmt: skip
def test_errors(arguments, text):
    with pytest.raises(ValueError, match=text):
        share(*arguments)


@BY_NAME
def test_proof_holds(check):
    evidence = run_proof(check, check.claim.itself())
    # A certificate covers the lengths that it encloses, a proof all of them.
    expected = Verdict.PROVED if check.kind == "proof" else Verdict.SUPPORTED
    assert evidence.verdict is expected, evidence.summary


# The enclosures leave room for one false value between them, and touch another.
NOT_ENCLOSED = ("1 - 1/(4n) for the Gamma ratio", "large-n formula")


@BY_NAME
def test_proof_proves_no_mutant(check):
    for statement in check.claim.variants():
        evidence = run_proof(check, statement)
        if check.kind == "certificate" and statement.variant_name in NOT_ENCLOSED:
            continue
        expected = Verdict.INCONCLUSIVE if statement.given else Verdict.REFUTED
        assert evidence.verdict is expected, (statement.label, evidence.summary)


@pytest.mark.parametrize("check", MEASUREMENTS, ids=lambda check: check.name)
def test_sampler_on_a_strict_namespace(check):
    for statement in (check.claim.itself(), *check.claim.variants()):
        for point in points(check, statement, "quick"):
            plain, strict = (
                check.function(stream(9, name), 2, **point) for name in ("numpy", "strict")
            )
            for name, value in plain.items():
                # The same operations, up to rounding and the order of sums.
                np.testing.assert_allclose(np.from_dlpack(strict[name]), value, rtol=1e-10)


def stream(key, backend="numpy"):
    return Stream(select_backend(backend), key=key, block=0)


def test_masses_against_loops():
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    found = masses(stream(0).xp, x)
    for trial in range(3):
        rows = [[abs(float(a @ b)) for b in x[trial]] for a in x[trial]]
        assert found["total"][trial] * 20 == pytest.approx(sum(map(sum, rows)), rel=1e-13)
        assert found["diagonal"][trial] * 20 == pytest.approx(np.trace(rows), rel=1e-13)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_bartlett_has_the_law_of_the_whole_matrix(mean):
    d, n, trials = 4, 9, 4000
    x = mean + np.asarray(stream(3).normal((trials, d, n)))
    whole = masses(stream(0).xp, x)
    factor = bartlett(stream(4), trials, d=d, n=n, law="gaussian", mean=mean)
    for name in ("diagonal", "total"):
        test = stats.ks_2samp(whole[name], factor[name])
        assert test.pvalue > 1e-6
    shares = [mass["diagonal"] / mass["total"] for mass in (whole, factor)]
    assert stats.ks_2samp(*shares).pvalue > 1e-6


def test_trials_give_the_standard_error_they_promise():
    d, n, error = 5, 6, 0.02
    trials = trials_for(d, n, error)
    estimates = []
    for repetition in range(60):
        mass = masses(stream(0).xp, stream(100 + repetition).normal((trials, d, n)))
        ratio = mass["diagonal"].mean() / mass["total"].mean()
        estimates.append(n * (1 / ratio - 1) / (d - 1))
    spread = np.std(estimates) / mean_absolute_inner_product(n)
    # A standard deviation of 60 values has a relative error of 9 %; 500 trials are the least.
    assert trials == 500 or spread == pytest.approx(error, rel=0.45)
