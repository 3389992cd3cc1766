"""Proofs for Theorem 2: constants before and after training, and the limits of r_OPT."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np
import sympy

from proofs_check.engine import Transcript, algebra, proof
from proofs_check.local_geometry.families import Family, I, J
from proofs_check.local_geometry.reciprocal_law import stable_probability
from theory.core import Statement
from theory.local_geometry.diagonal_dominance import ratios_of_matrix
from theory.local_geometry.dominance_rates import (
    adam_limit_row,
    sgd_limit_row,
    theorem_2,
    theorem_2_limits,
)
from theory.local_geometry.hessian_diagonal import two_layer_hessian

Array = Any


@proof(theorem_2, partial=True,
       scope="start and Adam: all d >= 3, A > 0; SGD+M: d = 16, 64, 1024; the trajectories are "
       "measured")  # fmt: skip
def constants_of_the_rates(statement: Statement, transcript: Transcript) -> None:
    """Means of inverse chi-squares, the law of a mean of 1/g^2, and the bound after Adam."""
    transcript.given("w_i ~ N(0, d^(-2 alpha)), W_ij ~ N(0, d^(-4 alpha))")
    transcript.given("start: to leading order in d a row's ratio is |A_j|/w_i^2 or |A|/|W_i|^2")
    transcript.given("end: the limit points of the claim on the limits of r_OPT")
    x, d = sympy.symbols("x d", positive=True)
    degrees = d + 2  # more than two degrees of freedom
    density = x ** (degrees / 2 - 1) * sympy.exp(-x / 2) / (
        2 ** (degrees / 2) * sympy.gamma(degrees / 2))  # fmt: skip
    inverse = sympy.simplify(sympy.integrate(density / x, (x, 0, sympy.oo)))
    transcript.identity("mean of 1/chi^2", inverse, 1 / (degrees - 2), scope="d + 2 degrees")
    _law_of_inverse_squares(transcript)
    dimension, alpha, norm = sympy.symbols("d alpha N", positive=True)
    row = norm * dimension ** (4 * alpha) / (dimension - 2)
    transcript.identity(
        "second layer before training", statement.formula("start, second layer", dimension, alpha,
                                                          norm),
        dimension * row / (dimension**2 + dimension), scope="all d >= 3", concludes=True,
        because="a row's ratio is |E|/|W_i|^2 to leading order, with mean |A| d^(4 alpha)/(d - 2)",
    )  # fmt: skip
    _median_of_a_square(statement, transcript)
    _median_of_the_stable_law(statement, transcript)
    _after_adam(statement, transcript)


def _law_of_inverse_squares(transcript: Transcript) -> None:
    """E exp(-s^2/(2 g^2)) = exp(-s), so that 1/g^2 is stable of index 1/2."""
    g, s = sympy.symbols("g s", positive=True)
    density = sympy.sqrt(2 / sympy.pi) * sympy.exp(-(g**2) / 2)
    derivative = sympy.diff(sympy.exp(-(s**2) / (2 * g**2)), s)
    # The map g -> s/g turns the derivative's integral into the transform itself.
    mapped = (density * derivative).subs(g, s / g) * s / g**2
    transcript.identity(
        "transform of 1/g^2", sympy.simplify(mapped),
        -density * sympy.exp(-(s**2) / (2 * g**2)), scope="s > 0",
        because="T(s) = E exp(-s^2/(2 g^2)) has T' = -T and T(0) = 1, so that T = exp(-s)",
    )  # fmt: skip
    count = sympy.Symbol("d", integer=True, positive=True)
    transcript.identity(
        "sum of d copies", sympy.exp(-s) ** count, sympy.exp(-s).subs(s, count * s),
        scope="all d", because="the sum of d copies has the law of d^2/g^2, its mean that of d/g^2",
    )  # fmt: skip


def _after_adam(statement: Statement, transcript: Transcript) -> None:
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    d = k + 1
    ratio, share = sympy.symbols("t q", nonnegative=True)
    for name, square, because in (
        ("rows of W after Adam", d - 1 + d * (1 - ratio), "(A_j/A_max)^2 = 1 - t <= 1"),
        ("rows of w after Adam", d - 1 + d * (1 - share), "(A_max/|A|)^2 = 1 - q <= 1"),
    ):
        gap = ratio if square.has(ratio) else share
        transcript.nonnegative(name, 2 * d - 1 - square, [d * gap], scope="all d = k + 1",
                               because=because)  # fmt: skip
    rhs = statement.formula("Adam", d)
    transcript.identity(
        "the mean of the rows is at most", rhs**2, 2 * d - 1, scope="all d = k + 1",
        because="every row's ratio is; the first kind attains it for constant A", concludes=True,
    )  # fmt: skip


def _median_of_a_square(statement: Statement, transcript: Transcript) -> None:
    """P(g^2 <= m) = 1/2 for the number that the rate divides by."""
    claimed = Fraction(2**6, 3) / Fraction(float(statement.formula("start, first layer", 2.0, 2.0)))

    def probability(shift: Fraction) -> Any:
        value = claimed * (1 + shift)
        return (flint.arb(flint.fmpq(value.numerator, value.denominator)) / 2).sqrt().erf()

    # The claimed number is a float: 1e-12 is some thousand units of rounding.
    for name, shift, relation in (("below", Fraction(-1, 10**12), "<"),
                                  ("above", Fraction(1, 10**12), ">")):  # fmt: skip
        transcript.exact(f"median from {name}", lambda s=shift: probability(s), relation,
                         Fraction(1, 2), scope="one number", concludes=True,
                         shown=f"P(g^2 <= m (1 {'-' if shift < 0 else '+'} 1e-12)) {relation} 1/2"
                         )  # fmt: skip


def _median_of_the_stable_law(statement: Statement, transcript: Transcript) -> None:
    """The centre of the rate is the median of the stable law, enclosed by its integral."""
    transcript.cited(
        "limit law of the reciprocals", "stable limit theorem of index 1",
        "|X| mean(1/|X_i|) = kappa sqrt(d) [log(kappa d) + (log 2 - gamma)/2 + Z_d] with Z_d -> Z "
        "(measured as Lemma 35)", scope="d -> infinity",
    )  # fmt: skip
    for d in (16, 64, 1024):
        claimed = float(statement.formula("SGD+M", d))
        for name, shift, relation in (("below", -1, "<"), ("above", 1, ">")):
            # The float carries some ten units of rounding, far below 1e-9.
            transcript.exact(
                f"median from {name}, d = {d}", lambda k=shift, value=claimed, size=d:
                stable_probability(_centre(value, size) + flint.arb(k) / 10**9), relation,
                Fraction(1, 2), scope=f"d = {d}", concludes=True,
                shown=f"P(Z <= z {'-' if shift < 0 else '+'} 1e-9) {relation} 1/2",
            )  # fmt: skip


def _centre(rate: float, d: int) -> Any:
    """The z of ``rate = kappa sqrt(d) [log(kappa d) + (log 2 - gamma)/2 + z]``."""
    kappa = (2 / flint.arb.pi()).sqrt()
    shift = (flint.arb(2).log() - flint.arb.const_euler()) / 2
    return flint.arb(rate) / (kappa * flint.arb(d).sqrt()) - (kappa * d).log() - shift


@proof(theorem_2_limits, scope="all d, directions and positive targets")
def rows_at_the_limit_points(statement: Statement, transcript: Transcript) -> None:
    """The Hessian's rows at both limit points, and their mean, for all d; explicit at d = 2, 3."""
    transcript.given("at convergence E = 0; SGD+M: w = sqrt(N) u, W = sqrt(N) u v', |A| = N; "
                     "Adam: w_i = s_i c, W_i = s_i a, c^2 = A_max/d, a = A/(d c)")  # fmt: skip
    norm = sympy.Symbol("N", positive=True)
    u, v = algebra.vector("u", unit=True), algebra.vector("v", unit=True)
    root = sympy.sqrt(norm)
    transcript.identity("SGD+M: a minimum", (root * u) @ (root * u.outer(v)), norm * v,
                        scope="all d", because="w'W = A")  # fmt: skip
    _sgd_rows(transcript, norm, u, v)
    _adam_rows(transcript)
    _means(statement, transcript)
    for d, direction in ((2, (3, 4, 5)), (3, (2, -3, 6, 7))):
        _mean_of_rows(statement, transcript, d, direction)


def _sgd_rows(transcript: Transcript, norm: sympy.Symbol, u: Any, v: Any) -> None:
    e, f = algebra.vector("e", unit=True), algebra.vector("f", unit=True)
    w, W = sympy.sqrt(norm) * u, sympy.sqrt(norm) * u.outer(v)
    first, second = sgd_limit_row(u @ e, v @ f)
    transcript.identity(
        "SGD+M: row of W", _hidden_row(w, W, e, f), first * (w @ e) ** 4, scope="all d",
        because="the diagonal is w_i^2",
    )  # fmt: skip
    diagonal = (e @ W) @ (e @ W)
    transcript.identity("SGD+M: row of w", _output_row(w, W, e), second * diagonal**2,
                        scope="all d", because="the diagonal is |W_i|^2")  # fmt: skip


def _hidden_row(w: Any, W: Any, e: Any, f: Any) -> Any:
    """Square of the row e_i f_j' at E = 0, without its diagonal entry."""
    return (w @ e) ** 2 * (w @ w + (W @ f) @ (W @ f)) - (w @ e) ** 4


def _output_row(w: Any, W: Any, e: Any) -> Any:
    """Square of the row e_i of w at E = 0, without its diagonal entry."""
    square = (e @ W) @ (e @ W)
    return (w @ w) * square + (W @ (e @ W)) @ (W @ (e @ W)) - square**2


def _adam_rows(transcript: Transcript) -> None:
    d, top, entry, norm = sympy.symbols("d A_max A_j N", positive=True)
    c = sympy.sqrt(top / d)
    first, second = adam_limit_row(d, entry / top, top / norm)
    a, square = entry / (d * c), norm**2 / (d * c) ** 2
    transcript.identity("Adam: a minimum", d * c * a, entry, scope="all d",
                        because="w'W = sum_i s_i c s_i a")  # fmt: skip
    # |w|^2 = d c^2 and |W_.j|^2 = d a_j^2; the rows of W are equal up to sign.
    transcript.identity("Adam: row of W", c**2 * (d * c**2 + d * a**2) - c**4, first * c**4,
                        scope="all d", because="the diagonal is c^2")  # fmt: skip
    transcript.identity("Adam: row of w", d * c**2 * square + (d - 1) * square**2,
                        second * square**2, scope="all d", because="the diagonal is |a|^2"
                        )  # fmt: skip


def _means(statement: Statement, transcript: Transcript) -> None:
    """The rows above, summed over i and j."""
    d = sympy.Symbol("d", integer=True, positive=True)
    norm, top = sympy.symbols("N A_max", positive=True)
    u, a = (sympy.Function(name, positive=True) for name in ("u", "A"))
    A: Any = Family(a(I), d, square=norm**2, top=top)
    direction: Any = Family(u(I), d)
    rows_of_W = sympy.sqrt((1 - u(I) ** 2 + (a(J) / norm) ** 2) / u(I) ** 2)
    rows_of_w = sympy.sqrt((2 - u(I) ** 2) / u(I) ** 2)
    whole = Family(rows_of_W, d).total() + Family(rows_of_w, d).total()
    transcript.identity(
        "SGD+M: mean of all rows", statement.formula("sgd", A, direction), whole / (d * d + d),
        scope="all d", concludes=True, because="with |u_i| for u_i > 0, v_j = A_j/N",
    )  # fmt: skip
    rows = d * Family(sympy.sqrt(d - 1 + d * (a(I) / top) ** 2), d).total()
    transcript.identity(
        "Adam: mean of all rows", statement.formula("adam", A),
        (rows + d * sympy.sqrt(d - 1 + d * (top / norm) ** 2)) / (d * d + d), scope="all d",
        concludes=True, because="rows differ by j alone",
    )  # fmt: skip


def _mean_of_rows(statement: Statement, transcript: Transcript, d: int,
                  legs: tuple[int, ...]) -> None:  # fmt: skip
    """r_OPT of the explicit Hessian, with rational directions and targets of rational norm."""
    exact = np.frompyfunc(sympy.Rational, 2, 1)
    u = exact(np.array(legs[:-1]), legs[-1])
    v = abs(u[::-1])
    A = 4 * v  # |A| = 4 and sqrt(|A|) = 2
    hessian = two_layer_hessian(2 * u, 2 * u[:, None] * v[None, :], A)
    transcript.identity(
        f"SGD+M: mean of all rows, d = {d}", statement.formula("sgd", A, u), _mean(hessian),
        scope=f"d = {d}", concludes=True,
    )  # fmt: skip
    # A_max = d makes c = 1; a sign s_i for every row.
    signs = exact(np.array([(-1) ** i for i in range(d)]), 1)
    A = d * exact(np.arange(1, d + 1), d)
    hessian = two_layer_hessian(signs, signs[:, None] * (A / d)[None, :], A)
    transcript.identity(f"Adam: mean of all rows, d = {d}", statement.formula("adam", A),
                        _mean(hessian), scope=f"d = {d}", concludes=True)  # fmt: skip


def _mean(hessian: Array) -> Any:
    ratios = ratios_of_matrix(hessian)
    return sum(ratios) / sympy.Integer(len(ratios))
