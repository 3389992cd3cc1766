"""Proofs and attacks: model decrease of the Cauchy point and of the eigenpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof
from proofs_check.structures import Array, Draw
from theory.adaptive_norms.model_decrease import (
    lemma_5,
    lemma_6,
    line_decrease,
    yao_lemma_10,
)
from theory.core import Statement

ALL = "all d"
EXCESS = sympy.Symbol("h", nonnegative=True)
MORE = sympy.Symbol("k", nonnegative=True)
REACH = sympy.Symbol("z", positive=True)
NEVER_BELOW = 1 + 2.0**-40  # a float above an exact bound that it rounds


@dataclass(frozen=True)
class Curvature:
    """A symmetric matrix of which only the value of its form at one direction, up to sign, matters.

    Attributes
    ----------
    value : SymPy expression
    """

    value: sympy.Expr

    def quadratic_form(self, direction: Any) -> sympy.Expr:
        """The value; the same for a direction and its opposite."""
        return self.value


# ---- decrease along a line


@dataclass(frozen=True)
class LineCase:
    """One case of ``D >= 1/2 v min{x, z}``: slope v^2, length z/v, curvature q <= v^3/x.

    Attributes
    ----------
    name : str
    limit, reach, curvature : SymPy expression
        x, z and q, written so that every minimum and maximum resolves.
    terms : tuple
        What ``D - 1/2 v min{x, z}`` is the sum of.
    """

    name: str
    limit: sympy.Expr
    reach: sympy.Expr
    curvature: sympy.Expr
    terms: tuple[Any, ...]


def line_cases(v: sympy.Expr, text: str) -> Iterator[LineCase]:
    """The three cases of the line; `text` says why ``q <= v^3/x``."""
    h, k, z = EXCESS, MORE, REACH
    bent = v**3 * (1 - h) / z
    yield LineCase("the region ends first, and x >= z", z + k, z, bent, (v * z * h / 2,))
    yield LineCase("the region ends first, and z >= x", z, z + k, v**3 * (1 - h) / (z + k),
                   (v * (z + k) * h / 2, v * k / 2))  # fmt: skip
    # q >= v^3/z and q <= v^3/x leave only z >= x
    q = v**3 * (1 + h) / (z + k)
    slack = hypothesis(v**3 / z - q, text)
    yield LineCase("the minimiser comes first: q = v^3 (1 + h)/z", z, z + k, q,
                   (slack * (z * (z + k) / (2 * v**2 * (1 + h))),))  # fmt: skip


def line_is_best(transcript: Transcript) -> None:
    """`line_decrease` is the largest decrease on the segment; which cases `line_cases` needs."""
    a, t, w = sympy.symbols("a t w", positive=True)
    h = EXCESS
    q = a * (1 + h) / (t + w)
    transcript.nonnegative(
        "no point of the segment is better, where the minimiser lies inside",
        line_decrease(a, q, t + w) - (t * a - t**2 * q / 2), [q / 2 * (t - a / q) ** 2],
        scope="T q >= a, all 0 < t <= T", because="complete the square around a/q",
    )  # fmt: skip
    q = a * (1 - h) / (t + w)
    transcript.nonnegative(
        "no point of the segment is better, where it ends at the boundary",
        line_decrease(a, q, t + w) - (t * a - t**2 * q / 2),
        [w**2 * a / (2 * (t + w)), w * a * h * (2 * t + w) / (2 * (t + w))],
        scope="T q <= a, q of any sign, all 0 < t <= T = t + w",
        because="the difference is (T - t) (a - q (T + t)/2)",
    )  # fmt: skip
    v, x, z = sympy.symbols("v x z", positive=True)
    q = v**3 * (1 + h) / z
    transcript.nonnegative(
        "where the minimiser comes first, z >= x, so that three cases are all",
        z - x, [hypothesis(v**3 / x - q, "q <= v^3/x") * x * z / v**3, x * h],
        scope="slope v^2, T = z/v, q >= v^3/z", because="T q >= a is q >= v^3/z",
    )  # fmt: skip


# ---- Lemma 5


@proof(lemma_5, scope="all d, every symmetric B <= beta I, every definite A <= mu^2 I")
def along_the_gradient(statement: Statement, transcript: Transcript) -> None:
    """One quadratic along -g, its three cases; then the norm of A against mu."""
    g, B = algebra.vector("g", nonzero=True), algebra.symmetric("B")
    beta, mu = sympy.symbols("beta mu", positive=True)
    transcript.given("A is symmetric positive definite, g != 0, Delta > 0, lam_max(B) <= beta")
    transcript.identity(
        "the slack of the curvature along g", beta * g.dot(g) - B.quadratic_form(g),
        (beta * algebra.identity() - B).quadratic_form(g), scope="all d",
        because="so that q = g'Bg <= beta g'g wherever beta I - B is positive semidefinite",
    )  # fmt: skip
    line_is_best(transcript)
    u, n = sympy.sqrt(g.dot(g)), sympy.Symbol("n", positive=True)
    for case in line_cases(u, "g'Bg <= beta g'g"):
        lhs, rhs = statement.formula(
            gradient=g, hessian=Curvature(case.curvature), ellipsoid=Curvature(n),
            radius=case.reach * sympy.sqrt(n) / u, beta=u / case.limit, mu=mu,
        )  # fmt: skip
        transcript.nonnegative(
            f"decrease of the Cauchy point: {case.name}", rhs[1] - lhs[1], case.terms, scope=ALL,
            concludes=True, because="v = ||g||, x = ||g||/beta, z = Delta ||g||/||g||_A, n = g'Ag",
        )  # fmt: skip
    _uniform_form(statement, transcript, g, mu)


def _uniform_form(
    statement: Statement, transcript: Transcript, g: algebra.Expression, mu: sympy.Symbol
) -> None:
    A, u = algebra.symmetric("A", positive_definite=True), sympy.sqrt(g.dot(g))
    transcript.identity(
        "the slack of the norm along g", mu**2 * g.dot(g) - A.quadratic_form(g),
        (mu**2 * algebra.identity() - A).quadratic_form(g), scope="all d",
        because="so that ||g||_A <= mu ||g||, hence y = Delta/mu <= z = Delta ||g||/||g||_A",
    )  # fmt: skip
    least, j, k = REACH, EXCESS, MORE
    for order, x, y, z, gain in (
        ("x <= y <= z", least, least + j, least + j + k, 0),
        ("y <= x <= z", least + j, least, least + j + k, j),
        ("y <= z <= x", least + j + k, least, least + j, j),
    ):
        lhs, rhs = statement.formula(
            gradient=g, hessian=Curvature(u**2), ellipsoid=Curvature((mu * y * u / z) ** 2),
            radius=mu * y, beta=u / x, mu=mu,
        )  # fmt: skip
        transcript.nonnegative(
            f"the uniform form is weaker: {order}", rhs[0] - lhs[0], [u * gain / 2], scope=ALL,
            concludes=True, because="min{x, .} does not decrease; x = ||g||/beta",
        )  # fmt: skip


@attack(lemma_5, refine=("gradient", "radius"))
def cauchy_instances() -> SearchStrategy[dict[str, Any]]:
    """Gradients along the top eigenvector of B, radii at and around its minimiser, any A."""
    return _cauchy_instances()


@st.composite
def spheres_and_ellipsoids(draw: Draw, d: int) -> tuple[Array, float]:
    """A matrix of an ellipsoid with a root of a bound of its eigenvalues; exact where diagonal."""
    kind = draw(st.sampled_from(["multiple", "diagonal", "rotated"]))
    mu = 2.0 ** draw(st.integers(-3, 3))
    if kind == "multiple":
        return mu * mu * np.eye(d), mu
    if kind == "diagonal":
        return np.diag(mu * mu * draw(strategies.spectra(d, low=2.0**-10, high=1.0))), mu
    matrix = draw(strategies.positive_definite(d, max_condition=1e3))
    return matrix, float(np.sqrt(np.linalg.norm(matrix, 2))) * NEVER_BELOW


@st.composite
def bounded_curvature(draw: Draw, d: int) -> tuple[Array, float]:
    """A symmetric matrix and an upper bound of its eigenvalues; exact where diagonal."""
    kind = draw(st.sampled_from(["diagonal", "one eigenvalue", "free", "concave"]))
    if kind == "one eigenvalue":
        value = 2.0 ** draw(st.integers(-4, 4))
        return value * np.eye(d), value
    if kind == "diagonal":
        values = draw(strategies.vectors(d, nonzero=True))
        return np.diag(values), max(float(np.max(values)), 2.0**-10)
    matrix = draw(strategies.symmetric(d))
    if kind == "concave":
        return -(matrix @ matrix.T), 2.0**-10
    return matrix, float(np.linalg.norm(matrix, 2)) * NEVER_BELOW + 2.0**-40


def radius_at(minimiser: float, fallback: float, share: float) -> float:
    """A share of the radius at which the minimiser lies on the boundary, where there is one."""
    usable = np.isfinite(minimiser) and 2.0**-60 < minimiser < 2.0**60
    return share * (minimiser if usable else fallback)


SHARES = st.sampled_from([1.0, 2.0**20, 61 / 64, 0.5, 1.25, 2.0**10, 2.0**-20])


@st.composite
def _cauchy_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.sampled_from([2, 1, 3]))
    ellipsoid, mu = draw(spheres_and_ellipsoids(d))
    hessian, beta = draw(bounded_curvature(d))
    top = np.eye(d)[int(np.argmax(np.diag(hessian)))]
    free = strategies.vectors(d, nonzero=True)
    gradient = draw(st.one_of(st.just(top), st.just(np.ones(d)), free))
    gradient = gradient * 2.0 ** draw(st.integers(-6, 6))
    length = float(np.sqrt(gradient @ ellipsoid @ gradient))
    if d > 1 and draw(st.integers(0, 3)) == 3:
        # outside the hypotheses: one eigenvalue d times the largest entry of the diagonal
        hessian, beta, gradient = np.ones((d, d)), 1.0, np.ones(d)
    curvature = float(gradient @ hessian @ gradient)
    minimiser = length * float(gradient @ gradient) / curvature if curvature > 0 else np.inf
    return {"gradient": gradient, "hessian": hessian, "ellipsoid": ellipsoid,
            "radius": radius_at(minimiser, length / beta, draw(SHARES)), "beta": beta,
            "mu": mu}  # fmt: skip


# ---- Lemma 6


@proof(lemma_6, scope="all d, every u with u'Bu <= nu lam ||u||^2 < 0, every definite A <= mu^2 I")
def along_negative_curvature(statement: Statement, transcript: Transcript) -> None:
    """Concave along u: an end of the segment is best, and its decrease is a sum of two gains."""
    g, u = algebra.vector("g"), algebra.vector("u", nonzero=True)
    A, B = algebra.symmetric("A", positive_definite=True), algebra.symmetric("B")
    size, mu, radius = sympy.symbols("l mu Delta", positive=True)
    nu = 1 / (1 + EXCESS)
    transcript.given(
        "A is symmetric positive definite, u != 0, lam = -l < 0, nu = 1/(1 + h), h >= 0"
    )
    slope, far = sympy.Abs(g.dot(u)), sympy.Symbol("T", positive=True)
    share = sympy.Symbol("t", real=True)
    curved = hypothesis(-B.quadratic_form(u), "u'Bu <= 0")
    transcript.nonnegative(
        "an end of the segment is best", far * slope - far**2 * B.quadratic_form(u) / 2
        - (-share * far * g.dot(u) - share**2 * far**2 * B.quadratic_form(u) / 2),
        [far * hypothesis(slope + share * g.dot(u), "|t| <= 1"),
         far**2 * hypothesis(1 - share**2, "|t| <= 1") * curved / 2],
        scope="all d, all s = t T u with |t| <= 1", because="|g'u| >= -t g'u",
    )  # fmt: skip
    lhs, rhs = statement.formula(
        gradient=g, hessian=B, ellipsoid=A, radius=radius, direction=u, nu=nu, smallest=-size,
        mu=mu,
    )  # fmt: skip
    form = A.quadratic_form(u)
    quality = hypothesis(-nu * size * u.dot(u) - B.quadratic_form(u), "u'Bu <= nu lam ||u||^2")
    transcript.nonnegative(
        "decrease of the eigenpoint", rhs[1] - lhs[1],
        [slope * radius / sympy.sqrt(form), quality * (radius**2 / (2 * form))], scope=ALL,
        concludes=True, because="T = Delta/||u||_A; the sign makes the linear term a gain",
    )  # fmt: skip
    norm = hypothesis(mu**2 * u.dot(u) - form, "||u||_A <= mu ||u||")
    transcript.nonnegative(
        "the uniform form is weaker", rhs[0] - lhs[0],
        [norm * (nu * size * radius**2 / (2 * mu**2 * form))], scope=ALL, concludes=True,
    )  # fmt: skip


_QUALITIES = ["worst", "exact", "poor", "tilted", "worst", "poor"]


@attack(lemma_6, refine=("gradient", "radius"))
def eigenpoint_instances() -> SearchStrategy[dict[str, Any]]:
    """Directions of the smallest eigenvalue and worse ones, gradients across, along and against."""
    return _eigenpoint_instances()


@st.composite
def _eigenpoint_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    ellipsoid, mu = draw(spheres_and_ellipsoids(d))
    smallest = -(2.0 ** draw(st.integers(-4, 4)))
    nu, kind = draw(st.sampled_from([1.0, 0.5, 0.0625])), draw(st.sampled_from(_QUALITIES))
    values = np.array([smallest, *draw(strategies.vectors(d))[: d - 1]])
    direction = np.eye(d)[0]
    if kind == "tilted":
        direction = direction + np.eye(d)[-1] / 2
        quotient = float(direction @ (values * direction) / (direction @ direction)) / smallest
        nu = min(max(quotient * (1 - 2.0**-40), 2.0**-20), 1.0)
    elif kind != "exact":
        # the worst direction that the quality allows, or one that it does not allow
        values[0] *= nu if kind == "worst" else nu / 4
    gradient = draw(st.one_of(st.just(np.eye(d)[-1] * (d > 1)), st.just(direction),
                              st.just(-direction), strategies.vectors(d)))  # fmt: skip
    return {"gradient": gradient, "hessian": np.diag(values), "ellipsoid": ellipsoid,
            "radius": 2.0 ** draw(st.integers(-6, 6)), "direction": direction,
            "nu": nu, "smallest": smallest, "mu": mu}  # fmt: skip


# ---- Yao et al., Lemma 10


@proof(yao_lemma_10, scope="all a, b > 0")
def two_cases(statement: Statement, transcript: Transcript) -> None:
    """``b/(sqrt(a^2 + b) + a)``: replace the larger of a and root b by the other one."""
    x, h, root_two = REACH, EXCESS, sympy.sqrt(2)
    transcript.given("a, b > 0; x is the smaller of sqrt b and b/a")
    for case, a, root, larger in (
        ("a <= sqrt b = x", x**2 / (x + h), x, x),
        ("sqrt b = x + h <= a = b/x", (x + h) ** 2 / x, x + h, (x + h) ** 2 / x),
    ):
        lhs, rhs = statement.formula(a=a, b=root**2)
        whole, smaller = sympy.sqrt(a**2 + root**2), root if larger == a else a
        factor = x / ((whole + a) * (root_two + 1))
        squares = sympy.factor(larger**2 - smaller**2)
        transcript.nonnegative(
            case, rhs - lhs,
            [factor * sympy.factor(larger - a), factor * squares / (root_two * larger + whole)],
            scope="all a, b > 0 of this case", concludes=True,
            because="sqrt(a^2 + b) - a = b/(sqrt(a^2 + b) + a), and sqrt(a^2 + b) is at most"
            " sqrt 2 times the larger of a and sqrt b",
        )  # fmt: skip
    equal = sympy.Symbol("a", positive=True)
    lhs, rhs = statement.formula(a=equal, b=equal**2)
    transcript.identity("equality for b = a^2", lhs, rhs, scope="all a > 0")


@attack(yao_lemma_10, refine=("a", "b"))
def positive_pairs() -> SearchStrategy[dict[str, Any]]:
    """Pairs with b = a^2, where equality holds, and on both sides of it."""
    a = strategies.scales(2.0**-20, 2.0**20)
    ratio = st.one_of(st.sampled_from([1.0, 0.25, 4.0]), strategies.scales(2.0**-20, 2.0**20))
    return st.builds(lambda a, r: {"a": a, "b": a * a * r}, a, ratio)
