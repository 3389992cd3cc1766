"""Proof of the exact Wishart moments by Wick's theorem: all pairings, for all d and n."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from proofs_check.engine import Transcript, proof
from theory.adaptive_norms.spectra import MAX_ORDER, marchenko_pastur, marchenko_pastur_moment
from theory.core import Statement

D, N = sp.symbols("d n", integer=True, positive=True)


def pairings(elements: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to split `elements` (an even number) into pairs.

    >>> len(list(pairings((0, 1, 2, 3))))
    3
    """
    if not elements:
        yield ()
        return
    first, *rest = elements
    for position, partner in enumerate(rest):
        others = tuple(rest[:position] + rest[position + 1 :])
        for remainder in pairings(others):
            yield ((first, partner), *remainder)


def trace_moment(k: int) -> sp.Expr:
    """``E tr (X X')^k`` as a polynomial in d and n, X d x n standard Gaussian.

    The trace is the sum over row indices i_1..i_k and column indices j_1..j_k of
    ``X_{i1 j1} X_{i2 j1} X_{i2 j2} X_{i3 j2} ...``. A pairing of the 2k factors identifies rows
    and columns; it contributes d to the number of classes of rows times n to that of columns.

    >>> trace_moment(2)
    d**2*n + d*n**2 + d*n
    """
    # Factor 2l is X_{i_l j_l} and factor 2l + 1 is X_{i_{l+1} j_l}.
    rows = [(factor + 1) // 2 % k for factor in range(2 * k)]
    columns = [factor // 2 for factor in range(2 * k)]
    return sp.Add(*(D ** _classes(k, rows, pairing) * N ** _classes(k, columns, pairing)
                    for pairing in pairings(tuple(range(2 * k)))))  # fmt: skip


def _classes(k: int, index: list[int], pairing: tuple[tuple[int, int], ...]) -> int:
    """Number of classes of the k indices after the pairs have identified some of them."""
    label = list(range(k))
    for a, b in pairing:
        old, new = label[index[a]], label[index[b]]
        label = [new if value == old else value for value in label]
    return len(set(label))


@proof(marchenko_pastur, scope="k <= 4, all d, n")
def wick_pairings(statement: Statement, transcript: Transcript) -> None:
    """Sum over all pairings of the factors, and the limit at a fixed aspect ratio."""
    transcript.given("entries i.i.d. N(0, 1)")
    transcript.cited(
        "Wick's theorem", "Isserlis (1918)", "the mean of a product of centred Gaussian variables "
        "is the sum over all pairings of the products of their covariances", scope="all k",
    )  # fmt: skip
    # Another law of the entries is outside of what Wick's theorem says.
    orders = () if statement.given else range(1, MAX_ORDER + 1)
    for k in orders:
        transcript.identity(
            f"moment {k}", statement.formula(k, D, N), trace_moment(k) / (D * N**k),
            scope="all d, n", because=f"{sp.factorial2(2 * k - 1)} pairings", concludes=True,
        )  # fmt: skip
    aspect = sp.Symbol("c", positive=True)
    for k in orders:
        transcript.identity(
            f"limit of moment {k}", sp.limit(statement.formula(k, aspect * N, N), N, sp.oo),
            marchenko_pastur_moment(k, aspect), scope="d = cn, n -> infinity",
            because="the Narayana polynomial",
        )  # fmt: skip
