"""Search for a point that disproves a step: small random rationals, exact or ball arithmetic.

A witness is a point that respects every assumption of the symbols, and at which the difference is
certain to be on the wrong side: a rational, or a ball that excludes every allowed value.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import flint
import sympy

from proofs_check.engine import balls
from proofs_check.engine.expressions import Expression
from proofs_check.engine.models import Model, NoModelError

TRIALS = 40
_PATIENCE = 10  # times as many points where conditions reject most of them
_DIMENSIONS = (2, 3, 1, 2, 4)


@dataclass(frozen=True)
class Witness:
    """A point and the certain value there."""

    point: str
    value: str

    def __str__(self) -> str:
        return f"at {self.point} it is {self.value}" if self.point else f"it is {self.value}"


def search(
    expressions: Sequence[sympy.Expr | Expression],
    violates: Callable[[balls.Value], bool | None],
    *,
    where: Iterable[Any] = (),
    trials: int = TRIALS,
    seed: int = 0,
) -> Witness | None:
    """The first point at which one entry of an expression certainly `violates`, or None.

    Parameters
    ----------
    expressions : sequence
        SymPy expressions or expressions of the algebra.
    violates : callable
        True where a rational or a ball is certainly wrong; False or None otherwise.
    where : iterable of SymPy relations
        Conditions that the point has to satisfy, beside the symbols' assumptions.
    """
    conditions = list(where)
    for trial in range(_PATIENCE * trials if conditions else trials):
        for precision in (128, 1024):
            generator = random.Random(f"witness {seed} {trial}")  # the same point in both
            with balls.precision(precision):
                found, undecided = _one(expressions, violates, conditions, generator, trial)
            if found is not None:
                return found
            if not undecided:
                break
    return None


def _one(expressions: Sequence[sympy.Expr | Expression],
         violates: Callable[[balls.Value], bool | None], conditions: list[Any],
         generator: random.Random, trial: int) -> tuple[Witness | None, bool]:  # fmt: skip
    try:
        model = Model(expressions, conditions, generator, _DIMENSIONS[trial % len(_DIMENSIONS)])
        if not all(model.satisfies(condition) for condition in conditions):
            return None, False
    except (NoModelError, balls.NotEvaluableError):
        return None, False
    undecided = False
    for expression in expressions:
        try:
            entries = model.entries(expression)
        except balls.NotEvaluableError:
            continue
        for entry in entries:
            verdict = violates(entry)
            undecided = undecided or verdict is None
            if verdict:
                return Witness(model.describe(), show(entry)), False
    return None, undecided


def show(value: balls.Value) -> str:
    """A rational in full when short, else a decimal enclosure."""
    if isinstance(value, flint.fmpq):
        exact = str(value)
        return exact if len(exact) <= 40 else f"about {flint.arb(value).str(8, radius=False)}"
    return str(value.str(12))


def nonzero(value: balls.Value) -> bool | None:
    """Whether a value is certainly not 0."""
    known = balls.sign(value)
    return None if known is None else known != 0


def negative(value: balls.Value) -> bool | None:
    """Whether a value is certainly below 0."""
    return balls.compare(value, "<")
