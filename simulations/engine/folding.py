"""Merging the blocks of a grid point one after the other, in the memory of a few."""

from __future__ import annotations

from collections.abc import Iterable

from simulations.engine.measurement import merge
from simulations.engine.moments import Statistics
from theory.core import Check


def fold(check: Check, parts: Iterable[Statistics]) -> Statistics:
    """Return ``merge(check, list(parts))``, bit for bit, without ever holding all parts.

    Estimators merge from the left, so that merging in instalments changes nothing. An instalment
    is merged when it is as large as everything before it: moments, whose size does not grow, are
    merged at once, and samples that are kept whole are copied O(log n) times.

    Parameters
    ----------
    check : Check of kind monte-carlo
    parts : iterable of statistics of consecutive blocks, at least one

    Returns
    -------
    Statistics
        Memory: a few times that of one block for moments and counts; 8 bytes a trial and kept
        quantity for estimators that need every sample (quantiles, laws, betting sequences).
    """
    waiting: list[Statistics] = []
    merged, held = 0, 0
    for part in parts:
        waiting.append(part)
        held += _bytes(part)
        if held >= 2 * merged:
            waiting = [merge(check, waiting)]
            merged = held = _bytes(waiting[0])
    return merge(check, waiting)


def _bytes(statistics: Statistics) -> int:
    return sum(array.nbytes for array in statistics.values())
