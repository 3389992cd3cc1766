"""How a proof evaluated its statement: on what, and whether the hypotheses visibly hold there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import sympy

from proofs_check.engine.exact import Real
from theory.core import Statement

Arguments = Mapping[str, Any]
_NUMBERS = (int, float, complex, str, Fraction, np.generic, flint.fmpq, flint.fmpz, type(None))


def bound(formula: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """The arguments of a call by name, defaults and collected keywords included."""
    signature = inspect.signature(formula)
    call = signature.bind(*args, **kwargs)
    call.apply_defaults()
    found = dict(call.arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found |= found.pop(name)
    return found


def only_instances(calls: Sequence[Arguments]) -> bool:
    """Whether a formula with arguments was evaluated at numbers only, never on symbols or boxes."""
    return any(calls) and all(is_number(value) for call in calls for value in call.values())


def is_number(value: Any) -> bool:
    """Whether a value, or each entry of an array or collection, is one number or a name."""
    if isinstance(value, Mapping):
        return all(is_number(entry) for entry in value.values())
    if isinstance(value, np.ndarray):
        return value.dtype != object or all(is_number(entry) for entry in value.ravel().tolist())
    if isinstance(value, (list, tuple)):
        return all(is_number(entry) for entry in value)
    if isinstance(value, (sympy.Basic, sympy.MatrixBase)):
        return not value.free_symbols
    # A ball may stand for a whole box.
    return value.is_rational if isinstance(value, Real) else isinstance(value, _NUMBERS)


def hypotheses_visible(statement: Statement, calls: Sequence[Arguments]) -> bool:
    """Whether the hypotheses hold for all that the statement was evaluated on.

    Symbols that are declared to have the properties satisfy them visibly; a relation that
    cannot be decided on symbols does not. Only then is a witness against a concluding step an
    instance of the statement.
    """
    if statement.assumes is None:
        return True
    try:
        return all(statement.hypotheses_hold(**call) for call in calls)
    except Exception:  # whatever a predicate does on symbols, it did not say yes
        return False
