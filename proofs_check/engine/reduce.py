"""Symbolic reduction of SymPy expressions to zero, and exact conversion to SymPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from numbers import Integral
from typing import Any

import flint
import sympy

from proofs_check.engine.exact import Real

_LARGE = 4000  # operations beyond which the slow simplifiers are not started


def to_sympy(value: Any) -> sympy.Expr:
    """An exact number or SymPy expression as SymPy; raises TypeError for floats and the rest."""
    if isinstance(value, sympy.Expr) and not value.has(sympy.Float):
        return value
    if isinstance(value, Real) and value.is_rational:
        value = value.value
    if isinstance(value, bool):
        raise TypeError(f"{value!r} is a truth value, not a number")
    if isinstance(value, Integral):
        return sympy.Integer(int(value))
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(value, flint.fmpz):
        return sympy.Integer(int(value))
    if isinstance(value, flint.fmpq):
        return sympy.Rational(int(value.p), int(value.q))
    raise TypeError(f"{value!r} is not exact ({type(value).__name__}): give an integer, a "
                    "Fraction, an fmpq or a SymPy expression without floats")  # fmt: skip


def _rewritings() -> Iterator[tuple[str, Callable[[sympy.Expr], sympy.Expr]]]:
    yield "expansion", sympy.expand
    yield "common denominator", lambda e: sympy.cancel(sympy.together(e))
    yield "evaluation", lambda e: sympy.expand(e.doit())
    yield "expansion of functions", lambda e: sympy.expand(sympy.expand_func(e))
    yield "gamma functions", lambda e: sympy.gammasimp(e.rewrite(sympy.gamma))
    yield "powers", lambda e: sympy.powsimp(sympy.expand(e))
    yield "logarithms", lambda e: sympy.expand(sympy.expand_log(e))
    yield "nested roots", sympy.sqrtdenest
    yield "roots in denominators", sympy.radsimp
    yield "simplification", sympy.simplify
    yield "combinatorial functions", lambda e: sympy.simplify(sympy.combsimp(e))
    yield "exponentials", lambda e: sympy.simplify(e.rewrite(sympy.exp))


def reduction_to_zero(expression: sympy.Expr) -> str | None:
    """Name of the rewriting that turns `expression` into 0, or None if none does."""
    if expression == 0:
        return "normal form"
    if expression.is_Rational:
        return None
    for position, (name, rewrite) in enumerate(_rewritings()):
        if position > 3 and sympy.count_ops(expression) > _LARGE:
            return None
        try:
            if rewrite(expression) == 0:
                return name
        except (ArithmeticError, AttributeError, NotImplementedError, TypeError, ValueError,
                RecursionError, sympy.PolynomialError):  # fmt: skip
            continue  # this rewriting does not apply to such an expression
    return _minimal_polynomial(expression)


def is_zero(expression: sympy.Expr) -> bool:
    """Whether some rewriting turns `expression` into 0."""
    return reduction_to_zero(expression) is not None


def _minimal_polynomial(expression: sympy.Expr) -> str | None:
    if expression.free_symbols or not expression.is_algebraic:
        return None
    variable = sympy.Dummy("x")
    try:
        vanishes = sympy.minimal_polynomial(expression, variable) == variable
    except (NotImplementedError, sympy.PolynomialError):
        return None
    return "minimal polynomial" if vanishes else None
