"""Proofs for the diagonal share, and exact counterexamples to the remark on averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, attack, certificate, hypothesis, proof
from theory.adaptive_norms.diagonal_share import (
    average_not_dominated,
    average_not_dominated_nonnegative,
    diagonal_share,
    proposition_1,
    row_dominance_margin,
    wigner_share,
)
from theory.core import Statement


@proof(proposition_1, scope="all d, all standard deviations")
def mean_magnitudes(statement: Statement, transcript: Transcript) -> None:
    """Mean magnitude of a Gaussian, times the number of entries on and off the diagonal."""
    transcript.given("M_ii ~ N(0, s1^2), M_ij ~ N(0, s2^2); only their mean magnitudes matter")
    d = sympy.Symbol("d", integer=True, positive=True)
    x, s, s1, s2, m1, m2 = sympy.symbols("x s s1 s2 m1 m2", positive=True)
    density = sympy.exp(-(x**2) / (2 * s**2)) / (s * sympy.sqrt(2 * sympy.pi))
    mean = sympy.sqrt(2 / sympy.pi) * s
    transcript.identity(
        "mean magnitude of N(0, s^2)", 2 * sympy.integrate(x * density, (x, 0, sympy.oo)), mean,
        scope="s > 0",
    )  # fmt: skip
    i, j = sympy.symbols("i j", integer=True, positive=True)
    above = sympy.summation(sympy.summation(1, (j, i + 1, d)), (i, 1, d))
    transcript.identity(
        "entries off the diagonal", 2 * above, d * (d - 1), scope="all d",
        because="d(d-1)/2 above the diagonal, as many below",
    )  # fmt: skip
    transcript.identity(
        "any two mean magnitudes", d * m1 / (d * m1 + 2 * above * m2), wigner_share(d, m1, m2),
        scope="all d, all laws with finite means", because="the footnote's extension",
    )  # fmt: skip
    on, off = d * mean.subs(s, s1), 2 * above * mean.subs(s, s2)
    transcript.identity(
        "share of the expectation", statement.formula(d, s1, s2), sympy.cancel(on / (on + off)),
        scope="all d, s1, s2 > 0", because="the factor sqrt(2/pi) cancels", concludes=True,
    )  # fmt: skip
    transcript.identity(
        "equal standard deviations", statement.formula(d, s, s), 1 / d, scope="all d",
        concludes=True,
    )  # fmt: skip


def _exact(rows: list[list[list[int]]]) -> Any:
    shape = (len(rows), len(rows[0]), len(rows[0]))
    matrices = numpy.empty(shape, dtype=object)
    for index in numpy.ndindex(shape):
        matrices[index] = flint.fmpq(rows[index[0]][index[1]][index[2]])
    return matrices


def _counterexample(
    statement: Statement, transcript: Transcript, reading: str, rows: list[list[list[int]]]
) -> None:
    matrices = _exact(rows)
    rowwise = reading == "rowwise"
    for position, matrix in enumerate(matrices, start=1):
        measure = row_dominance_margin(matrix) if rowwise else diagonal_share(matrix)
        threshold = 0 if rowwise else flint.fmpq(1, 2)
        transcript.exact(
            f"matrix {position} is not dominated ({reading})", measure, "<=", threshold,
            scope="this matrix", because=f"M_{position} = {rows[position - 1]}: "
            + ("worst row of |M_ii| - sum_j |M_ij|" if rowwise else "its diagonal share"),
        )  # fmt: skip
    holds = statement.hypotheses_hold(matrices=matrices, reading=reading)
    transcript.exact(
        "hypotheses hold", int(holds), "==", 1, scope="these matrices",
        because="no matrix is dominated; rowwise, all entries are positive",
    )  # fmt: skip
    lhs, rhs = statement.formula(matrices, reading)
    transcript.exact(
        f"their average is not dominated ({reading})", lhs, "<=", rhs, scope="these matrices",
        because=f"the average of {' and '.join(map(str, rows))}", concludes=True,
    )  # fmt: skip


@certificate(average_not_dominated, scope="rowwise, positive entries: an exact counterexample")
def rowwise_counterexample(statement: Statement, transcript: Transcript) -> None:
    """Each matrix fails in another row; the average fails in none."""
    transcript.given("dominance: |M_ii| > sum_j |M_ij| over j != i, in every row")
    _counterexample(statement, transcript, "rowwise", [[[1, 2], [2, 10]], [[10, 2], [2, 1]]])


@certificate(average_not_dominated, scope="share, entries of any sign: an exact counterexample")
def signed_counterexample(statement: Statement, transcript: Transcript) -> None:
    """The off-diagonal entries cancel in the average, which is the identity."""
    transcript.given("dominance: share > 1/2")
    _counterexample(statement, transcript, "share", [[[1, 2], [2, 1]], [[1, -2], [-2, 1]]])


@dataclass(frozen=True)
class _Nonnegative:
    """A matrix with nonnegative entries of any size: the sums over its diagonal and over all."""

    on: sympy.Expr
    whole: sympy.Expr

    def __rmul__(self, weight: sympy.Expr) -> _Nonnegative:
        return _Nonnegative(weight * self.on, weight * self.whole)

    def __add__(self, other: _Nonnegative) -> _Nonnegative:
        # Nonnegative entries: the magnitude of a sum is the sum of the magnitudes.
        return _Nonnegative(self.on + other.on, self.whole + other.whole)

    def diagonal_share(self) -> sympy.Expr:
        """The share from the two sums."""
        return self.on / self.whole


@proof(average_not_dominated_nonnegative, scope="all d, all numbers of matrices")
def mediant(statement: Statement, transcript: Transcript) -> None:
    """The share of a sum is the mediant of the shares."""
    transcript.given("entries nonnegative, no matrix zero, weights positive")
    a, b = sympy.symbols("a b", nonnegative=True)
    transcript.identity(
        "magnitude of a sum", sympy.Abs(a + b), sympy.Abs(a) + sympy.Abs(b), scope="a, b >= 0",
        because="so that sums over the diagonal and over the whole are additive",
    )  # fmt: skip
    d1, d2 = sympy.symbols("D1 D2", nonnegative=True)
    t1, t2, w1, w2, s = sympy.symbols("T1 T2 w1 w2 s", positive=True)
    pair, weights = [_Nonnegative(d1, t1), _Nonnegative(d2, t2)], [w1, w2]
    whole = w1 * t1 + w2 * t2
    for side, sign in (("upper", 1), ("lower", -1)):
        lhs, rhs = statement.formula(pair, weights, s, side)
        text = "share(M_j) <= s" if side == "upper" else "share(M_j) >= s"
        terms = [
            w / whole * hypothesis(sign * (s * t - on), text)
            for w, t, on in ((w1, t1, d1), (w2, t2, d2))
        ]
        transcript.nonnegative(
            f"{side} bound, two matrices", rhs - lhs, terms, scope="all d", concludes=True,
            because="D_j and T_j are the sums over the diagonal and over the whole of M_j; more "
            "matrices by induction: w_1 M_1 + ... + w_k M_k, of share within s, is the first",
        )  # fmt: skip


@attack(average_not_dominated_nonnegative)
def averages_of_matrices(statement: Statement) -> st.SearchStrategy[dict[str, Any]]:
    """Two or three matrices, a fifth of them signed, with the bound at the extreme share.

    Where a variant drops the sign, all are signed.
    """
    any_sign = statement.assumes is not average_not_dominated_nonnegative.assumes
    size = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 5.0, 1e-6, 1e6]), st.floats(0.0, 4.0))
    weight = st.sampled_from([0.25, 0.5, 1.0, 3.0])
    signed = st.integers(0, 4).map(lambda k: any_sign or k == 0)

    def instance(shape: tuple[int, int]) -> st.SearchStrategy[dict[str, Any]]:
        k, d = shape
        n = k * d * d
        return st.builds(
            _bounded, st.just((k, d, d)), st.lists(size, min_size=n, max_size=n), signed,
            st.integers(0, 2**n - 1), st.lists(weight, min_size=k, max_size=k),
            st.sampled_from(["upper", "lower"]),
        )  # fmt: skip

    return st.sampled_from([(2, 2), (2, 2), (3, 2), (2, 3)]).flatmap(instance)


def _bounded(
    shape: tuple[int, int, int], sizes: list[float], signed: bool, signs: int,
    weights: list[float], side: str,
) -> dict[str, Any]:  # fmt: skip
    negative = [signed and bool(signs >> k & 1) for k in range(len(sizes))]
    matrices = numpy.where(negative, numpy.negative(sizes), sizes).reshape(shape)
    shares = [float(diagonal_share(m)) for m in matrices if numpy.any(m)] or [0.5]
    # Outwards by a few units of rounding, so that the float bound holds exactly as well.
    bound = max(shares) + 1e-15 if side == "upper" else min(shares) - 1e-15
    return {"matrices": matrices, "weights": numpy.asarray(weights), "bound": bound,
            "side": side}  # fmt: skip
