"""The interval of the least smoothness sum is rigorous: checked in exact and ball arithmetic."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from theory.egop.smoothness import smallest_smoothness_sum
from theory.egop.smoothness_certificate import (
    certified_constants,
    certified_lower_end,
    certified_sum,
)

SOLVERS = ("barrier", "mixing", "primal-dual")
KINDS = ("full", "rank one", "diagonal", "graded", "with zero rows")


def symmetric(seed, d, kind):
    G = np.random.Generator(np.random.Philox(seed)).standard_normal((d, d))
    scale = 10.0 ** -np.linspace(0, 12, d)
    kept = (np.arange(d) % 3 > 0).astype(float)
    H = {
        "full": G + G.T,
        "rank one": np.outer(G[0], G[0]),
        "diagonal": np.diag(G[0]),
        "graded": (G + G.T) * np.outer(scale, scale),
        "with zero rows": (G + G.T) * np.outer(kept, kept),
    }[kind]
    return (H + H.T) / 2


def is_semidefinite(rows):
    """Elimination in rationals: no negative pivot, and a zero pivot has a zero row."""
    while rows:
        first, pivot = rows[0], rows[0][0]
        if pivot < 0 or (pivot == 0 and any(first)):
            return False
        rows = [
            [
                x - (row[0] * y / pivot if pivot else 0)
                for x, y in zip(row[1:], first[1:], strict=True)
            ]
            for row in rows[1:]
        ]
    return True


def slack(H, constants, sign):
    """``diag(L) + sign H``, in rationals."""
    rows = [[sign * Fraction(x) for x in row] for row in H.tolist()]
    for i, level in enumerate(constants.tolist()):
        rows[i][i] += Fraction(level)
    return rows


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 7), st.sampled_from(KINDS), st.sampled_from(SOLVERS))
def test_constants_are_feasible_in_exact_arithmetic(seed, d, kind, method):
    H = symmetric(seed, d, kind)
    result = smallest_smoothness_sum(H, method=method)
    for sign in (1, -1):
        assert is_semidefinite(slack(H, result.constants, sign))
    assert Fraction(result.upper) >= sum(map(Fraction, result.constants.tolist()))
    assert result.lower <= result.upper


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from(KINDS), st.floats(0.0, 1.5))
def test_any_proposal_becomes_feasible(seed, d, kind, share):
    H = symmetric(seed, d, kind)
    H = H[np.ix_(*2 * [np.flatnonzero(np.abs(H).max(axis=1))])]
    if len(H):
        H /= np.abs(H).max()
        raised = certified_constants(H, share * np.abs(H).sum(axis=1))
        for sign in (1, -1):
            assert is_semidefinite(slack(H, raised, sign))


def test_the_raise_is_small_next_to_what_was_proposed():
    H = symmetric(3, 60, "full") / 10
    enough = np.abs(H).sum(axis=1)
    # d rows, each with d products that are off by d u at most.
    bound = 4 * 60**2 * np.finfo(float).eps
    assert np.all(certified_constants(H, enough) <= enough * (1 + bound))


@settings(max_examples=40)
@given(
    st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5),
    st.sampled_from(KINDS),
)  # fmt: skip
@example(seed=0, d=12, k=1, l=5, kind="full")
@example(seed=0, d=12, k=5, l=1, kind="full")
def test_the_lower_end_is_below_the_dual_value_in_ball_arithmetic(seed, d, k, l, kind):
    H = symmetric(seed, d, kind)
    U, V = np.split(
        np.random.Generator(np.random.Philox(seed + 1)).standard_normal((d, k + l)), [k], axis=1
    )
    before, flint.ctx.prec = flint.ctx.prec, 300
    try:
        u, v, h = (flint.arb_mat(x.tolist()) for x in (U, V, H))
        x, y = u * u.transpose(), v * v.transpose()
        size = [(x[i, i] + y[i, i]).sqrt() for i in range(d)]
        value = sum(
            h[i, j] * (x[i, j] - y[i, j]) / (size[i] * size[j])
            for i in range(d) for j in range(d)
        )  # fmt: skip
        trivial = sum(abs(h[i, i]) for i in range(d))
        found = flint.arb(certified_lower_end(H, U, V))
        assert found <= value or found <= trivial or found == 0
    finally:
        flint.ctx.prec = before


@pytest.mark.parametrize(("k", "others"), [(1, 5), (5, 1), (1, 400), (400, 1)])
def test_the_lower_end_leaves_room_for_the_rounding_of_all_columns(k, others):
    # Zero columns change no exact number, but how many products may be rounded.
    d = 6
    H = symmetric(0, d, "rank one")
    U, V = np.zeros((d, k)), np.zeros((d, others))
    U[:, 0] = np.sign(H[0]) / 2
    exact = sum(Fraction(x) for x in np.abs(H).ravel().tolist())
    found = Fraction(certified_lower_end(H, U, V))
    room = (exact - found) / exact
    assert (d + k + others + 4) * Fraction(2) ** -53 <= room
    # The error, what is divided out, and a few roundings more.
    assert room <= 3 * (d + k + others + 16) * Fraction(2) ** -53


@given(st.lists(st.floats(0, 1e300), max_size=8))
def test_sums_are_rounded_up_to_the_next_float(numbers):
    exact = sum(map(Fraction, numbers), start=Fraction(0))
    found = certified_sum(np.array(numbers))
    if math.isfinite(found):
        assert Fraction(found) >= exact
        assert found == 0 or Fraction(math.nextafter(found, -math.inf)) < exact


@pytest.mark.parametrize("method", SOLVERS)
def test_scales_at_the_ends_of_the_floating_point_range(method):
    H = symmetric(4, 5, "full")
    for exponent in (-1060, -500, 500):
        scaled = np.ldexp(H, exponent)
        result = smallest_smoothness_sum(scaled, method=method)
        assert 0 < result.lower <= result.upper
        for sign in (1, -1):
            assert is_semidefinite(slack(scaled, result.constants, sign))


@pytest.mark.parametrize("kind", KINDS)
def test_low_rank_and_interior_point_agree(kind):
    for d in (25, 64):
        H = symmetric(7 * d, d, kind)
        first, second = (smallest_smoothness_sum(H, method=m) for m in SOLVERS[1:])
        assert max(first.lower, second.lower) <= min(first.upper, second.upper)
        # Both solvers aim at a relative gap of 1e-10 and lose d^2 eps of it to the proof.
        for result in (first, second):
            assert result.upper - result.lower <= 2e-9 * result.upper


def test_block_matrices_and_repeated_eigenvalues():
    # The least sum of a block of ones of size k is k^2: its solution is not unique in rank.
    H = np.kron(np.eye(10), np.ones((4, 4)))
    for method in SOLVERS[1:]:
        result = smallest_smoothness_sum(H, method=method)
        assert result.lower <= 160 <= result.upper
        assert result.upper - result.lower <= 1e-8 * 160
