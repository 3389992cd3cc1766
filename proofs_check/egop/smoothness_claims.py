"""Proofs, certificates and attacks: smoothness constants, Hessians and their differences."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    certificate,
    hypothesis,
    proof,
    weighted_square,
)
from proofs_check.structures import Array, Draw
from theory import arrays
from theory.core import Statement
from theory.egop.smoothness_claims import lemma_9, lemma_10, nuclear_norm

ALL = "all d"
_LEVELS = (1, -1, 2, Fraction(1, 2), 0, -3)

# ---- the nuclear norm


@proof(nuclear_norm, scope="all d, all symmetric H, all feasible L")
def split_by_sign(statement: Statement, transcript: Transcript) -> None:
    """Both matrix inequalities, each traced over one of the eigenspaces of the sign."""
    U, x = algebra.orthonormal("U"), algebra.vector("x")
    above = algebra.symmetric("S", positive_semidefinite=True)
    below = algebra.symmetric("R", positive_semidefinite=True)
    one = algebra.identity()
    rest = one - U @ U.T
    J = U @ U.T - rest
    transcript.given("S = diag(L) - H >= 0, R = diag(L) + H >= 0; H J = |H| for the sign J of H")
    transcript.identity(
        "J = 2UU' - I is symmetric with J^2 = I", J @ J, one, scope=ALL,
        because="U holds an orthonormal basis of the eigenspace of J of eigenvalue 1",
    )  # fmt: skip
    half = sympy.Rational(1, 2)
    lhs, rhs = statement.formula(
        hessian=half * (below - above), sign=J, constants=half * (below + above), probe=x
    )
    transcript.nonnegative(
        "1'L >= ||H||_*", rhs[0] - lhs[0],
        [weighted_square(U, above), weighted_square(rest, below)],
        scope="all d, all feasible L", concludes=True,
        because="tr D - tr(HJ) = tr((D - H) UU') + tr((D + H)(I - UU'))",
    )  # fmt: skip
    P = algebra.symmetric("P", "r", positive_semidefinite=True)
    N = algebra.symmetric("N", positive_semidefinite=True)
    plus, minus = U @ P @ U.T, rest @ N @ rest
    lhs, rhs = statement.formula(hessian=plus - minus, sign=J, constants=plus + minus, probe=x)
    transcript.identity("H J = |H| is the sum of both parts of H", (plus - minus) @ J,
                        plus + minus, scope=ALL)  # fmt: skip
    parts = (("H <= |H|", weighted_square(rest @ x, N)), ("-|H| <= H", weighted_square(U.T @ x, P)))
    for index, (text, part) in enumerate(parts, start=1):
        transcript.nonnegative(
            f"{text}: feasible, with the sum ||H||_*, wherever |H| is diagonal",
            rhs[index] - lhs[index], [2 * part],
            scope="all d, every basis; diagonal in an eigenbasis", concludes=True,
        )  # fmt: skip


@attack(nuclear_norm, refine=("probe",))
def signed_spectra() -> SearchStrategy[dict[str, Any]]:
    """Exact spectra in rational bases, reflections among them; constants from row sums."""
    return _signed_spectra()


@st.composite
def _signed_spectra(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    basis = draw(_bases(d))
    levels = np.array(draw(st.lists(st.sampled_from(_LEVELS), min_size=d, max_size=d)),
                      dtype=object)  # fmt: skip
    if draw(st.booleans()):  # the sign of a matrix: L = 1 is feasible in every basis
        levels = np.array([Fraction(1 if level >= 0 else -1) for level in levels], dtype=object)
    sign = np.array([1 if level >= 0 else -1 for level in levels], dtype=object)
    hessian = basis * levels @ basis.T
    kind = draw(st.sampled_from(["largest", "diagonal", "rows", "zero"]))
    constants = {
        "rows": abs(hessian).sum(axis=1), "largest": np.array([max(abs(levels))] * d),
        "diagonal": abs(np.diagonal(hessian)), "zero": np.array([Fraction(0)] * d),
    }[kind]  # fmt: skip
    probe = draw(st.one_of(st.integers(0, d - 1).map(lambda k: basis[:, k]),
                           strategies.vectors(d, nonzero=True)))  # fmt: skip
    return {"hessian": hessian, "sign": basis * sign @ basis.T,
            "constants": _diagonal(constants), "probe": probe}  # fmt: skip


def _bases(d: int) -> SearchStrategy[Array]:
    """Rational orthogonal matrices, the dense reflection along (1, ..., d) among them."""
    along = np.array([Fraction(k + 1) for k in range(d)], dtype=object)
    reflection = _multiple(1, d) - 2 * np.outer(along, along) / (along @ along)
    return st.one_of(strategies.rational_orthogonal(d), st.just(reflection)).map(
        lambda basis: np.array([[Fraction(entry) for entry in row] for row in basis], dtype=object)
    )


def _diagonal(entries: Any) -> Array:
    exact = np.array([Fraction(entry) for entry in entries], dtype=object)
    return np.asarray(arrays.diagonal_matrix(exact))


def _multiple(value: Any, d: int) -> Array:
    return _diagonal([value] * d)


# ---- Lemma 9


@proof(lemma_9, scope="all d, all v, all steps t > 0")
def differences_of_hessians(statement: Statement, transcript: Transcript) -> None:
    """The spectral norm of M bounds both its image of v and its quadratic forms."""
    M, u, x = algebra.symmetric("M"), algebra.vector("u", unit=True), algebra.vector("x")
    t, length, bound = sympy.symbols("t l H", positive=True)
    radius = bound * t * length
    slack, other = radius * algebra.identity() - M, radius * algebra.identity() + M
    transcript.given("M = Hess f(theta + t v) - Hess f(theta), v = l u, t > 0, ||M|| <= H t l")

    def sides(difference: Any) -> Any:
        return statement.formula(difference=difference, step=t, direction=length * u,
                                 length=length, lipschitz=bound, probe=x)  # fmt: skip

    lhs, rhs = sides(M)
    weight = length**2 / (2 * radius * t**2)
    transcript.nonnegative(
        "the difference quotient of the Hessian along v", rhs[0] - lhs[0],
        [weight * hypothesis(other.quadratic_form(slack @ u), "-H t l I <= M"),
         weight * hypothesis(slack.quadratic_form(other @ u), "M <= H t l I")],
        scope="all d, all v, all t > 0", concludes=True,
        because="2c (c^2 - M^2) = (c - M)(c + M)(c - M) + (c + M)(c - M)(c + M), c = H t l",
    )  # fmt: skip
    transcript.cited(
        "the bound holds for the third derivative", "a closed ball contains limits",
        "D^3 f(theta)[v, v] is the limit of M v/t as t falls to 0", scope="all d",
    )  # fmt: skip
    for index, form, text in ((1, slack, "M <= H t l I"), (2, other, "-H t l I <= M")):
        transcript.nonnegative(
            text, rhs[index] - lhs[index], [hypothesis(form.quadratic_form(x), text)],
            scope="all d, all x", concludes=True, because="the spectral norm of a symmetric matrix",
        )  # fmt: skip
    lhs, rhs = sides(radius * u.outer(u))
    transcript.identity(
        "f = H <u, theta>^3/6 attains the first bound", lhs[0], rhs[0], scope="all d, all t > 0",
        because="its Hessians differ by H t l u u'",
    )  # fmt: skip


@attack(lemma_9, refine=("probe",))
def separable_cubics() -> SearchStrategy[dict[str, Any]]:
    """Cubics ``sum h_k <q_k, theta>^3/6`` with H = max |h_k|, and differences of equal entries."""
    return _separable_cubics()


@st.composite
def _separable_cubics(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    basis, levels = draw(_bases(d)), draw(st.lists(st.sampled_from(_LEVELS), min_size=d,
                                                   max_size=d))  # fmt: skip
    step, length = (draw(st.sampled_from([Fraction(1), Fraction(1, 8), Fraction(3)]))
                    for _ in range(2))  # fmt: skip
    unit = basis[:, 0] if draw(st.booleans()) else draw(_bases(d))[:, 0]
    lipschitz = Fraction(max(abs(level) for level in levels))
    slopes = np.array(levels, dtype=object) * (unit @ basis)
    kind = draw(st.sampled_from(["cubic", "cubic", "equal", "far"]))
    difference = {
        "cubic": step * length * (basis * slopes @ basis.T),
        "equal": step * length * lipschitz * np.full((d, d), Fraction(1)),
        "far": lipschitz * np.array(arrays.identity_matrix(d, like=basis)),
    }[kind]
    probe = draw(st.one_of(st.just(basis[:, 0]), st.just(np.ones(d)),
                           strategies.vectors(d, nonzero=True)))  # fmt: skip
    return {"difference": difference, "step": step, "direction": length * unit, "length": length,
            "lipschitz": lipschitz, "probe": probe}  # fmt: skip


# ---- Lemma 10


@proof(lemma_10, scope="all d, all twice-differentiable f on open convex sets")
def both_directions(statement: Statement, transcript: Transcript) -> None:
    """Lagrange's remainder for one direction, a vanishing step for the other."""
    H, K, D = algebra.symmetric("H"), algebra.symmetric("K"), algebra.diagonal("D")
    x, k = algebra.vector("x"), sympy.Symbol("k", nonnegative=True)
    transcript.given("a = b + t x; H is the Hessian at b, D = diag(L)")
    transcript.cited(
        "2r/t^2 = x'(H + K)x", "Taylor's theorem with Lagrange's remainder, along the segment",
        "H + K is the Hessian at a point between b and a", scope="f twice differentiable",
    )  # fmt: skip
    lhs, rhs = statement.formula(hessian=H, drift=K, drift_bound=k, constants=D, direction=x)
    for index, sign in ((0, 1), (1, -1)):
        slack = D - sign * (H + K)
        transcript.nonnegative(
            f"the order of matrices implies eq. (1), {'+r' if sign > 0 else '-r'}",
            rhs[index] - lhs[index],
            [hypothesis(slack.quadratic_form(x), "-diag(L) <= Hess <= diag(L) on the segment")],
            scope="all d, all a and b", concludes=True,
        )  # fmt: skip
    transcript.cited(
        "x'Kx tends to 0 with t", "Taylor's theorem with Peano's remainder",
        "2r/t^2 tends to x'Hx: f is twice differentiable at b", scope="all b, all x",
    )  # fmt: skip
    for index, sign in ((2, 1), (3, -1)):
        slack = D - sign * (H + K)
        transcript.nonnegative(
            f"eq. (1) implies the order of matrices, {'H' if sign > 0 else '-H'}",
            rhs[index] - lhs[index],
            [hypothesis(slack.quadratic_form(x), "eq. (1) at the step t: |2r/t^2| <= x'Dx"),
             hypothesis(k * x.dot(x) + sign * K.quadratic_form(x), "|x'Kx| <= k x'x")],
            scope="all d, all b and x, every t; then k -> 0", concludes=True,
        )  # fmt: skip


@certificate(lemma_10, scope="one cubic in two variables, all its remainders; three exact pairs")
def a_cubic(statement: Statement, transcript: Transcript) -> None:
    """``f = u^3/6 + u v^2/2`` with L = (1, 1) where |u| + |v| <= 1: the Hessian ends at 1."""
    b, a = np.array(sympy.symbols("u v")), np.array(sympy.symbols("p q"))
    w = a - b
    remainder = _cubic(*a) - _cubic(*b) - sum(g * c for g, c in zip(_slope(*b), w, strict=True))
    drift = (_hessian(*a) - _hessian(*b)) / 3
    transcript.identity(
        "2r = w'(H + K)w with K a third of the change of the Hessian", 2 * remainder,
        w @ (_hessian(*b) + drift) @ w, scope="all a, b",
    )  # fmt: skip
    for first, second in (((1, 0), (0, 1)), ((1, 0), (Fraction(9, 10), 0)), ((0, -1), (0, 1))):
        start, end = (
            np.array([Fraction(entry) for entry in point], dtype=object)
            for point in (first, second)
        )
        change = (_hessian(*end) - _hessian(*start)) / 3
        lhs, rhs = statement.formula(
            hessian=_hessian(*start), drift=change, drift_bound=Fraction(1),
            constants=_multiple(1, 2), direction=end - start,
        )  # fmt: skip
        name = f"b = {_shown(first)}, a = {_shown(second)}"
        for left, right in zip(lhs, rhs, strict=True):
            transcript.exact(name, sympy.Rational(left), "<=", sympy.Rational(right),
                             scope="one pair", concludes=True)  # fmt: skip


def _cubic(u: Any, v: Any) -> Any:
    return u**3 / 6 + u * v**2 / 2


def _slope(u: Any, v: Any) -> tuple[Any, Any]:
    return (u**2 + v**2) / 2, u * v


def _hessian(u: Any, v: Any) -> Array:
    return np.array([[u, v], [v, u]], dtype=object)


def _shown(point: Any) -> str:
    return "(" + ", ".join(map(str, point)) + ")"


@attack(lemma_10, refine=("direction",))
def hessians_on_segments() -> SearchStrategy[dict[str, Any]]:
    """Hessians that reach L in some direction at one point, with drifts towards it."""
    return _hessians_on_segments()


@st.composite
def _hessians_on_segments(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    basis = draw(_bases(d))
    levels = np.array(draw(st.lists(st.sampled_from([1, -1]), min_size=d, max_size=d)))
    reached = basis * levels @ basis.T
    bound = Fraction(draw(st.sampled_from([0, 1, Fraction(1, 4)])))
    drift = draw(st.sampled_from([1, -1])) * _multiple(bound, d)
    kind = draw(st.sampled_from(["ball", "ball", "diagonal", "negative"]))
    size = draw(st.sampled_from([1, 1, 2]))
    constants = {"ball": [size] * d, "diagonal": abs(np.diagonal(reached)),
                 "negative": [Fraction(0)] * d}[kind]  # fmt: skip
    if kind == "negative":  # a concave function, bounded above only
        reached = -_multiple(Fraction(1), d)
    direction = draw(st.one_of(st.integers(0, d - 1).map(lambda k: basis[:, k]),
                               strategies.vectors(d, nonzero=True)))  # fmt: skip
    return {"hessian": reached - drift, "drift": drift, "drift_bound": bound,
            "constants": _diagonal(constants), "direction": direction}  # fmt: skip
