"""Powers, roots and extremes of one number: float, exact, ball or symbol."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import array_api_compat
import numpy as np

_LARGEST_ROOT = 64


class NotExact(ArithmeticError):  # noqa: N818
    """The value is irrational: exact rational arithmetic cannot go on, balls can."""


def scalar_power(x: Any, exponent: Any) -> Any:
    """``x ** exponent`` of one number; errors as in `theory.arrays.power`."""
    own = own_method(x, "power")
    if own:
        return own(exponent)
    if whole(exponent):
        return x ** int(exponent)
    if any(hasattr(value, "free_symbols") for value in (x, exponent)):
        import sympy

        return sympy.sympify(x) ** _as_sympy(exponent)
    if isinstance(x, (int, float, np.number)):
        if x < 0:
            raise ValueError(f"power {exponent} of {x}; the base must be >= 0")
        return math.sqrt(x) if exponent == Fraction(1, 2) else float(x) ** float(exponent)
    p, q = _ratio(exponent)
    if hasattr(x, "root"):
        return (x.sqrt() if q == 2 else x.root(q)) ** p
    own = own_method(x, "sqrt")
    if own and not hasattr(x, "numerator"):
        return own() ** p if q == 2 else x**exponent
    return _rational_root(x, q) ** p


def _rational_root(x: Any, q: int) -> Any:
    if x < 0:
        raise ValueError(f"root {q} of {x}; the base must be >= 0")
    numerator, denominator = int(x.numerator), int(x.denominator)
    top, bottom = _integer_root(numerator, q), _integer_root(denominator, q)
    if top**q != numerator or bottom**q != denominator:
        raise NotExact(f"root {q} of a rational that is not a perfect power")
    return x * 0 + top if x == 0 else (x / x * top) / bottom


def _integer_root(n: int, q: int) -> int:
    """Largest r with ``r^q <= n``, by Newton's iteration from above."""
    if q == 2:
        return math.isqrt(n)
    root = 1 << -(-n.bit_length() // q)
    while root**q > n:
        root = ((q - 1) * root + n // root ** (q - 1)) // q
    return root


def whole(exponent: Any) -> bool:
    """Whether an exponent is a whole number."""
    if hasattr(exponent, "free_symbols"):
        return bool(exponent.is_Integer)
    return isinstance(exponent, int) or bool(exponent == int(exponent))


def _ratio(exponent: Any) -> tuple[int, int]:
    if isinstance(exponent, float):
        exponent = Fraction(exponent)
    p, q = int(exponent.numerator), int(exponent.denominator)
    if q > _LARGEST_ROOT:
        raise NotExact(f"power {p}/{q} of an exact number; denominators go up to {_LARGEST_ROOT}")
    return p, q


def _as_sympy(exponent: Any) -> Any:
    import sympy

    if hasattr(exponent, "free_symbols") or isinstance(exponent, float):
        return sympy.sympify(exponent)
    return sympy.Rational(int(exponent.numerator), int(exponent.denominator))


def scalar_extreme(x: Any, y: Any, name: str) -> Any:
    """The ``"max"`` or ``"min"`` of two numbers; balls and symbols by their own rule."""
    if any(hasattr(value, "free_symbols") for value in (x, y)):
        import sympy

        return sympy.Max(x, y) if name == "max" else sympy.Min(x, y)
    for first, second in ((x, y), (y, x)):
        if hasattr(first, "abs_lower"):
            return getattr(first, name)(second)
    return max(x, y) if name == "max" else min(x, y)


def is_array(x: Any) -> bool:
    """Whether x is a NumPy array or an array of another Array-API library."""
    return isinstance(x, np.ndarray) or bool(array_api_compat.is_array_api_obj(x))


def has_objects(x: Any) -> bool:
    """Whether x is a NumPy array of Python objects: exact numbers, balls or symbols."""
    return isinstance(x, np.ndarray) and x.dtype == object


def own_method(x: Any, name: str) -> Callable[..., Any] | None:
    """The method of a symbol or number that replaces an array function, if it has one."""
    if is_array(x):
        return None
    method = getattr(x, name, None)
    return method if callable(method) else None
