import importlib

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from proofs_check.adaptive_norms.wigner import share_enclosure
from proofs_check.engine import run_search
from simulations.engine.measurement import blocks, points, run_block
from theory.adaptive_norms import diagonal_share, wigner, wigner_spectrum
from theory.adaptive_norms.wigner import (
    LAWS,
    MagnitudeLaw,
    constant_magnitude_share,
    laplace_share_cdf,
    mean_share_of_placements,
    positive_stable,
    stable_wigner_share,
    wigner_expected_share,
    wigner_share_excess,
)
from theory.core import Registry


def registered():
    for room in ("proofs_check", "simulations"):
        for topic in ("diagonal_share", "wigner", "wigner_spectrum"):
            importlib.import_module(f"{room}.adaptive_norms.{topic}")
    registry = Registry()
    registry.add_modules([wigner, wigner_spectrum, diagonal_share])
    registry.attach_checks()
    return [check for entry in registry.select() for check in entry.checks]


CHECKS = registered()
REFERENCE = {2: 0.535008231375, 3: 0.348112450832, 5: 0.203770054543, 10: 0.100518844037,
             20: 0.0500679657990}  # fmt: skip


@pytest.mark.parametrize(("d", "value"), REFERENCE.items())
def test_gaussian_reference_values(d, value):
    # The references are rounded to 12 decimals.
    assert wigner_expected_share(d) == pytest.approx(value, abs=6e-13)


def test_against_an_integral_over_the_entries():
    """d = 2 without Laplace transforms: the mean over the sphere, by adaptive cubature."""

    def integrand(theta, z):
        on = np.sqrt(1 - z * z) * (np.cos(theta) + np.sin(theta))
        return on / (on + 2 * z)

    value, error = integrate.dblquad(integrand, 0, 1, 0, np.pi / 2, epsabs=1e-10)
    assert wigner_expected_share(2) == pytest.approx(value / (np.pi / 2), abs=10 * error)


def test_laplace_through_the_beta_law():
    for d in (2, 3, 7):
        b = stats.beta(d, d * (d - 1) / 2)
        mean = integrate.quad(lambda x, b=b: x / (2 - x) * b.pdf(x), 0, 1, epsabs=1e-12)[0]
        assert wigner_expected_share(d, "laplace") == pytest.approx(mean, abs=1e-10)
    assert wigner_expected_share(2, "laplace") == pytest.approx(8 * np.log(2) - 5, rel=1e-13)


@pytest.mark.parametrize("d", [1, 2, 5, 50, 1000])
def test_rademacher_is_one_over_d(d):
    # Relative error d^2 units of rounding, from the power of phi.
    assert wigner_expected_share(d, "rademacher") == pytest.approx(1 / d, rel=1e-15 * (d * d + 10))


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("d", [2, 5, 50])
def test_stable_integral_is_the_closed_form(d, alpha):
    value = wigner_expected_share(d, positive_stable(alpha))
    assert value == pytest.approx(stable_wigner_share(d, alpha), rel=1e-11)


def test_stable_tends_to_one_over_d_and_keeps_its_factor():
    assert stable_wigner_share(9, 1.0) == pytest.approx(1 / 9)
    assert 1e9 * stable_wigner_share(1e9, 0.25) == pytest.approx(2**0.75, rel=1e-8)


@pytest.mark.parametrize("law", list(LAWS))
def test_laws_are_consistent(law):
    """Slope against a central difference, and the moments that the asymptotics use."""
    profile = LAWS[law]
    l, h = np.array([0.05, 0.4, 1.0, 3.0, 9.0]), 1e-5
    phi = [np.exp(profile.log_transform(l + step)) for step in (-h, h)]
    # Truncation h^2/6 |phi'''| < 4e-11, rounding 1e-16/h = 1e-11.
    assert profile.slope(l) == pytest.approx((phi[0] - phi[1]) / (2 * h), abs=1e-10)
    mean = float(profile.slope(np.array(1e-7)))
    second = (float(profile.slope(np.array(1e-4))) - float(profile.slope(np.array(2e-4)))) / 1e-4
    assert second / mean**2 - 1 == pytest.approx(profile.relative_variance, abs=2e-3)


@pytest.mark.parametrize("law", ["gaussian", "laplace", "uniform"])
def test_excess_has_the_stated_leading_term(law):
    for d in (16, 64):
        ratio = (wigner_expected_share(d, law) - 1 / d) / wigner_share_excess(d, law)
        # The correction is of relative order d^-2; for these laws its factor is at most 3.
        assert ratio == pytest.approx(1.0, abs=3 / d**2)
    assert wigner_share_excess(4, "rademacher") == 0.0


def test_share_is_scale_free():
    gaussian = LAWS["gaussian"]
    scaled = MagnitudeLaw("scaled", lambda l: gaussian.log_transform(3.0 * l),
                          lambda l: 3.0 * gaussian.slope(3.0 * l), np.pi / 2 - 1)  # fmt: skip
    assert wigner_expected_share(4, scaled) == pytest.approx(wigner_expected_share(4), rel=1e-12)


def test_the_enclosure_is_tight_and_holds_the_float():
    before, flint.ctx.prec = flint.ctx.prec, 192
    try:
        ball = share_enclosure(2, lambda z: (1 / (1 + z), 1 / (1 + z) ** 2))
        exact = 8 * flint.arb(2).log() - 5
        assert ball.contains(exact)
        assert ball.rad() < 1e-13
        assert not ball.contains(exact * flint.arb(1.00001))
    finally:
        flint.ctx.prec = before


@pytest.mark.parametrize(("call", "message"), [
    (lambda: wigner_expected_share(0), "d is 0"),
    (lambda: wigner_expected_share(3, "cauchy"), "law is 'cauchy'"),
    (lambda: positive_stable(1.0), "alpha is 1.0"),
    (lambda: positive_stable(0.0), "alpha is 0.0"),
])  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("d", [2, 6])
def test_laplace_cdf_is_that_of_simulated_shares(d):
    rng = np.random.default_rng(3)
    on = rng.exponential(size=(4000, d)).sum(axis=1)
    off = rng.exponential(size=(4000, d * (d - 1) // 2)).sum(axis=1)
    # Type I error 1e-6 on a fixed seed.
    assert stats.kstest(on / (on + 2 * off), laplace_share_cdf(d)).pvalue > 1e-6


entries = st.integers(2, 3).flatmap(
    lambda d: st.tuples(st.just(d), st.lists(st.integers(0, 50), min_size=d * (d + 1) // 2,
                                             max_size=d * (d + 1) // 2))
)  # fmt: skip


@given(entries)
def test_placements_exceed_one_over_d_by_the_remainder(case):
    d, values = case
    whole = sum(values)
    if whole == 0:
        return
    values = [flint.fmpq(value) for value in values]
    mean = mean_share_of_placements(d, values)
    parts = [sum(values[i] for i in choice) / whole for choice in wigner.placements(d)]
    squares = [(u - flint.fmpq(2, d + 1)) ** 2 / (2 - u) for u in parts]
    remainder = flint.fmpq((d + 1) ** 2, 2 * d * d) * sum(squares) / len(squares)
    assert mean == flint.fmpq(1, d) + remainder
    assert mean >= flint.fmpq(1, d)


def test_placements_count():
    assert len(wigner.placements(3)) == 20
    assert mean_share_of_placements(2, [flint.fmpq(1)] * 3) == flint.fmpq(1, 2)


def test_constant_magnitudes_by_counting_and_by_entries():
    signs = [[1, -1, 1], [-1, -1, 1], [1, 1, 1]]
    assert constant_magnitude_share(3, flint.fmpq(7, 2), signs) == flint.fmpq(1, 3)
    assert constant_magnitude_share(3, flint.fmpq(7, 2)) == flint.fmpq(1, 3)


def test_hypotheses_of_the_placements():
    statement = wigner.above_one_over_d.itself()
    assert statement.hypotheses_hold(d=2, entries=[0, 1, 2])
    assert not statement.hypotheses_hold(d=2, entries=[0, 0, 0])
    assert not statement.hypotheses_hold(d=2, entries=[-1, 3, 3])
    assert not statement.hypotheses_hold(d=3, entries=[1, 1, 1])


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "monte-carlo"],
                         ids=lambda check: check.name)  # fmt: skip
def test_samplers_draw_the_same_in_strict_arrays(check):
    for point in points(check, check.claim.itself(), "quick")[::4]:
        size = min(blocks(check, point, "quick")[0], 50)
        plain, strict = (run_block(check, point, 0, size, seed=1, backend=backend)
                         for backend in ("numpy", "strict"))  # fmt: skip
        for name, value in plain.items():
            # Equal draws; sums of at most 10^4 terms in another order differ by 1e-12.
            assert strict[name] == pytest.approx(value, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "search"],
                         ids=lambda check: check.name)  # fmt: skip
def test_strategies_reach_the_extreme(check):
    evidence = run_search(check, check.claim.itself(), budget="quick", seed=5)
    assert evidence.verdict == "supported"
    assert evidence.data["exercised"] >= 100
    if check.claim.kind == "inequality":
        # Equality holds for equal entries, and for averages of matrices of equal share.
        assert evidence.data["tightness"] > 0.999
