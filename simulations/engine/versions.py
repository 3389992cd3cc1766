"""The versions on which the bits of a stored result may depend."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("numpy", "scipy", "sympy", "hypothesis", "python-flint", "z3-solver", "numba")
# Needed by some claims only.
_OPTIONAL = ("scikit-learn", "torch")


@cache
def library_versions() -> tuple[str, ...]:
    """Return ``"numpy 2.4.6"`` and so on; they are part of the content address of every result."""
    return tuple(f"{name} {version(name)}" for name in LIBRARIES)


def environment() -> dict[str, str | None]:
    """Versions that a cluster must share: adageo, Python and the libraries; None: not installed."""
    python = {"python": platform.python_version()}
    return {"adageo": _version("adageo"), **python,
            **{name: _version(name) for name in (*LIBRARIES, *_OPTIONAL)}}  # fmt: skip


def differences(ours: Mapping[str, str | None], theirs: Mapping[str, str | None]) -> list[str]:
    """Return ``"numpy 2.3.1 there, 2.4.6 here"`` and so on.

    An optional library that is missing here cannot be asked for, and is not compared.

    >>> differences({"numpy": "2.4.6", "torch": None}, {"numpy": "2.3.1", "torch": "2.13"})
    ['numpy 2.3.1 there, 2.4.6 here']
    """
    compared = [name for name in ours if ours[name] or name not in _OPTIONAL]
    return [
        f"{name} {theirs.get(name) or 'missing'} there, {ours[name] or 'missing'} here"
        for name in compared
        if ours[name] != theirs.get(name)
    ]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
