"""Timing: CPU time of this process, contestants in turn, medians with their spread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

import numpy as np

from benchmarks.workload import Contestant

LONGEST = 4096


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU seconds of one call, summed over the threads of this process.

    With one thread this is the time of that thread; a library that starts threads of its own all
    the same has them on its bill.
    """
    start = time.process_time()
    call()
    return time.process_time() - start


def steps_for(contestant: Contestant, seconds: float) -> int:
    """Steps, a power of two and at least ``least``, that take about `seconds`; warms up."""
    steps = contestant.least
    while True:
        contestant.reset()
        contestant.advance(steps)  # compiles, and touches all memory
        contestant.reset()
        spent = cpu_seconds(partial(contestant.advance, steps))
        if spent > seconds / 4 or steps >= LONGEST:
            wanted = steps * 2.0 ** round(math.log2(seconds / max(spent, 1e-9)))
            chosen = int(min(max(wanted, contestant.least), LONGEST))
            if chosen != steps:  # a compiler may compile for a number of steps
                contestant.advance(chosen)
            return chosen
        steps *= 4


def race(
    contestants: Sequence[Contestant], steps: Mapping[str, int], repeats: int
) -> dict[str, list[float]]:
    """CPU seconds a step of every contestant, by name, `repeats` times in turn.

    The contestants alternate, so that a disturbance of the machine meets all of them, and the
    k-th times of two contestants form a pair.
    """
    found: dict[str, list[float]] = {one.name: [] for one in contestants}
    for _ in range(repeats):
        for one in contestants:
            one.reset()
            spent = cpu_seconds(partial(one.advance, steps[one.name]))
            found[one.name].append(spent / steps[one.name])
    return found


def ratios(times: Sequence[float], reference: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest and largest of the paired ratios."""
    paired = [a / b for a, b in zip(times, reference, strict=True)]
    return median(paired), min(paired), max(paired)


def exponent(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope of log y against log x by least squares, and its standard error.

    >>> slope, error = exponent([1, 2, 4, 8], [3, 12, 48, 192])
    >>> round(slope, 12), error < 1e-12
    (2.0, True)
    """
    design = np.stack([np.log(x), np.ones(len(x))], axis=1)
    values = np.log(y)
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
    residual = values - design @ solution
    degrees = max(1, len(x) - 2)
    covariance = np.linalg.inv(design.T @ design) * float(residual @ residual) / degrees
    return float(solution[0]), math.sqrt(covariance[0, 0])
