"""One block of a sampler on a device: where it runs, in how many parts, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy

from simulations.engine.backend import (
    MEMORY_VARIABLE,
    Backend,
    FloatArray,
    select_backend,
)
from simulations.engine.streams import Stream
from theory.core import Check, ClaimError

Point = dict[str, Any]


def backend_of(check: Check, backend: str) -> str:
    """The backend that a measurement runs on: ``numpy`` if it is declared to need the host."""
    return "numpy" if check.options["host"] else backend


def device_of(check: Check, backend: str) -> str:
    """Words for the device of a measurement under a backend, as rows and reports have them.

    Raises
    ------
    EnvironmentLacksError
        If the backend is not available.
    """
    return select_backend(backend_of(check, backend)).device


def draw(
    check: Check, point: Point, index: int, size: int, *, key: int, backend: str,
    names: Iterable[str], where: str,
) -> dict[str, FloatArray]:  # fmt: skip
    """The sampled quantities `names` of block `index`, each (size,) on the host.

    A measurement that is declared divisible is drawn in parts where a whole block does not fit
    the memory budget of a GPU: half as many trials at a time until they fit. Each trial has
    the same random numbers however the block is cut; only the rounding of batched library
    routines may depend on it.

    Raises
    ------
    ClaimError
        If the sampler fails, or returns a wrong name or shape, NaN or infinity, or memory does
        not suffice; the text begins with `where`.
    """
    chosen = select_backend(backend_of(check, backend))
    parts: list[dict[str, FloatArray]] = []
    done, at_once = 0, size
    while done < size:
        low, high = done, min(done + at_once, size)
        try:
            whole = high - low == size
            stream = Stream(chosen, key, index, None if whole else (low, high, size))
            parts.append(_draw_part(check, chosen, stream, high - low, point, names, where))
        except MemoryError as error:
            if not (chosen.name == "cupy" and check.options["divisible"] and at_once > 1):
                raise ClaimError(_no_memory(where, chosen, check, high - low, error)) from error
            at_once = (at_once + 1) // 2
            chosen.release()
        else:
            done = high
    return {name: numpy.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw_part(
    check: Check, chosen: Backend, stream: Stream, trials: int, point: Point,
    names: Iterable[str], where: str,
) -> dict[str, FloatArray]:  # fmt: skip
    try:
        drawn = check.function(stream, trials, **point)
    except MemoryError:
        raise
    except Exception as error:
        raise ClaimError(f"{where}: the sampler raised {one_line(error)}") from error
    try:
        return {name: _sample(chosen.to_numpy(drawn[name]), name, trials) for name in names}
    except KeyError as error:
        raise ClaimError(f"{where}: the sampler returned no quantity called {error}") from error
    except (TypeError, ValueError) as error:
        raise ClaimError(f"{where}: {error}") from error


def _no_memory(where: str, chosen: Backend, check: Check, trials: int, error: MemoryError) -> str:
    text = f"{where}: {trials} trials do not fit the memory of the {chosen.device}: {error}"
    if chosen.name == "cupy":
        text += f"; the budget is {chosen.budget} bytes ({MEMORY_VARIABLE} sets it)"
        if not check.options["divisible"]:
            text += (
                "; take a smaller block, or declare the measurement divisible "
                "if no trial looks at another"
            )
    return text


def one_line(error: Exception) -> str:
    """Kind and text of an exception on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _sample(values: Any, name: str, size: int) -> FloatArray:
    if values.shape != (size,):
        raise ValueError(f"sample {name!r} has shape {values.shape}; it must be ({size},)")
    sample = numpy.asarray(values, dtype=numpy.float64)
    bad = size - int(numpy.count_nonzero(numpy.isfinite(sample)))
    if bad:
        raise ValueError(f"sample {name!r} is NaN or infinite in {bad} of {size} trials")
    return sample
