"""Row ratios without the matrix, Lemma 28 on networks, and r_OPT in every namespace."""

import numpy as np
import pytest

from proofs_check.engine import run_proof, run_search
from proofs_check.local_geometry import diagonal_dominance  # noqa: F401
from theory.core.registry import _CHECKS
from theory.local_geometry.diagonal_dominance import (
    lemma_28,
    lemma_28_sides,
    r_opt_of_network,
    ratios_of_matrix,
    row_ratios,
)
from theory.local_geometry.hessian_diagonal import r_opt, two_layer_hessian

RNG = np.random.default_rng(5)


def network(d, n, *batch):
    shapes = ((*batch, d), (*batch, d, n), (n,))
    return [RNG.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 3), (5, 5)])
def test_row_ratios_are_those_of_the_matrix(d, n):
    w, W, A = network(d, n)
    first, second = row_ratios(w, W, A)
    expected = ratios_of_matrix(two_layer_hessian(w, W, A))
    # The closed forms subtract squares of the same size as the result.
    np.testing.assert_allclose(np.concatenate([first.ravel(), second]), expected, rtol=1e-12)
    assert r_opt_of_network(w, W, A) == pytest.approx(r_opt(two_layer_hessian(w, W, A)), rel=1e-12)


def test_batches_and_strict_arrays():
    xp = pytest.importorskip("array_api_strict")
    w, W, A = network(4, 3, 6)
    batch = r_opt_of_network(w, W, A)
    one_by_one = [float(r_opt_of_network(w[k], W[k], A)) for k in range(6)]
    np.testing.assert_allclose(batch, one_by_one, rtol=1e-14)
    strict = np.asarray(r_opt_of_network(*(xp.asarray(x) for x in (w, W, A))))
    np.testing.assert_allclose(strict, batch, rtol=1e-14)


def test_lemma_28_on_random_networks():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        d, n = rng.integers(1, 5, size=2)
        lhs, rhs = lemma_28_sides(
            rng.uniform(0.1, 2, d), rng.uniform(0.1, 2, n), rng.normal(), rng.uniform(0, 0.9),
            rng.uniform(-1, 1, (d, n)), rng.uniform(-1, 1, d), rng.normal(size=n),
        )  # fmt: skip
        assert len(lhs) == 2 * (d * n + d)
        # Equality is possible; a rounding error of 1e-12 is not a violation.
        assert np.all((lhs <= rhs * (1 + 1e-12)).astype(bool))


def test_the_first_term_is_approached_by_a_small_row():
    u = np.array([1e-4, 1.0, 1.0])
    lhs, rhs = lemma_28_sides(u, np.ones(2), 1.0, 0.0, np.zeros((3, 2)), np.zeros(3), np.zeros(2))
    ratio = lhs / rhs
    # Rows of W of the small unit come first; the small row of w stands behind all rows of W.
    assert ratio[0] == pytest.approx(1.0, abs=1e-8)
    assert ratio[6] == pytest.approx(1.0, abs=1e-8)
    assert max(ratio[2:6]) < 0.95


def test_proof_and_search():
    checks = {check.kind: check for check in _CHECKS if check.claim is lemma_28}
    assert run_proof(checks["proof"], lemma_28.itself()).verdict == "proved"
    evidence = run_search(checks["search"], lemma_28.itself(), budget="quick", seed=1)
    assert evidence.verdict == "supported"
    assert evidence.data["tightness"] > 0.999
