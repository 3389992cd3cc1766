"""The two roots of a quadratic as exact numbers, whether real, equal or complex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.arrays import square_root


@dataclass(frozen=True)
class Quadratic:
    r"""The number :math:`x + y\sqrt D`, with its arithmetic in the coordinates x, y.

    D may be negative (complex numbers), or 0: then :math:`\sqrt D` is an infinitesimal, and a
    quotient of differences is the derivative that it tends to.

    Attributes
    ----------
    x, y, square
        Numbers of one arithmetic (floats, exact rationals, balls, SymPy); `square` is D, the same
        for all operands.

    >>> root = Quadratic(0, 1, -1)
    >>> (root * root).x, (root**5).y
    (-1, 1)
    """

    x: Any
    y: Any
    square: Any

    def __add__(self, other: Any) -> Quadratic:
        x, y = self._parts(other)
        return Quadratic(self.x + x, self.y + y, self.square)

    def __sub__(self, other: Any) -> Quadratic:
        x, y = self._parts(other)
        return Quadratic(self.x - x, self.y - y, self.square)

    def __mul__(self, other: Any) -> Quadratic:
        x, y = self._parts(other)
        return Quadratic(
            self.x * x + self.square * self.y * y, self.x * y + self.y * x, self.square
        )

    def __truediv__(self, other: Quadratic) -> Quadratic:
        """The quotient by a multiple of the root; raises ValueError for any other divisor.

        For D = 0 only a multiple of the root can be divided, too.
        """
        if other.x != 0:
            raise ValueError("the divisor has a part beside the root")
        rest = 0 * self.x if self.x == 0 else self.x / (other.y * self.square)
        return Quadratic(self.y / other.y, rest, self.square)

    def __pow__(self, exponent: Any) -> Quadratic:
        """A power with a whole exponent >= 0, or any where x and y are SymPy expressions."""
        if self.square == 0:
            slope = exponent * self.x ** (exponent - 1) if exponent != 0 else 0 * self.x
            return Quadratic(self.x**exponent, slope * self.y, self.square)
        if hasattr(exponent, "free_symbols"):
            root = square_root(self.square)
            high, low = (self.x + self.y * root) ** exponent, (self.x - self.y * root) ** exponent
            return Quadratic((high + low) / 2, (high - low) / (2 * root), self.square)
        power = Quadratic(0 * self.x + 1, 0 * self.x, self.square)
        for _ in range(exponent):
            power = power * self
        return power

    def real(self) -> Any:
        """The number itself; raises ValueError where D < 0 and it is not real."""
        return self.x if self.y == 0 else self.x + self.y * square_root(self.square)

    def _parts(self, other: Any) -> tuple[Any, Any]:
        return (other.x, other.y) if isinstance(other, Quadratic) else (other, 0)


def root_pair(trace: Any, product: Any) -> tuple[Quadratic, Quadratic]:
    r"""The roots :math:`r_1, r_2` of :math:`x^2 - \text{trace}\, x + \text{product}`.

    >>> first, second = root_pair(5, 6)
    >>> first.real(), second.real()
    (3.0, 2.0)
    """
    half = trace / 2
    square = half * half - product
    return Quadratic(half, 0 * half + 1, square), Quadratic(half, 0 * half - 1, square)
