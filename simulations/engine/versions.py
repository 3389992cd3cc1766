"""The versions on which the bits of a stored result may depend."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("numpy", "scipy", "sympy", "hypothesis", "python-flint", "z3-solver", "numba")
# CuPy is built for each version of CUDA under another name.
_CUPY = ("cupy", "cupy-cuda12x", "cupy-cuda13x")
_NAMESPACES = ("array-api-compat",)
# What brings the extra of a claim, where bits depend on it.
_EXTRAS = {"gpu": _CUPY, "nets": ("scikit-learn",), "peers": ("torch",)}
# Needed by some claims or backends only.
_OPTIONAL = ("scikit-learn", "torch", *_CUPY)


@cache
def library_versions(extra: str | None = None) -> tuple[str, ...]:
    """Return ``"numpy 2.4.6"`` and so on; they are part of the content address of every result.

    What `extra` brings follows, as far as it is installed.
    """
    always = tuple(f"{name} {version(name)}" for name in LIBRARIES)
    return always + _installed(_EXTRAS.get(extra or "", ()))


@cache
def gpu_versions() -> tuple[str, ...]:
    """Return the versions on which a block that is drawn on a GPU depends besides."""
    return _installed((*_CUPY, *_NAMESPACES))


def _installed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name} {found}" for name in names if (found := _version(name)))


def environment() -> dict[str, str | None]:
    """Versions that a cluster must share: adageo, Python and the libraries; None: not installed."""
    names = (*LIBRARIES, *_NAMESPACES, *_OPTIONAL)
    return {
        "adageo": _version("adageo"),
        "python": platform.python_version(),
        **{name: _version(name) for name in names},
    }


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
