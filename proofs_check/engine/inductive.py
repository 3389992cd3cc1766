"""Nonnegativity for all integers from some start on, by induction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy

from proofs_check.engine.rules import Outcome, nonnegative

_LOOK_AHEAD = 12  # integers that the index must admit; even, prime or bounded ones are refused


def induction(gap: Callable[[Any], Any], index: sympy.Symbol, start: int,
              base_terms: Sequence[Any], step_terms: Sequence[Any], where: Sequence[Any] = (), *,
              hypotheses_hold: bool = True) -> Outcome:  # fmt: skip
    """Check ``gap(start) = sum(base_terms)`` and ``gap(index + 1) = sum(step_terms)``.

    The terms of the step may contain ``gap(index)`` as a nonnegative factor.

    Raises
    ------
    ValueError
        If the index does not stand for every integer from `start` on.
    """
    if not index.is_integer or not all(_admits(index, start + k) for k in range(_LOOK_AHEAD)):
        raise ValueError(f"index {index}: it must stand for every integer >= {start}")
    base = nonnegative(gap(sympy.Integer(start)), base_terms, where,
                       hypotheses_hold=hypotheses_hold)  # fmt: skip
    step = nonnegative(gap(index + 1), step_terms, where, hypotheses_hold=hypotheses_hold,
                       inductive=True)  # fmt: skip
    claim = f"for {index} = {start}: {base.claim}; from {index} to {index} + 1: {step.claim}"
    for part, name in ((base, "start"), (step, "step")):
        if not part.ok:
            # a witness against the step need not be one against the statement
            return Outcome(
                False, claim, "", f"{name}: {part.detail}", part.refuted and part is base
            )
    return Outcome(True, claim, "", f"start: {base.detail}; step: {step.detail}")


def _admits(index: sympy.Symbol, value: int) -> bool:
    """Whether the assumptions of the index hold for an integer."""
    number = sympy.Integer(value)
    known = {name: truth for name, truth in index.assumptions0.items() if truth is not None}
    return all(getattr(number, f"is_{name}") is truth for name, truth in known.items())
