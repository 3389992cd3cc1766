"""A statement that is false everywhere, made from a true one: what a proof must not prove."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from proofs_check.engine.expressions import Expression, of_atom
from proofs_check.engine.words import Atom


class NotFalsifiableError(TypeError):
    """The formula's value is of a kind that has no visibly false variant."""


def falsify(formula: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """The formula of a false statement with the same signature.

    An inequality ``lhs <= rhs`` becomes ``lhs <= lhs - 1``, an equality ``lhs = lhs + 1``, and a
    claimed value (or every value of a claimed function) grows by 1.
    """

    @functools.wraps(formula)
    def false(*args: Any, **kwargs: Any) -> Any:
        result = formula(*args, **kwargs)
        try:
            if isinstance(result, tuple) and len(result) == 2:
                return result[0], shifted(result[0], -1 if kind == "inequality" else 1)
            return shifted(result, 1)
        except TypeError as error:
            raise NotFalsifiableError(f"no false variant of {result!r}: {error}") from error

    return false


def shifted(value: Any, by: int) -> Any:
    """The value with every entry moved by `by`; a symbol of the algebra by a new symbol."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (list, tuple)):
        return [shifted(item, by) for item in value]
    if isinstance(value, dict):
        return {key: shifted(item, by) for key, item in value.items()}
    if isinstance(value, Expression):
        return value + by * of_atom(Atom("perturbation", value.rows, value.cols))
    if callable(value) and not hasattr(value, "free_symbols"):
        return lambda *args, **kwargs: shifted(value(*args, **kwargs), by)
    if hasattr(value, "applyfunc"):  # a SymPy matrix
        return value.applyfunc(lambda entry: entry + by)
    return value + by
