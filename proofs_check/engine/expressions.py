"""Sums of words with SymPy coefficients: the vectors and matrices of the algebra."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from proofs_check.engine import sums, words
from proofs_check.engine.reduce import is_zero as coefficient_is_zero
from proofs_check.engine.reduce import to_sympy
from proofs_check.engine.words import ONE, Atom, Letter, Terms, Word


class Expression:
    """A sum of words with SymPy coefficients, of shape ``rows x cols`` (names of dimensions).

    ``*`` scales by numbers only, since on arrays it is elementwise; ``@`` is the matrix product.
    A column behaves under ``@`` like a one-dimensional array: ``x @ y`` is the inner product and
    ``x @ A`` is the column ``A' x``. The methods that `theory.arrays` looks for are here, so that
    a formula of `theory` can be evaluated on symbols.

    Raises
    ------
    ValueError
        If shapes do not match; the message names both.
    """

    __slots__ = ("cols", "rows", "terms")
    __array_ufunc__ = None

    def __init__(self, rows: str, cols: str, terms: Terms) -> None:
        self.rows, self.cols = rows, cols
        self.terms = {word: coefficient for word, coefficient in terms.items() if coefficient != 0}

    # ---- shape and access

    @property
    def shape(self) -> tuple[str, str]:
        """Names of the dimensions."""
        return self.rows, self.cols

    @property
    def is_scalar(self) -> bool:
        """Whether the shape is 1 x 1."""
        return self.rows == ONE and self.cols == ONE

    @property
    def is_column(self) -> bool:
        """Whether the shape is d x 1."""
        return self.cols == ONE and self.rows != ONE

    @property
    def value(self) -> sympy.Expr:
        """A 1 x 1 expression as a SymPy expression; raises ValueError for any other shape."""
        if not self.is_scalar:
            raise ValueError(f"{self} has shape {self.rows} x {self.cols}; a number is 1 x 1")
        return sum(self.terms.values(), sympy.Integer(0))

    def is_zero(self) -> bool:
        """Whether every coefficient of the normal form reduces to zero."""
        return all(coefficient_is_zero(coefficient) for coefficient in self.terms.values())

    def map_coefficients(self, function: Callable[[sympy.Expr], sympy.Expr]) -> Expression:
        """The expression with `function` applied to every coefficient."""
        return Expression(self.rows, self.cols, {w: function(c) for w, c in self.terms.items()})

    # ---- arithmetic

    def __add__(self, other: Any) -> Expression:
        right = coerce(other)
        if right is None:
            return NotImplemented
        if not right.terms and right.is_scalar:
            return self
        if not self.terms and self.is_scalar:
            return right
        if self.shape != right.shape:
            raise ValueError(f"cannot add {self.rows} x {self.cols} and {right.rows} x {right.cols}"
                             ": multiply a number by algebra.identity() first")  # fmt: skip
        terms = dict(self.terms)
        for word, coefficient in right.terms.items():
            terms[word] = sympy.expand(terms.get(word, sympy.Integer(0)) + coefficient)
        return Expression(self.rows, self.cols, terms)

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return self.map_coefficients(lambda c: -c)

    def __pos__(self) -> Expression:
        return self

    def __sub__(self, other: Any) -> Expression:
        right = coerce(other)
        return NotImplemented if right is None else self + (-right)

    def __rsub__(self, other: Any) -> Expression:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Expression:
        right = coerce(other)
        if right is None:
            return NotImplemented
        if right.is_scalar:
            factor, rest = right.value, self
        elif self.is_scalar:
            factor, rest = self.value, right
        else:
            raise ValueError(f"'*' scales by a number; {self} * {other} is elementwise on arrays: "
                             "write '@' for the matrix product")  # fmt: skip
        return rest.map_coefficients(lambda c: sympy.expand(factor * c))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expression:
        right = coerce(other)
        if right is None:
            return NotImplemented
        if coefficient_is_zero(right.value):
            raise ZeroDivisionError(f"{self} divided by an expression that is zero")
        return self.__mul__(1 / right.value)

    def __pow__(self, exponent: Any) -> Expression:
        """Raises ValueError: ``**`` is elementwise on arrays, a matrix has `power`."""
        raise ValueError(f"'**' is elementwise on arrays; write ({self}).power({exponent})")

    def __matmul__(self, other: Any) -> Any:
        right = coerce(other)
        if right is None:
            return NotImplemented
        if self.is_scalar or right.is_scalar:
            return self * right
        if self.is_column and right.rows == self.rows and right.rows != ONE:
            # one-dimensional arrays: x @ y is a number, x @ A the vector A' x
            return self.T._product(right) if right.is_column else right.T._product(self)
        return self._product(right)

    def __rmatmul__(self, other: Any) -> Any:
        left = coerce(other)
        return NotImplemented if left is None else left @ self

    def _product(self, right: Expression) -> Any:
        if self.cols != right.rows:
            raise ValueError(f"cannot multiply {self.rows} x {self.cols} by "
                             f"{right.rows} x {right.cols}")  # fmt: skip
        product = Expression(self.rows, right.cols, words.multiply(self.terms, right.terms))
        return product.value if product.is_scalar else product

    # ---- matrix operations

    @property
    def T(self) -> Expression:  # noqa: N802
        """The transpose."""
        terms: Terms = {}
        for word, coefficient in self.terms.items():
            factor, flipped = words.assemble(words.transpose(word))
            terms[flipped] = terms.get(flipped, sympy.Integer(0)) + factor * coefficient
        return Expression(self.cols, self.rows, terms)

    def power(self, exponent: Any) -> Expression:
        """The matrix power ``A^p``; any real p for a positive definite symbol.

        Raises
        ------
        ValueError
            If the expression is not a multiple of one symbol that has this power.
        """
        p = to_sympy(exponent)
        if p.is_Integer and p > 0 and self.rows == self.cols:
            result = self
            for _ in range(int(p) - 1):
                result = result @ self
            return result
        if p.is_Integer and p < -1:
            return self.inv.power(-p)
        if len(self.terms) != 1:
            raise ValueError(f"({self})^{p}: declare the sum as one symbol, then take its power")
        ((word, coefficient),) = self.terms.items()
        if p == -1:
            inverses = tuple(_letter_power(letter, p) for letter in reversed(word))
            factor, inverse = words.assemble(inverses)
            return Expression(self.rows, self.cols, {inverse: factor / coefficient})
        if len(word) > 1 or (word and not word[0].atom.semidefinite):
            raise ValueError(f"({self})^{p}: only a positive semidefinite symbol has this power")
        if coefficient.is_nonnegative is not True:
            raise ValueError(f"({self})^{p}: its coefficient {coefficient} is not known to be >= 0")
        factor, root = words.assemble(tuple(_letter_power(letter, p) for letter in word))
        return Expression(self.rows, self.cols, {root: factor * coefficient**p})

    @property
    def inv(self) -> Expression:
        """The inverse of a product of invertible symbols."""
        return self.power(-1)

    @property
    def root(self) -> Expression:
        """The positive semidefinite square root R, with ``R @ R`` equal to this matrix."""
        return self.power(Fraction(1, 2))

    def solve(self, b: Expression) -> Expression:
        """``A^-1 b``."""
        solution: Expression = self.inv._product(b)
        return solution

    def trace(self) -> sympy.Expr:
        """The trace, invariant under rotation and transposition of words."""
        if self.rows != self.cols:
            raise ValueError(f"trace of {self.rows} x {self.cols}: the matrix must be square")
        traces = (c * words.trace(word, self.rows) for word, c in self.terms.items())
        return sympy.expand(sum(traces, sympy.Integer(0)))

    def dot(self, other: Any) -> sympy.Expr:
        """``x' y``."""
        return self.T @ other

    def outer(self, other: Expression) -> Expression:
        """``x y'``."""
        product: Expression = self._product(other.T)
        return product

    def transpose(self) -> Expression:
        """The transpose of a matrix; a column is returned unchanged, like a 1-d array."""
        return self if self.is_column else self.T

    def quadratic_form(self, other: Expression) -> sympy.Expr:
        """``x' A x``, for ``A.quadratic_form(x)`` as for ``x.quadratic_form(A)``."""
        x, matrix = (self, other) if self.is_column else (other, self)
        return x.T @ matrix @ x

    def identity(self) -> Expression:
        """The identity of this square matrix's size."""
        return Expression(self.rows, self.rows, {(): sympy.Integer(1)})

    def subs(self, symbol: sympy.Symbol, value: Any) -> Expression:
        """The expression with a number put for a symbol: in coefficients, indices and powers."""
        mapping = {symbol: to_sympy(value)}
        return Expression(self.rows, self.cols, sums.substitute(self.terms, mapping))

    def is_symmetric(self) -> bool:
        """Whether the normal form equals that of the transpose."""
        return self.rows == self.cols and self == self.T

    def is_positive_semidefinite(self) -> bool:
        """Whether every term is visibly positive semidefinite; False where that is not seen."""
        return self.rows == self.cols and all(
            words.is_semidefinite(word) and coefficient.is_nonnegative is True
            for word, coefficient in self.terms.items())  # fmt: skip

    def is_positive_definite(self) -> bool:
        """Whether it is visibly semidefinite with a term ``c A``, c > 0, A definite."""
        return self.is_positive_semidefinite() and any(
            coefficient.is_positive is True and (not word or (len(word) == 1
                                                 and word[0].atom.definite))
            for word, coefficient in self.terms.items())  # fmt: skip

    # ---- comparison and text

    def __eq__(self, other: object) -> bool:
        right = coerce(other)
        return right is not None and self.shape == right.shape and (self - right).is_zero()

    def __hash__(self) -> int:
        return hash((self.rows, self.cols))

    def __str__(self) -> str:
        return _join(self, str, words.text)

    def __repr__(self) -> str:
        return f"Expression({self})"

    def latex(self) -> str:
        """LaTeX of the normal form."""
        return _join(self, sympy.latex, words.latex)


def _join(expression: Expression, number: Callable[[sympy.Expr], str],
          word_text: Callable[[Word], str]) -> str:  # fmt: skip
    if expression.is_scalar:
        return number(expression.value)
    parts = []
    for word, coefficient in expression.terms.items():
        if coefficient in (1, -1):
            parts.append(("-" if coefficient == -1 else "") + word_text(word))
        else:
            shown = number(coefficient)
            shown = f"({shown})" if coefficient.is_Add else shown
            parts.append(f"{shown} {word_text(word)}")
    return " + ".join(parts).replace("+ -", "- ") or "0"


def _letter_power(letter: Letter, exponent: sympy.Expr) -> Letter:
    atom = letter.atom
    if not (atom.invertible or (exponent.is_nonnegative and atom.semidefinite)):
        raise ValueError(f"{atom.label} is not declared to have the power {exponent}")
    return Letter(atom, sympy.expand(letter.power * exponent), letter.transposed)


def coerce(value: Any) -> Expression | None:
    """An expression as it is, an exact number as 1 x 1, None for anything else."""
    if isinstance(value, Expression):
        return value
    try:
        return Expression(ONE, ONE, {(): to_sympy(value)})
    except TypeError:
        return None


def of_atom(atom: Atom) -> Expression:
    """The expression that consists of one declared symbol; raises ValueError for 1 x 1."""
    if atom.rows == ONE and atom.cols == ONE:
        raise ValueError(f"{atom.name} is 1 x 1; declare a number as a SymPy symbol")
    return Expression(atom.rows, atom.cols, {(Letter(atom),): sympy.Integer(1)})


def declared(expression: Expression) -> Atom:
    """The symbol that an expression consists of; raises ValueError if it is a combination."""
    ((word, coefficient), *more) = expression.terms.items() or [((), 0)]
    if more or coefficient != 1 or len(word) != 1 or word[0] != Letter(word[0].atom):
        raise ValueError(f"{expression} is not one declared symbol")
    return word[0].atom
