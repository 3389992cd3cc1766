"""The least sum of smoothness constants: rigorous intervals, known values, two solvers."""

import itertools

import numpy as np
import pytest

from theory.egop.smoothness import smallest_smoothness_sum
from theory.egop.smoothness_certificate import certified_lower_end, is_certified_feasible

METHODS = ("barrier", "mixing")


def random_symmetric(rng, d, kind):
    G = rng.standard_normal((d, d))
    rank = max(1, d // 3)
    matrices = {
        "wigner": G + G.T,
        "psd": G @ G.T,
        "low rank": G[:, :rank] @ G[:, :rank].T,
        "indefinite of rank two": np.outer(G[0], G[0]) - np.outer(G[-1], G[-1]),
        "diagonal": np.diag(G[0]),
        "sparse": np.where(np.abs(G) > 1.2, G, 0.0),
        "graded": G @ G.T * np.outer(10.0 ** -np.arange(d), 10.0 ** -np.arange(d)) ** 0.1,
    }
    H = matrices[kind]
    return (H + H.T) / 2


KINDS = (
    "wigner", "psd", "low rank", "indefinite of rank two", "diagonal", "sparse", "graded",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_is_narrow_and_the_constants_are_feasible(kind):
    rng = np.random.Generator(np.random.Philox(KINDS.index(kind)))
    for d in (1, 2, 3, 7, 15, 30, 45, 60):
        for _ in range(4):
            H = random_symmetric(rng, d, kind)
            result = smallest_smoothness_sum(H)
            assert result.lower <= result.upper
            assert result.upper - result.lower <= 1e-6 * result.upper
            assert np.sum(result.constants) <= result.upper * (1 + 1e-15)
            for sign in (1, -1):
                lowest = np.linalg.eigvalsh(np.diag(result.constants) + sign * H)[0]
                assert lowest >= -100 * d * np.finfo(float).eps * result.upper


@pytest.mark.parametrize("kind", KINDS)
def test_two_solvers_of_different_kind_agree(kind):
    rng = np.random.Generator(np.random.Philox(100 + KINDS.index(kind)))
    for d in (2, 6, 20):
        H = random_symmetric(rng, d, kind)
        first, second = (smallest_smoothness_sum(H, method=m) for m in METHODS)
        # Each interval contains the true value: they must overlap.
        assert max(first.lower, second.lower) <= min(first.upper, second.upper)


@pytest.mark.parametrize("method", METHODS)
def test_known_values(method):
    s = np.array([1.0, -1.0, 1.0, 1.0])
    for H, value in (
        (np.outer(s, s), 16.0),  # PSD of rank one: (sum |h|)^2
        (np.diag([1.0, -3.0, 0.0]), 4.0),  # diagonal: the nuclear norm
        (np.array([[0.0, 1.0], [1.0, 0.0]]), 2.0),
        (np.zeros((3, 3)), 0.0),
        (np.array([[-2.5]]), 2.5),
    ):
        result = smallest_smoothness_sum(H, method=method)
        assert result.lower <= value <= result.upper
        assert result.upper - result.lower <= 1e-8 * max(value, 1e-300)


def test_between_the_best_sign_vector_and_pi_over_two_of_it():
    rng = np.random.Generator(np.random.Philox(5))
    for d in (2, 5, 9):
        H = random_symmetric(rng, d, "psd")
        best = max(np.array(s) @ H @ np.array(s) for s in itertools.product((-1, 1), repeat=d))
        result = smallest_smoothness_sum(H)
        assert best <= result.upper * (1 + 1e-12)
        assert result.lower <= np.pi / 2 * best


def test_never_below_the_nuclear_norm_and_equal_in_an_eigenbasis():
    rng = np.random.Generator(np.random.Philox(6))
    H = random_symmetric(rng, 8, "wigner")
    values, V = np.linalg.eigh(H)
    nuclear = np.abs(values).sum()
    assert smallest_smoothness_sum(H).upper >= nuclear * (1 - 1e-12)
    rotated = V.T @ H @ V
    inside = smallest_smoothness_sum((rotated + rotated.T) / 2)
    assert abs(inside.value / nuclear - 1) < 1e-6


def test_invariance_under_sign_changes_permutation_and_scale():
    rng = np.random.Generator(np.random.Philox(8))
    H = random_symmetric(rng, 6, "wigner")
    signs, order = np.array([1, -1, 1, 1, -1, -1]), rng.permutation(6)
    twin = 1e30 * (np.outer(signs, signs) * H)[np.ix_(order, order)]
    one, other = smallest_smoothness_sum(H), smallest_smoothness_sum(twin)
    assert max(one.lower, other.lower / 1e30) <= min(one.upper, other.upper / 1e30) * (1 + 1e-14)


def test_the_lower_end_holds_for_any_dual_factors():
    # Even a useless dual point gives a valid bound: the certificate trusts no solver.
    rng = np.random.Generator(np.random.Philox(9))
    H = random_symmetric(rng, 5, "wigner")
    upper = smallest_smoothness_sum(H).upper
    for _ in range(20):
        factors = rng.standard_normal((2, 5, 3))
        assert certified_lower_end(H, *factors) <= upper


def test_constants_that_are_too_small_are_not_certified():
    H = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert is_certified_feasible(H, np.array([2.0, 2.0 + 1e-9]), semidefinite=True)
    assert not is_certified_feasible(H, np.array([2.0, 2.0 - 1e-9]), semidefinite=True)
    assert not is_certified_feasible(-3 * H, np.array([2.1, 2.1]), semidefinite=False)


@pytest.mark.parametrize(
    ("hessian", "method", "told"),
    [
        (np.ones((2, 3)), "auto", "hessian has shape (2, 3)"),
        (np.zeros((0, 0)), "auto", "hessian has shape (0, 0)"),
        ([[1.0, np.inf], [np.inf, 1.0]], "auto", "not finite"),
        ([[1.0, 2.0], [0.0, 1.0]], "auto", "hessian is not symmetric"),
        ([[1e308]], "auto", "an entry of size 1e+308; at most 1e+300"),
        (np.eye(2), "simplex", "one of auto, barrier, mixing"),
    ],
)
def test_bad_input_is_named(hessian, method, told):
    with pytest.raises(ValueError) as caught:
        smallest_smoothness_sum(hessian, method=method)
    assert told in str(caught.value)
