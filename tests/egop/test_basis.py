"""The gain from both sides, near-optimality, Adam's constant, and what the basis does not do."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded

from proofs_check.egop import basis as checks
from proofs_check.egop import basis_adam as adam_checks
from proofs_check.egop import basis_instances as instances
from proofs_check.egop import basis_limits as limit_checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_exact
from theory.core import Check, Verdict
from theory.egop.basis import near_optimal_basis, near_optimality, two_sided
from theory.egop.basis_adam import adam_analogue
from theory.egop.basis_limits import (
    expected_l1_ratio,
    l1_not_rotation_invariant,
    never_hurts,
    rotated_against_original,
)
from theory.egop.outer_product import density, egop_quadratic, eigenbasis, stable_rank
from theory.egop.smoothness import smallest_smoothness_sum
from theory.models.bases import haar_basis, hadamard_basis, power_law, with_spectrum

PROOFS = [
    (two_sided, checks.both_ends, ()),
    (near_optimal_basis, checks.polar_decomposition,
     ("polar decomposition", "the root is monotone")),
    (adam_analogue, adam_checks.roots_between_two_hessians, ("the root is monotone",)),
]  # fmt: skip
SEARCHES = [
    (two_sided, checks.feasible_pairs),
    (near_optimal_basis, checks.rational_egops),
    (adam_analogue, adam_checks.rational_egops),
    (l1_not_rotation_invariant, limit_checks.rotated_gradients),
]


def names(cases):
    return [case[0].id.split("/")[1] for case in cases]


@pytest.mark.parametrize(("claim", "function", "cited"), PROOFS, ids=names(PROOFS))
def test_proofs_cite_little(claim, function, cited):
    proof = Check("proof", claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert tuple(evidence.data["cited"]) == cited


@pytest.mark.parametrize(("claim", "function"), SEARCHES, ids=names(SEARCHES))
def test_searches_attain_equality(claim, function):
    attack = Check("search", claim, function, {"examples": {"quick": 40}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["tightness"] == 1


def test_every_link_of_near_optimality_is_reached():
    """Each of the five inequalities is an equality for some instance of the strategy."""
    reached = set()

    @seeded(2)
    @settings(max_examples=100, database=None, deadline=None, derandomize=False,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(checks.rational_egops())
    def explore(instance):
        lhs, rhs = near_optimality(**to_exact(instance))
        reached.update(
            k
            for k in range(5)
            if lhs[k].is_rational and rhs[k].is_rational and lhs[k] == rhs[k] != 0
        )

    explore()
    assert reached == {0, 1, 2, 3, 4}


def test_instances_turn_the_eigenvectors():
    """Some stationary points are no eigenvector of the Hessian: EGOP and H do not commute."""
    turned = []

    @seeded(4)
    @settings(max_examples=60, database=None, deadline=None, derandomize=False,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(instances.quadratics(definite=True))
    def explore(made):
        egop = made.basis @ made.roots @ made.roots @ made.basis.T
        turned.append(bool((egop @ made.hessian != made.hessian @ egop).any()))

    explore()
    assert sum(turned) >= 5


@pytest.mark.parametrize("decay", [0.5, 2.0])
def test_least_sums_lie_between_both_ends(decay):
    values = power_law(6, decay)
    basis = haar_basis(np.random.default_rng(3).standard_normal((6, 6)))
    hessian = with_spectrum(values, basis)
    found, vectors = eigenbasis(egop_quadratic(hessian, np.zeros(6), 0.7))
    rank = stable_rank(found)
    least = smallest_smoothness_sum(hessian)
    gain = np.array([least.lower, least.upper]) / values.sum()
    # rounding of the eigenvalues is about 1e-15
    assert 6 * density(vectors[:, 0]) ** 2 / rank <= gain[1] * (1 + 1e-12)
    assert gain[0] <= 6 / rank * (1 + 1e-12)


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0, 3.0])
def test_least_sum_in_the_egop_basis_is_near_optimal(length):
    rng = np.random.default_rng(11)
    for _ in range(10):
        hessian = with_spectrum(rng.standard_normal(4), haar_basis(rng.standard_normal((4, 4))))
        direction = rng.standard_normal(4)
        direction /= np.linalg.norm(direction)
        _, basis = eigenbasis(egop_quadratic(hessian, length * direction, 1.0))
        least = smallest_smoothness_sum(basis.T @ hessian @ basis)
        nuclear = np.abs(np.linalg.eigvalsh(hessian)).sum()
        kappa = np.hypot(1.0, length)
        bound = nuclear + (kappa - 1) * np.linalg.norm(hessian @ direction)
        # the interval's own width, relative 1e-6, covers the rounding
        assert nuclear * (1 - 1e-6) <= least.upper
        assert least.lower <= bound * (1 + 1e-12)


def test_never_hurts_fails_by_nearly_nine_per_cent():
    certificate = Check(
        "certificate", never_hurts, limit_checks.axis_aligned_hessian, {"scope": "one"}
    )
    assert run_proof(certificate, never_hurts.itself()).verdict is Verdict.REFUTED
    for variant in never_hurts.variants():
        assert run_proof(certificate, variant).verdict is Verdict.REFUTED, variant.label
    hessian = np.diag([12.0, 10.0])
    _, basis = eigenbasis(egop_quadratic(hessian, np.array([1.0, 2.0]), 3.0))
    least = smallest_smoothness_sum(basis.T @ hessian @ basis)
    assert least.lower <= 598 / 25 * (1 + 1e-12)
    assert least.upper >= 598 / 25 * (1 - 1e-12)


def test_loss_tends_to_the_conjectured_factor():
    kappa = np.sqrt(2.0)
    hessian, angle = np.diag([kappa, 1.0]), 1e-5
    point = np.array([np.sin(angle), np.cos(angle)])
    _, basis = eigenbasis(egop_quadratic(hessian, point, 1.0))
    sides = rotated_against_original(
        hessian, point, 1.0, basis, None, np.array([[1.0, 1.0], [1.0, 1.0]]), hessian
    )
    off = (basis.T @ hessian @ basis)[0, 1]
    loss = (sides[0] if off > 0 else 2 * np.trace(hessian) - sides[0]) / sides[1]
    # the eigenvectors are off 45 degrees by about the angle
    assert loss == pytest.approx(2 * kappa / (kappa + 1), abs=1e-4)


def test_l1_ratio_of_expectations():
    hessian = with_spectrum(power_law(8, 1.0), hadamard_basis(8))
    closed = power_law(8, 1.0).sum() / np.sqrt(8 * (power_law(8, 1.0) ** 2).sum())
    # ten rounded operations per entry
    assert expected_l1_ratio(hessian) == pytest.approx(closed, rel=1e-13)
    assert expected_l1_ratio(np.diag([3.0, 1.0])) == pytest.approx(1.0, rel=1e-15)
    with pytest.raises(ValueError, match="hessian is 0; it must have an entry that is not"):
        expected_l1_ratio(np.zeros((2, 2)))


def test_summed_constants_are_feasible():
    basis = instances.one(2)
    basis[:] = [[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]]
    values = np.array([Fraction(2), Fraction(-1)], dtype=object)
    hessian = (basis * values @ basis.T).astype(float)
    constants = np.diag(instances.summed_constants(basis, values).astype(float))
    for sign in (1, -1):
        assert np.linalg.eigvalsh(constants + sign * hessian)[0] >= -1e-15
