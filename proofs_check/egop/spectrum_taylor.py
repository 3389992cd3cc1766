"""Proofs and attacks: Lemma 11, at the scale of eigenvalues and at that of their roots."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop.eigenpositions import Position, cite_common_vector
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.structures import Array, Draw, product
from theory.core import Statement
from theory.egop.gain_bounds import quadratic_moment_matrix
from theory.egop.spectrum_taylor import lemma_11, lemma_11_root_scale

ALL = "all d, every law"
_C, _L, _NORM, _M3, _M4 = sympy.symbols("c H h M3 M4", positive=True)
_MEAN = "the mean over the law of the step for one point"

# ---- the law on symbols


class _Law:
    """A law of which two central moments are named."""

    def central_moment(self, minimizer: Any, order: int) -> Any:
        return {3: _M3, 4: _M4}[order]


class _Gradients:
    """Gradients of which the mean outer product is named."""

    shape = (1,)

    def __init__(self, mean: Any) -> None:
        self._mean = mean

    def transpose(self) -> _Gradients:
        return self

    def __matmul__(self, other: _Gradients) -> Any:
        return self._mean


class _Moments:
    """``EGOP = A + R + R' + S``: R the mean of ``Hess delta r'``, S that of ``r r'``."""

    def __init__(self) -> None:
        self.hessian, self.minimizer = algebra.symmetric("K"), algebra.vector("t")
        self.mixed = algebra.matrix("R")
        self.rest = algebra.symmetric("S", positive_semidefinite=True)
        self.model = quadratic_moment_matrix(self.hessian, self.minimizer, _C)
        self.egop = self.model + self.mixed + self.mixed.T + self.rest

    def problem(self) -> dict[str, Any]:
        return {"points": _Law(), "gradients": _Gradients(self.egop), "hessian": self.hessian,
                "minimizer": self.minimizer, "c": _C, "lipschitz": _L}  # fmt: skip

    def bounded_rest(self, w: Any) -> Any:
        return hypothesis(
            _L**2 * _M4 / 4 * w.dot(w) - self.rest.quadratic_form(w),
            f"E (w'r)^2 <= ||w||^2 H^2 M4/4: {_MEAN}",
        )


def _expand(transcript: Transcript) -> None:
    transcript.given("E theta = 0, E theta theta' = c^2 I, grad f(theta*) = 0")
    transcript.given("the Hessian of f is H-Lipschitz, K its value at theta*, ||K|| <= h")
    K, x, t = algebra.symmetric("K"), algebra.vector("x"), algebra.vector("t")
    r, one = algebra.vector("r"), algebra.identity()
    transcript.cited(
        "Taylor's formula", "Nesterov, Lectures on Convex Optimization, Lemma 1.2.4",
        "grad f(x) = K (x - theta*) + r with ||r|| <= (H/2) ||x - theta*||^2", scope=ALL,
    )  # fmt: skip
    away = K @ (x - t)
    transcript.identity(
        "the outer product of a gradient", (away + r).outer(away + r),
        away.outer(away) + away.outer(r) + r.outer(away) + r.outer(r), scope=ALL,
        because="the means of the last three are R, R' and S",
    )  # fmt: skip
    transcript.identity(
        "the outer product of the quadratic part", away.outer(away),
        K @ x.outer(x) @ K - (K @ x).outer(K @ t) - (K @ t).outer(K @ x) + (K @ t).outer(K @ t),
        scope=ALL,
    )  # fmt: skip
    transcript.identity(
        "its mean is A", _C**2 * (K @ one @ K) + (K @ t).outer(K @ t),
        quadratic_moment_matrix(K, t, _C), scope=ALL,
        because="the two middle terms have mean 0, x x' has mean c^2 I",
    )  # fmt: skip


def _one_point(transcript: Transcript) -> None:
    """Cauchy-Schwarz twice, for a = w'K delta and b = w'r; D = ||delta||, W = ||w||."""
    a, b = sympy.symbols("a b", real=True)
    D, W = sympy.symbols("D W", nonnegative=True)
    first, second = _NORM * D * W, _L / 2 * D**2 * W
    one_side = [hypothesis(first - a, "|w'K delta| <= h D W"),
                hypothesis(first + a, "|w'K delta| <= h D W"),
                hypothesis(second - b, "|w'r| <= (H/2) D^2 W"),
                hypothesis(second + b, "|w'r| <= (H/2) D^2 W")]  # fmt: skip
    low_a, high_a, low_b, high_b = one_side
    for name, sign, pairs in (("above", 1, ((low_a, high_b), (high_a, low_b))),
                              ("below", -1, ((low_a, low_b), (high_a, high_b)))):  # fmt: skip
        transcript.nonnegative(
            f"the mixed product at one point, from {name}",
            _NORM * _L / 2 * D**3 * W**2 - sign * a * b,
            [left * right / 2 for left, right in pairs], scope=ALL,
        )  # fmt: skip
    transcript.nonnegative(
        "the square of the remainder at one point", _L**2 / 4 * D**4 * W**2 - b**2,
        [low_b * high_b], scope=ALL,
    )  # fmt: skip


# ---- Lemma 11


@proof(lemma_11, scope="all d, every law with a fourth moment, every direction")
def expanded_product(statement: Statement, transcript: Transcript) -> None:
    """Expand the outer product around the stationary point; bound the two other terms."""
    _expand(transcript)
    _one_point(transcript)
    moments, w = _Moments(), algebra.vector("w")
    lhs, rhs = statement.formula(**moments.problem(), norm=_NORM, direction=w)
    pushed, point = moments.hessian @ w, moments.minimizer
    transcript.nonnegative(
        "A is at least c^2 Hess^2", rhs[0] - lhs[0], [square(point.dot(pushed))], scope=ALL,
        concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "A is at most (c^2 + ||theta*||^2) Hess^2", rhs[1] - lhs[1],
        [square(point.outer(pushed) - pushed.outer(point)) / 2], scope=ALL, concludes=True,
        because="Lagrange's identity",
    )  # fmt: skip
    room = _L * _NORM * _M3 / 2 * w.dot(w)
    mixed = moments.mixed.quadratic_form(w)
    text = f"|E (w'K delta)(w'r)| <= ||w||^2 h H M3/2: {_MEAN}"
    transcript.nonnegative(
        "EGOP - A is at most e_A", rhs[2] - lhs[2],
        [2 * hypothesis(room - mixed, text), moments.bounded_rest(w)], scope=ALL, concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "EGOP - A is at least -e_A", rhs[3] - lhs[3],
        [2 * hypothesis(room + mixed, text), weighted_square(w, moments.rest),
         _L**2 * _M4 / 4 * square(w)], scope=ALL, concludes=True,
        because="S >= 0: the fourth moment is not even needed",
    )  # fmt: skip


@attack(lemma_11, refine=("direction",))
def problems() -> SearchStrategy[dict[str, Any]]:
    """Cubes of equally likely points; remainders of full length along the pushed deviation."""
    return _lemma_11_instances()


@st.composite
def _lemma_11_instances(draw: Draw) -> dict[str, Any]:
    problem, basis, values = draw(_problems())
    return {**problem, "norm": float(max(abs(values))),
            "direction": draw(_directions(basis))}  # fmt: skip


@st.composite
def _directions(draw: Draw, basis: Array) -> Array:
    d = len(basis)
    if draw(st.booleans()):
        return np.asarray(basis[:, draw(st.integers(0, d - 1))], dtype=float)
    return np.asarray(draw(strategies.vectors(d, nonzero=True)))


@st.composite
def _problems(draw: Draw) -> tuple[dict[str, Any], Array, Array]:
    """A problem in exact numbers, its Hessian's basis and eigenvalues, which are not zero."""
    d = draw(st.sampled_from([1, 1, 2, 3]))
    c = draw(st.sampled_from([Fraction(1), Fraction(1, 4), Fraction(8)]))
    lipschitz = draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 16), Fraction(64)]))
    basis = draw(strategies.rational_orthogonal(d, size=2))
    values = draw(strategies.spectra(d, low=2.0**-4, high=4.0))
    signs = draw(strategies.sign_vectors(d))
    exact = np.array([Fraction(float(value)) for value in values * signs], dtype=object)
    hessian = product(basis * exact, basis.T)
    corners = np.array(list(itertools.product((-1, 1), repeat=d)), dtype=object)
    minimizer = basis[:, 0] * c * draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 2)]))
    points = corners @ basis.T * c
    away = points - minimizer
    share = draw(st.sampled_from([Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(0)]))
    lengths = lipschitz * share * (away * away).sum(axis=1) / 2
    gradients = product(away, hessian) + _units(away, basis, exact) * lengths[:, None]
    problem = {"points": points, "gradients": gradients, "hessian": hessian,
               "minimizer": minimizer, "c": c, "lipschitz": lipschitz}  # fmt: skip
    return problem, basis, values * signs


def _units(away: Array, basis: Array, values: Array) -> Array:
    """Unit vectors along the axis of the Hessian on which the quadratic part is largest."""
    pushed = away @ basis * values
    found = [basis[:, axis] * (1 if row[axis] >= 0 else -1)
             for row, axis in zip(pushed, np.argmax(abs(pushed), axis=1), strict=True)]  # fmt: skip
    return np.array(found, dtype=object)


# ---- at the scale of roots


@proof(lemma_11_root_scale, scope="all d and k, every law with a fourth moment, every direction")
def seminorms(statement: Statement, transcript: Transcript) -> None:
    """A seminorm, w -> w'grad f in L2: Minkowski for the roots, a square for the matrices."""
    _expand(transcript)
    _one_point(transcript)
    moments = _Moments()
    _roots(statement, transcript, moments)
    _multiples(statement, transcript, moments)


def _minkowski(transcript: Transcript) -> None:
    p, q, s = sympy.symbols("p q s", nonnegative=True)
    error, rho = _L * sympy.sqrt(_M4) / 2, sympy.Symbol("rho", real=True)
    schwarz = "|E (w'K delta)(w'r)| <= q s, Cauchy-Schwarz in L2"
    shorter = hypothesis(error - s, "s <= e_M for a unit vector w")
    transcript.nonnegative(
        "Minkowski, for q^2 = w'Aw, s^2 = E (w'r)^2 and rho = w'Rw",
        (q + error) ** 2 - (q**2 + 2 * rho + s**2),
        [2 * hypothesis(q * s - rho, schwarz), 2 * q * shorter, shorter * (error + s)], scope=ALL,
        because="w'Ew = q^2 + 2 rho + s^2 is at most (q + e_M)^2",
    )  # fmt: skip
    transcript.nonnegative(
        "and the other way round", (p + error) ** 2 - (p**2 - 2 * rho + s**2),
        [2 * hypothesis(p * s + rho, "|E (w'grad f)(w'r)| <= p s, Cauchy-Schwarz in L2"),
         2 * p * shorter, shorter * (error + s)], scope=ALL,
        because="w'K delta = w'grad f - w'r, with p^2 = w'Ew and rho the mean of the product",
    )  # fmt: skip


def _roots(statement: Statement, transcript: Transcript, moments: _Moments) -> None:
    _minkowski(transcript)
    cite_common_vector(transcript, "the first k of one matrix and the k-th to last of the other",
                       "k + (d - k + 1) > d")  # fmt: skip
    p, q = sympy.symbols("p q", nonnegative=True)
    own, model = sympy.symbols("lam lam_A", nonnegative=True)
    place = Position([(moments.egop, own), (moments.model, model)])
    lhs, rhs = statement.formula(
        **moments.problem(), direction=algebra.vector("w"), slack=1, least=1, k=place
    )
    error = _L * sympy.sqrt(_M4) / 2
    for side, (one, other, small, large) in enumerate(((own, model, q, p), (model, own, p, q))):
        names = ("EGOP", "A") if side == 0 else ("A", "EGOP")
        transcript.nonnegative(
            f"the root for {names[0]} is at most that for {names[1]} plus e_M",
            rhs[side] - lhs[side],
            [hypothesis(sympy.sqrt(other) - small, f"w in the later eigenspaces of {names[1]}"),
             hypothesis(large - sympy.sqrt(one), f"w in the first eigenspaces of {names[0]}"),
             hypothesis(small + error - large, "Minkowski, the step before")],
            scope="all d and k, every law", concludes=True,
        )  # fmt: skip


def _multiples(statement: Statement, transcript: Transcript, moments: _Moments) -> None:
    e = sympy.Symbol("e", positive=True)
    a, b = sympy.symbols("a b", real=True)
    extra = sympy.Symbol("x", nonnegative=True)
    least = 1 / (1 + extra)
    transcript.identity(
        "the square behind both", (e * a + b) ** 2 / e, e * a**2 + 2 * a * b + b**2 / e, scope=ALL,
        because="for a = w'K delta and +-b = w'r at one point",
    )  # fmt: skip
    w = algebra.vector("w")
    place = Position([(moments.egop, sympy.Integer(0)), (moments.model, sympy.Integer(0))])
    lhs, rhs = statement.formula(**moments.problem(), direction=w, slack=e, least=least, k=place)
    model, mixed = moments.model.quadratic_form(w), moments.mixed.quadratic_form(w)
    rest = moments.rest.quadratic_form(w)
    transcript.nonnegative(
        "EGOP is at most (1+e) A + (1 + 1/e) e_M^2", rhs[2] - lhs[2],
        [hypothesis(e * model - 2 * mixed + rest / e, f"the square is >= 0: {_MEAN}"),
         (1 + 1 / e) * moments.bounded_rest(w)], scope=ALL, concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "EGOP is at least (1-e) A - (1/e - 1) e_M^2", rhs[3] - lhs[3],
        [hypothesis(least * model + 2 * mixed + rest / least, f"the square is >= 0: {_MEAN}"),
         extra * moments.bounded_rest(w)], scope=ALL, concludes=True,
        because="0 < e <= 1 written as e = 1/(1 + x)",
    )  # fmt: skip


@attack(lemma_11_root_scale, refine=("direction", "slack", "least"))
def problems_with_positions() -> SearchStrategy[dict[str, Any]]:
    """The problems of Lemma 11, every position, and e at the best value for the first axis."""
    return _root_instances()


@st.composite
def _root_instances(draw: Draw) -> dict[str, Any]:
    problem, basis, values = draw(_problems())
    away = np.asarray(problem["points"] - problem["minimizer"], dtype=float)
    error = float(problem["lipschitz"]) / 2 * np.sqrt(np.mean((away**2).sum(axis=1) ** 2))
    best = max(error / (float(problem["c"]) * float(abs(values[0]))), 2.0**-20)
    slack = draw(st.one_of(st.just(best), st.sampled_from([1.0, 0.125, 8.0])))
    return {**problem, "direction": draw(_directions(basis)), "slack": slack,
            "least": min(slack, 1.0), "k": draw(st.integers(1, len(basis)))}  # fmt: skip
