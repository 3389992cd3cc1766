"""Lemma 4 and the reduction to two numbers: formulas, searches, sampler, figures."""

import cmath
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.engine import run_proof, run_search
from proofs_check.local_geometry import momentum as momentum_proofs
from proofs_check.local_geometry import two_numbers as two_number_proofs
from simulations.engine.figures import draw
from simulations.engine.measurement import blocks, points, run_block
from simulations.krylov import evolve
from simulations.local_geometry import momentum as momentum_figures
from simulations.local_geometry import two_numbers as two_number_figures
from theory.core import Registry
from theory.local_geometry import momentum, two_numbers
from theory.local_geometry.root_pairs import Quadratic, root_pair
from theory.models import two_layer

REGISTRY = Registry()
REGISTRY.add_modules([momentum, two_numbers])
REGISTRY.attach_checks()
CHECKS = [check for entry in REGISTRY.select() for check in entry.checks]
assert momentum_proofs
assert two_number_proofs
assert momentum_figures
assert two_number_figures

small = st.fractions(-3, 3, max_denominator=6)


@given(small, small, small, small, st.sampled_from([-2, 0, 3]))
def test_arithmetic_of_quadratic_numbers_is_that_of_their_values(a, b, c, d, square):
    first, second = Quadratic(a, b, square), Quadratic(c, d, square)
    root = cmath.sqrt(square)

    def value(number):
        return complex(number.x) + complex(number.y) * root

    for exact, plain in (
        (first + second, value(first) + value(second)),
        (first - second, value(first) - value(second)),
        (first * second, value(first) * value(second)),
        (first - c, value(first) - c),
        (first**4, value(first) ** 4),
    ):
        # Infinitesimals are lost in `value`, which is linear in them.
        assert value(exact) == pytest.approx(plain, abs=1e-9)
    if d and square:
        pure = Quadratic(0, d, square)
        assert value(first / pure) == pytest.approx(value(first) / value(pure), abs=1e-9)


def test_division_and_reality_are_refused_where_they_make_no_sense():
    with pytest.raises(ValueError, match="divisor"):
        Quadratic(1, 1, 2) / Quadratic(1, 1, 2)
    with pytest.raises(ZeroDivisionError):
        Quadratic(Fraction(1), Fraction(1), Fraction(0)) / Quadratic(0, Fraction(1), Fraction(0))
    with pytest.raises(ValueError, match="must be >= 0"):
        Quadratic(0, 1, -1).real()


@pytest.mark.parametrize(("trace", "product"), [(5, 6), (2, 1), (1, 1), (0, 0), (0.3, 0.9)])
def test_roots_solve_their_equation(trace, product):
    for root in root_pair(trace, product):
        value = root * root - root * trace + Quadratic(product, 0, root.square)
        assert (value.x, value.y) == pytest.approx((0, 0), abs=1e-15)


@pytest.mark.parametrize("beta", [0.0, 0.25, 0.9])
@pytest.mark.parametrize("sign", [1, -1])
def test_closed_form_is_that_of_the_model(beta, sign):
    root = math.sqrt(beta)
    special = [(1 - root) ** 2, (1 + root) ** 2, 2 * (1 + beta)]
    for rate in (0.001, 0.1, 1.0, 2.0, *special):
        for t in (0, 1, 2, 7, 30):
            mine = momentum.mode_weight(1 + beta + sign * rate, beta, t).real()
            known = two_layer.momentum_mode(t, beta, rate, sign).real
            # Sums of up to 30 products of roots of modulus up to 4.
            assert mine == pytest.approx(known, rel=1e-10, abs=1e-12)


def test_double_root():
    half = Fraction(3, 5)
    weight = momentum.mode_weight(2 * half, half**2, 6)
    assert weight.real() == half**6 + 6 * (half - half**2) * half**5


def test_gradients_are_those_of_the_model():
    rng = np.random.default_rng(0)
    w, W, A = rng.standard_normal(4), rng.standard_normal((4, 6)), rng.standard_normal(6)
    for mine, known in zip(momentum.gradients(w, W, A), two_layer.gradients(w, W, A), strict=True):
        np.testing.assert_allclose(mine, known, rtol=1e-13)


@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_linearised_modes_are_the_start_of_training(beta):
    rng = np.random.default_rng(1)
    w, W, A = 1e-9 * rng.standard_normal(5), 1e-9 * rng.standard_normal((5, 5)), rng.random(5)
    norm, steps = np.linalg.norm(A), 40
    found = evolve(w[None], W[None], A, eta=0.05 / norm, beta=beta, steps=steps, largest=0.0)
    for sign in (1, -1):
        mode = found.W[0] @ A + sign * norm * found.w[0]
        claimed = momentum.linearised_mode(w, W, A, norm, 0.05 / norm, beta, sign, steps)
        # The weights reach 1e-6, so that the neglected terms of third order are 1e-12 of them.
        size = np.linalg.norm(found.W)
        np.testing.assert_allclose(mode, claimed, rtol=0, atol=1e-11 * size)
        start = W @ A + sign * norm * w
        weight = momentum.mode_weight(1 + beta + sign * 0.05, beta, steps).real()
        np.testing.assert_allclose(claimed, weight * start, rtol=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_two_numbers_carry_a_whole_training(beta):
    rng = np.random.default_rng(2)
    d, norm, eta, steps = 7, 1.3, 0.03 * (1 - beta), 900
    v = rng.random(d)
    v /= np.linalg.norm(v)
    w, p = 0.01 * rng.standard_normal(d), 0.02 * rng.standard_normal(d)
    x, y = (w + p) / math.sqrt(2), (w - p) / math.sqrt(2)
    W = np.outer(p, v)
    found = evolve(w[None], W[None], norm * v, eta=eta, beta=beta, steps=steps, largest=0.0)
    a, b = two_numbers.two_numbers((x @ x, y @ y), norm, eta, beta, steps)
    assert found.loss[0, 0] < 1e-6
    # Rounding errors of 900 steps, which the growth carries along.
    np.testing.assert_allclose((a * x + b * y) / math.sqrt(2), found.w[0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(np.outer((a * x - b * y) / math.sqrt(2), v), found.W[0], atol=1e-11)
    squares = (a * x + b * y) ** 2
    assert squares.max() / np.median(squares) == pytest.approx(found.r_med_1[0, 0], rel=1e-9)


def test_gradient_flow_is_the_limit_of_small_steps():
    products, drifts = [], []
    for steps in (1_000, 4_000):
        a, b = two_numbers.two_numbers((0.01, 0.02), 1.0, 4.0 / steps, 0.0, steps)
        products.append(abs(a * b - 1))
        drifts.append(steps * abs(a * b - 1))
    assert products[1] < 0.01
    assert drifts[1] == pytest.approx(drifts[0], rel=0.02)
    momentum_keeps_none_of_it = two_numbers.two_numbers((0.01, 0.02), 1.0, 0.02, 0.9, 60)
    assert abs(math.prod(momentum_keeps_none_of_it) - 1) > 0.5


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "proof"], ids=lambda c: c.name)
def test_proofs(check):
    evidence = run_proof(check, check.claim.itself())
    assert evidence.verdict == "proved"
    assert evidence.data["cited"] == []


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "search"], ids=lambda c: c.name)
def test_searches_exercise_the_claims_in_exact_rationals(check):
    evidence = run_search(check, check.claim.itself(), budget="quick", seed=3)
    assert evidence.verdict == "supported"
    assert evidence.data["exercised"] >= 50
    assert evidence.data["undefined"] == 0
    assert evidence.data["arithmetic"] == "exact rationals"


def test_hypotheses():
    A = np.array([Fraction(3), Fraction(4)], dtype=object)
    w, one = np.array([Fraction(1)], dtype=object), Fraction(1)
    fine = {"w": w, "W": A[None, :], "A": A, "norm": Fraction(5), "eta": one, "beta": one / 2,
            "steps": 1}  # fmt: skip
    statement = two_numbers.reduction.itself()
    assert statement.hypotheses_hold(**fine)
    for changes in ({"norm": Fraction(4)}, {"W": A[None, ::-1]}, {"beta": one}, {"eta": 0 * one}):
        assert not statement.hypotheses_hold(**fine | changes)
    modes = {"w": w, "W": A[None, :], "A": A, "norm": Fraction(5), "eta": one, "sign": 1, "t": 2}
    lemma = momentum.lemma_4.itself()
    assert lemma.hypotheses_hold(**modes, root_beta=one / 2)
    assert not lemma.hypotheses_hold(**modes, root_beta=one)
    assert not lemma.hypotheses_hold(**modes | {"sign": 0}, root_beta=one / 2)


def test_sampler_draws_the_same_block_again():
    check = next(c for c in CHECKS if c.name == "error")
    point = points(check, check.claim.itself(), "quick")[0]
    assert sum(blocks(check, point, "quick")) >= 1_000
    first, second = (run_block(check, point, 0, 20, seed=7) for _ in range(2))
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


@pytest.mark.parametrize("claim", ["lemma-4", "two-number-reduction"])
def test_figures_draw_the_formulas(claim):
    entry = REGISTRY[f"local-geometry/{claim}"]
    proof = next(check for check in entry.checks if check.kind == "proof")
    figure = draw(entry, [run_proof(proof, entry.claim.itself())])
    left, right = figure.axes
    assert left.lines
    assert right.lines
    if claim == "lemma-4":
        radius, edge = left.lines[3], left.lines[5]
        inside = radius.get_xdata() < edge.get_xdata()[0]
        assert (radius.get_ydata()[inside] < 1.0).all()
        assert (radius.get_ydata()[~inside] > 1.0 - 1e-9).all()
