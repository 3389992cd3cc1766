"""Random subproblems of every kind, and their optimum and values without rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np

from theory.optimizers.trust_region import Ellipsoid

KINDS = ("definite", "indefinite", "singular", "hard case")
ELLIPSOIDS = ("sphere", "diagonal", "full")


@dataclass(frozen=True)
class Problem:
    kind: str
    B: np.ndarray
    g: np.ndarray
    ellipsoid: np.ndarray | None
    radius: float

    @property
    def A(self):  # noqa: N802
        if self.ellipsoid is None:
            return np.eye(len(self.g))
        return np.diag(self.ellipsoid) if self.ellipsoid.ndim == 1 else self.ellipsoid


def random_problem(rng, index, largest=12):
    """Problem number `index`: kinds in turn, conditions of B and A log-uniform up to 1e12.

    The radius is from 1/100 of to 1000 times the preconditioned gradient step; every other
    definite problem has its minimiser inside.
    """
    n = int(rng.integers(2, largest + 1))
    kind, shape = KINDS[index % 4], ELLIPSOIDS[index // 4 % 3]
    turned = bool(index // 12 % 2)
    condition_B, condition_A = 10.0 ** rng.uniform(0, 12, 2)
    B = _turned(rng, _spectrum(rng, n, kind, condition_B), turned)
    A = rng.permutation(np.geomspace(1.0, condition_A, n)) / math.sqrt(condition_A)
    ellipsoid = {"sphere": None, "diagonal": A, "full": _turned(rng, A, True)}[shape]
    norm = Ellipsoid.of(ellipsoid, n)
    g = rng.normal(size=n)
    if kind == "hard case":
        g = _unseen(norm, B, g, exact=shape != "full" and not turned)
    g *= 10.0 ** rng.uniform(-3, 3)
    size = np.linalg.norm(norm.whiten_dual(norm.whiten_dual(B).T), 2)
    radius = norm.dual_norm(g) / size * 10.0 ** rng.uniform(-2, 3)
    if kind == "definite" and index % 8:
        radius = norm.norm(np.linalg.solve(B, g)) * rng.uniform(1.1, 3.0)
    return Problem(kind, B, g, ellipsoid, float(radius))


def _spectrum(rng, n, kind, condition):
    values = rng.permutation(np.geomspace(1 / condition, 1.0, n))
    if kind == "definite":
        return values
    values *= rng.choice([-1.0, 1.0], n)
    if kind == "singular":
        values = np.abs(values) if rng.random() < 0.5 else values
        values[rng.integers(n)] = 0.0
    if kind == "hard case":
        values[0] = -rng.uniform(0.01, 1.0)
    return values


def _turned(rng, values, turned):
    if not turned:
        return np.diag(values)
    Q = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    M = Q * values @ Q.T
    return (M + M.T) / 2


def _unseen(norm, B, g, *, exact):
    """The gradient without its component along the least eigenvector (to rounding, or exactly)."""
    if exact:
        g[np.argmin(np.diag(B) / norm.matrix)] = 0.0
        return g
    white = norm.whiten_dual(norm.whiten_dual(B).T)
    u = np.linalg.eigh((white + white.T) / 2)[1][:, 0]
    seen = u @ norm.whiten_dual(g)
    # F u, as F maps whitened gradients back: apply(unwhiten(u)) = F F' F^-T u.
    return g - seen * norm.apply(norm.unwhiten(u))


def exact_decrease(problem, step):
    """``-(g's + s'Bs/2)`` of float inputs in rationals, rounded once."""
    s = [Fraction(float(x)) for x in step]
    linear = sum(Fraction(float(a)) * x for a, x in zip(problem.g, s, strict=True))
    return float(-(linear + exact_form(problem.B, s) / 2))


def exact_norm(problem, step):
    """``sqrt(s'As)`` with s'As in rationals."""
    return math.sqrt(exact_form(problem.A, [Fraction(float(x)) for x in step]))


def exact_form(matrix, s):
    rows = [sum(Fraction(float(a)) * x for a, x in zip(row, s, strict=True) if a) for row in matrix]
    return sum(x * row for x, row in zip(s, rows, strict=True))


def optimum(problem):
    """The largest decrease, by bisection of the secular equation in 70 digits."""
    with mpmath.workdps(70):
        values, c = _eigen(problem)
        radius, tiny = mpmath.mpf(problem.radius), mpmath.mpf(10) ** -60 * max(map(abs, values))

        def point(sigma):
            return [-b / (v + sigma) if v + sigma > tiny / 2 else mpmath.mpf(0)
                    for v, b in zip(values, c, strict=True)]  # fmt: skip

        low = max(mpmath.mpf(0), -values[0])
        if values[0] > 0 and mpmath.norm(point(low)) <= radius:
            return _decrease(values, c, point(low))
        if mpmath.norm([-b / (v + low + tiny) for v, b in zip(values, c, strict=True)]) <= radius:
            y = point(low)
            rest = mpmath.sqrt(max(0, radius**2 - mpmath.norm(y) ** 2))
            y[0] += rest if low > 0 else 0
            return _decrease(values, c, y)
        logs = [mpmath.log(tiny), mpmath.log(mpmath.norm(c) / radius + tiny)]
        for _ in range(240):
            middle = sum(logs) / 2
            outside = mpmath.norm(point(low + mpmath.exp(middle))) > radius
            logs[0 if outside else 1] = middle
        return _decrease(values, c, point(low + mpmath.exp(logs[1])))


def _eigen(problem):
    inverse = mpmath.cholesky(mpmath.matrix(problem.A.tolist())) ** -1
    white = inverse * mpmath.matrix(problem.B.tolist()) * inverse.T
    values, vectors = mpmath.eigsy((white + white.T) / 2)
    c = vectors.T * (inverse * mpmath.matrix(problem.g.tolist()))
    order = sorted(range(len(c)), key=lambda i: values[i])
    return [values[i] for i in order], [c[i] for i in order]


def _decrease(values, c, y):
    return float(-sum(b * t + v * t * t / 2 for v, b, t in zip(values, c, y, strict=True)))
