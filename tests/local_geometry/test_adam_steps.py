import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.engine import run_proof, run_search
from theory import optimizers
from theory.core import Registry
from theory.local_geometry import adam_steps
from theory.local_geometry.adam_steps import (
    corrected_moments,
    critical_betas,
    floor_coefficient,
    geometric,
    largest_ratio_squared,
    loss_floor,
    uniform_ratio,
)


def checks(claim_id):
    for room in ("proofs_check", "simulations"):
        importlib.import_module(f"{room}.local_geometry.adam_steps")
    registry = Registry()
    registry.add_modules([adam_steps])
    registry.attach_checks()
    return registry[claim_id]


def test_moments_are_adams():
    g = np.asarray([0.3, -2.0, 1.1, 0.7])
    method = optimizers.adam(1.0, 0.9, 0.95, 0.0)
    params, state = np.zeros(1), method.init(np.zeros(1))
    for value in g:
        before = params
        params, state = method.update(np.asarray([value]), state, params)
    m, v, count = corrected_moments(g, 0.9, 0.95)
    assert count == 4
    assert (before - params)[0] == pytest.approx(m / np.sqrt(v), rel=1e-13)


@pytest.mark.parametrize(("t", "value"), [(10, 1.05), (100, 2.31), (1000, 7.26)])
def test_the_critical_pair_grows(t, value):
    b, n = 0.9, t + 1
    largest = np.sqrt(largest_ratio_squared(n, b, b * b))
    assert largest == pytest.approx(value, abs=5e-3)
    closed = np.sqrt(n * (1 - b) / (1 + b) * (1 - b ** (2 * n))) / (1 - b**n)
    assert largest == pytest.approx(closed, rel=1e-12)


@given(st.integers(1, 30), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_the_bound_is_attained(count, beta1, beta2):
    g = (beta1 / beta2) ** (count - 1 - np.arange(count))
    lhs, rhs = critical_betas(g, beta1, beta2)
    assert lhs == pytest.approx(rhs, rel=1e-9)
    if beta2 > beta1**2:
        assert lhs <= uniform_ratio(g, beta1, beta2)[1] * (1 + 1e-9)


def test_the_uniform_bound_is_the_limit():
    exact = largest_ratio_squared(20_000, 0.9, 0.999)
    lhs, rhs = uniform_ratio([1.0], 0.9, 0.999)
    assert np.sqrt(exact) == pytest.approx(7.27, abs=5e-3)
    assert rhs / lhs == pytest.approx(exact, rel=1e-8)


def test_geometric_sums():
    assert geometric(0.5, 4) == 1.875
    assert geometric(0.0, 3) == 1.0


@pytest.mark.parametrize("name", ["adam-critical-betas", "adam-critical-betas.uniform"])
def test_proofs_and_the_strategies_reach_the_extreme(name):
    entry = checks(f"local-geometry/{name}")
    statement = entry.claim.itself()
    assert run_proof(entry.of_kind("proof")[0], statement).verdict == "proved"
    evidence = run_search(entry.of_kind("search")[0], statement, budget="quick", seed=3)
    assert evidence.verdict == "supported"
    assert evidence.data["tightness"] > 0.999


def test_the_floor_scales_with_the_target():
    A = np.linspace(0.5, 1.5, 6)
    args = (0.9, 0.81)
    assert loss_floor(6, 1e-4, 3.0 * A, *args) == pytest.approx(
        3.0 * loss_floor(6, 1e-4, A, *args), rel=1e-12
    )
    assert loss_floor(6, 2e-4, A, *args) == pytest.approx(4.0 * loss_floor(6, 1e-4, A, *args))


def test_coefficients():
    # Reference values of longer runs of the limit map, by 1.5 %.
    assert floor_coefficient((1.0,) * 16, 0.9, 0.81) == pytest.approx(0.002670, rel=0.015)
    ramp = tuple(np.linspace(0.5, 1.5, 16) / 1.5)
    assert floor_coefficient(ramp, 0.9, 0.81) == pytest.approx(0.001825, rel=0.015)


def test_the_limit_map_does_not_know_the_scale_of_its_start():
    """Sign descent on one coordinate: the residual alternates between two sizes."""
    assert floor_coefficient((1.0,), 0.0, 0.0) <= 0.5 * 2.0**2
