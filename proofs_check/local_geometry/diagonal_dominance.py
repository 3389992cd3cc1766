"""Proof of Lemma 28 for rows of any length, and the search against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, square
from proofs_check.local_geometry.rank_one_structure import (
    deltas,
    left_factor,
    relative_errors,
    small_array,
)
from theory.core import Statement
from theory.local_geometry.diagonal_dominance import RowBounds, lemma_28

Terms = list[Any]


@dataclass(frozen=True)
class _Rows:
    """Rows of a Hessian of any size, through the sums that the lemma speaks of."""

    groups: tuple[RowBounds, ...]

    def lemma_28_rows(self) -> tuple[RowBounds, ...]:
        """The four groups of rows."""
        return self.groups


@proof(lemma_28, scope="all d, n and delta < 1")
def triangle_inequality_by_rows(statement: Statement, transcript: Transcript) -> None:
    """Square both sides; what remains is a sum of squares and of Cauchy-Schwarz gaps."""
    transcript.given("w_i != 0 and W_i != 0; E = w'W - A")
    _rows_of_the_hessian(transcript)
    first, terms_first = _hidden_rows()
    second, terms_second = _output_rows()
    structured, terms_structured = _structured()
    rows: Any = _Rows((first, second, *structured))
    lhs, rhs = statement.formula(rows, None, None, None, None, None, None)
    names = ["rows of W, same signs", "rows of W, opposite signs", "rows of w",
             "rows of W by u and v", "rows of w by u and v"]  # fmt: skip
    for k, terms in enumerate([*terms_first, terms_second, *terms_structured]):
        transcript.nonnegative(names[k], rhs[k] - lhs[k], terms, scope="all d, n", concludes=True)


def _rows_of_the_hessian(transcript: Transcript) -> None:
    """H maps (B, a) to (w(w'B + a'W) + aE, W(B'w + W'a) + BE')."""
    w, E = algebra.vector("w"), algebra.vector("E", "n")
    W = algebra.matrix("W", "d", "n")
    e, f = algebra.vector("e", unit=True), algebra.vector("f", "n", unit=True)
    upper, lower = (w @ e) * w.outer(f), (w @ e) * (W @ f) + (E @ f) * e
    transcript.identity(
        "square of a row of W", (upper.T @ upper).trace() + lower @ lower,
        (w @ e) ** 2 * (w @ w + (W @ f) @ (W @ f)) + 2 * (w @ e) * (e @ (W @ f)) * (E @ f)
        + (E @ f) ** 2, scope="all d, n", because="direction e_i f_j'; the diagonal is w_i^2",
    )  # fmt: skip
    upper, lower = w.outer(e @ W) + e.outer(E), W @ (e @ W)
    transcript.identity(
        "square of a row of w", (upper.T @ upper).trace() + lower @ lower,
        (w @ w) * ((e @ W) @ (e @ W)) + 2 * (w @ e) * ((e @ W) @ E) + E @ E + lower @ lower,
        scope="all d, n", because="direction e_i; the diagonal is |W_i|^2",
    )  # fmt: skip
    x, y = algebra.vector("x", "n", nonzero=True), algebra.vector("y", "n", nonzero=True)
    rest = (y @ y) * x - (x @ y) * y
    transcript.nonnegative(
        "Cauchy-Schwarz", (x @ x) * (y @ y) - (x @ y) ** 2, [square(rest) / (y @ y)],
        scope="all n", because="used for (W_i W_k')^2, and for the norm of a sum",
    )  # fmt: skip


def _hidden_rows() -> tuple[RowBounds, list[Terms]]:
    """|w_i| = a, |W_ij| = b, |E_j| = e; p and q are the rests of the norms of w and W_.j."""
    a, b = sympy.symbols("a b", positive=True)
    e, p, q = sympy.symbols("e p q", nonnegative=True)
    norm = sympy.sqrt(a**2 + p + b**2 + q)
    bound = norm / a + e / a**2
    ratios, terms = [], []
    # b <= norm, as b^2 + (a^2 + p + q) = norm^2.
    gaps = {1: 2 * a * e * (a**2 + p + q) / (norm + b), -1: 2 * a * e * (norm + b)}
    for sign, gap in gaps.items():
        ratio = sympy.sqrt(a**2 * (p + q) + (a * b + sign * e) ** 2) / a**2
        ratios.append(ratio)
        terms.append([a**4 / (a**4 * (bound + ratio)), gap / (a**4 * (bound + ratio))])
    return RowBounds(ratios, [norm / a] * 2, [e / a**2] * 2), terms


def _output_rows() -> tuple[RowBounds, Terms]:
    """|W_i| = m, |w| = o, |E| = e; P sums the squares of W_i W_k', Z those of w W_i + e_i E."""
    m, o = sympy.symbols("m o", positive=True)
    e, rest, P, Z = sympy.symbols("e r P Z", nonnegative=True)
    norm = sympy.sqrt(m**2 + rest + o**2)
    ratio, bound = sympy.sqrt(P + Z) / m**2, norm / m + e / m**2
    scale = 1 / (m**4 * (bound + ratio))
    # norm - o = (m^2 + r)/(norm + o).
    terms = [
        m**4 * scale,
        hypothesis(m**2 * rest - P, "sum (W_i W_k')^2 <= |W_i|^2 sum |W_k|^2") * scale,
        hypothesis((o * m + e) ** 2 - Z, "|w W_i + e_i E| <= |w| |W_i| + |E|") * scale,
        2 * m * e * (m**2 + rest) / (norm + o) * scale,
    ]
    return RowBounds([ratio], [norm / m], [e / m**2]), terms


def _structured() -> tuple[list[RowBounds], list[Terms]]:
    """Norms at most (1 + delta) G, the diagonal's root y at least (1 - delta) D."""
    share, e = sympy.symbols("r e", nonnegative=True)
    delta = share / (1 + share)
    big, size, root, norm = sympy.symbols("G D y X", positive=True)
    least, most = size / (1 + share), big * (1 + 2 * share) / (1 + share)
    rows = RowBounds([norm / root + e / root**2], [(1 + delta) / (1 - delta) * big / size],
                     [e / ((1 - delta) ** 2 * size**2)])  # fmt: skip
    above = hypothesis(root - least, "|w_i| >= (1-delta)|c u_i|, |W_i| >= (1-delta)|u_i||v|")
    terms = [
        hypothesis(most - norm, "norms of w and W are at most 1 + delta times those of cu, uv'")
        / root,
        above * (most / (least * root)),
        above * (e * (root + least) / (least**2 * root**2)),
    ]
    return [rows, rows], [terms, terms]


@st.composite
def _instances(draw: Any) -> dict[str, Any]:
    d, n = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    size = draw(st.sampled_from([0.0, 1.0, 2.0**-8, 2.0**8]))
    return {"u": left_factor(draw, d), "v": small_array(draw, n, low=1),
            "c": draw(st.sampled_from([1.0, -2.0, 16.0])), "delta": deltas(draw),
            "first": relative_errors(draw, d, n), "second": relative_errors(draw, d),
            "error": size * small_array(draw, n)}  # fmt: skip


@attack(lemma_28, examples={"quick": 120, "standard": 1200, "deep": 5000}, refine=("error",))
def networks_with_small_rows() -> st.SearchStrategy[dict[str, Any]]:
    """Up to three rows, one of them possibly tiny, with and without a residual."""
    return _instances()
