"""Rigorous evaluation of SymPy expressions at rational points: exact where possible, else Arb."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flint
import sympy

PRECISIONS = (64, 256, 1024, 4096)
Value = Any  # flint.fmpq or flint.arb


class NotEvaluableError(ValueError):
    """The expression has no real value that can be enclosed at this point."""


@contextlib.contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with balls of `bits` bits inside the block."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def sign(value: Value) -> int | None:
    """-1, 0 or 1 where the sign is certain; None for a ball that does not decide it."""
    if isinstance(value, flint.fmpq):
        return int(value > 0) - int(value < 0)
    if not value.is_finite():
        return None
    if value > 0:
        return 1
    if value < 0:
        return -1
    return 0 if value.is_exact() and value == 0 else None


def evaluate(expression: sympy.Expr, point: Mapping[sympy.Symbol, Value]) -> Value:
    """An fmpq if every operation is rational, else a ball that contains the value.

    Raises
    ------
    NotEvaluableError
        If a symbol has no value, a function is unknown, or the value is not real and finite.
    """
    try:
        value = _evaluate(sympy.sympify(expression), point)
    except (ZeroDivisionError, OverflowError, TypeError) as error:
        raise NotEvaluableError(f"{expression}: {error}") from error
    if isinstance(value, flint.arb) and not value.is_finite():
        raise NotEvaluableError(f"{expression} is not enclosed by a finite ball here")
    return value


def as_arb(value: Value) -> flint.arb:
    """A ball around a rational, at the current precision; balls pass unchanged."""
    return value if isinstance(value, flint.arb) else flint.arb(value)


def _evaluate(node: sympy.Basic, point: Mapping[sympy.Symbol, Value]) -> Value:
    if node in point:
        return point[node]
    if isinstance(node, sympy.Rational):
        return flint.fmpq(int(node.p), int(node.q))
    if node in _CONSTANTS:
        return _CONSTANTS[node]()
    if isinstance(node, sympy.Piecewise):
        return _piecewise(node, point)
    arguments = [_evaluate(argument, point) for argument in _plain_arguments(node)]
    if isinstance(node, sympy.Add):
        return functools.reduce(add, arguments)
    if isinstance(node, sympy.Mul):
        return functools.reduce(multiply, arguments)
    if isinstance(node, sympy.Pow):
        return _power(*arguments)
    if isinstance(node, sympy.Sum):
        return _sum(node, point)
    rule = _FUNCTIONS.get(type(node).__name__)
    if rule is None:
        raise NotEvaluableError(f"{type(node).__name__} cannot be enclosed: {node}")
    return rule(*arguments)


def _plain_arguments(node: sympy.Basic) -> tuple[sympy.Basic, ...]:
    if isinstance(node, sympy.Symbol):
        raise NotEvaluableError(f"{node} has no value")
    return () if isinstance(node, sympy.Sum) else node.args


def add(a: Value, b: Value) -> Value:
    """The sum, exact for two rationals."""
    exact = isinstance(a, flint.fmpq) and isinstance(b, flint.fmpq)
    return a + b if exact else as_arb(a) + as_arb(b)


def multiply(a: Value, b: Value) -> Value:
    """The product, exact for two rationals."""
    exact = isinstance(a, flint.fmpq) and isinstance(b, flint.fmpq)
    return a * b if exact else as_arb(a) * as_arb(b)


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(exponent, flint.fmpq) and exponent.q == 1:
        n = int(exponent.p)
        if abs(n) > 100_000:
            raise NotEvaluableError(f"power {n} is out of range")
        if n < 0 and (base == 0 or sign(base) is None):
            raise NotEvaluableError("division by what may be zero")
        return base**n
    if isinstance(base, flint.fmpq) and isinstance(exponent, flint.fmpq):
        exact = _rational_root(base, exponent)
        if exact is not None:
            return exact
    ball = as_arb(base)
    if isinstance(exponent, flint.fmpq) and exponent == flint.fmpq(1, 2):
        return ball.sqrt()
    if not ball > 0:
        raise NotEvaluableError("a real power of what may be negative or zero")
    return ball ** as_arb(exponent)


def _rational_root(base: flint.fmpq, exponent: flint.fmpq) -> flint.fmpq | None:
    if base < 0:
        raise NotEvaluableError("a fractional power of a negative number")
    degree, power = int(exponent.q), int(exponent.p)
    if base == 0:
        if power < 0:
            raise NotEvaluableError("division by zero")
        return base
    if degree > 64:
        return None
    roots = [sympy.integer_nthroot(int(part), degree) for part in (base.p, base.q)]
    if not all(exact for _, exact in roots):
        return None
    return flint.fmpq(int(roots[0][0]), int(roots[1][0])) ** power


def _sum(node: sympy.Sum, point: Mapping[sympy.Symbol, Value]) -> Value:
    body, *limits = node.args
    if len(limits) != 1:
        raise NotEvaluableError(f"nested sum: {node}")
    index, low, high = limits[0]
    bounds = [_evaluate(bound, point) for bound in (low, high)]
    if not all(isinstance(b, flint.fmpq) and b.q == 1 for b in bounds):
        raise NotEvaluableError(f"limits of {node} are not integers here")
    first, last = (int(b.p) for b in bounds)
    if not 0 <= last - first + 1 <= 2000:
        raise NotEvaluableError(f"{node} is empty in the wrong order or too long here")
    terms = [_evaluate(body, {**point, index: flint.fmpq(k)}) for k in range(first, last + 1)]
    return functools.reduce(add, terms, flint.fmpq(0))


def _piecewise(node: sympy.Piecewise, point: Mapping[sympy.Symbol, Value]) -> Value:
    for expression, condition in node.args:
        holds = decide(condition, point)
        if holds is None:
            raise NotEvaluableError(f"{condition} is not decided here")
        if holds:
            return _evaluate(expression, point)
    raise NotEvaluableError(f"no case of {node} applies here")


def decide(condition: Any, point: Mapping[sympy.Symbol, Value]) -> bool | None:
    """Truth of a SymPy relation (or And, Or, Not of them) at a point; None where undecided."""
    if condition in (True, False):
        return bool(condition)
    if isinstance(condition, (sympy.And, sympy.Or, sympy.Not)):
        parts = [decide(argument, point) for argument in condition.args]
        if isinstance(condition, sympy.Not):
            return None if parts[0] is None else not parts[0]
        stop = isinstance(condition, sympy.Or)
        if stop in parts:
            return stop
        return None if None in parts else not stop
    if not isinstance(condition, sympy.core.relational.Relational):
        raise NotEvaluableError(f"{condition} is not a relation")
    return compare(evaluate(condition.lhs - condition.rhs, point), condition.rel_op)


def compare(difference: Value, relation: str) -> bool | None:
    """Whether ``difference relation 0``; None where the ball does not decide it."""
    if relation not in RELATIONS:
        raise ValueError(f"relation is {relation!r}; it must be one of {', '.join(RELATIONS)}")
    known = sign(difference)
    if known is not None:
        return known in RELATIONS[relation]
    if isinstance(difference, flint.arb) and difference.is_finite():
        if difference >= 0 and relation in (">=", "<"):
            return relation == ">="
        if difference <= 0 and relation in ("<=", ">"):
            return relation == "<="
    return None


RELATIONS: dict[str, tuple[int, ...]] = {
    "==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1),
}  # fmt: skip


def _exact_or(exact: Callable[[flint.fmpq], Value], ball: Callable[[flint.arb], Value]) -> Any:
    return lambda x: exact(x) if isinstance(x, flint.fmpq) else ball(x)


def _ball(method: str) -> Callable[..., Value]:
    return lambda *arguments: getattr(as_arb(arguments[0]), method)(*map(as_arb, arguments[1:]))


def _gamma(x: Value) -> Value:
    if isinstance(x, flint.fmpq) and x.q == 1 and 0 < x.p <= 2000:
        return flint.fmpq(flint.fmpz.fac_ui(x.p - 1))
    return as_arb(x).gamma()


def _binomial(n: Value, k: Value) -> Value:
    whole = all(isinstance(v, flint.fmpq) and v.q == 1 and 0 <= v.p <= 5000 for v in (n, k))
    if whole:
        return flint.fmpq(flint.fmpz.bin_uiui(n.p, k.p))
    return _gamma(n + 1) / (as_arb(_gamma(k + 1)) * as_arb(_gamma(n - k + 1)))


def _sign_function(x: Value) -> Value:
    known = sign(x)
    if known is None:
        raise NotEvaluableError("sign of what may be zero")
    return flint.fmpq(known)


def _extreme(smaller: bool) -> Callable[..., Value]:
    def choose(*arguments: Value) -> Value:
        if all(isinstance(v, flint.fmpq) for v in arguments):
            return min(arguments) if smaller else max(arguments)
        result = as_arb(arguments[0])
        for argument in arguments[1:]:
            other = as_arb(argument)
            result = result.min(other) if smaller else result.max(other)
        return result

    return choose


_CONSTANTS: dict[sympy.Basic, Callable[[], flint.arb]] = {
    sympy.pi: flint.arb.pi, sympy.E: flint.arb.const_e, sympy.EulerGamma: flint.arb.const_euler,
    sympy.Catalan: flint.arb.const_catalan,
    sympy.GoldenRatio: lambda: (1 + flint.arb(5).sqrt()) / 2,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{name: _ball(name) for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh",
                                      "asin", "acos", "atan", "asinh", "acosh", "atanh", "erf",
                                      "erfc", "zeta", "coth", "cot", "sec", "csc")},
    "loggamma": _ball("lgamma"), "digamma": _ball("digamma"), "gamma": _gamma,
    "factorial": lambda x: _gamma(x + 1), "binomial": _binomial,
    "Abs": abs, "sign": _sign_function,
    "floor": _exact_or(lambda x: flint.fmpq(x.floor()), lambda x: x.floor()),
    "ceiling": _exact_or(lambda x: flint.fmpq(x.ceil()), lambda x: x.ceil()),
    "Max": _extreme(False), "Min": _extreme(True),
    "erfi": _ball("erfi"),
}  # fmt: skip
