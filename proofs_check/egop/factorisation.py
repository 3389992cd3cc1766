"""Proofs and attacks: matrix factorisation, its Hessian and the Lipschitz constant of that."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, square
from proofs_check.engine.expressions import Expression
from proofs_check.structures import Array, Draw
from theory import arrays
from theory.core import Statement
from theory.egop.factorisation import (
    SECOND_DERIVATIVE,
    factorisation_loss,
    hessian_form,
    lemma_16,
    lemma_17,
    moved_by,
    squared_norm,
)

ALL = "all m, p, q, r"
Factors = tuple[Any, Any]


class LinearMap:
    """A linear map of matrices to vectors: each product of symbols has one image."""

    def measure(self, matrix: Expression) -> Expression:
        """The same combination of the images of the words."""
        images = [
            coefficient
            * algebra.vector(f"A({Expression(matrix.rows, matrix.cols, {word: 1})})", "m")
            for word, coefficient in matrix.terms.items()
        ]
        image: Expression = sum(images[1:], start=images[0])
        return image


def _factors(left: str, right: str) -> Factors:
    return algebra.matrix(left, "p", "r"), algebra.matrix(right, "q", "r")


# ---- Lemma 17


@proof(lemma_17, scope="all m, p, q, r, every linear A, every b")
def quartic_along_a_line(statement: Statement, transcript: Transcript) -> None:
    """Along theta + t v the loss is a quartic in t, and t^2 has half the form as coefficient."""
    A, b, t = LinearMap(), algebra.vector("b", "m"), sympy.Symbol("t", real=True)
    point, direction = _factors("L", "R"), _factors("U", "W")
    (L, R), (U, W) = point, direction
    transcript.given("A is linear: A(x M + y N) = x A(M) + y A(N)")
    residual = A.measure(L @ R.T) - b
    slope, bend = A.measure(U @ R.T + L @ W.T), A.measure(U @ W.T)
    transcript.identity(
        "the loss along a line", factorisation_loss(A, b, moved_by(point, direction, t)),
        factorisation_loss(A, b, point) + t * residual.dot(slope)
        + t**2 / 2 * hessian_form(A, b, point, direction)
        + t**3 * slope.dot(bend) + t**4 / 2 * bend.dot(bend), scope=f"{ALL}, all t",
        because="(L + tU)(R + tW)' = LR' + t(UR' + LW') + t^2 UW'",
    )  # fmt: skip
    for k in range(6):
        weighted = sum(w * sympy.Integer(s) ** k for s, w in enumerate(SECOND_DERIVATIVE, -2))
        transcript.exact(f"the five values give the second derivative of t^{k}", weighted, "==",
                         2 if k == 2 else 0, scope="powers up to five")  # fmt: skip
    lhs, rhs = statement.formula(operator=A, target=b, left=L, right=R, up=U, down=W)
    transcript.identity("the second derivative is the form", lhs, rhs, scope=ALL, concludes=True)


@attack(lemma_17)
def exact_factorisations() -> SearchStrategy[dict[str, Any]]:
    """Shapes up to 2 with entries of every kind, evaluated in exact rationals."""
    return _factorisations()


@st.composite
def _factorisations(draw: Draw) -> dict[str, Any]:
    m, p, q, r = (draw(st.integers(1, 2)) for _ in range(4))
    operator = draw(strategies.vectors(m * p * q, nonzero=True)).reshape(m, p, q)
    parts = {name: draw(strategies.vectors(rows * r, nonzero=True)).reshape(rows, r)
             for name, rows in (("left", p), ("right", q), ("up", p), ("down", q))}  # fmt: skip
    return {"operator": operator, "target": draw(strategies.vectors(m)), **parts}


# ---- Lemma 16


@proof(lemma_16, scope="all m, p, q, r, every linear A, every b, all points of the ball")
def third_derivative_at_the_midpoint(statement: Statement, transcript: Transcript) -> None:
    """The form is quadratic in theta: its change is the third derivative at the midpoint."""
    A, b = LinearMap(), algebra.vector("b", "m")
    B, a = sympy.symbols("B a", positive=True)
    middle, step, v = _factors("L", "R"), _factors("D", "E"), _factors("U", "W")
    transcript.given("||theta_1||, ||theta_2|| <= B; ||A(M)|| <= a ||M||_F; v = (U, W)")
    transcript.given("theta_1 - theta_2 = (D, E) with midpoint (L, R)")
    first, second = (moved_by(middle, step, sympy.Rational(sign, 2)) for sign in (1, -1))
    mixed, form = (A.measure(_product(step, v)).dot(A.measure(_product(middle, v))),
                   A.measure(_product(middle, step)).dot(A.measure(v[0] @ v[1].T)))  # fmt: skip
    change = hessian_form(A, b, first, v) - hessian_form(A, b, second, v)
    transcript.identity(
        "the change of the form", change, 2 * mixed + 2 * form, scope=ALL,
        because="p = <A(DW' + UE'), A(UR' + LW')>, s = <A(DR' + LE'), A(UW')>; b cancels",
    )  # fmt: skip
    _norms(transcript)
    ball = [B**2 - squared_norm(point) for point in (first, second)]
    inside = [hypothesis(gap, f"||theta_{k}|| <= B") for k, gap in enumerate(ball, start=1)]
    transcript.nonnegative(
        "the midpoint lies in the ball", B**2 - squared_norm(middle),
        [inside[0] / 2, inside[1] / 2, square(step[0]) / 4, square(step[1]) / 4], scope=ALL,
    )  # fmt: skip
    lhs, rhs = statement.formula(operator=A, target=b, first=first, second=second, direction=v,
                                 radius=B, norm=a)  # fmt: skip
    largest = a**4 * squared_norm(middle) * squared_norm(step) * squared_norm(v) ** 2
    outside = 9 * a**4 * squared_norm(step) * squared_norm(v) ** 2
    transcript.nonnegative(
        "the change is at most 3 B a^2 ||theta_1 - theta_2|| ||v||^2", rhs - lhs,
        [hypothesis(outside * (B**2 - squared_norm(middle)), "the midpoint lies in the ball"),
         6 * hypothesis(largest - mixed**2, "|p| <= K = a^2 ||(L, R)|| ||(D, E)|| ||v||^2"),
         12 * hypothesis(largest / 4 - form**2, "|s| <= K/2"), 2 * square(mixed - 2 * form)],
        scope=ALL, concludes=True, because="(p + s)^2 = 3/2 p^2 + 3 s^2 - (p - 2s)^2/2",
    )  # fmt: skip
    _sharp(transcript)


def _product(x: Factors, y: Factors) -> Expression:
    """The symmetric bilinear product ``X_1 Y_2' + Y_1 X_2'``."""
    product: Expression = x[0] @ y[1].T + y[0] @ x[1].T
    return product


def _norms(transcript: Transcript) -> None:
    """``||X_1 Y_2' + Y_1 X_2'|| <= ||x|| ||y||`` and ``||UW'|| <= ||v||^2/2``."""
    transcript.cited(
        "a product of matrices", "Horn and Johnson, Matrix Analysis, section 5.6",
        "||MN||_F <= ||M||_F ||N||_F", scope="all matrices",
    )  # fmt: skip
    x1, x2, y1, y2 = sympy.symbols("x1 x2 y1 y2", nonnegative=True)
    transcript.nonnegative(
        "the bilinear product of two pairs",
        (x1**2 + x2**2) * (y1**2 + y2**2) - (x1 * y2 + y1 * x2) ** 2,
        [square(x1 * y1 - x2 * y2)], scope="norms x_i, y_i of the parts",
        because="||X_1 Y_2' + Y_1 X_2'|| <= x1 y2 + y1 x2",
    )  # fmt: skip
    transcript.nonnegative("the product of one pair", (x1**2 + x2**2) / 2 - x1 * x2,
                           [square(x1 - x2) / 2], scope="norms x_i of the parts")  # fmt: skip
    g, h = algebra.vector("g", "m"), algebra.vector("h", "m", nonzero=True)
    transcript.nonnegative(
        "Cauchy and Schwarz for two images", g.dot(g) * h.dot(h) - g.dot(h) ** 2,
        [square(g - g.dot(h) / h.dot(h) * h) * h.dot(h)], scope="all m, h != 0",
        because="then |p| <= a^2 ||(D, E)|| ||v|| ||(L, R)|| ||v|| and"
        " |s| <= a^2 ||(L, R)|| ||(D, E)|| ||v||^2/2",
    )  # fmt: skip


def _sharp(transcript: Transcript) -> None:
    t = sympy.Symbol("t", positive=True)
    along = (t**2 / 2) ** 2 / 2
    transcript.identity("3 is attained", sympy.diff(along, t, 3), 3 * t,
                        scope="f = (l r)^2/2 along (1, 1)/sqrt 2",
                        because="l = r = t/sqrt 2, B = t, ||A|| = 1")  # fmt: skip


@attack(lemma_16)
def points_of_the_ball() -> SearchStrategy[dict[str, Any]]:
    """Points, step and direction along one line where the third derivative is largest; others."""
    return _points_of_the_ball()


@st.composite
def _points_of_the_ball(draw: Draw) -> dict[str, Any]:
    p, q, r = (draw(st.integers(1, 2)) for _ in range(3))
    norm = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(1, 2), Fraction(2)]))
    radius = draw(st.sampled_from([Fraction(1), Fraction(5, 2), Fraction(1, 2)]))
    if draw(st.booleans()):
        return _aligned(draw, (p, q, r), norm, radius)
    basis = draw(strategies.rational_orthogonal(p * q))
    levels = [draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(0)])) for _ in basis]
    operator = np.array([norm * k * row for k, row in zip(levels, basis, strict=True)])
    points = [_pair(draw, (p, q, r), radius) for _ in range(3)]
    return _instance(draw, operator.reshape(-1, p, q), points, radius, norm)


def _aligned(draw: Draw, sizes: tuple[int, int, int], norm: Fraction,
             radius: Fraction) -> dict[str, Any]:  # fmt: skip
    """``A = a <xy', .>`` and theta, the step and v along (xz', yz')."""
    x, y, z = (draw(strategies.rational_orthogonal(size))[0] for size in sizes)
    along = arrays.outer(x, z), arrays.outer(y, z)
    # 5/7 is just above 1/sqrt 2 and 12/17 just below: the norm of the pair is sqrt 2
    length = radius * draw(st.sampled_from([Fraction(408, 577), Fraction(5, 7), Fraction(73, 100)]))
    near = length * (1 - draw(st.sampled_from([Fraction(1, 1024), Fraction(1, 64), Fraction(1)])))
    points = [tuple(size * part for part in along) for size in (length, near, Fraction(1))]
    operator = norm * arrays.outer(x, y)[None, :, :]
    return _instance(draw, operator, points, radius, norm)


def _pair(draw: Draw, sizes: tuple[int, int, int], radius: Fraction) -> Factors:
    p, q, r = sizes
    entries = np.array([Fraction(v) for v in draw(strategies.vectors((p + q) * r, nonzero=True))])
    entries = entries * radius / sum(abs(entries))
    return entries[: p * r].reshape(p, r), entries[p * r :].reshape(q, r)


def _instance(draw: Draw, operator: Array, points: list[Any], radius: Fraction,
              norm: Fraction) -> dict[str, Any]:  # fmt: skip
    first, second, direction = points
    target = np.array([Fraction(draw(st.integers(-2, 2))) for _ in operator])
    return {"operator": operator, "target": target, "first": first, "second": second,
            "direction": direction, "radius": radius, "norm": norm}  # fmt: skip
