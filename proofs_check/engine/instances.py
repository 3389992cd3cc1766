"""Instances of a claim on paper: JSON, and a line of Python that anyone can paste."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import flint
import numpy as np


def to_json(value: Any) -> Any:
    """Nested lists for arrays, ``"p/q"`` for fractions, floats that round-trip exactly.

    NaN and infinity, which JSON does not have, become text.

    >>> to_json({"g": np.array([1.0, 0.5]), "p": Fraction(1, 2)})
    {'g': [1.0, 0.5], 'p': '1/2'}
    """
    if isinstance(value, Mapping):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [to_json(entry) for entry in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, flint.fmpq):
        return f"{value.p}/{value.q}"
    return value if value is None else str(value)


def reproduction(formula: Callable[..., Any], instance: Mapping[str, Any]) -> str:
    """The call that evaluates `formula` on `instance`; needs `numpy as np` and `Fraction`.

    >>> reproduction(to_json, {"value": np.array([1.0])})
    'proofs_check.engine.instances.to_json(value=np.array([1.0]))'
    """
    name = getattr(formula, "__qualname__", "")
    qualified = f"{formula.__module__}.{name}" if name.replace(".", "a").isidentifier() else ""
    arguments = ", ".join(f"{key}={_code(value)}" for key, value in instance.items())
    return f"{qualified or 'formula'}({arguments})"


def _code(value: Any) -> str:
    if isinstance(value, np.ndarray):
        dtype = "" if value.dtype == float else f", dtype={_dtype(value)}"
        shape = f".reshape({value.shape})" if value.size == 0 else ""
        return f"np.array({_code(value.tolist())}{dtype}){shape}"
    if isinstance(value, list):
        return f"[{', '.join(map(_code, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_code, value))}{',' * (len(value) == 1)})"
    if isinstance(value, (Fraction, flint.fmpq)):
        return f"Fraction({int(value.numerator)}, {int(value.denominator)})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _dtype(array: np.ndarray[Any, Any]) -> str:
    return "object" if array.dtype == object else repr(str(array.dtype))
