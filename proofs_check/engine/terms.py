"""Terms that are visibly nonnegative: squares, Gram forms, products, and stated hypotheses.

A certificate writes an expression as a sum of such terms. Visibility is structural: no numerical
sampling and no inequality solver takes part, except Arb for the sign of a closed constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from proofs_check.engine import balls
from proofs_check.engine.expressions import Expression
from proofs_check.engine.reduce import to_sympy

INDUCTION = "the induction hypothesis"
Number = Any  # a SymPy expression, or a column or matrix of the algebra
_POSITIVE_ON_REALS = ("exp", "cosh", "erfc", "sech")


@dataclass(frozen=True)
class Term:
    """A product of factors, each a square, a Gram form, a hypothesis, or plainly visible.

    Attributes
    ----------
    value : SymPy expression or Expression
        The product.
    text : str
        How it is printed, with squares left as squares.
    plain : tuple
        Factors that still have to be seen nonnegative.
    conditions : tuple of (value, text)
        Factors that are nonnegative by a hypothesis of the claim.
    """

    value: Number
    text: str
    plain: tuple[Number, ...] = ()
    conditions: tuple[tuple[Number, str], ...] = ()

    def __mul__(self, other: Any) -> Term:
        right = as_term(other)
        shown = f"{_factor(self.text)} * {_factor(right.text)}"
        return Term(self.value * right.value, shown, self.plain + right.plain,
                    self.conditions + right.conditions)  # fmt: skip

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Term:
        right = as_term(other)
        shown = f"{_factor(self.text)} / {_factor(right.text)}"
        return Term(self.value / right.value, shown, self.plain + right.plain,
                    self.conditions + right.conditions)  # fmt: skip

    def hidden_factor(self) -> str | None:
        """The first factor that is not visibly nonnegative, as text; None if all are."""
        return next((str(factor) for factor in self.plain if not is_visible(factor)), None)


def square(expression: Any) -> Term:
    """``e^2`` of a real number, ``e'e`` of a column, ``tr(e'e)`` of a matrix.

    Raises
    ------
    ValueError
        If a coefficient is not declared real.
    """
    e = as_number(expression)
    if not isinstance(e, Expression):
        _require_real(e)
        return Term(e**2, f"({plain_text(e)})^2")
    for coefficient in e.terms.values():
        _require_real(coefficient)
    value = e.T @ e if e.is_column else (e.T @ e).trace()
    return Term(value, f"||{plain_text(e)}||^2")


def weighted_square(expression: Expression, matrix: Expression) -> Term:
    """``e' A e`` with A visibly positive semidefinite.

    Raises
    ------
    ValueError
        If A is not visibly semidefinite, or a coefficient is not declared real.
    """
    for coefficient in expression.terms.values():
        _require_real(coefficient)
    if not matrix.is_positive_semidefinite():
        raise ValueError(f"{matrix} is not visibly positive semidefinite")
    form = expression.T @ matrix @ expression
    value = form if expression.is_column else form.trace()
    return Term(value, f"||{plain_text(expression)}||_({plain_text(matrix)})^2")


def hypothesis(expression: Any, text: str) -> Term:
    """A number that the claim assumes to be nonnegative; `text` states the assumption."""
    value = as_number(expression)
    return Term(value, plain_text(value), conditions=((value, text),))


def induction_hypothesis(expression: Any) -> Term:
    """A number that the step of an induction may take to be nonnegative."""
    value = as_number(expression)
    return Term(value, plain_text(value), conditions=((value, INDUCTION),))


def as_term(value: Any) -> Term:
    """A term as it is, anything else as a factor that has to be seen nonnegative."""
    if isinstance(value, Term):
        return value
    number = as_number(value)
    return Term(number, plain_text(number), plain=(number,))


def as_number(value: Any) -> Number:
    """A SymPy expression, or a column or matrix of the algebra; raises TypeError for floats."""
    return value if isinstance(value, Expression) else to_sympy(value)


def plain_text(value: Any) -> str:
    """Text of a number, an expression or an array, with ``^`` for powers."""
    shown = value.tolist() if hasattr(value, "tolist") else value
    return str(shown).replace("**", "^")


def _factor(shown: str) -> str:
    sum_or_ratio = any(mark in shown for mark in (" + ", " - ", "/"))
    return f"({shown})" if sum_or_ratio and not shown.startswith("||") else shown


def _require_real(coefficient: sympy.Expr) -> None:
    if coefficient.is_real is not True:
        raise ValueError(f"{coefficient} is not declared real, its square need not be nonnegative")


def is_visible(number: Number) -> bool:
    """Whether a number is visibly >= 0, or a matrix visibly positive semidefinite."""
    if isinstance(number, Expression):
        return number.is_positive_semidefinite()
    if not number.free_symbols and _closed_sign(number):
        return True
    rule = next((rule for kind, rule in _RULES if isinstance(number, kind)), None)
    if rule is not None:
        return rule(number)
    return type(number).__name__ in _POSITIVE_ON_REALS and number.args[0].is_real is True


def _closed_sign(number: sympy.Expr) -> bool:
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            try:
                verdict = balls.compare(balls.evaluate(number, {}), ">=")
            except balls.NotEvaluableError:
                return False
        if verdict is not None:
            return verdict
    return False


def _product(number: sympy.Mul) -> bool:
    negative = 0
    for factor in number.args:
        if is_visible(factor):
            continue
        if not _is_nonpositive(factor):
            return False
        negative += 1
    return negative % 2 == 0


def _is_nonpositive(factor: sympy.Expr) -> bool:
    if not factor.free_symbols:
        return _closed_sign(-factor)
    if isinstance(factor, sympy.Add):
        return all(is_visible(-part) for part in factor.args)
    return isinstance(factor, sympy.Symbol) and factor.is_nonpositive is True


def _power(number: sympy.Pow) -> bool:
    base, exponent = number.args
    if exponent.is_even and base.is_real is True:
        return True
    return exponent.is_real is True and is_visible(base)


def _over_range(number: sympy.Expr) -> bool:
    """A sum or integral: nonnegative integrand on the whole range, limits in order."""
    body, *ranges = number.args
    if len(ranges) != 1 or len(ranges[0]) != 3:
        return False
    variable, low, high = ranges[0]
    discrete = isinstance(number, sympy.Sum)
    # the variable's own assumptions say nothing about the range that it runs over
    kind = {"integer": True} if discrete else {"real": True}
    if is_visible(low):
        kind["nonnegative"] = True
    ordered = (
        high is sympy.oo or low is -sympy.oo or is_visible(high - low + (1 if discrete else 0))
    )
    return ordered and is_visible(body.subs(variable, sympy.Dummy("x", **kind)))


_RULES: tuple[tuple[type, Callable[[Any], bool]], ...] = (
    (sympy.Symbol, lambda e: e.is_nonnegative is True),
    (sympy.Add, lambda e: all(is_visible(part) for part in e.args)),
    (sympy.Mul, _product),
    (sympy.Pow, _power),
    (sympy.Abs, lambda e: True),
    (sympy.Max, lambda e: any(is_visible(part) for part in e.args)),
    (sympy.Min, lambda e: all(is_visible(part) for part in e.args)),
    (sympy.Sum, _over_range),
    (sympy.Integral, _over_range),
    (sympy.factorial, lambda e: is_visible(e.args[0])),
    (sympy.gamma, lambda e: is_visible(e.args[0])),
    (sympy.binomial, lambda e: is_visible(e.args[1]) and is_visible(e.args[0] - e.args[1])),
)
