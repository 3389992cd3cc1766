"""Decrease of the Cauchy point and of the eigenpoint: brute force, proofs, what searches reach."""

import numpy as np
import pytest
from hypothesis import given, seed, settings

from proofs_check.adaptive_norms import model_decrease as checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_exact
from theory.adaptive_norms.model_decrease import (
    cauchy_bound,
    cauchy_chain,
    cauchy_decrease,
    eigenpoint_chain,
    eigenpoint_decrease,
    lemma_5,
    lemma_6,
    line_decrease,
    root_bound,
    yao_lemma_10,
)
from theory.core import Check, Verdict
from theory.optimizers.trust_region import cauchy_point, eigenpoint

UNIT = np.finfo(float).eps

# the closest false variants; every variant meets every check in the contract tests
PROOFS = [
    (lemma_5, checks.along_the_gradient, ["1/2 five per cent larger", "mu five per cent smaller"]),
    (lemma_6, checks.along_negative_curvature, ["root of nu", "mu five per cent smaller"]),
    (yao_lemma_10, checks.two_cases, ["0.42 for sqrt 2 - 1", "mean for minimum"]),
]
SEARCHES = [
    (lemma_5, checks.cauchy_instances),
    (lemma_6, checks.eigenpoint_instances),
    (yao_lemma_10, checks.positive_pairs),
]


def ids(cases):
    return [case[0].id.split("/")[1] for case in cases]


def problem(rng, d):
    factor, hessian = rng.standard_normal((2, d, d))
    return rng.standard_normal(d), hessian + hessian.T, factor @ factor.T + 0.1 * np.eye(d)


def model(gradient, hessian, steps):
    return steps @ gradient + np.einsum("ni,ij,nj->n", steps, hessian, steps) / 2


# ---- brute force


@pytest.mark.parametrize("trial", range(8))
def test_no_point_along_the_gradient_is_better_than_the_cauchy_point(trial):
    rng = np.random.default_rng(trial)
    gradient, hessian, ellipsoid = problem(rng, 3)
    radius = 10 ** rng.uniform(-2, 2)
    longest = radius / np.sqrt(gradient @ ellipsoid @ gradient)
    steps = -np.linspace(0, longest, 20_001)[:, None] * gradient
    best = -model(gradient, hessian, steps).min()
    found = cauchy_decrease(gradient, hessian, ellipsoid, radius)
    scale = abs(gradient @ gradient * longest) + abs(gradient @ hessian @ gradient * longest**2)
    assert best <= found + 32 * UNIT * scale
    # the grid misses a quadratic's maximum by at most q (half a step)^2/2, q T^2 <= scale
    assert found <= best + scale * (0.5 / 20_000) ** 2


@pytest.mark.parametrize("trial", range(8))
def test_no_point_along_negative_curvature_is_better_than_the_eigenpoint(trial):
    rng = np.random.default_rng(100 + trial)
    gradient, hessian, ellipsoid = problem(rng, 3)
    values, vectors = np.linalg.eigh(hessian)
    assert values[0] < 0
    u, radius = 3.0 * vectors[:, 0], 10 ** rng.uniform(-2, 2)
    longest = radius / np.sqrt(u @ ellipsoid @ u)
    steps = np.linspace(-longest, longest, 2001)[:, None] * u
    best = -model(gradient, hessian, steps).min()
    found = eigenpoint_decrease(gradient, hessian, ellipsoid, radius, u)
    # both ends are on the grid
    assert found == pytest.approx(best, rel=64 * UNIT)
    mu = np.sqrt(np.linalg.norm(ellipsoid, 2))
    (uniform, bound), _ = eigenpoint_chain(
        gradient, hessian, ellipsoid, radius, u, 1.0, values[0], mu
    )
    assert uniform * (1 - 64 * UNIT) <= bound <= found * (1 + 64 * UNIT)


@pytest.mark.parametrize("trial", range(4))
def test_closed_forms_are_those_of_the_computed_steps(trial):
    rng = np.random.default_rng(200 + trial)
    gradient, hessian, ellipsoid = problem(rng, 4)
    for radius in (0.1, 3.0):
        point = cauchy_point(hessian, gradient, radius, ellipsoid=ellipsoid)
        closed = cauchy_decrease(gradient, hessian, ellipsoid, radius)
        # both sum some d^2 products of size ||g|| ||s|| ||B||, the solver in whitened coordinates
        assert point.model_decrease == pytest.approx(closed, rel=1e-10)
        point = eigenpoint(hessian, gradient, radius, ellipsoid=ellipsoid)
        closed = eigenpoint_decrease(gradient, hessian, ellipsoid, radius, point.step)
        assert point.model_decrease == pytest.approx(closed, rel=1e-10)


def test_bounds_are_attained():
    gradient = np.array([3.0, 0.0])
    hessian, ellipsoid = np.diag([0.5, -7.0]), np.diag([4.0, 1.0])
    radius = 6.0 / 0.5  # ||g||_A/beta
    (uniform, bound), (_, decrease) = cauchy_chain(gradient, hessian, ellipsoid, radius, 0.5, 2.0)
    assert uniform == bound == decrease == 9.0
    assert cauchy_bound(gradient, ellipsoid, 2 * radius, 0.5) == 9.0
    # half the radius: the bound is linear in it, the decrease is not
    assert cauchy_bound(gradient, ellipsoid, radius / 2, 0.5) == 4.5
    assert cauchy_decrease(gradient, hessian, ellipsoid, radius / 2) == 6.75


def test_reformulations_have_the_same_decrease():
    rng = np.random.default_rng(7)
    gradient, hessian, ellipsoid = problem(rng, 4)
    basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    found = cauchy_decrease(gradient, hessian, ellipsoid, 0.8)
    rotated = (basis @ gradient, basis @ hessian @ basis.T, basis @ ellipsoid @ basis.T)
    # products of condition 1: some d u each
    assert cauchy_decrease(*rotated, 0.8) == pytest.approx(found, rel=100 * UNIT)
    # (A, Delta) and (c A, sqrt c Delta) are the same region; powers of two scale exactly
    assert cauchy_decrease(gradient, hessian, 16 * ellipsoid, 4 * 0.8) == found


def test_interior_decrease_stays_rational_where_the_norm_is_not():
    exact = to_exact({"gradient": np.array([1.0, 1.0]), "hessian": np.eye(2),
                      "ellipsoid": np.diag([1.0, 2.0]), "radius": 64.0})  # fmt: skip
    decrease = cauchy_decrease(**exact)
    assert decrease.is_rational
    assert decrease == 1


def test_line_with_any_curvature():
    assert line_decrease(2.0, 0.0, 3.0) == 6.0
    assert line_decrease(2.0, -2.0, 3.0) == 15.0
    assert line_decrease(2.0, 2.0 / 3.0, 3.0) == 3.0
    assert line_decrease(2.0, 4.0, 3.0) == 0.5


def test_root_bound_against_high_precision():
    import mpmath

    for a, b in ((1.0, 1.0), (1e-3, 5.0), (7.0, 1e-4)):
        with mpmath.workdps(40):
            root = mpmath.sqrt(mpmath.mpf(a) ** 2 + b) - a
            quotient = root / min(mpmath.sqrt(b), mpmath.mpf(b) / a)
        lhs, rhs = root_bound(a, b)
        # the subtraction loses up to a/(root) in relative accuracy
        assert rhs == pytest.approx(float(root), rel=4 * UNIT * (1 + a / float(root)))
        assert float(quotient) >= 0.41421356
        assert lhs <= rhs * (1 + 4 * UNIT * (1 + a / float(root)))


# ---- the claims' own checks


@pytest.mark.parametrize(("claim", "function", "variants"), PROOFS, ids=ids(PROOFS))
def test_proofs_cite_nothing_and_prove_no_close_variant(claim, function, variants):
    proof = Check("proof", claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["cited"] == []
    for name in variants:
        assert run_proof(proof, claim.variant(name)).verdict is not Verdict.PROVED, name


@pytest.mark.parametrize(("claim", "function"), SEARCHES, ids=ids(SEARCHES))
def test_searches_attain_equality(claim, function):
    attack = Check("search", claim, function, {"examples": {"quick": 100}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["tightness"] == 1.0


@pytest.mark.parametrize(
    ("claim", "strategy"),
    [(lemma_5, checks.cauchy_instances), (lemma_6, checks.eigenpoint_instances)],
)
def test_strategies_reach_both_links(claim, strategy):
    """Each link of the chain attains equality for some instance, not only the weaker one."""
    best = [0.0, 0.0]

    @seed(3)
    @settings(max_examples=100, database=None, deadline=None, derandomize=False)
    @given(strategy())
    def explore(instance):
        if claim.assumes(**instance):
            for link, (left, right) in enumerate(zip(*claim.formula(**instance), strict=True)):
                best[link] = max(best[link], float(left / right))

    explore()
    assert min(best) >= 1 - 1e-12, best


def test_a_quality_of_direction_five_per_cent_off_is_seen():
    """Equality of Lemma 6 for a direction of quality nu < 1, in exact rationals."""
    instance = {"gradient": np.array([0.0, 0.0]), "hessian": np.diag([-0.5, 3.0]),
                "ellipsoid": np.diag([4.0, 1.0]), "radius": 2.0, "direction": np.array([1.0, 0.0]),
                "nu": 0.25, "smallest": -2.0, "mu": 2.0}  # fmt: skip
    assert lemma_6.assumes(**instance)
    (uniform, bound), (_, decrease) = eigenpoint_chain(**to_exact(instance))
    assert uniform == bound == decrease
    assert not lemma_6.assumes(**{**instance, "nu": 0.2625})
