"""A numerical second opinion on integrals and sums that SymPy evaluated in closed form."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import sympy

from proofs_check.engine import balls
from proofs_check.engine.models import Model, NoModelError

_POINTS = 1
_DIGITS = 6
_TOLERANCE = 1e-4  # quadrature of an improper integral is no better; a wrong closed form is far off


def objection(difference: Any, where: Sequence[Any] = ()) -> str | None:
    """Where the quadrature of a difference that should vanish is far from 0; None if nowhere.

    It proves nothing by itself: it guards against a mistake of symbolic integration.
    """
    if not isinstance(difference, sympy.Expr) or not difference.has(sympy.Integral, sympy.Sum):
        return None
    generator = random.Random("quadrature")
    for _ in range(_POINTS):
        try:
            model = Model([difference], where, generator, 2)
            if not all(model.satisfies(condition) for condition in where):
                continue
        except (NoModelError, balls.NotEvaluableError):
            continue
        point = {symbol: sympy.Rational(int(v.p), int(v.q)) for symbol, v in model.numbers.items()}
        distance, scale = _sizes(difference, point)
        if distance is not None and distance > _TOLERANCE * scale:
            return f"quadrature gives {distance:.3g} at {model.describe()}, not 0"
    return None


def _sizes(difference: sympy.Expr, point: dict[sympy.Symbol, Any]) -> tuple[float | None, float]:
    """Magnitude of the difference, and of its largest term but at least 1; None if not a number."""
    values = []
    for part in sympy.Add.make_args(difference):
        try:
            values.append(complex(part.subs(point).evalf(_DIGITS)))
        except (ArithmeticError, TypeError, ValueError, NotImplementedError):
            return None, 1.0
    distance = abs(sum(values))
    return (distance if distance == distance else None), max(1.0, *map(abs, values))
