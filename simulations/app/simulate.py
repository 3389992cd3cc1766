"""``adageo simulate``: a measurement on a grid of the user's own."""

from __future__ import annotations

import argparse
import ast
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulations.app.cli import OK, UsageError
from simulations.app.executing import executing
from simulations.app.files import require_folder
from simulations.app.output import print_table
from simulations.app.progress import make_progress
from simulations.app.results import tell_incidents
from simulations.app.runner import FAMILY_LEVEL, RunSettings
from simulations.app.sweep import Sweep
from simulations.app.tables import FORMATS, write_rows
from simulations.app.work import registry
from simulations.engine.maps import with_trials
from simulations.engine.measurement import blocks, conclude, points
from simulations.engine.store import Store
from theory.core import Check, ClaimError, Entry, require_extra

_NOT_PRINTED = ("standard_error", "resolution", "side")


def simulate_command(arguments: argparse.Namespace) -> int:
    """Measure a claim at the grid points of ``--set`` and print or write the rows."""
    files = tuple(arguments.claims)
    entry = registry(files)[arguments.claim]
    _require_format(arguments.out)
    overrides = [parse_setting(text) for text in arguments.set]
    checks = [with_trials(check, arguments.trials) for check in _measurements(entry, overrides)]
    with executing(arguments, workers=1) as place, Store(arguments.store) as store:
        settings = RunSettings(
            "quick", arguments.seed, place.backend, place.executor.workers, files=files
        )
        tell_incidents(store)
        sweep = Sweep([entry], settings, store, make_progress(), place.executor)
        rows = [row for check in checks for row in _measure(sweep, check, grid(check, overrides))]
        tell_incidents(store)
    columns = list(dict.fromkeys(name for row in rows for name in row if _plain(row[name])))
    hidden = {*_NOT_PRINTED, *({"device"} if place.backend == "numpy" else ())}
    shown = [name for name in columns if name not in hidden]
    print_table(shown, [[_cell(row.get(name)) for name in shown] for row in rows])
    if arguments.out:
        write_rows(arguments.out, columns, rows)
    return OK


def parse_setting(text: str) -> tuple[str, list[Any]]:
    """Parse ``name=v1,v2``; numbers become numbers, anything else stays text.

    >>> parse_setting("d=2,4")
    ('d', [2, 4])
    """
    name, sign, values = text.partition("=")
    parts = [part.strip() for part in values.split(",")]
    if not sign or not name.strip() or not all(parts):
        raise UsageError(f"--set {text}: it must be NAME=V1,V2,...")
    return name.strip(), [_value(part) for part in parts]


def require_numbers(name: str, values: Sequence[Any], checks: Sequence[Check]) -> None:
    """Refuse a text or an infinity for a parameter that the checks have finite numbers for.

    Raises
    ------
    UsageError
        Naming parameter, value, and a value that would do.
    """
    found = [point for check in checks for point in points(check, check.claim.itself(), "quick")]
    known = [point[name] for point in found if name in point]
    if not all(map(_is_number, known)):
        return
    for value in values:
        if not _is_number(value):
            raise UsageError(f"--set {name}={value}: it must be a finite number, as {known[0]} is")


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def grid(check: Check, overrides: Sequence[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """Return the product of the settings, the other parameters as in the first quick point."""
    base = points(check, check.claim.itself(), "quick")[0]
    own = [(name, values) for name, values in overrides if name in base]
    combinations = itertools.product(*(values for _, values in own))
    names = [name for name, _ in own]
    if not own:
        return points(check, check.claim.itself(), "quick")
    return [{**base, **dict(zip(names, values, strict=True))} for values in combinations]


def _measurements(entry: Entry, overrides: Sequence[tuple[str, list[Any]]]) -> list[Check]:
    checks = list(entry.of_kind("monte-carlo"))
    if not checks:
        raise UsageError(f"{entry.claim.id} has no Monte Carlo measurement")
    names = {n for c in checks for n in points(c, entry.claim.itself(), "quick")[0]}
    for count, (name, values) in enumerate(overrides):
        if name in dict(overrides[:count]):
            raise UsageError(f"--set {name}: it was given twice; write {name}=V1,V2,...")
        if name not in names:
            raise UsageError(
                f"--set {name}: {entry.claim.id} has no such parameter; "
                f"it has {', '.join(sorted(names))}"
            )
        require_numbers(name, values, checks)
    return checks


def _measure(sweep: Sweep, check: Check, grid_points: Sequence[dict[str, Any]]) -> list[Any]:
    for point in grid_points:
        _require_sizes(check, point)
    sweep.do("blocks", [task for point in grid_points for task in sweep.blocks(check, point)])
    merged = [sweep.merged(check, point) for point in grid_points]
    for one in merged:
        if one.error is not None:
            raise ClaimError(one.error.removeprefix("ClaimError: "))
    pairs = [(point, one.statistics) for point, one in zip(grid_points, merged, strict=True)]
    evidence = conclude(
        check, check.claim.itself(), pairs, alpha=FAMILY_LEVEL / len(pairs),
        devices=[one.device for one in merged],
    )  # fmt: skip
    return [{"check": check.name, **row} for row in evidence.data["rows"]]


def _require_sizes(check: Check, point: dict[str, Any]) -> None:
    try:
        blocks(check, point, "quick")
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{check.claim.id}: {check.name} at {point}: {error}") from error


def _require_format(path: str | None) -> None:
    if path is None:
        return
    form = Path(path).suffix[1:]
    if form not in FORMATS:
        allowed = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"--out {path}: the suffix must be one of {allowed}")
    require_folder("--out", path)
    if form == "parquet":
        require_extra("export", f"--out {path}")


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text


def _plain(value: object) -> bool:
    return not isinstance(value, list | dict)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
