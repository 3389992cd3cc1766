"""Compiling and launching the kernels of the counter-based normals on a GPU, through CuPy."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from simulations.engine.backend import select_backend
from simulations.kernels.gpu_build import OPTIONS, Kernel, source

# Threads of a block, as in the sources; blocks on a multiprocessor: at most 64 registers a thread.
BLOCK, BLOCKS = 256, 4
REAL = {"float64": "double", "float32": "float"}


def require_cupy() -> Any:
    """The Array-API namespace of CuPy.

    Raises
    ------
    EnvironmentLacksError
        If CuPy, its driver or a GPU is missing; the text says which.
    """
    return select_backend("cupy").xp


def instance(name: str, file: str, argument: str, body: str) -> Kernel:
    """A kernel with one thread for each of its items: no shared memory, no spills."""
    return Kernel(name=name, file=file, argument=argument, body=body, threads=BLOCK,
                  blocks=BLOCKS, cluster=1, shared=0, spill_limit=0)  # fmt: skip


@cache
def _compiled(module: Any, kernel: Kernel) -> Any:
    compiled = module(code=source([kernel]), options=OPTIONS, backend="nvrtc")
    return compiled.get_function(kernel.name)


def structure(fields: Sequence[tuple[str, Any]], values: Mapping[str, Any]) -> Any:
    """A C structure by value: a 0-d array of a dtype with C's alignment.

    Raises
    ------
    ValueError
        If the names of fields and values differ.
    """
    if {name for name, _ in fields} != set(values):
        raise ValueError(f"values is of {sorted(values)}; it must be of {[f for f, _ in fields]}")
    task = np.zeros((), np.dtype(list(fields), align=True))
    for name, value in values.items():
        task[name] = value
    return task


def launch(kernel: Kernel, items: int, task: Any) -> None:
    """Run `kernel` with one thread for each of `items`."""
    function = _compiled(importlib.import_module("cupy").RawModule, kernel)
    function(((items + BLOCK - 1) // BLOCK,), (BLOCK,), (task,))
