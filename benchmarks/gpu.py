"""The GPU section of a case: timed on the device where there is one, or why not."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from simulations.engine.backend import select_backend
from theory.core import EnvironmentLacksError

Calls = Mapping[str, Callable[[], object]]


def section(title: str, calls: Callable[[Any], Calls], *, repeats: int = 5) -> dict[str, Any]:
    """Times of the calls on the GPU, JSON-ready, or ``{"reason": ...}`` where it is not usable.

    Parameters
    ----------
    title : str
    calls : callable
        From the module ``cupy`` to the computations by name; ratios are to the first one.
    repeats : int
    """
    try:
        backend = select_backend("cupy")
    except EnvironmentLacksError as error:
        return {"reason": str(error).rstrip(".")}
    cupy = importlib.import_module("cupy")
    found = timed(calls(cupy), cupy.cuda.get_current_stream().synchronize, repeats)
    return {"title": title, "device": backend.device, "rows": found}


def timed(calls: Calls, synchronize: Callable[[], object], repeats: int) -> list[dict[str, Any]]:
    """Wall times in turn, each until the device is idle again."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            synchronize()
            if run:  # the first run compiles
                times[name].append(1e3 * (time.perf_counter() - start))
    first = next(iter(times.values()))
    return [
        {
            "name": name, "median_ms": median(spent), "low_ms": min(spent), "high_ms": max(spent),
            "ratio": median(a / b for a, b in zip(spent, first, strict=True)),
        }
        for name, spent in times.items()
    ]  # fmt: skip
