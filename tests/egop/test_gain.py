"""The gain: proofs, mutants and extremal cases of Lemmas 6 and 8 and Theorem 5; the figures."""

import itertools
import math

import numpy as np
import pytest

from proofs_check.egop import gain, gain_density, gain_instances, gain_rotated, gain_theorem
from proofs_check.egop.gain_instances import star, star_constants
from proofs_check.engine import run_proof, run_search
from simulations.egop.gain import lower_bounds
from simulations.egop.gain_rotated import upper_bounds
from simulations.egop.gain_theorem import measured_gain
from theory.core import Check, Verdict
from theory.egop import gain_bounds
from theory.egop.gain import lemma_6, lemma_6_sharper
from theory.egop.gain_density import corollary_7
from theory.egop.gain_rotated import lemma_8, lemma_8_sharper
from theory.egop.gain_theorem import theorem_5
from theory.egop.outer_product import egop_quadratic
from theory.egop.smoothness import smallest_smoothness_sum

UNIT = np.finfo(float).eps
# claim, proof, attack, and the largest ratio that the search is to reach and not to exceed
CASES = [
    (lemma_6, gain.paper_route, gain.dense_problems, 1 / math.sqrt(2)),
    (lemma_6_sharper, gain.root_route, gain.roots, 1.0),
    (corollary_7, gain_density.exact_chain, gain_density.dense_quadratics, 1 / math.sqrt(2)),
    (lemma_8, gain_rotated.paper_route, gain_rotated.balls, 1.0),
    (lemma_8_sharper, gain_rotated.root_route, gain_rotated.balls_with_slack, 1.0),
    (theorem_5, gain_theorem.quotient_of_the_bounds, gain_theorem.gains, 1.0),
]
NAMES = [case[0].id for case in CASES]


@pytest.mark.parametrize(("claim", "function", "_attack", "_ratio"), CASES, ids=NAMES)
def test_proofs_cover_the_statement_and_no_mutant(claim, function, _attack, _ratio):
    proof = Check("proof", claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    name = next(iter(claim.mutants))
    assert run_proof(proof, claim.variant(name)).verdict is not Verdict.PROVED, name


@pytest.mark.parametrize(("claim", "_function", "strategy", "ratio"), CASES, ids=NAMES)
def test_searches_reach_the_extremal_case(claim, _function, strategy, ratio):
    attack = Check("search", claim, strategy, {"examples": {"quick": 100}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=3)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    # the tiny slack, 2^-20, costs the sharper forms a few millionths
    assert ratio * (1 - 1e-5) <= evidence.data["tightness"] <= ratio * (1 + 1e-12)


# ---- the pieces


def test_moments_of_the_corners_of_a_square():
    """Corners of a square: second and fourth moments in closed form, up to rounding."""
    c, t, d = 0.7, 0.4, 2
    nodes = np.array([-1.0, 1.0]) * c
    points = np.array(list(itertools.product(nodes, repeat=d)))
    minimizer = np.array([t, 0.0])
    second = gain_bounds.central_moment(points, minimizer, 2)
    assert second == pytest.approx(c * c * d + t * t, rel=8 * UNIT)
    # corners: E ||x||^4 = c^4 d^2, and 4 t^2 c^2 + 2 t^2 c^2 d + t^4 from the shift
    fourth = c**4 * d**2 + (4 + 2 * d) * t * t * c * c + t**4
    assert gain_bounds.central_moment(points, minimizer, 4) == pytest.approx(fourth, rel=8 * UNIT)
    assert gain_bounds.root_error(points, minimizer, 3.0) == pytest.approx(
        1.5 * math.sqrt(fourth), rel=8 * UNIT
    )
    third = gain_bounds.central_moment(points, minimizer, 3)
    error = gain_bounds.outer_product_error(points, minimizer, 2.0, 3.0)
    assert error == pytest.approx(6 * third + 9 * fourth / 4, rel=8 * UNIT)


def test_hypotheses_refuse_what_they_must():
    points = np.array([[1.0], [-1.0]])
    problem = {"points": points, "gradients": 2 * points, "hessian": np.array([[2.0]]),
               "minimizer": np.zeros(1), "c": 1.0, "lipschitz": 0.0}  # fmt: skip
    assert gain_bounds.is_problem(**problem)
    for changed in (
        {"c": 1.5}, {"points": points + 0.5}, {"minimizer": np.array([1.5])}, {"lipschitz": -1.0},
        {"gradients": 2 * points + 0.25}, {"hessian": np.array([[2.5]])},
    ):  # fmt: skip
        assert not gain_bounds.is_problem(**{**problem, **changed}), changed
    # with H = 1/2 the same gradients pass: (1/4) <= (1/2)/2
    assert gain_bounds.is_problem(**{**problem, "gradients": 2 * points + 0.25, "lipschitz": 0.5})


def test_the_gradients_of_a_cubic_obey_the_hypotheses():
    """f = x'Ax/2 + H sum x_i^3/6 has an H-Lipschitz Hessian A + H diag(x)."""
    rng = np.random.default_rng(5)
    A = np.diag([2.0, 1.0, 0.5])
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    gradients = corners @ A + 0.25 * corners**2
    assert gain_bounds.is_problem(corners, gradients, A, np.zeros(3), 1.0, 0.5)
    for position in rng.uniform(-1, 1, (20, 3)):
        curvature = A + 0.5 * np.diag(position)
        assert gain_bounds.is_nearby_hessian(curvature, position, A, np.zeros(3), 0.5)


def test_the_star_needs_semidefiniteness():
    """An indefinite Hessian whose constants are far below the bound of Corollary 7."""
    d, c = 16, 1.0
    hessian = star(d, 4)["hessian"].astype(float)
    constants = star_constants(d).astype(float)
    assert gain_bounds.is_feasible(constants, hessian)
    minimizer = np.eye(d)[0]
    values, vectors = np.linalg.eigh(egop_quadratic(hessian, minimizer, c))
    bound = math.sqrt(values[-1]) * np.abs(vectors[:, -1]).sum() ** 2 / (2 * c)
    assert constants.sum() < 0.75 * bound


def test_problems_are_exact():
    """Every generated problem satisfies its own hypotheses in rationals, and E is diagonal in V."""
    from hypothesis import given, seed, settings
    from hypothesis import strategies as st

    seen = set()

    @st.composite
    def drawn(draw):
        return gain_instances.problem(draw)

    @seed(1)
    @settings(max_examples=30, database=None, deadline=None, derandomize=False)
    @given(drawn())
    def explore(found):
        problem, basis, spectrum = found
        assert gain_bounds.is_problem(**problem)
        turned = basis.T @ gain_bounds.moment_matrix(problem["gradients"]) @ basis
        assert (turned == np.diag(spectrum)).all()
        seen.add((len(basis), problem["lipschitz"] > 0))

    explore()
    assert {d for d, _ in seen} == {1, 2, 4}
    assert {curved for _, curved in seen} == {True, False}


# ---- against the least sums


def test_bounds_enclose_the_least_sums_of_random_quadratics():
    rng = np.random.default_rng(11)
    for _ in range(6):
        factor = rng.standard_normal((5, 5))
        minimizer = rng.standard_normal(5)
        minimizer *= 0.8 / np.linalg.norm(minimizer)
        gained, low, high = measured_gain(factor @ factor.T, minimizer, 1.0)
        assert low <= gained * (1 + 1e-6)  # the solver's interval is narrower than that
        centred, low, high = measured_gain(factor @ factor.T, 0 * minimizer, 1.0)
        assert low * (1 - 1e-6) <= centred <= high * (1 + 1e-6)


def test_curves_of_the_figures_start_at_the_quadratic_and_keep_their_order():
    paper, sharper = lower_bounds(1e-12)
    assert paper == pytest.approx(0.5, rel=1e-9)
    assert sharper == pytest.approx(1.0, rel=1e-3)  # the slack's grid ends at 1e-6
    for lipschitz in (1e-3, 1e-2, 1e-1):
        assert lower_bounds(lipschitz)[0] < lower_bounds(lipschitz)[1] < 1
        assert upper_bounds(lipschitz)[1] > 1
    least = smallest_smoothness_sum(np.full((4, 4), 0.25))
    assert least.lower <= 4.0 <= least.upper
