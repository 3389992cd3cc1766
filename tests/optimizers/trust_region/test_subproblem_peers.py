"""Our solvers against SciPy's, driven on the same problems: never worse at equal products."""

import numpy as np
import pytest
from scipy.optimize import _trlib as trlib
from scipy.optimize import _trustregion_exact as trust_exact
from scipy.optimize import _trustregion_ncg as trust_ncg
from subproblem_problems import exact_decrease, random_problem

from theory.optimizers.trust_region import Ellipsoid, exact_subproblem, gltr, steihaug_toint

# Both sides round: SciPy's recurrences by more than ours.
SAME = 1 - 1e-12


class Peer:
    """A quadratic in the coordinates in which A is I (SciPy knows no ellipsoid), counted."""

    def __init__(self, p):
        norm = Ellipsoid.of(p.ellipsoid, len(p.g))
        white = norm.whiten_dual(norm.whiten_dual(p.B).T)
        self.B, self.g = (white + white.T) / 2, norm.whiten_dual(p.g)
        self.radius, self.products = p.radius, 0

    def hessp(self, x, v):
        self.products += 1
        return self.B @ v

    def solve(self, subproblem, **known):
        start = np.zeros(len(self.g))
        problem = subproblem(start, lambda x: 0.0, lambda x: self.g, **known)
        with np.errstate(all="ignore"):
            return problem.solve(self.radius)[0]

    def decrease(self, step):
        """The decrease of the step in rationals; shortened where it is not feasible."""
        if not np.isfinite(step).all():
            return -np.inf
        step = step * min(1.0, self.radius / max(np.linalg.norm(step), 1e-300))
        return exact_decrease(self, step)


@pytest.fixture(scope="module")
def peers():
    rng = np.random.default_rng(11)
    return [Peer(random_problem(rng, index)) for index in range(240)]


def test_steihaug_against_trust_ncg(peers):
    compared = 0
    for p in peers:
        step = p.solve(trust_ncg.CGSteihaugSubproblem, hess=lambda x: None, hessp=p.hessp)
        if not p.products:
            continue  # SciPy takes no step where the gradient is below its tolerance
        ours = steihaug_toint(p.B, p.g, p.radius, tol=0.0, max_iter=p.products)
        assert ours.products <= p.products
        assert p.decrease(ours.step) >= SAME * p.decrease(step)
        best = gltr(p.B, p.g, p.radius, max_iter=p.products).step
        assert p.decrease(best) >= SAME * p.decrease(step)
        compared += 1
    assert compared >= 200


@pytest.mark.parametrize("tolerances", [(-2.0, -3.0), (1e-8, 1e-6)])
def test_gltr_against_trust_krylov(peers, tolerances):
    better = 0
    for p in peers:
        p.products = 0
        inside, boundary = tolerances
        solver = trlib.get_trlib_quadratic_subproblem(tol_rel_i=inside, tol_rel_b=boundary)
        step = p.solve(solver, hess=None, hessp=p.hessp)
        theirs = p.decrease(step)
        # trlib asks for at least one product; more than d are spent on rounding.
        ours = gltr(p.B, p.g, p.radius, max_iter=max(p.products, 1))
        assert ours.products <= p.products
        assert p.decrease(ours.step) >= SAME * theirs
        better += p.decrease(ours.step) > (1 + 1e-6) * theirs
    assert better > 0


def test_exact_against_trust_exact(peers):
    for p in peers:
        step = p.solve(trust_exact.IterativeSubproblem, hess=lambda x, p=p: p.B)
        ours = exact_subproblem(p.B, p.g, p.radius)
        assert p.decrease(ours.step) >= SAME * p.decrease(step)
        assert np.linalg.norm(ours.step) <= p.radius * (1 + 1e-12)


def test_the_hard_case_is_missed_by_ncg_and_krylov():
    B, g, radius = np.diag([1.0, -1.0]), np.array([1.0, 0.0]), 2.0
    best = exact_subproblem(B, g, radius).model_decrease
    assert best == pytest.approx(2.25, rel=1e-14)
    assert gltr(B, g, radius).model_decrease == pytest.approx(best, rel=1e-14)
    krylov = trlib.get_trlib_quadratic_subproblem()
    for solver in (trust_ncg.CGSteihaugSubproblem, krylov):
        problem = solver(np.zeros(2), lambda x: 0.0, lambda x: g, hess=None,
                         hessp=lambda x, v: B @ v)  # fmt: skip
        step, _ = problem.solve(radius)
        assert -(g @ step + 0.5 * step @ B @ step) == pytest.approx(0.5, rel=1e-12)
