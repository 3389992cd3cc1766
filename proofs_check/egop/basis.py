"""Proofs and attacks: the gain from both sides, and the near-optimality of the EGOP basis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop import basis_instances as instances
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    certificate,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.structures import Draw
from theory import arrays
from theory.core import Statement
from theory.egop.basis import near_optimal_basis, radius_about_zero, two_sided

ALL = "all d"
C, MU = sympy.symbols("c mu", positive=True)
SIGN = "J = J', J^2 = I and J P = P J: J is the sign of H"
SIGNED = "s_i^2 = 1, so that s'Ds = tr D for a diagonal D"

# ---- the gain from both sides


@proof(two_sided, scope="all d, all H >= 0, all feasible L and X")
def both_ends(statement: Statement, transcript: Transcript) -> None:
    """Signs of v_1 bound the sum from below, the largest eigenvalue bounds it from above."""
    V, D = algebra.orthogonal("V"), algebra.diagonal("D")
    s, Y = algebra.vector("s"), algebra.matrix("Y", "d", "k")
    rest = algebra.symmetric("R", positive_semidefinite=True)
    e = algebra.eigenvector("e", of=rest, value=0, unit=True)
    transcript.given("M = mu e e' + R with R >= 0 and R e = 0: the roots, the largest of them mu")
    X = Y @ Y.T

    def sides(roots: Any) -> Any:
        return statement.formula(basis=V, roots=roots, axis=e, constants=D, correlation=X,
                                 signs=s, c=C)  # fmt: skip

    roots = MU * e.outer(e) + rest
    hessian = V @ roots @ V.T / C
    lhs, rhs = sides(roots)
    transcript.nonnegative(
        "the lower end, for every feasible L",
        rhs[0] - lhs[0],
        [hypothesis(D.trace() - D.quadratic_form(s), SIGNED),
         hypothesis(D.quadratic_form(s) - hessian.quadratic_form(s), "diag(L) - H >= 0"),
         weighted_square(V.T @ s, rest) / C],
        scope="all d, all sign vectors s", concludes=True,
        because="1'L = s'diag(L)s >= s'Hs >= (mu/c) (s'v_1)^2; s = sign(v_1) gives d beta^2",
    )  # fmt: skip
    slack = algebra.symmetric("S", positive_semidefinite=True)
    e = algebra.eigenvector("e", of=slack, value=0, unit=True)
    below = MU * algebra.identity() - slack
    transcript.given("M = mu I - S with S >= 0 and S e = 0: the same, seen from the largest root")
    transcript.nonnegative(
        "L = (mu/c) 1 is feasible, with sum d mu/c = (d/sr) L~",
        MU / C * algebra.identity() - V @ below @ V.T / C,
        [V @ slack @ V.T / C], scope=ALL, because="mu/c is the largest eigenvalue of H",
    )  # fmt: skip
    lhs, rhs = statement.formula(
        basis=V, roots=below, axis=e, constants=D, correlation=X, signs=s, c=C
    )
    size = algebra.identity().trace()
    transcript.nonnegative(
        "the upper end, for every feasible X",
        rhs[1] - lhs[1],
        [hypothesis(MU / C * (size - X.trace()), "X has unit diagonal: tr X = d"),
         weighted_square(V.T @ Y, slack) / C],
        scope="all d, all X = YY'", concludes=True,
        because="<H, X> <= (mu/c) tr X",
    )  # fmt: skip
    _rotated_sum(transcript, D)


def _rotated_sum(transcript: Transcript, constants: Any) -> None:
    """In its eigenbasis a Hessian is diagonal, and the least sum is its trace."""
    diagonal = algebra.diagonal("M")
    transcript.nonnegative(
        "in the eigenbasis no sum is below tr M/c, which L = M/c attains",
        constants.trace() - diagonal.trace() / C,
        [hypothesis(constants.trace() - diagonal.trace() / C, "diag(L) - M/c >= 0, diagonal")],
        scope=ALL,
    )  # fmt: skip


@certificate(two_sided, scope="rank one and the identity, d = 2 and d = 4, in exact rationals")
def both_ends_attained(statement: Statement, transcript: Transcript) -> None:
    """Rank one with v_1 = (3, 4)/5 at the lower end, the identity at the upper, both for dense."""
    plane = np.array([[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]])
    rank_one = np.array([Fraction(2), Fraction(0)], dtype=object)
    cases = (
        ("v_1 = (3, 4)/5, rank one: the lower end", plane, rank_one, 0),
        ("identity: the upper end", plane, np.array([Fraction(2)] * 2, dtype=object), 1),
        ("Hadamard basis, rank one: the lower end", _hadamard(), _first(4), 0),
        ("Hadamard basis, rank one: the upper end", _hadamard(), _first(4), 1),
    )
    for name, basis, roots, end in cases:
        lhs, rhs = _sides(statement, basis, roots)
        transcript.exact(f"{name} is attained", _number(lhs[end]), "==", _number(rhs[end]),
                         scope="one instance")  # fmt: skip
        transcript.exact(name, _number(lhs[end]), "<=", _number(rhs[end]), scope="one instance",
                         concludes=True)  # fmt: skip


def _sides(statement: Statement, basis: Any, roots: Any) -> Any:
    signs = instances.signs_of(basis[:, 0])
    constants = instances.summed_constants(basis, roots)
    return statement.formula(
        basis=basis, roots=instances.diagonal(roots),
        axis=instances.leading_axis(instances.diagonal(roots)),
        constants=instances.diagonal(constants), correlation=np.outer(signs, signs), signs=signs,
        c=Fraction(1),
    )  # fmt: skip


def _hadamard() -> Any:
    rows = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    return np.array([[Fraction(entry, 2) for entry in row] for row in rows], dtype=object)


def _first(d: int) -> Any:
    return np.array([Fraction(int(k == 0)) for k in range(d)], dtype=object)


def _number(value: Any) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


@attack(two_sided)
def feasible_pairs() -> SearchStrategy[dict[str, Any]]:
    """Definite and indefinite Hessians; constants that are least for rank one, or rows' sums."""
    return _two_sided_instances()


@st.composite
def _two_sided_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    basis, roots = draw(instances.bases(d)), draw(instances.spectra(d, True))
    c = draw(st.sampled_from([Fraction(1), Fraction(3), Fraction(1, 16)]))
    hessian = basis * roots @ basis.T / c
    kind = draw(st.sampled_from(["summed", "rows", "largest", "too small"]))
    constants = instances.summed_constants(basis, roots / c)
    if kind == "rows":
        constants = instances.feasible_constants(hessian)
    elif kind == "largest":
        constants = np.array([max(roots) / c] * d, dtype=object)
    elif kind == "too small":
        constants = arrays.diagonal(hessian)
    matrix = instances.diagonal(roots)
    axis = instances.leading_axis(matrix)
    leading = instances.signs_of(basis @ axis)
    free = instances.signs_of(draw(strategies.sign_vectors(d)).tolist())
    signs = draw(st.sampled_from([leading, leading, free]))
    correlation = draw(st.sampled_from([np.outer(signs, signs), np.outer(free, free),
                                        instances.one(d)]))  # fmt: skip
    return {"basis": basis, "roots": matrix, "axis": axis,
            "constants": instances.diagonal(constants), "correlation": correlation,
            "signs": signs, "c": c}  # fmt: skip


# ---- near-optimality


@proof(near_optimal_basis, scope="all d, all symmetric H, all theta*, all feasible L, all x")
def polar_decomposition(statement: Statement, transcript: Transcript) -> None:
    """The roots sum to the nuclear norm of H K with K the root of ``c^2 I + theta* theta*'``."""
    V, J, W = (algebra.orthogonal(name) for name in "VJW")
    M, D = (algebra.diagonal(name, positive_definite=name == "M") for name in "MD")
    P = algebra.symmetric("P", positive_semidefinite=True)
    theta, x = algebra.vector("theta", nonzero=True), algebra.vector("x")
    kappa, one, hessian = radius_about_zero(theta, C), algebra.identity(), J @ P
    transcript.given("H = J P with P = |H| >= 0 and J the sign of H: J = J', J^2 = I, J P = P J")
    transcript.given("EGOP = H (c^2 I + theta theta') H = V M^2 V', M diagonal")
    _cite(transcript)
    root = C * one + theta.outer(theta) / (kappa + C)
    transcript.identity(
        "K = c I + theta theta'/(kappa + c) is the root of c^2 I + theta theta'",
        root @ root, C**2 * one + theta.outer(theta), scope=ALL,
        because="kappa^2 = c^2 + ||theta||^2",
    )  # fmt: skip
    pushed = hessian @ theta
    transcript.identity(
        "EGOP exceeds c^2 H^2 by the square of H theta",
        hessian @ (C**2 * one + theta.outer(theta)) @ hessian.T - C**2 * hessian @ hessian.T,
        pushed.outer(pushed), scope=ALL, because="so that EGOP^(1/2) >= c |H|",
    )  # fmt: skip
    lhs, rhs = statement.formula(
        basis=V, roots=M, hessian=hessian, modulus=P, minimizer=theta, c=C, constants=D, vector=x
    )
    gaps = [right - left for left, right in zip(lhs, rhs, strict=True)]
    _no_basis_is_better(transcript, gaps[0], V, J, P, D)
    for gap, sign in ((gaps[1], 1), (gaps[2], -1)):
        _roots_are_feasible(transcript, gap, sign, V @ M @ V.T, J, P, x)
    polar = hypothesis(((hessian @ root @ W.T).trace() - M.trace()) / C,
                       "tr M = tr(H K W'), by the polar decomposition")  # fmt: skip
    _sum_of_roots(transcript, gaps[3], gaps[4], polar, J, P, W, theta)


def _cite(transcript: Transcript) -> None:
    transcript.cited(
        "polar decomposition", "Horn and Johnson, Matrix Analysis, Theorem 7.3.1",
        "H K = (H K^2 H)^(1/2) W for some orthogonal W; hence tr M = tr(H K W')", scope=ALL,
    )  # fmt: skip
    transcript.cited(
        "the root is monotone", "Bhatia, Matrix Analysis, Proposition V.1.8 (Loewner, Heinz)",
        "0 <= X <= Y implies X^(1/2) <= Y^(1/2)", scope=ALL,
    )  # fmt: skip


def _no_basis_is_better(transcript: Transcript, gap: Any, V: Any, J: Any, P: Any, D: Any) -> None:
    """``||H||_* <= 1'L``, with the projections (I +- J)/2 on the two signs of H."""
    one, constants = algebra.identity(), V @ D @ V.T
    plus, minus, hessian = (one + J) / 2, (one - J) / 2, J @ P
    transcript.nonnegative(
        "no basis has a sum below the nuclear norm", gap,
        [hypothesis((plus @ (constants - hessian)).trace(),
                    "diag(L) - V'HV >= 0 and (I + J)/2 >= 0"),
         hypothesis((minus @ (constants + hessian)).trace(),
                    "diag(L) + V'HV >= 0 and (I - J)/2 >= 0"),
         hypothesis((J @ J @ P).trace() - P.trace(), SIGN)],
        scope="all d, all feasible L, every basis V", concludes=True,
        because="tr diag(L) is the sum of its traces over the two projections",
    )  # fmt: skip


def _roots_are_feasible(transcript: Transcript, gap: Any, sign: int, root: Any, J: Any, P: Any,
                        x: Any) -> None:  # fmt: skip
    split = x - sign * (J @ x)
    commuted = P - J.T @ P @ J + sign * (P @ J + J.T @ P - J @ P - P @ J.T)
    transcript.nonnegative(
        f"L = M/c is feasible in the basis V: {'' if sign > 0 else '-'}c H <= EGOP^(1/2)", gap,
        [hypothesis(root.quadratic_form(x) - C * P.quadratic_form(x),
                    "EGOP^(1/2) >= c |H|, by the monotone root"),
         weighted_square(split, P) * (C / 2),
         hypothesis(C / 2 * commuted.quadratic_form(x), SIGN)],
        scope="all d, all x", concludes=True,
    )  # fmt: skip


def _sum_of_roots(transcript: Transcript, gap: Any, gap_of_factor: Any, polar: Any, J: Any, P: Any,
                  W: Any, theta: Any) -> None:  # fmt: skip
    """``tr(H W') <= ||H||_*`` and Cauchy-Schwarz; then ``||H theta|| <= ||H||_* ||theta||``."""
    kappa, pushed = radius_about_zero(theta, C), J @ P @ theta
    size, length = sympy.sqrt(theta.dot(theta)), sympy.sqrt(pushed.dot(pushed))
    weight = 1 / (C * (kappa + C))
    terms = [
        weighted_square(algebra.identity() - J.T @ W, P) / 2,
        square(length * (W @ theta) - size * pushed) * (weight / (2 * size * length)),
        polar,
    ]
    transcript.nonnegative(
        "the sum of the roots", gap, terms, concludes=True,
        scope="all d, H theta != 0; where H theta = 0 the second square is not needed",
        because="tr(H K W') = c tr(H W') + theta' W' H theta/(kappa + c)",
    )  # fmt: skip
    operator = hypothesis(
        weight * size * (P.trace() * size - length),
        "||H theta|| <= ||H|| ||theta||, and ||H|| <= ||H||_*",
    )
    transcript.nonnegative(
        "within kappa/c of the best basis", gap_of_factor, [*terms, operator],
        scope="all d", concludes=True, because="||theta||^2 = (kappa - c)(kappa + c)",
    )  # fmt: skip


@attack(near_optimal_basis)
def rational_egops() -> SearchStrategy[dict[str, Any]]:
    """Stationary points along eigenvectors and across them; x an eigenvector or free."""
    return _near_instances()


@st.composite
def _near_instances(draw: Draw) -> dict[str, Any]:
    made = draw(instances.quadratics())
    # -H has the EGOP of H
    hessian = made.hessian * draw(st.sampled_from([1, -1]))
    rotated = made.basis.T @ hessian @ made.basis
    rows = instances.feasible_constants(rotated)
    roots = arrays.diagonal(made.roots) / made.c
    constants = draw(st.sampled_from([rows, roots, np.minimum(rows, roots)]))
    d = len(roots)
    free = [Fraction(int(8 * entry), 8) for entry in draw(strategies.vectors(d, nonzero=True))]
    vector = draw(st.sampled_from([*made.basis.T, np.array(free, dtype=object)]))
    return {"basis": made.basis, "roots": made.roots, "hessian": hessian,
            "modulus": made.modulus, "minimizer": made.minimizer, "c": made.c,
            "constants": instances.diagonal(constants), "vector": vector}  # fmt: skip
