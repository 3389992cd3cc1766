"""Scaling fits: coverage on planted power laws, rejection of wrong exponents, honest doubts."""

import math

import numpy as np
import pytest

from simulations.engine import scaling
from simulations.engine.scaling import (
    Comparison,
    column,
    fit_limit,
    fit_power_law,
    require_independent,
    run_scaling,
    scaling_p_value,
)
from theory.core import Check, Claim, ClaimError, Source, Verdict

X = np.asarray([4.0, 8.0, 16.0, 32.0, 64.0])
CASES = 4_000


def claim(exponent=-0.5):
    return Claim(id="planted/rate", title="A planted rate", kind="rate", statement="x^{-1/2}",
                 source=Source("planted", "rate"), scope={"x": "> 0"}, formula=lambda: exponent,
                 mutants={"a quarter too high": lambda: exponent + 0.25,
                          "a quarter too low": lambda: exponent - 0.25})  # fmt: skip


def check(function, of="measured"):
    return Check("scaling", claim(), function, {"of": of})


def exponent_check(resolution=0.1, finite_size=None):
    def exponent(statement, rows):
        x, y, se = (column(rows, key) for key in ("x", "estimate", "standard_error"))
        fit = fit_power_law(x, y, se, finite_size=finite_size)
        return Comparison(fit, "exponent", statement.formula(), resolution)

    return check(exponent)


def rows(y, relative_error, seed=51):
    noise = np.random.default_rng(seed).standard_normal(len(X))
    errors = relative_error * y
    return [
        {"x": x, "estimate": value + error * z, "standard_error": error}
        for x, value, error, z in zip(X, y, errors, noise, strict=True)
    ]


@pytest.mark.parametrize("finite_size", [None, 1.0])
def test_coverage_on_planted_power_laws(finite_size):
    rng = np.random.default_rng(52)
    correction = np.ones_like(X) if finite_size is None else np.exp(0.8 / X)
    truth = 2.0 * X**-0.5 * correction
    relative = np.asarray([0.01, 0.02, 0.01, 0.03, 0.02])
    covered = {"exponent": 0, "log_constant": 0}
    for _ in range(CASES):
        y = truth * (1.0 + relative * rng.standard_normal(len(X)))
        fit = fit_power_law(X, y, relative * y, finite_size=finite_size)
        for name, value in (("exponent", -0.5), ("log_constant", math.log(2.0))):
            interval = fit.interval(name, 0.05)
            covered[name] += interval.low <= value <= interval.high
    for count in covered.values():
        assert 0.935 <= count / CASES <= 0.965


def test_coverage_of_a_planted_limit():
    rng, covered = np.random.default_rng(53), 0
    truth, se = 1.5 - 2.0 / X, 0.01 * np.ones_like(X)
    for _ in range(CASES):
        interval = fit_limit(X, truth + se * rng.standard_normal(len(X)), se).interval(
            "limit", 0.05
        )
        covered += interval.low <= 1.5 <= interval.high
    assert 0.935 <= covered / CASES <= 0.965


def test_exact_power_law_is_recovered():
    fit = fit_power_law(X, 3.0 * X**1.25, 0.01 * X)
    # Five points with logarithms of order 1: rounding of some ulps.
    assert fit.estimate("exponent")[0] == pytest.approx(1.25, abs=1e-12)
    assert fit.estimate("log_constant")[0] == pytest.approx(math.log(3.0), abs=1e-12)
    assert fit.degrees == 3
    assert fit.lack_of_fit == pytest.approx(1.0)


def test_error_of_two_points_is_the_textbook_one():
    fit = fit_power_law([1.0, math.e], [1.0, 1.0], [0.03, 0.04])
    assert fit.estimate("exponent") == pytest.approx((0.0, 0.05), abs=1e-14)
    assert fit.lack_of_fit == 1.0


def test_verdicts_on_planted_truth_and_on_an_exponent_wrong_by_a_quarter():
    precise = rows(2.0 * X**-0.5, 0.01)
    subject = exponent_check()
    truth, *wrong = (claim().itself(), *claim().variants())
    assert run_scaling(subject, truth, precise, alpha=1e-5).verdict is Verdict.SUPPORTED
    assert scaling_p_value(subject, truth, precise) > 1e-3
    for mutant in wrong:
        evidence = run_scaling(subject, mutant, precise, alpha=1e-5)
        assert evidence.verdict is Verdict.REFUTED
        low, high = evidence.data["low"], evidence.data["high"]
        assert not low <= evidence.data["claimed"] <= high


def test_imprecise_rows_neither_support_nor_refute():
    vague = rows(2.0 * X**-0.5, 0.15)
    for statement in (claim().itself(), claim().variant("a quarter too low")):
        evidence = run_scaling(exponent_check(), statement, vague, alpha=1e-5)
        assert evidence.verdict is Verdict.INCONCLUSIVE


def test_a_grid_outside_the_asymptotic_range_is_inconclusive_until_the_term_is_given():
    bent = rows(2.0 * X**-0.5 * np.exp(0.8 / X), 0.001)
    without = run_scaling(exponent_check(), claim().itself(), bent, alpha=1e-5)
    assert without.verdict is Verdict.INCONCLUSIVE
    assert "does not fit" in without.summary
    with_term = run_scaling(exponent_check(finite_size=1.0), claim().itself(), bent, alpha=1e-5)
    assert with_term.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("x", "y", "se", "message"),
    [
        (X, X[:3], X, "shapes"),
        (X, -X, 0.01 * X, "y is .* it must be positive"),
        (X, X, 0.3 * X, "se / y .* take more trials"),
        (X, X, 0.0 * X, "positive standard errors"),
        (X, X * math.nan, X, "finite"),
        ([2.0, 2.0], [1.0, 1.1], [0.01, 0.01], "distinct x"),
    ],
)
def test_bad_data_are_named(x, y, se, message):
    with pytest.raises(ClaimError, match=message):
        fit_power_law(x, y, se)


def test_bad_comparisons_and_decorators_are_named():
    fit = fit_power_law(X, X, 0.01 * X)
    for arguments, message in (
        (("slope", 1.0, 0.1), "coefficient is slope; it must be one of exponent, log_constant"),
        (("exponent", math.inf, 0.1), "claimed value is inf"),
        (("exponent", 1.0, 0.0), "resolution is 0.0; it must be positive"),
    ):
        with pytest.raises(ClaimError, match=message):
            Comparison(fit, *arguments)
    with pytest.raises(ClaimError, match="of is 3; it must be the name of a measurement"):
        scaling(claim(), of=3)
    with pytest.raises(ClaimError, match="its first argument is 'x'"):
        scaling("x", of="measured")
    with pytest.raises(ClaimError, match=r"planted/rate: nothing: it returned None"):
        run_scaling(check(nothing), claim().itself(), [], alpha=0.05)
    with pytest.raises(ClaimError, match=r"rows\['estimate'\] is \[None\]"):
        column([{"estimate": None}], "estimate")


def nothing(statement, rows):
    return None


@pytest.mark.parametrize("size", [0.0, 0.05, 0.25, 1.5])
def test_a_stated_term_keeps_its_coverage_however_weak_it_is(size):
    rng, covered = np.random.default_rng(54), 0
    truth = 2.0 * X**-0.5 * np.exp(size / X)
    for _ in range(CASES // 2):
        y = truth * (1.0 + 0.01 * rng.standard_normal(len(X)))
        interval = fit_power_law(X, y, 0.01 * y, finite_size=1.0).interval("exponent", 0.05)
        covered += interval.low <= -0.5 <= interval.high
    # Four standard errors of a proportion of 0.95 among 2000 cases.
    assert abs(covered / (CASES // 2) - 0.95) < 0.0195


def test_rows_that_choose_the_term_lose_coverage():
    # What the module's text says of such a rule, at the worst size of the term.
    rng, covered = np.random.default_rng(55), 0
    x = np.asarray([4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0])
    truth = 2.0 * x**-0.5 * np.exp(0.25 / x)
    for _ in range(1_000):
        y = truth * (1.0 + 0.01 * rng.standard_normal(len(x)))
        fit = fit_power_law(x, y, 0.01 * y)
        if fit.lack_of_fit <= 0.05:
            fit = fit_power_law(x, y, 0.01 * y, finite_size=1.0)
        interval = fit.interval("exponent", 0.05)
        covered += interval.low <= -0.5 <= interval.high
    assert covered < 350


def test_residuals_are_those_of_what_was_fitted():
    y = 2.0 * X**-0.5 * np.asarray([1.01, 0.99, 1.0, 1.02, 0.98])
    fit = fit_power_law(X, y, 0.02 * y, finite_size=1.0)
    residuals = np.asarray([row["residual"] for row in fit.rows])
    fitted = np.asarray([row["fitted"] for row in fit.rows])
    np.testing.assert_allclose(residuals, np.log(y / fitted) / 0.02, rtol=1e-9, atol=1e-12)
    assert float(residuals @ residuals) == pytest.approx(fit.chi_square, rel=1e-9)
    assert fit.orders == (1.0,)


def test_rows_with_common_random_numbers_are_refused():
    measured = Check("monte-carlo", claim(), column, {"common": None})
    require_independent(exponent_check(), measured)
    shared = Check("monte-carlo", claim(), column, {"common": lambda point: {}})
    with pytest.raises(ClaimError, match=r"planted/rate: exponent: of is 'column'; it must be"):
        require_independent(exponent_check(), shared)
