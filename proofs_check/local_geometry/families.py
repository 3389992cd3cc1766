"""Arrays of symbolic length: a general entry, elementwise operations, and sums over the index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy

I, J = sympy.symbols("i j", integer=True, positive=True)


@dataclass(frozen=True)
class Family:
    """An array of shape (d,) or (d, d) with entries that are one expression of the indices i, j.

    Parameters
    ----------
    entry : SymPy expression in i and j
    size : SymPy expression
        The length d of every axis.
    square, top : SymPy expressions, optional
        Names of the sum of squares and of the largest entry, where they are declared.
    """

    entry: sympy.Expr
    size: sympy.Expr
    square: sympy.Expr | None = None
    top: sympy.Expr | None = None

    @property
    def shape(self) -> tuple[sympy.Expr, ...]:
        """Lengths of the axes that the entry depends on."""
        return (self.size,) * max(1, len(self.entry.free_symbols & {I, J}))

    def __getitem__(self, key: tuple[Any, Any]) -> Family:
        """``x[:, None]`` runs along i, ``x[None, :]`` along j."""
        return replace(self, entry=self.entry.subs(I, J)) if key[0] is None else self

    def _with(self, other: Any, combine: Any) -> Family:
        right = other.entry if isinstance(other, Family) else other
        return Family(combine(self.entry, right), self.size)

    def __mul__(self, other: Any) -> Family:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Family:
        return self._with(other, lambda a, b: a / b)

    def __add__(self, other: Any) -> Family:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Family:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Family:
        return self._with(other, lambda a, b: b - a)

    def power(self, exponent: Any) -> Family:
        """Elementwise power with a rational exponent."""
        return self._with(sympy.Rational(exponent), lambda a, b: a**b)

    def dot(self, other: Family) -> sympy.Expr:
        """Sum of the products; the declared square for a family with itself."""
        return self.square if self.square is not None and other == self else (self * other).total()

    def largest(self) -> sympy.Expr:
        """The declared largest entry."""
        return self.top

    def total(self) -> sympy.Expr:
        """Sum over every index that the entry depends on."""
        result = self.entry
        for index in (J, I):
            if index in self.entry.free_symbols:
                result = sympy.Sum(result, (index, 1, self.size))
        return result
