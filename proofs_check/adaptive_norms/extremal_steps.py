"""Instances around the extremal step: every error of the model adds up along one direction.

In suitable axes the step s lies along the first one, where the ellipsoid is longest
(``||s|| = mu Delta``), and the errors of gradient, Hessian and third order all point that way. All
numbers are exact fractions; a rational orthogonal matrix then turns the axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check import strategies
from proofs_check.structures import Draw, product

Array = np.ndarray[Any, Any]
Instance = dict[str, Any]
MUS = tuple(Fraction(value) for value in ("1", "5/4", "2", "4"))
ETAS = tuple(Fraction(value) for value in ("1/10", "1/2", "1/10000"))
EXCESS = Fraction(26, 25)
SIZES = tuple(Fraction(value) for value in ("1", "1/8", "3"))


def vector(*entries: Any) -> Array:
    """An exact vector (d,)."""
    return np.array([Fraction(entry) for entry in entries], dtype=object)


def diagonal(*entries: Any) -> Array:
    """An exact diagonal matrix (d, d)."""
    result = np.full((len(entries), len(entries)), Fraction(0), dtype=object)
    np.fill_diagonal(result, vector(*entries))
    return result


def turned(draw: Draw, instance: Instance) -> Instance:
    """The instance in axes turned by a rational orthogonal matrix, exactly equivalent to it."""
    basis = draw(strategies.rational_orthogonal(len(instance["step"])))

    def turn(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return basis @ value if value.ndim == 1 else product(product(basis, value), basis.T)

    coefficients, axis = instance["cubic"]
    moved = {name: turn(value) for name, value in instance.items() if name != "cubic"}
    return {**moved, "cubic": (coefficients, turn(axis))}


class Deviation:
    """One drawn deviation from the extremal instance, or none: named factors, 1 but for one.

    Four per cent and powers of mu are what the mutants permit beyond the limits.

    Parameters
    ----------
    cases : mapping from names to factors
        A name without factors is a deviation of another kind, which `name` tells.
    """

    def __init__(self, draw: Draw, cases: Mapping[str, Sequence[Any]]) -> None:
        drawn = [(name, value) for name, values in cases.items() for value in values or [1]]
        self.name, self.value = draw(st.sampled_from([("nothing", 1), *drawn]))

    def factor(self, name: str) -> Fraction:
        """The factor of the quantity called `name`."""
        return Fraction(self.value if self.name == name else 1)


def ridge(draw: Draw, bound: Fraction, axis: Array, *, free: bool) -> tuple[Array, Array]:
    """A third-order term along an axis: cubic or its absolute value; `free`: any signs of it."""
    signs = [(1, -1), (1, 1)] + [(-1, 1), (0, 1), (-1, -1)] * free
    return bound * vector(*draw(st.sampled_from(signs))), axis


def direction(draw: Draw, dimension: int, *, free: bool) -> Array:
    """The first axis; `free`: another unit vector of fractions."""
    result = vector(*[0] * dimension)
    result[0] = Fraction(1)
    if free and dimension > 1:
        result[:2] = draw(st.sampled_from([vector("3/5", "4/5"), vector("-4/5", "3/5")]))
    elif free:
        result = -result
    return result
