"""An algebra of vectors and matrices as non-commuting symbols; its equalities hold for all d.

Declare symbols, combine them with ``+ - @`` and scalar ``*``, and compare: two expressions are
equal when their normal forms are, whatever the dimensions. Coefficients are SymPy expressions, and
a product of shape 1 x 1 is a number: it is a
SymPy expression, in symbols that stand for scalar words like ``(g' A^-1 g)``.

>>> A = symmetric("A", positive_definite=True)
>>> g, s = vector("g"), vector("s")
>>> step = -A.solve(g)
>>> A.quadratic_form(step) - A.inv.quadratic_form(g)
0
>>> A @ s == s
False
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy

from proofs_check.engine import sums
from proofs_check.engine.expressions import Expression, declared, of_atom
from proofs_check.engine.reduce import to_sympy
from proofs_check.engine.words import ONE, Atom

__all__ = ["Expression", "diagonal", "eigenvector", "family", "identity", "matrix", "orthogonal",
           "orthonormal", "symmetric", "total", "vector"]  # fmt: skip


def vector(name: str, dim: str = "d", *, nonzero: bool = False, unit: bool = False) -> Expression:
    """A column of `dim` real numbers; ``unit=True`` declares ``x'x = 1``."""
    return of_atom(Atom(name, dim, ONE, nonzero=nonzero or unit, orthonormal=unit))


def matrix(name: str, rows: str = "d", cols: str | None = None, *,
           invertible: bool = False) -> Expression:  # fmt: skip
    """A real matrix without structure, square unless `cols` is given."""
    return of_atom(Atom(name, rows, cols or rows, invertible=invertible))


def symmetric(
    name: str,
    dim: str = "d",
    *,
    positive_definite: bool = False,
    positive_semidefinite: bool = False,
    invertible: bool = False,
) -> Expression:
    """A real symmetric matrix; a definite one has ``.inv``, ``.root`` and every ``.power``."""
    return of_atom(Atom(name, dim, dim, symmetric=True, definite=positive_definite,
                    semidefinite=positive_definite or positive_semidefinite,
                    invertible=invertible or positive_definite))  # fmt: skip


def diagonal(name: str, dim: str = "d", *, positive_definite: bool = False,
             invertible: bool = False) -> Expression:  # fmt: skip
    """A real diagonal matrix; diagonal matrices commute with each other."""
    definite = positive_definite
    return of_atom(Atom(name, dim, dim, symmetric=True, definite=definite, diagonal=True,
                        semidefinite=definite, invertible=invertible or definite))  # fmt: skip


def orthogonal(name: str, dim: str = "d") -> Expression:
    """A square matrix with ``Q'Q = QQ' = I``."""
    return of_atom(Atom(name, dim, dim, orthogonal=True, invertible=True))


def orthonormal(name: str, rows: str = "d", cols: str = "r") -> Expression:
    """A matrix with orthonormal columns, ``U'U = I`` (and UU' a projection)."""
    return of_atom(Atom(name, rows, cols, orthonormal=True))


def eigenvector(name: str, of: Expression, value: Any, *, unit: bool = False) -> Expression:
    """A nonzero vector u with ``B u = value u``, B a symmetric symbol; ``u'u = 1`` if `unit`.

    Raises
    ------
    ValueError
        If B is not a declared symmetric symbol.
    """
    matrix = declared(of)
    if not matrix.symmetric:
        raise ValueError(f"eigenvector of {of}: it must be a declared symmetric symbol")
    return of_atom(Atom(name, of.rows, ONE, nonzero=True, orthonormal=unit, eigen_of=matrix,
                    eigenvalue=to_sympy(value)))  # fmt: skip


def family(
    name: str, dim: str = "d", *, like: Expression | None = None
) -> Callable[..., Expression]:
    """Symbols with an index: ``g = family("g")``, then ``g(0)``, ``g(t)``, ``g(i, j)``.

    They are vectors, or have the declaration of the symbol `like`. Symbols with equal indices are
    equal; those with different ones are independent.
    """
    atom = Atom(name, dim, ONE) if like is None else replace(declared(like), name=name)
    return lambda *index: of_atom(replace(atom, index=tuple(map(to_sympy, index))))


def total(term: Any, index: sympy.Symbol, low: Any, high: Any) -> Any:
    """The sum of `term` over ``index = low, ..., high``; symbolic limits are welcome.

    What does not depend on the index is taken out, limits that differ by an integer are related
    (``S_t = S_(t-1) + term(t)``), geometric and polynomial coefficients are summed in closed form.

    >>> t, i = sympy.symbols("t i", integer=True, nonnegative=True)
    >>> b, g = sympy.Symbol("b", positive=True), family("g")
    >>> V = lambda t: (1 - b) * total(b ** (t - i) * g(i).outer(g(i)), i, 0, t)
    >>> V(t) == b * V(t - 1) + (1 - b) * g(t).outer(g(t))
    True
    """
    body = term if isinstance(term, Expression) else Expression(ONE, ONE, {(): to_sympy(term)})
    summed = sums.total(body.terms, index, to_sympy(low), to_sympy(high))
    result = Expression(body.rows, body.cols, summed)
    return result.value if result.is_scalar else result


def identity(dim: str = "d") -> Expression:
    """The identity matrix of size `dim`."""
    return Expression(dim, dim, {(): sympy.Integer(1)})
