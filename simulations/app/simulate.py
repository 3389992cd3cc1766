"""``adageo simulate``: a measurement on a grid of the user's own."""

from __future__ import annotations

import argparse
import ast
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulations.app.cli import OK, UsageError
from simulations.app.files import write_text
from simulations.app.output import print_table
from simulations.app.progress import make_progress
from simulations.app.runner import FAMILY_LEVEL
from simulations.app.work import registry
from simulations.engine.maps import with_trials
from simulations.engine.measurement import blocks, conclude, merge, points, run_block
from theory.core import Check, Entry, EnvironmentLacksError

FORMATS = (".csv", ".json", ".npz")
_NOT_PRINTED = ("standard_error", "resolution", "side")


def simulate_command(arguments: argparse.Namespace) -> int:
    """Measure a claim at the grid points of ``--set`` and print or write the rows."""
    from simulations.engine.backend import select_backend

    entry = registry(tuple(arguments.claims))[arguments.claim]
    _require_format(arguments.out)
    backend = select_backend(arguments.backend).name
    overrides = [parse_setting(text) for text in arguments.set]
    rows: list[dict[str, Any]] = []
    for check in _measurements(entry, overrides):
        sized = with_trials(check, arguments.trials)
        rows += _measure(sized, grid(sized, overrides), arguments.seed, backend)
    columns = list(dict.fromkeys(name for row in rows for name in row if _plain(row[name])))
    shown = [name for name in columns if name not in _NOT_PRINTED]
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
    if not sign or not name.strip() or not values.strip():
        raise UsageError(f"--set {text}: it must be NAME=V1,V2,...")
    return name.strip(), [_value(part.strip()) for part in values.split(",")]


def grid(check: Check, overrides: Sequence[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """Return the product of the settings, the other parameters as in the first quick point."""
    base = points(check, check.claim.itself(), "quick")[0]
    own = [(name, values) for name, values in overrides if name in base]
    combinations = itertools.product(*(values for _, values in own))
    names = [name for name, _ in own]
    if not own:
        return points(check, check.claim.itself(), "quick")
    return [{**base, **dict(zip(names, values, strict=True))} for values in combinations]


def write_rows(path: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, JSON or NPZ by the suffix of `path`."""
    suffix = Path(path).suffix
    if suffix == ".json":
        write_text("--out", path, json.dumps(list(rows), indent=1) + "\n")
    elif suffix == ".csv":
        lines = [",".join(columns)]
        lines += [",".join(_csv(row.get(name)) for name in columns) for row in rows]
        write_text("--out", path, "\n".join(lines) + "\n")
    else:
        arrays: dict[str, Any] = {n: np.array([row.get(n) for row in rows]) for n in columns}
        try:
            np.savez(path, **arrays)
        except OSError as error:
            raise EnvironmentLacksError(f"--out {path}: cannot write ({error.strerror})") from error


def _measurements(entry: Entry, overrides: Sequence[tuple[str, list[Any]]]) -> list[Check]:
    checks = list(entry.of_kind("monte-carlo"))
    if not checks:
        raise UsageError(f"{entry.claim.id} has no Monte Carlo measurement")
    names = {n for c in checks for n in points(c, entry.claim.itself(), "quick")[0]}
    for name, _ in overrides:
        if name not in names:
            raise UsageError(
                f"--set {name}: {entry.claim.id} has no such parameter; "
                f"it has {', '.join(sorted(names))}"
            )
    return checks


def _measure(
    check: Check, grid_points: Sequence[dict[str, Any]], seed: int, backend: str
) -> list[dict[str, Any]]:
    sizes = [_sizes(check, point) for point in grid_points]
    progress = make_progress()
    progress.begin("blocks", sum(map(len, sizes)))
    pairs = []
    for point, block_sizes in zip(grid_points, sizes, strict=True):
        parts = []
        for index, size in enumerate(block_sizes):
            parts.append(run_block(check, point, index, size, seed=seed, backend=backend))
            progress.advance(check.claim.id)
        pairs.append((point, merge(check, parts)))
    progress.end()
    alpha = FAMILY_LEVEL / len(pairs)
    evidence = conclude(check, check.claim.itself(), pairs, alpha=alpha)
    return [{"check": check.name, **row} for row in evidence.data["rows"]]


def _sizes(check: Check, point: dict[str, Any]) -> list[int]:
    try:
        return blocks(check, point, "quick")
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{check.claim.id}: {check.name} at {point}: {error}") from error


def _require_format(path: str | None) -> None:
    if path and Path(path).suffix not in FORMATS:
        raise UsageError(f"--out {path}: the suffix must be one of {', '.join(FORMATS)}")


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _plain(value: object) -> bool:
    return not isinstance(value, list | dict)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _csv(value: object) -> str:
    text = "" if value is None else repr(value) if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
