"""Contests of whole computations: entrants in turn, paired ratios, shares of a measured limit."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks.timing import cpu_seconds, exponent, ratios
from simulations.engine.manifest import Manifest
from theory.core import AdageoError

# A single call longer than this is not repeated; shorter ones are timed several at a time.
_LONG_SECONDS, _SHORT_SECONDS = 1.5, 0.03


class DisagreementError(AdageoError):
    """A contestant computes something else than the others."""


@dataclass(frozen=True)
class Entrant:
    """Something that computes the result of a case.

    Attributes
    ----------
    name : str
        As in the table.
    run : callable
        The whole computation; returns one number that all entrants of the group must share.
    note : str or callable
        What the reader has to know: accuracy, precision, what is left out; asked for at the end.
    spent : callable, optional
        CPU seconds of one run, for an entrant that runs in a process of its own.
    least : float
        Part of the group's limit that this entrant needs; 0.5 in single precision, say.
    warm : callable, optional
        A small run that is not timed, so that no time contains imports and first calls.
    """

    name: str
    run: Callable[[], float]
    note: str | Callable[[], str] = ""
    spent: Callable[[], float] | None = None
    least: float = 1.0
    warm: Callable[[], object] | None = None

    def seconds(self, calls: int = 1) -> float:
        """CPU seconds of one run, the mean of some."""
        if self.spent is not None:
            return sum(self.spent() for _ in range(calls)) / calls
        return cpu_seconds(lambda: [self.run() for _ in range(calls)]) / calls


def entrant(
    name: str, function: Callable[..., float], arguments: tuple[Any, ...], small: tuple[Any, ...],
    *, note: str = "", least: float = 1.0,
) -> Entrant:  # fmt: skip
    """An entrant that calls `function` on `arguments`, and on `small` ones before it is timed."""
    warm = partial(function, *small)
    return Entrant(name, partial(function, *arguments), note, least=least, warm=warm)


@dataclass(frozen=True)
class Peer:
    """A module of entrants, and the packages that it needs."""

    module: str
    needs: tuple[str, ...] = ()
    function: str = "entrants"


def gather(peers: Sequence[Peer], *arguments: Any) -> tuple[list[Entrant], list[dict[str, str]]]:
    """Entrants of all peers that are installed, and the others with the reason."""
    present: list[Entrant] = []
    absent = []
    for peer in peers:
        lacking = [name for name in peer.needs if importlib.util.find_spec(name) is None]
        if lacking:
            reason = f"not installed: {', '.join(lacking)}"
            absent.append({"name": " + ".join(peer.needs), "reason": reason})
            continue
        for found in getattr(importlib.import_module(peer.module), peer.function)(*arguments):
            if isinstance(found, Entrant):
                present.append(found)
            else:
                absent.append(found)
    return present, absent


def contest(
    title: str,
    entrants: Sequence[Entrant],
    absent: Sequence[Mapping[str, str]] = (),
    *,
    repeats: int,
    tolerance: float,
    limits: Callable[[], Mapping[str, float]] | None = None,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Run a group in turn and return its table, JSON-ready; the first entrant is ours.

    Parameters
    ----------
    title : str
    entrants, absent : sequence
        As from `gather`.
    repeats : int >= 1
        Runs of each; an entrant of which the first run takes over 1.5 s does not run again.
    tolerance : float
        Largest relative difference of an entrant's number to the first one's.
    limits : callable, optional
        After the first runs, seconds that the machine needs at least, by the name of the limit.
    seconds : float, optional
        Shorter runs are timed together until they take about so long; 0.03 without it.

    Raises
    ------
    DisagreementError
        If an entrant's number differs by more: then its time means nothing.
    """
    seconds = _SHORT_SECONDS if seconds is None else seconds
    values, first = {}, {}
    for one in entrants:
        if one.warm is not None:
            one.warm()  # a long first run is the only one
        start = time.process_time()
        values[one.name] = float(one.run())  # also touches all memory
        first[one.name] = time.process_time() - start
        difference = _relative(values[one.name], values[entrants[0].name])
        if not difference <= tolerance:
            raise DisagreementError(
                f"{one.name} is {difference:.1e} away from {entrants[0].name} in {title!r}; "
                f"at most {tolerance:g} is within its error"
            )
    calls = {one.name: _calls(one, first[one.name], seconds) for one in entrants}
    long = {name: [spent] for name, spent in first.items() if spent >= _LONG_SECONDS}
    times = {one.name: list(long.get(one.name, [])) for one in entrants}
    for _ in range(repeats):
        for one in entrants:
            if one.name not in long:
                times[one.name].append(one.seconds(calls[one.name]))
    bounds = dict(limits()) if limits else {}
    limit = max(bounds, key=lambda name: bounds[name], default=None)
    rows = []
    for one in entrants:
        row = _row(one, times[one.name], times[entrants[0].name])
        row["difference"] = _relative(values[one.name], values[entrants[0].name])
        if limit:
            row["share_of_limit"] = 1e3 * one.least * bounds[limit] / row["median_ms"]
        rows.append(row)
    found: dict[str, Any] = {"title": title, "rows": rows, "absent": [dict(a) for a in absent]}
    if limit:
        found |= {"limits_ms": {k: 1e3 * v for k, v in bounds.items()}, "limit": limit}
    return found


def _calls(one: Entrant, first: float, seconds: float) -> int:
    """Runs to be timed together; a run that was long at first is not repeated to find out."""
    once = first if first >= max(seconds, _LONG_SECONDS) else one.seconds()
    return max(1, round(seconds / max(once, 1e-6)))


def _row(one: Entrant, times: list[float], reference: list[float]) -> dict[str, Any]:
    pairs = min(len(times), len(reference))
    ratio, low, high = ratios(times[:pairs], reference[:pairs])
    scaled = sorted(1e3 * value for value in times)
    return {
        "name": one.name, "median_ms": median(scaled), "low_ms": scaled[0],
        "high_ms": scaled[-1], "runs": len(times), "ratio": ratio, "ratio_low": low,
        "ratio_high": high, "note": one.note if isinstance(one.note, str) else one.note(),
    }  # fmt: skip


def _relative(value: float, reference: float) -> float:
    return abs(value - reference) / max(abs(reference), 1e-300)


def growth(
    what: str, variable: str, by_work: float, calls: Mapping[int, Callable[[], object]]
) -> dict[str, Any]:
    """Fitted exponent of the CPU time in a size; the best of three runs at each size."""
    times = {}
    for size, call in calls.items():
        call()
        times[size] = max(min(cpu_seconds(call) for _ in range(3)), 1e-9)
    slope, error = exponent(list(times), list(times.values()))
    return {
        "name": what, "variable": variable, "values": list(times),
        "seconds": list(times.values()), "exponent": slope, "standard_error": error,
        "by_work": by_work,
    }  # fmt: skip


def started() -> Manifest:
    """The manifest and clock of a benchmark."""
    return Manifest(seed=0, budget="quick", backend="numpy", workers=1, argv=sys.argv[1:])


def finished(manifest: Manifest, packages: Sequence[str]) -> dict[str, Any]:
    """The finished manifest with the versions of the given packages, where installed."""
    row = manifest.finished()
    versions = dict(row["libraries"])
    for name in packages:
        if importlib.util.find_spec(name) is not None:
            versions[name] = importlib.metadata.version(name)
    return {**row, "libraries": versions}
