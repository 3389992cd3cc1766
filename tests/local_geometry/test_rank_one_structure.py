"""Nearly rank-one weights: the decomposition, medians, and where the constants are attained."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.engine import run_search
from proofs_check.local_geometry import rank_one_structure  # noqa: F401
from theory.core.registry import _CHECKS
from theory.local_geometry.hessian_diagonal import r_med
from theory.local_geometry.rank_one_structure import (
    lemma_30,
    lemma_30_sides,
    midpoint_median,
    nearly_rank_one,
    ratios_to_reference,
)

RNG = np.random.default_rng(4)


def weights(d, n):
    u, v = RNG.uniform(0.5, 2, d), RNG.standard_normal(n)
    return u, v, 1.5, 0.25, RNG.uniform(-1, 1, (d, n)), RNG.uniform(-1, 1, d)


def test_errors_are_relative():
    u, v, c, delta, first, second = weights(4, 3)
    w, W = nearly_rank_one(u, v, c, delta, first, second)
    assert np.all(abs(w - c * u) <= delta * abs(c * u) * (1 + 1e-15))
    np.testing.assert_allclose(W - np.outer(u, v), delta * first * np.outer(u, v), atol=1e-15)


@pytest.mark.parametrize("d", [1, 2, 5, 8])
def test_ratios_are_those_of_the_diagonals(d):
    u, v, c, delta, first, second = weights(d, 3)
    w, W = nearly_rank_one(u, v, c, delta, first, second)
    expected = [r_med(w * w) / r_med(u * u), r_med(np.sum(W * W, axis=1)) / r_med(u * u)]
    found = ratios_to_reference(u, v, c, delta, first, second)
    assert found == pytest.approx(expected, rel=1e-13)
    lhs, rhs = lemma_30_sides(u, v, c, delta, first, second)
    assert all(a <= b for a, b in zip(lhs, rhs, strict=True))


def test_midpoint_median_is_exact():
    values = [Fraction(1, 3), Fraction(1, 7), Fraction(2), Fraction(1, 2)]
    assert midpoint_median(values) == Fraction(5, 12)
    assert midpoint_median(values[:3]) == Fraction(1, 3)


def test_with_two_rows_the_constants_are_not_attained():
    """The median of two is their mean: the worst of all signs stays below the bound."""
    delta = 0.5
    worst = 0.0
    for signs in np.ndindex(2, 2):
        s = 2.0 * np.array(signs) - 1.0
        for u in (np.ones(2), np.array([2.0, 1.0])):
            ratio, _ = ratios_to_reference(u, np.ones(1), 1.0, delta, s[:, None], s)
            worst = max(worst, ratio / ((1 + delta) / (1 - delta)) ** 2)
    assert worst < 0.9


def test_hypotheses():
    u, v, c, delta, first, second = weights(3, 2)
    statement = lemma_30.itself()
    good = {"u": u, "v": v, "c": c, "delta": delta, "first": first, "second": second}
    assert statement.hypotheses_hold(**good)
    for change in ({"delta": 1.0}, {"c": 0.0}, {"u": 0 * u}, {"v": 0 * v},
                   {"first": first + 2}, {"second": second - 2}):  # fmt: skip
        assert not statement.hypotheses_hold(**{**good, **change})


def test_the_search_attains_the_bound():
    (check,) = [c for c in _CHECKS if c.claim is lemma_30 and c.kind == "search"]
    evidence = run_search(check, lemma_30.itself(), budget="quick", seed=2)
    assert evidence.verdict == "supported"
    assert evidence.data["tightness"] == 1.0
