"""Bounds of Theorem 1: what the thresholds must imply, exact values, scaling, and bad input."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.optimizers.trust_region.bounds import (
    iteration_bound,
    minimal_radius,
    model_decrease_bound,
    permitted_errors,
    safeguarded_thresholds,
    success_bound,
    success_thresholds,
)

# A dozen operations of relative error 2^-53 each, powers of mu up to the fifth included.
ROUNDING = 1e-13
LIMITS = {"mu": 1.5, "eta": 0.25, "eps_g": 0.1, "eps_H": 0.2, "nu": 0.5}
CONSTANTS = LIMITS | {"L_g": 2.0, "L_H": 3.0, "delta_g": 0.0, "delta_H": 0.0}
RUN = {"gap": 5.0, "delta0": 0.7, "gamma_inc": 1.5, "gamma_dec": 2.0}


def positive(low, high):
    return st.floats(math.log(low), math.log(high)).map(math.exp)


@st.composite
def constants(draw, safeguarded=False):
    own = {"mu": 1.0 + draw(positive(1e-3, 9.0)), "eta": draw(st.floats(0.01, 0.99)),
           "eps_g": draw(positive(1e-3, 1e2)), "eps_H": draw(positive(1e-3, 1e2)),
           "nu": draw(st.floats(0.05, 1.0))}  # fmt: skip
    largest = permitted_errors(**own, safeguarded=safeguarded)
    shares = [draw(st.sampled_from([0.0, 0.3, 1.0])) for _ in largest]
    return own | {
        "L_g": draw(positive(1e-3, 1e3)), "L_H": draw(st.one_of(st.just(0.0), positive(1e-3, 1e3))),
        "delta_g": shares[0] * largest[0], "delta_H": shares[1] * largest[1],
    }  # fmt: skip


def error_bound(c, length, with_gradient):
    first = c["delta_g"] * length if with_gradient else 0.0
    return first + c["delta_H"] * length**2 / 2 + c["L_H"] * length**3 / 6


# ---- what the thresholds imply


@settings(max_examples=150, deadline=None)
@given(constants(), st.floats(0.05, 1.0), positive(1e-3, 1.0))
def test_model_errors_below_the_thresholds_are_small_enough(c, cA, share):
    Dg, DH = success_thresholds(**c, cA=cA)
    mu, k = c["mu"], c["L_g"] + c["delta_H"]
    radius = share * Dg
    predicted = c["eps_g"] / 2 * min(cA * c["eps_g"] / k, radius / mu)
    room = (1 - c["eta"]) * predicted
    assert error_bound(c, mu * radius, True) <= room * (1 + ROUNDING)
    assert predicted == pytest.approx(c["eps_g"] * radius / (2 * mu), rel=ROUNDING)
    radius = share * min(DH, 1e6)
    room = (1 - c["eta"]) * c["nu"] * c["eps_H"] * radius**2 / (2 * mu**2)
    assert error_bound(c, mu * radius, False) <= room * (1 + ROUNDING)


@settings(max_examples=150, deadline=None)
@given(constants(safeguarded=True), positive(1e-3, 1.0))
def test_model_errors_of_safeguarded_steps_are_small_enough(c, share):
    Dg, DH = safeguarded_thresholds(**c)
    length = share * c["mu"] * Dg
    room = (1 - c["eta"]) * c["eps_g"] * length / 2
    assert error_bound(c, length, True) <= room * (1 + ROUNDING)
    length = share * c["mu"] * min(DH, 1e6)
    room = (1 - c["eta"]) * c["nu"] * c["eps_H"] * length**2 / 2
    assert error_bound(c, length, False) <= room * (1 + ROUNDING)


@settings(max_examples=100, deadline=None)
@given(constants())
def test_the_safeguard_never_makes_a_bound_worse(c):
    plain, safe = success_thresholds(**c), safeguarded_thresholds(**c)
    assert all(wide >= narrow * (1 - ROUNDING) for wide, narrow in zip(safe, plain, strict=True))
    bound = iteration_bound(**c, **RUN)
    assert iteration_bound(**c, **RUN, safeguarded=True) <= bound * (1 + ROUNDING)
    spherical = c | {"mu": 1.0}
    assert success_thresholds(**spherical) == pytest.approx(
        safeguarded_thresholds(**spherical), rel=ROUNDING
    )


@settings(max_examples=80, deadline=None)
@given(constants(), st.integers(0, 2**32), positive(1e-2, 1e2), st.floats(1.05, 4.0),
       st.floats(1.05, 4.0))  # fmt: skip
def test_no_play_of_successes_and_failures_outlasts_the_bound(c, seed, scale, up, down):
    """An adversary that must obey the thresholds alone, and pays the least decrease."""
    rng = np.random.default_rng(seed)
    Dg, DH = success_thresholds(**c)
    delta0 = scale * min(Dg, DH)
    least = minimal_radius(Dg, DH, delta0=delta0, gamma_dec=down)
    own = {name: c[name] for name in ("mu", "eps_g", "eps_H", "nu")}
    unit = c["eta"] * model_decrease_bound(least, **own)
    gap = 12.0 * unit
    bound = iteration_bound(**c, gap=gap, delta0=delta0, gamma_inc=up, gamma_dec=down)
    assert bound == pytest.approx(
        12.0 * (1 + math.log(up) / math.log(down)) + math.log(delta0 / least) / math.log(down),
        rel=1e-9, abs=1e-9,
    )  # fmt: skip
    radius, rest, count = delta0, gap, 0
    while True:
        gradient = bool(rng.integers(2))
        if radius > (Dg if gradient else DH):
            radius /= down
        else:
            paid = (min(c["eps_g"] ** 2 / (c["L_g"] + c["delta_H"]), c["eps_g"] * radius / c["mu"])
                    if gradient else c["nu"] * c["eps_H"] * radius**2 / c["mu"] ** 2)  # fmt: skip
            rest -= c["eta"] * paid / 2
            if rest < -1e-9 * gap:
                break
            radius *= up ** rng.integers(2)
        count += 1
        assert radius >= least * (1 - 1e-12)
    assert count <= bound * (1 + 1e-9)


# ---- exact values


def test_thresholds_in_exact_arithmetic():
    c = {"mu": Fraction(2), "eta": Fraction(1, 5), "eps_g": Fraction(1), "eps_H": Fraction(1000),
         "nu": Fraction(1), "L_g": Fraction(79, 40), "L_H": Fraction(3, 80),
         "delta_g": Fraction(1, 20), "delta_H": Fraction(1, 40)}  # fmt: skip
    assert success_thresholds(**c, cA=Fraction(1)) == (1, 1000)
    # The root is reached with 3 (1 - eta)/(4 L_H mu^2) = 4.
    assert safeguarded_thresholds(**c) == (Fraction(1), 16000)
    assert safeguarded_thresholds(**c | {"L_g": Fraction(1, 40)})[0] == 2


def test_permitted_errors_by_hand():
    assert permitted_errors(**LIMITS) == pytest.approx((0.075 / 9, 0.0375 / 1.5**4), rel=ROUNDING)
    assert permitted_errors(**LIMITS, safeguarded=True) == pytest.approx(
        (0.01875, 0.0375), rel=ROUNDING
    )


def test_nothing_limits_the_radius_on_a_quadratic_with_exact_derivatives():
    c = CONSTANTS | {"L_H": 0.0}
    assert success_thresholds(**c) == (pytest.approx(1.5 * 0.1 / 2.0), math.inf)
    assert success_thresholds(**c | {"L_g": 0.0}) == (math.inf, math.inf)
    assert minimal_radius(math.inf, math.inf, delta0=3.0, gamma_dec=2.0) == 3.0


@pytest.mark.parametrize(("changed", "value"), [
    ({"Dg": 0.4}, 0.2), ({"DH": 0.6}, 0.3), ({"delta0": 0.1}, 0.1), ({"max_radius": 0.25}, 0.25),
])  # fmt: skip
def test_minimal_radius_is_the_least_of_four(changed, value):
    given = {"Dg": 4.0, "DH": 4.0, "delta0": 1.0, "gamma_dec": 2.0, "max_radius": 2.0} | changed
    assert minimal_radius(**given) == value


@pytest.mark.parametrize(("safeguarded", "power"), [(False, 12), (True, 4)])
def test_hidden_power_of_mu(safeguarded, power):
    small = CONSTANTS | {"eps_g": 1e3, "L_H": 1e3}
    run = {"gap": 1.0, "eta": 0.25, "eps_g": 1e3, "eps_H": 0.2, "nu": 0.5}
    thresholds = safeguarded_thresholds if safeguarded else success_thresholds
    counts = [
        success_bound(minimal_radius(*thresholds(**small | {"mu": mu}), delta0=1.0, gamma_dec=2.0),
                      **run, mu=mu)
        for mu in (1.0, 2.0)
    ]  # fmt: skip
    assert counts[1] / counts[0] == pytest.approx(2.0**power, rel=ROUNDING)


def test_symbols_pass_through():
    names = ("mu", "eta", "eps_g", "eps_H", "nu", "L_g", "L_H", "delta_g", "delta_H")
    symbols = {name: sympy.Symbol(name, positive=True) for name in names}
    run = {name: sympy.Symbol(name, positive=True) for name in RUN}
    bound = iteration_bound(**symbols, **run)
    values = {symbols[name]: CONSTANTS[name] for name in names}
    values[symbols["delta_H"]] = values[symbols["delta_g"]] = 1e-3
    values |= {run[name]: value for name, value in RUN.items()}
    numbers = CONSTANTS | {"delta_g": 1e-3, "delta_H": 1e-3}
    assert float(bound.subs(values)) == pytest.approx(iteration_bound(**numbers, **RUN), rel=1e-12)


# ---- bad input


@pytest.mark.parametrize(("name", "value", "allowed"), [
    ("mu", 0.9, ">= 1"), ("mu", math.nan, ">= 1"), ("mu", math.inf, ">= 1"),
    ("eta", 1.0, "in (0, 1)"), ("eps_g", 0.0, "> 0"), ("eps_H", -1.0, "> 0"),
    ("nu", 1.5, "in (0, 1]"), ("L_g", -1.0, ">= 0"), ("L_H", math.nan, ">= 0"),
    ("cA", 0.0, "in (0, 1]"), ("gap", -1.0, ">= 0"), ("delta0", 0.0, "> 0"),
    ("gamma_inc", 1.0, "> 1"), ("gamma_dec", 0.5, "> 1"), ("max_radius", 0.0, "> 0"),
])  # fmt: skip
def test_numbers_out_of_range_are_named(name, value, allowed):
    with pytest.raises(ValueError) as raised:
        iteration_bound(**CONSTANTS | RUN | {name: value})
    assert str(raised.value) == f"{name} is {value}; it must be {allowed}"


@pytest.mark.parametrize("name", ["delta_g", "delta_H"])
@pytest.mark.parametrize("value", [-1e-9, 0.03, math.nan])
def test_errors_that_the_bound_does_not_permit_are_refused(name, value):
    with pytest.raises(ValueError, match=rf"^{name} is .*; it must be in \[0, .*\], the largest"):
        success_thresholds(**CONSTANTS | {name: value})
    if value == 0.03 and name == "delta_H":
        assert safeguarded_thresholds(**CONSTANTS | {name: value})[1] > 0


def test_exact_numbers_where_one_constant_sets_no_limit():
    c = {"mu": Fraction(1), "eta": Fraction(1, 4), "eps_g": Fraction(1, 10), "nu": Fraction(1, 2),
         "eps_H": Fraction(1, 5), "L_g": Fraction(1, 100), "delta_g": Fraction(0),
         "cA": Fraction(1)}  # fmt: skip
    # slack = (3/4)(1/10)/4 = 3/160: the quotient is 150/8 at delta_H = 1/1000, the root 3/4.
    no_lipschitz = success_thresholds(**c, L_H=Fraction(0), delta_H=Fraction(1, 1000))
    assert no_lipschitz == (Fraction(100, 11), math.inf)
    no_error = success_thresholds(**c, L_H=Fraction(1, 10), delta_H=Fraction(0))
    assert no_error == (Fraction(3, 4), Fraction(9, 8))
    assert minimal_radius(Fraction(1), math.inf, delta0=Fraction(5), gamma_dec=Fraction(2)) == 0.5
