"""A gradient history of symbols, of any length: what stands for `gradients` in a proof.

The recursion ``S_t = old S_{t-1} + new g_t g_t'`` is all that the formulas of the preconditioners
use, so that the first n gradients enter a step of an induction only through their matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from proofs_check.engine import algebra
from proofs_check.engine.algebra import Expression


@dataclass(frozen=True)
class _Recursion:
    """`count` gradients with a known accumulated matrix, and perhaps one gradient more.

    Attributes
    ----------
    accumulated : Expression
        S of the first `count` gradients, d x d.
    count : SymPy expression
    added : Expression, optional
        The gradient that follows.
    """

    accumulated: Expression
    count: Any
    added: Expression | None = None

    @property
    def shape(self) -> tuple[Any, str]:
        """Number of gradients, and the name of the dimension."""
        return self.count + int(self.added is not None), "d"

    def _next(self, old: Any, new: Any) -> Expression:
        if self.added is None:
            return self.accumulated
        following: Expression = old * self.accumulated + new * (self.added @ self.added.T)
        return following


@dataclass(frozen=True)
class History(_Recursion):
    """A history for full matrices; the gradients are columns.

    Attributes
    ----------
    gradient : Expression, optional
        The last of the `count` gradients, where a formula asks for it.
    """

    gradient: Expression | None = None

    def then(self, gradient: Expression) -> History:
        """The history that goes on with one gradient."""
        return History(self.accumulated, self.count, gradient)

    def __getitem__(self, index: int) -> Expression:
        """The last gradient, for index -1; raises IndexError where it is not known."""
        last = self.gradient if self.added is None else self.added
        if index != -1 or last is None:
            raise IndexError(f"gradient {index} of a symbolic history is not known")
        return last

    def accumulated_products(self, old: Any, new: Any) -> Expression:
        """S_t of the recursion."""
        return self._next(old, new)


@dataclass(frozen=True)
class DiagonalHistory(_Recursion):
    """A history for diagonal matrices; a gradient is the diagonal matrix of its entries."""

    def then(self, gradient: Expression) -> DiagonalHistory:
        """The history that goes on with one gradient."""
        return DiagonalHistory(self.accumulated, self.count, gradient)

    def accumulated_squares(self, old: Any, new: Any) -> Expression:
        """The diagonal matrix of ``v_t = old v_{t-1} + new g_t^2``."""
        return self._next(old, new)


def histories(
    index: sympy.Symbol, added: Expression, start: int = 0
) -> Callable[[Any], History | DiagonalHistory]:
    """The history of n gradients for n = start, `index` and ``index + 1``: an induction's cases.

    The matrix of the first `index` gradients is one symmetric symbol V, so that a step from
    `index` to ``index + 1`` is valid for every history; `start` is 0 or 1. The gradient `added` is
    a column, or a diagonal matrix for the diagonal variant.
    """
    kind = History if added.is_column else DiagonalHistory
    known = kind(algebra.symmetric("V"), index)
    first = kind(0 * algebra.identity(), sympy.Integer(0))
    cases = {index: known, index + 1: known.then(added),
             sympy.Integer(start): first.then(added) if start else first}  # fmt: skip
    return cases.__getitem__
