"""Limits of r_OPT, the rates of Theorem 2, and the samplers that measure them."""

import importlib
import math

import numpy as np
import pytest
from scipy import stats

from simulations.local_geometry import dominance_rates as measured
from simulations.local_geometry.trained import rotated_to
from theory.core.registry import _CHECKS
from theory.laws import StableLemma35
from theory.local_geometry.dominance_rates import (
    KAPPA,
    MEDIAN_OF_SQUARE,
    STAGES,
    r_opt_limit,
    theorem_2,
    theorem_2_limits,
    theorem_2_rate,
)
from theory.local_geometry.hessian_diagonal import r_opt, two_layer_hessian

RNG = np.random.default_rng(6)
engine = importlib.import_module("simulations.engine.measurement")


def test_limit_of_gradient_descent_is_r_opt_of_its_minimum():
    A, u = RNG.uniform(0.5, 2, 5), RNG.standard_normal(5)
    u /= np.linalg.norm(u)
    norm = np.linalg.norm(A)
    H = two_layer_hessian(np.sqrt(norm) * u, np.sqrt(norm) * np.outer(u, A / norm), A)
    # Rounding of w'W - A enters as 1e-16/w_i^2.
    assert r_opt_limit("sgd", A, u) == pytest.approx(r_opt(H), rel=1e-11)


def test_limit_of_adam_is_r_opt_of_its_minimum():
    A, signs = RNG.uniform(0.5, 2, 6), np.array([1.0, -1, 1, 1, -1, -1])
    c = math.sqrt(A.max() / 6)
    H = two_layer_hessian(signs * c, np.outer(signs, A / (6 * c)), A)
    value = r_opt_limit("adam", A)
    assert value == pytest.approx(r_opt(H), rel=1e-12)
    assert math.sqrt(5) <= value <= theorem_2_rate("Adam", 6)


def test_leading_term_after_gradient_descent():
    """|X| mean(1/|X_i|) with the factor 1 + (sqrt 2 - 1/2)/(d + 1), for large d."""
    d = 2000
    X = np.random.default_rng(1).standard_normal(d)
    lead = np.linalg.norm(X) * np.mean(1 / abs(X))
    value = r_opt_limit("sgd", np.ones(d), X / np.linalg.norm(X))
    # What is left out is of relative order 1/(d log d).
    assert value / lead - 1 == pytest.approx((math.sqrt(2) - 0.5) / (d + 1), rel=0.2)


def test_rates():
    assert stats.chi2(1).median() == pytest.approx(MEDIAN_OF_SQUARE, rel=1e-12)
    second = theorem_2_rate("start, second layer", 16, 1.0, 4.0)
    assert second == pytest.approx(4 * 16**4 / (14 * 17))
    centre = theorem_2_rate("SGD+M", 100) / (KAPPA * 10) - math.log(100 * KAPPA)
    shift = (math.log(2) - np.euler_gamma) / 2
    assert StableLemma35().cdf(centre - shift) == pytest.approx(0.5, abs=1e-9)
    with pytest.raises(ValueError, match="stage is 'end'"):
        theorem_2_rate("end", 8)
    with pytest.raises(ValueError, match="direction"):
        r_opt_limit("sgd", np.ones(3))
    assert len(STAGES) == 4


def test_mean_of_inverse_squares_is_one_inverse_square():
    """The exact law behind the first layer's share, by simulation: type I error 1e-6."""
    g = np.random.default_rng(2).standard_normal((4000, 10))
    sums = np.mean(1 / g**2, axis=1)
    assert stats.kstest(10 / sums, stats.chi2(1).cdf).pvalue > 1e-6


def test_rotation_keeps_the_network_and_turns_w():
    w, W = RNG.standard_normal((7, 4)), RNG.standard_normal((7, 4, 4))
    direction = np.array([0.5, -0.5, 0.5, 0.5])
    turned_w, turned_W = rotated_to(direction, w, W, np)
    norms = np.linalg.norm(w, axis=1)
    np.testing.assert_allclose(turned_w, norms[:, None] * direction, atol=1e-13)
    before, after = (np.einsum("ti,tij->tj", a, b) for a, b in ((w, W), (turned_w, turned_W)))
    np.testing.assert_allclose(after, before, atol=1e-12)
    np.testing.assert_allclose(np.einsum("tij,tik->tjk", turned_W, turned_W),
                               np.einsum("tij,tik->tjk", W, W), atol=1e-12)  # fmt: skip


def test_training_must_converge():
    from simulations.engine.backend import select_backend
    from simulations.engine.streams import Stream
    from simulations.local_geometry.trained import train

    stream = Stream(select_backend("numpy"), 1, 0)
    with pytest.raises(ValueError, match="loss is"):
        # Two steps of Adam's rate 1 leave the loss large.
        train(stream, 2, optimizer="adam", d=4, target="ones", eta=1.0)


@pytest.mark.parametrize("name", ["second_layer_before", "first_layer_before", "sgd_limit"])
def test_samplers_in_strict_arrays(name):
    pytest.importorskip("array_api_strict")
    claims = (theorem_2, theorem_2_limits)
    (check,) = [c for c in _CHECKS if c.name == name and c.claim in claims]
    point = {**engine.points(check, check.claim.itself(), "quick")[0]}
    plain, strict = (engine.run_block(check, point, 0, 3, seed=1, backend=backend)
                     for backend in ("numpy", "strict"))  # fmt: skip
    for key, value in plain.items():
        # Equal draws; other orders of summation, amplified over some thousand steps.
        np.testing.assert_allclose(strict[key], value, rtol=1e-9)


def test_the_direction_of_the_measurement_is_a_unit_vector():
    direction = measured._direction(9)
    assert np.linalg.norm(direction) == pytest.approx(1.0)
    assert direction.min() > 0.05
