"""The run behind ``adageo map``: cells block by block from the store, then table and figure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from simulations.app.cli import OK, UsageError
from simulations.app.files import make_directory, write_text
from simulations.app.progress import make_progress
from simulations.app.results import tell_incidents
from simulations.app.runner import FAMILY_LEVEL, Run, RunSettings
from simulations.app.simulate import write_rows
from simulations.app.work import registry
from simulations.engine.backend import select_backend
from simulations.engine.execution import default_workers
from simulations.engine.manifest import Manifest
from simulations.engine.map_figure import draw_map
from simulations.engine.maps import (
    Axis,
    Range,
    axis,
    cells,
    counts,
    judge,
    numeric_parameters,
    with_trials,
)
from simulations.engine.measurement import merge, points
from simulations.engine.store import Store
from theory.core import Check, Entry

_MARKS = {"supported": ".", "inconclusive": "~", "refuted": "X", "error": "!"}


@dataclass(frozen=True)
class Plan:
    """One map: a measurement with its trials, both axes, and the other parameters."""

    check: Check
    x: Axis
    y: Axis
    base: dict[str, Any]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The grid points, the rows of constant y one after the other."""
        return cells(self.x, self.y, self.base)

    @property
    def name(self) -> str:
        """What the files of the map are called."""
        claim = self.check.claim.id.replace("/", "_")
        return f"{claim}_{self.check.name}_{self.x.name}_{self.y.name}"


class MapRun(Run):
    """The part of a run that a map needs: blocks from the store or the workers, cell by cell."""

    def measure(self, plans: Sequence[Plan], level: float) -> list[list[dict[str, Any]]]:
        """The rows of every map; `level` is that of each cell's test."""
        tasks = [task for plan in plans for cell in plan.cells
                 for task in self._blocks(plan.check, cell)]  # fmt: skip
        self._do("blocks", tasks)
        return [[self._row(plan, cell, level) for cell in plan.cells] for plan in plans]

    def _row(self, plan: Plan, cell: dict[str, Any], level: float) -> dict[str, Any]:
        results = [self.results[self._key(task)] for task in self._blocks(plan.check, cell)]
        reason = next((found["error"] for found in results if "error" in found), None)
        outcome = reason or merge(plan.check, [found["arrays"] for found in results])
        return judge(plan.check, plan.check.claim.itself(), cell, outcome, alpha=level)


def run_map(arguments: argparse.Namespace) -> int:
    """Run ``adageo map``; exit status 0 whatever the map shows."""
    for name, least in (("trials", 1), ("seed", 0), ("workers", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise UsageError(f"--{name} {value}: it must be an integer >= {least}")
    files = tuple(arguments.claims)
    entry = registry(files)[arguments.claim]
    plans = plan_maps(entry, arguments.x, arguments.y, arguments.trials)
    backend = select_backend(arguments.backend).name
    workers = arguments.workers or default_workers()
    folder = make_directory("--out", arguments.out)
    manifest = Manifest(
        seed=arguments.seed, budget="quick", backend=backend, workers=workers, argv=sys.argv[1:]
    )
    level = FAMILY_LEVEL / sum(len(plan.cells) for plan in plans)
    settings = RunSettings("quick", arguments.seed, backend, workers, files=files)
    with Store(arguments.store) as store:
        tell_incidents(store)
        maps = MapRun([entry], settings, store, make_progress()).measure(plans, level)
        tell_incidents(store)
    for plan, rows in zip(plans, maps, strict=True):
        _print(plan, rows)
        _write(folder / plan.name, plan, rows, level, manifest.finished())
    return OK


def plan_maps(entry: Entry, x: str, y: str, trials: int | None) -> list[Plan]:
    """One map for every measurement of the claim that has both parameters.

    Raises
    ------
    UsageError
        If the claim has no measurement, a range is malformed, or no measurement has both
        parameters; the text names the argument and the parameters allowed.
    """
    checks = entry.of_kind("monte-carlo")
    if not checks:
        raise UsageError(f"{entry.claim.id} has no Monte Carlo measurement")
    ranges = _range("--x", x), _range("--y", y)
    if ranges[0].name == ranges[1].name:
        raise UsageError(f"--y {y}: it must be another parameter than that of --x")
    plans = []
    for check in checks:
        if {wanted.name for wanted in ranges} <= set(numeric_parameters(check)):
            base = points(check, check.claim.itself(), "quick")[0]
            across, up = (axis(check, wanted) for wanted in ranges)
            plans.append(Plan(with_trials(check, trials), across, up, base))
    if not plans:
        _refuse(entry, {"--x " + x: ranges[0], "--y " + y: ranges[1]})
    return plans


def _refuse(entry: Entry, ranges: Mapping[str, Range]) -> NoReturn:
    checks = entry.of_kind("monte-carlo")
    known = {check.name: numeric_parameters(check) for check in checks}
    for argument, wanted in ranges.items():
        if not any(wanted.name in names for names in known.values()):
            allowed = ", ".join(sorted({name for names in known.values() for name in names}))
            raise UsageError(f"{argument}: {entry.claim.id} has no numeric parameter "
                             f"{wanted.name!r}; it has {allowed or 'none'}")  # fmt: skip
    has = "; ".join(f"{check} has {', '.join(names) or 'none'}" for check, names in known.items())
    raise UsageError(f"{' '.join(ranges)}: no measurement of {entry.claim.id} has both; {has}")


def _range(option: str, text: str) -> Range:
    try:
        return Range.parse(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None


def _write(
    path: Path, plan: Plan, rows: list[dict[str, Any]], level: float, manifest: dict[str, Any]
) -> None:
    from simulations.engine.figures import save

    others = {k: v for k, v in rows[0].items() if k in plan.base and k not in _names(plan)}
    found = {
        "schema": 1, "manifest": manifest, "claim": plan.check.claim.id, "check": plan.check.name,
        "x": vars(plan.x), "y": vars(plan.y), "others": others, "level": level,
        "family_level": FAMILY_LEVEL, "counts": counts(rows), "cells": rows,
    }  # fmt: skip
    write_text("--out", f"{path}.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    write_rows(f"{path}.csv", list(rows[0]), rows)
    note = ", ".join(f"{name} = {_short(value)}" for name, value in others.items())
    figure = draw_map(f"{plan.check.claim.id} [{plan.check.name}]", note, plan.x, plan.y, rows)
    save(figure, path, ("svg", "png"))
    print("\n".join(f"{path}.{suffix}" for suffix in ("csv", "json", "svg", "png")))


def _print(plan: Plan, rows: Sequence[dict[str, Any]]) -> None:
    """Print the verdicts as a grid with the largest y on top, then the reasons of errors."""
    across = len(plan.x.values)
    print(f"{plan.check.claim.id} [{plan.check.name}]")
    labels = [_short(value) for value in plan.y.values]
    width = max(map(len, labels))
    for j in reversed(range(len(plan.y.values))):
        marks = "".join(_MARKS[row["verdict"]] for row in rows[j * across : (j + 1) * across])
        print(f"  {labels[j]:>{width}} |{marks}")
    ends = " .. ".join(
        _short(value) for value in dict.fromkeys(plan.x.values[:: max(1, across - 1)])
    )
    print(f"  {plan.y.name} (up), {plan.x.name} (right): {ends}")
    found = counts(rows)
    print("  " + ", ".join(f"{_MARKS[name]} {count} {name}" for name, count in found.items()))
    reasons = dict.fromkeys(row["reason"] for row in rows if row["verdict"] == "error")
    for reason in list(reasons)[:3]:
        print(f"  ! {reason}")


def _names(plan: Plan) -> tuple[str, str]:
    return plan.x.name, plan.y.name


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
