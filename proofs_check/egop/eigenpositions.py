"""Positions of eigenvalues on symbols: what a proof knows of ``lam_k`` by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofs_check.engine import Transcript
from proofs_check.engine.algebra import Expression

Known = Sequence[tuple[Expression, Any]]


class Position:
    """A symbolic position k, with symbols for the k-th eigenvalues of the matrices it knows.

    Parameters
    ----------
    known : sequence of (matrix, symbol)
        The k-th eigenvalues.
    previous : sequence of (matrix, symbol), optional
        Those at position k - 1; without it, k is the first position.
    """

    def __init__(self, known: Known, previous: Known | None = None) -> None:
        self._known, self._previous = known, previous

    def eigenvalue(self, matrix: Expression) -> Any:
        """The symbol; raises ValueError for a matrix that is not known."""
        for other, value in self._known:
            if other == matrix:
                return value
        raise ValueError(f"no eigenvalue of {matrix} was named")

    def __eq__(self, other: object) -> bool:
        return other == 1 and self._previous is None

    __hash__ = None  # type: ignore[assignment]

    def __sub__(self, other: int) -> Position:
        if other == 0:
            return self
        if other != 1 or self._previous is None:
            raise ValueError(f"position k - {other} was not named")
        return Position(self._previous)


def cite_common_vector(transcript: Transcript, subspaces: str, count: str) -> None:
    """A unit vector in several subspaces whose dimensions add up to enough."""
    transcript.cited(
        f"a unit vector in {subspaces}", "Courant-Fischer; Horn and Johnson, Theorem 4.2.6",
        f"{count}; on the span of the first k eigenvectors w'Mw >= lam_k(M), on that of the k-th to"
        " the last w'Mw <= lam_k(M)", scope="all d, all k",
    )  # fmt: skip
