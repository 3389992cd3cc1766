"""Real numbers that are exact while they can be and rigorous balls when they cannot.

A float is a dyadic rational, so an instance found in float64 is also an exact instance. `to_exact`
converts it to arrays of `Real`; a formula written with the functions of `theory.arrays` (or plain
operators) then runs on it unchanged. A comparison of two `Real` numbers is either certain or
raises `Undecided`: no branch of a formula or hypothesis is ever taken on a rounded value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from theory.scalars import NotExact, scalar_power

PRECISIONS = (128, 512, 2048)
_SHORT_BITS = 24
_SHORT_DIGITS = 6


class Undecided(ArithmeticError):  # noqa: N818
    """A ball is too wide to decide at this precision; a higher one may decide."""


class Real:
    """A real number: a rational (`flint.fmpq`) or a ball (`flint.arb`) that contains it.

    Sums, products, quotients and perfect roots of rationals stay rational; any other function
    of `flint.arb` (``x.exp()``, ``x.gamma()``, ``Real.pi()``, ...) gives a ball at flint's
    current precision. Comparisons are certain or raise `Undecided`. A float literal is taken
    for the short decimal that it spells (``0.99``) or a dyadic of at most 24 bits; a longer one
    is refused, since it is a rounded quotient or root.

    Parameters
    ----------
    value : flint.fmpq, flint.arb, int, Fraction or Real

    Raises
    ------
    TypeError
        If `value` is none of these.
    """

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        converted = _number(value)
        if converted is NotImplemented:
            raise TypeError(f"value is {value!r}; it must be an exact number or a ball")
        self.value = converted

    @staticmethod
    def pi() -> Real:
        """A ball around pi."""
        return Real(flint.arb.pi())

    @property
    def is_rational(self) -> bool:
        """Whether the number is known exactly."""
        return isinstance(self.value, flint.fmpq)

    @property
    def ball(self) -> flint.arb:
        """A ball that contains the number, at flint's current precision."""
        return flint.arb(self.value) if self.is_rational else self.value

    def approximate(self) -> float:
        """The nearest float to the number, or to the middle of its ball."""
        return float(self.ball.mid())

    def radius(self) -> float:
        """An upper bound of the distance between the number and the middle of its ball."""
        return 0.0 if self.is_rational else float(self.value.rad().upper())

    def sqrt(self) -> Real:
        """The square root; rational for the square of a rational."""
        return self.power(Fraction(1, 2))

    def power(self, exponent: Any) -> Real:
        """``x ** exponent``; rational for perfect powers.

        Raises
        ------
        ValueError
            For a fractional power of a negative number.
        Undecided
            If the ball does not say whether the base is negative.
        """
        exponent = _number(exponent)
        if exponent is NotImplemented:
            raise TypeError("exponent must be an exact number or a ball")
        if isinstance(exponent, flint.arb):
            return Real((self.ball.log() * exponent).exp())
        if exponent.q == 1:
            return self._whole_power(int(exponent.p))
        if self < 0:
            raise ValueError("a fractional power needs a base >= 0")
        if self.is_rational:
            try:
                return Real(scalar_power(self.value, exponent))
            except NotExact:
                pass
        half = exponent == flint.fmpq(1, 2)
        return Real(self.ball.sqrt() if half else self.ball ** flint.arb(exponent))

    def _whole_power(self, exponent: int) -> Real:
        if exponent < 0:
            return Real(1 / self._whole_power(-exponent))
        return Real(self.value**exponent)

    def max(self, other: Any) -> Real:
        """The larger of two numbers; a ball around it where their order is not certain."""
        return self._extreme(other, max, "max")

    def min(self, other: Any) -> Real:
        """The smaller of two numbers; a ball around it where their order is not certain."""
        return self._extreme(other, min, "min")

    def _extreme(self, other: Any, choose: Callable[..., Any], name: str) -> Real:
        second = Real(other)
        if self.is_rational and second.is_rational:
            return Real(choose(self.value, second.value))
        return Real(getattr(self.ball, name)(second.ball))

    def abs_lower(self) -> Real:
        """A lower bound of the absolute value; the value itself for a rational."""
        return Real(abs(self.value) if self.is_rational else self.value.abs_lower())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(flint.arb, name):
            raise AttributeError(f"a real number has no {name!r}")

        def evaluate(*arguments: Any) -> Any:
            result = getattr(self.ball, name)(*(Real(argument).ball for argument in arguments))
            return Real(result) if isinstance(result, flint.arb) else result

        return evaluate

    def __repr__(self) -> str:
        return f"Real({self.value})"

    def __neg__(self) -> Real:
        return Real(-self.value)

    def __pos__(self) -> Real:
        return self

    def __abs__(self) -> Real:
        return Real(abs(self.value))

    def __int__(self) -> int:
        """The whole part of a rational; raises Undecided for a ball."""
        if not self.is_rational:
            raise Undecided("whole part of a ball")
        return int(self.value.trunc())

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __add__(self, other: Any) -> Any:
        return _combine(operator.add, self, other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return _combine(operator.mul, self, other)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return _combine(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _combine(lambda a, b: b - a, self, other)

    def __truediv__(self, other: Any) -> Any:
        return _combine(_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _combine(lambda a, b: _divide(b, a), self, other)

    def __pow__(self, exponent: Any) -> Real:
        return self.power(exponent)

    def __rpow__(self, base: Any) -> Any:
        number = _number(base)
        return NotImplemented if number is NotImplemented else Real(number).power(self)

    def __lt__(self, other: Any) -> Any:
        return _compare(operator.lt, operator.ge, self, other)

    def __le__(self, other: Any) -> Any:
        return _compare(operator.le, operator.gt, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compare(operator.gt, operator.le, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compare(operator.ge, operator.lt, self, other)

    def __eq__(self, other: object) -> Any:
        return _compare(operator.eq, operator.ne, self, other)

    def __ne__(self, other: object) -> Any:
        return _compare(operator.ne, operator.eq, self, other)


class Whole(int):
    """An integer parameter of an exact instance: its quotients and roots are `Real` numbers."""

    def __truediv__(self, other: Any) -> Any:
        return Real(int(self)) / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / Real(int(self))

    def __pow__(self, exponent: Any, modulus: Any = None) -> Any:
        if modulus is None and not (isinstance(exponent, int) and exponent >= 0):
            return self.power(exponent)
        result = int(self).__pow__(exponent, modulus)
        return Whole(result) if isinstance(result, int) else result

    def power(self, exponent: Any) -> Real:
        """``n ** exponent`` as a real number."""
        return Real(int(self)).power(exponent)

    def sqrt(self) -> Real:
        """The square root as a real number."""
        return Real(int(self)).sqrt()


def _keep_whole(name: str) -> Callable[..., Any]:
    plain = getattr(int, name)

    def operation(self: Whole, *arguments: Any) -> Any:
        result = plain(self, *arguments)
        return Whole(result) if type(result) is int else result

    return operation


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "mod", "neg", "abs"):
    setattr(Whole, f"__{_name}__", _keep_whole(f"__{_name}__"))


def rational(value: float | np.floating[Any] | Fraction) -> flint.fmpq:
    """The rational number that a finite float, an int or a Fraction is; raises ValueError."""
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        raise ValueError(f"value is {value}; it must be finite")
    numerator, denominator = value.as_integer_ratio()
    return flint.fmpq(int(numerator), int(denominator))


def to_exact(value: Any) -> Any:
    """The same value with floats and fractions as `Real`, integers as `Whole`.

    Arrays of floats or fractions become object arrays; lists, tuples and dictionaries are
    converted entry by entry; integer arrays, booleans, strings and None stay as they are.
    """
    if isinstance(value, np.ndarray):
        return _convert_array(value)
    if isinstance(value, dict):
        return {key: to_exact(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_exact(entry) for entry in value)
    if isinstance(value, (bool, np.bool_, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return Whole(value)
    if isinstance(value, (float, np.floating, Fraction)):
        return Real(rational(value))
    return Real(value) if isinstance(value, (flint.fmpq, Real)) else value


def to_float(value: Any) -> Any:
    """The same value with fractions and exact rationals rounded to floats."""
    if isinstance(value, np.ndarray):
        if value.dtype != object:
            return value
        floats = [float(entry if type(entry) is Fraction else to_float(entry))
                  for entry in value.ravel().tolist()]  # fmt: skip
        return np.array(floats).reshape(value.shape)
    if isinstance(value, dict):
        return {key: to_float(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_float(entry) for entry in value)
    if isinstance(value, Real):
        return value.approximate()
    return float(value) if isinstance(value, (Fraction, flint.fmpq)) else value


def _convert_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in "fO":
        return array
    entries = (_rational_real(rational(entry)) if type(entry) in (float, Fraction)
               else to_exact(entry) for entry in array.ravel().tolist())  # fmt: skip
    return np.fromiter(entries, dtype=object, count=array.size).reshape(array.shape)


def _number(value: Any) -> Any:
    """An fmpq or arb; NotImplemented for what is no number; TypeError for a rounded float."""
    if isinstance(value, Real):
        return value.value
    if isinstance(value, flint.fmpq):
        return value
    if isinstance(value, (int, np.integer)):
        return flint.fmpq(int(value))
    if isinstance(value, flint.arb):
        if not value.is_finite():
            raise Undecided("the ball is not finite")
        return value.fmpq() if value.is_exact() else value
    if isinstance(value, Fraction):
        return flint.fmpq(value.numerator, value.denominator)
    if isinstance(value, (float, np.floating)):
        return _literal(float(value))
    return NotImplemented


def _literal(value: float) -> flint.fmpq:
    digits = Decimal(repr(value)).normalize() if np.isfinite(value) else None
    if digits is not None and len(digits.as_tuple().digits) <= _SHORT_DIGITS:
        return flint.fmpq(*digits.as_integer_ratio())
    if digits is not None:
        numerator, denominator = value.as_integer_ratio()
        if (abs(numerator) // (numerator & -numerator)).bit_length() <= _SHORT_BITS:
            return flint.fmpq(numerator, denominator)
    raise TypeError(
        f"the formula mixes the rounded float {value!r} into exact numbers; "
        "write it as a quotient or root of its arguments, or as a Fraction"
    )


def _combine(operation: Callable[[Any, Any], Any], first: Real, other: Any) -> Any:
    value, second = first.value, other.value if type(other) is Real else _number(other)
    if second is NotImplemented:
        return NotImplemented
    if type(value) is flint.fmpq and type(second) is flint.fmpq:
        return _rational_real(operation(value, second))
    return Real(operation(flint.arb(value), flint.arb(second)))


def _rational_real(value: flint.fmpq) -> Real:
    """Without the checks of the constructor, which would take most of the time of a sum."""
    result = object.__new__(Real)
    result.value = value
    return result


def _divide(a: Any, b: Any) -> Any:
    if isinstance(b, flint.arb) and not b.is_exact() and b.contains(0):
        raise Undecided("division by what may be zero")
    if b == 0:
        raise ZeroDivisionError("division by zero")
    return a / b


def _compare(relation: Callable[[Any, Any], Any], opposite: Callable[[Any, Any], Any],
             first: Real, other: Any) -> Any:  # fmt: skip
    value, second = first.value, other.value if type(other) is Real else _number(other)
    if second is NotImplemented:
        return NotImplemented
    if type(value) is flint.fmpq and type(second) is flint.fmpq:
        return bool(relation(value, second))
    a, b = flint.arb(value), flint.arb(second)
    if relation(a, b):
        return True
    if opposite(a, b):
        return False
    raise Undecided("the balls overlap")
