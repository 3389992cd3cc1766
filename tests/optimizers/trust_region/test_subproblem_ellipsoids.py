import math
from fractions import Fraction

import numpy as np
import pytest
from subproblem_problems import exact_form

from theory.optimizers.trust_region import Ellipsoid
from theory.optimizers.trust_region.accurate import AccurateProduct
from theory.optimizers.trust_region.secular import solve_secular
from theory.optimizers.trust_region.steihaug import to_sphere

U = np.finfo(float).eps


def turned(rng, values):
    Q = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    M = Q * values @ Q.T
    return (M + M.T) / 2, Q


@pytest.mark.parametrize("condition", [1.0, 1e6, 1e12])
def test_norms_are_accurate_where_the_quadratic_form_cancels(condition):
    rng = np.random.default_rng(0)
    A, Q = turned(rng, np.geomspace(1, condition, 10))
    norm = Ellipsoid.of(A, 10)
    for s in (Q[:, 0], Q[:, 4], Q[:, 9], rng.normal(size=10)):
        true = math.sqrt(exact_form(A, [Fraction(float(x)) for x in s]))
        assert norm.norm(s) == pytest.approx(true, rel=20 * U)


def test_a_plain_quadratic_form_would_not_do():
    A, Q = turned(np.random.default_rng(0), np.geomspace(1, 1e12, 10))
    s = Q[:, 0]
    true = exact_form(A, [Fraction(float(x)) for x in s])
    assert abs(s @ A @ s / float(true) - 1) > 1e-9


@pytest.mark.parametrize("full", [False, True])
def test_whitening(full):
    rng = np.random.default_rng(1)
    values = np.geomspace(1e-3, 1e3, 6)
    A = turned(rng, values)[0] if full else values
    norm = Ellipsoid.of(A, 6)
    dense = A if full else np.diag(A)
    s, g = rng.normal(size=(2, 6))
    # u times the condition 1e6 of A, or the root of it where A enters by its factor.
    assert norm.whiten_dual(g) @ norm.whiten(s) == pytest.approx(g @ s, rel=1e-11)
    np.testing.assert_allclose(norm.unwhiten(norm.whiten(s)), s, rtol=1e-11)
    np.testing.assert_allclose(norm.apply(s), dense @ s, rtol=1e-9)
    np.testing.assert_allclose(dense @ norm.solve(g), g, rtol=1e-8)
    assert norm.dual_norm(g) ** 2 == pytest.approx(g @ np.linalg.solve(dense, g), rel=1e-8)
    columns = rng.normal(size=(6, 3))
    for way in (norm.whiten, norm.unwhiten, norm.whiten_dual):
        one_by_one = np.stack([way(column) for column in columns.T], axis=1)
        np.testing.assert_allclose(way(columns), one_by_one, rtol=1e-11)


def test_condition_and_equivalence():
    assert Ellipsoid.of(None, 3).condition == 1.0
    assert Ellipsoid.of(None, 3).equivalence == 1.0
    assert Ellipsoid.of([0.25, 2.0], 2).condition == 8.0
    assert Ellipsoid.of([0.25, 2.0], 2).equivalence == 2.0
    A = turned(np.random.default_rng(2), np.array([0.25, 1.0, 9.0]))[0]
    assert Ellipsoid.of(A, 3).equivalence == pytest.approx(3.0, rel=1e-14)
    assert Ellipsoid.of(A, 3).condition == pytest.approx(36.0, rel=1e-13)


def test_an_ellipsoid_is_taken_as_it_is():
    norm = Ellipsoid.of([1.0, 2.0], 2)
    assert Ellipsoid.of(norm, 2) is norm
    assert repr(norm) == "<diagonal ellipsoid of dimension 2>"


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (64, 64)])
def test_accurate_products(shape):
    rng = np.random.default_rng(3)
    M = rng.normal(size=shape) * 10.0 ** rng.uniform(-8, 8, size=shape)
    v = rng.normal(size=shape[1])
    for minus in (0.0, M @ v):
        found = AccurateProduct(M)(v, minus=minus)
        for i, row in enumerate(M):
            true = sum(Fraction(a) * Fraction(b) for a, b in zip(row, v, strict=True))
            true -= Fraction(float(np.broadcast_to(minus, found.shape)[i]))
            scale = np.abs(row).max() * np.abs(v).max() * shape[1]
            assert abs(found[i] - float(true)) <= 2 * U * abs(float(true)) + 2.0**-58 * scale


def test_the_secular_equation_is_met():
    rng = np.random.default_rng(4)
    for _ in range(200):
        n = int(rng.integers(1, 8))
        values = np.sort(rng.normal(size=n))
        c = rng.normal(size=n) * 10.0 ** rng.uniform(-12, 2, n)
        radius = 10.0 ** rng.uniform(-3, 3)
        found = solve_secular(values, c, radius)
        assert (found.shifted >= 0).all()
        assert found.multiplier >= 0
        size = np.linalg.norm(found.point)
        assert size <= radius * (1 + 4 * U)
        if found.on_boundary:
            assert size == pytest.approx(radius, rel=1e-14)
        # Relative to the size of each equation, a few units of rounding.
        miss = found.shifted * found.point + c
        assert (np.abs(miss) <= 64 * U * (np.abs(c) + np.abs(values).max() * size)).all()


def test_the_way_to_the_sphere_is_positive_and_exact():
    rng = np.random.default_rng(5)
    for _ in range(100):
        z, u = rng.normal(size=(2, 3))
        u /= np.linalg.norm(u)
        radius = np.linalg.norm(z) * (1 + 10.0 ** rng.uniform(-14, 3))
        t = to_sphere(z, u, radius)
        assert t >= 0
        assert np.linalg.norm(z + t * u) == pytest.approx(radius, rel=8 * U)
