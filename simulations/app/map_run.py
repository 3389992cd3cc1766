"""The run behind ``adageo map``: cells block by block from the store, then table and figure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from simulations.app.cli import OK, UsageError
from simulations.app.executing import executing
from simulations.app.files import make_directory, write_text
from simulations.app.interrupts import require_no_interrupt
from simulations.app.progress import make_progress
from simulations.app.results import save_map, tell_incidents
from simulations.app.runner import FAMILY_LEVEL
from simulations.app.simulate import parse_setting, require_numbers
from simulations.app.sweep import RunSettings, Sweep
from simulations.app.tables import write_rows
from simulations.app.work import registry
from simulations.engine.backend import HOST
from simulations.engine.manifest import Manifest
from simulations.engine.map_refinement import Raster, to_show
from simulations.engine.maps import (
    MAPPED,
    Axis,
    Range,
    all_rows,
    axis,
    cells,
    counts,
    devices,
    judge,
    numeric_parameters,
    parameter_names,
    takes_integers,
    value_text,
    with_trials,
)
from simulations.engine.measurement import points
from simulations.engine.store import Store
from simulations.engine.streams import canonical_json
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

    def finer(self, measured: Measured) -> dict[tuple[int, int], dict[str, Any]]:
        """The grid points of the next stage by their places in the finer raster."""
        whole = takes_integers(self.check, self.x.name), takes_integers(self.check, self.y.name)
        return to_show(measured.raster, measured.rows, self.base, whole=whole)

    @property
    def name(self) -> str:
        """What the files of the map are called."""
        claim = self.check.claim.id.replace("/", "_")
        return f"{claim}_{self.check.name}_{self.x.name}_{self.y.name}"


@dataclass
class Measured:
    """The rows of a map: those of the cells asked for, then those of the refinement.

    Attributes
    ----------
    rows : list of dict
    raster : Raster
        Which row each small cell shows.
    levels : list of float
        Level of each test, stage by stage, beginning with the cells asked for.
    known : dict
        Index of the row of every grid point that was measured, by its JSON: a point has the same
        trials in every stage, and is tested once.
    """

    rows: list[dict[str, Any]]
    raster: Raster
    levels: list[float]
    known: dict[str, int] = field(default_factory=dict)

    def new(self, wanted: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The grid points that have no row yet, each once, by their JSON."""
        named = {canonical_json(cell): cell for cell in wanted}
        return {name: cell for name, cell in named.items() if name not in self.known}


class MapRun(Sweep):
    """The part of a run that a map needs: blocks from the store or the workers, cell by cell."""

    def measure(self, plans: Sequence[Plan], stages: int = 0) -> list[Measured]:
        """The rows of every map, refined `stages` times along the border of what is refuted.

        Each stage has an equal share of the family's level, and all its tests the same level. A
        grid point that an earlier stage measured is not tested again: cells show its row.
        """
        found = [Measured([], Raster.of(plan.x, plan.y), []) for plan in plans]
        self._stage(plans, found, [plan.cells for plan in plans], stages)
        for _ in range(stages):
            wanted = [plan.finer(one) for plan, one in zip(plans, found, strict=True)]
            self._stage(plans, found, [list(places.values()) for places in wanted], stages)
            for one, places in zip(found, wanted, strict=True):
                shown = {place: one.known[canonical_json(cell)] for place, cell in places.items()}
                one.raster = one.raster.finer().with_rows(shown)
        return found

    def _stage(
        self, plans: Sequence[Plan], found: Sequence[Measured],
        wanted: Sequence[Sequence[dict[str, Any]]], stages: int,
    ) -> None:  # fmt: skip
        """Add the rows of those wanted cells of every map that are new, all tested at one level."""
        new = [one.new(stage) for one, stage in zip(found, wanted, strict=True)]
        tasks = [task for plan, fresh in zip(plans, new, strict=True) for cell in fresh.values()
                 for task in self.blocks(plan.check, cell)]  # fmt: skip
        self.do("blocks", tasks)
        level = FAMILY_LEVEL / (stages + 1) / max(1, sum(map(len, new)))
        for plan, one, fresh in zip(plans, found, new, strict=True):
            one.levels.append(level)
            for name, cell in fresh.items():
                one.known[name] = len(one.rows)
                one.rows.append(self._row(plan, cell, level))

    def _row(self, plan: Plan, cell: dict[str, Any], level: float) -> dict[str, Any]:
        found = self.merged(plan.check, cell)
        outcome = found.error or found.statistics
        row = judge(plan.check, plan.check.claim.itself(), cell, outcome, alpha=level)
        return {**row, "device": None if found.error else found.device}


def run_map(arguments: argparse.Namespace) -> int:
    """Run ``adageo map``; exit status 0 whatever the map shows."""
    files = tuple(arguments.claims)
    entry = registry(files)[arguments.claim]
    plans = plan_maps(entry, arguments.x, arguments.y, arguments.trials, arguments.set)
    folder = make_directory("--out", arguments.out)
    with executing(arguments) as place, Store(arguments.store) as store:
        workers = place.executor.workers
        manifest = Manifest(
            seed=arguments.seed, budget="quick", backend=place.backend, workers=workers,
            argv=sys.argv[1:], device=place.device,
        )  # fmt: skip
        settings = RunSettings("quick", arguments.seed, place.backend, workers, files=files)
        tell_incidents(store)
        run = MapRun([entry], settings, store, make_progress(), place.executor)
        maps = run.measure(plans, arguments.refine)
        stamp = manifest.finished()
        found = [_found(plan, one, stamp) for plan, one in zip(plans, maps, strict=True)]
        require_no_interrupt()
        for one in found:
            save_map(store, one)
        tell_incidents(store)
    for plan, one in zip(plans, found, strict=True):
        _print(plan, one["cells"])
        if "refinement" in one:
            print(f"  refined {arguments.refine} times along the border of what is refuted: "
                  f"{len(one['refinement']['cells'])} more cells")  # fmt: skip
        on = devices(all_rows(one))
        if on != [HOST] or place.backend != "numpy":
            print(f"  measured on: {', '.join(on) or 'no device'}")
        _write(folder / plan.name, one)
    return OK


def plan_maps(
    entry: Entry, x: str, y: str, trials: int | None, fixed: Sequence[str] = ()
) -> list[Plan]:
    """One map for every measurement or survey of the claim that has both parameters.

    What `fixed` does not give as ``NAME=VALUE`` is that of the first grid point.

    Raises
    ------
    UsageError
        If the claim has no measurement, a range is malformed, or no measurement has both
        parameters; the text names the argument and the parameters allowed.
    """
    checks = entry.of_kind(*MAPPED)
    if not checks:
        raise UsageError(f"{entry.claim.id} has no Monte Carlo measurement")
    ranges = _range("--x", x), _range("--y", y)
    if ranges[0].name == ranges[1].name:
        raise UsageError(f"--y {y}: it must be another parameter than that of --x")
    given: dict[str, Any] = {}
    for text in fixed:
        name, value = _fixed(text, entry, ranges)
        if name in given:
            raise UsageError(f"--set {text}: {name!r} was given twice")
        given[name] = value
    plans = []
    for check in checks:
        if {wanted.name for wanted in ranges} <= set(numeric_parameters(check)):
            base = points(check, check.claim.itself(), "quick")[0]
            if not set(given) <= set(parameter_names(check)):
                continue
            across, up = (axis(check, wanted) for wanted in ranges)
            base |= given
            plans.append(Plan(with_trials(check, trials), across, up, base))
    if not plans:
        _refuse(entry, {"--x " + x: ranges[0], "--y " + y: ranges[1]})
    return plans


def _fixed(text: str, entry: Entry, ranges: tuple[Range, Range]) -> tuple[str, Any]:
    name, values = parse_setting(text)
    if len(values) > 1:
        raise UsageError(f"--set {text}: a map holds a parameter at one value")
    if name in (ranges[0].name, ranges[1].name):
        raise UsageError(f"--set {text}: {name!r} is an axis of the map")
    known = {found for check in entry.of_kind(*MAPPED) for found in parameter_names(check)}
    if name not in known:
        raise UsageError(f"--set {text}: {entry.claim.id} has no parameter {name!r}; it has "
                         f"{', '.join(sorted(known))}")  # fmt: skip
    require_numbers(name, values, entry.of_kind(*MAPPED))
    return name, values[0]


def _refuse(entry: Entry, ranges: Mapping[str, Range]) -> NoReturn:
    checks = entry.of_kind(*MAPPED)
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


def _found(plan: Plan, measured: Measured, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the JSON file and the store have of a map."""
    asked = len(plan.cells)
    rows, refined = measured.rows[:asked], measured.rows[asked:]
    others = {k: v for k, v in rows[0].items() if k in plan.base and k not in _names(plan)}
    found = {
        "schema": 1, "manifest": manifest, "claim": plan.check.claim.id, "check": plan.check.name,
        "x": vars(plan.x), "y": vars(plan.y), "others": others, "level": measured.levels[0],
        "family_level": FAMILY_LEVEL, "counts": counts(rows), "cells": rows,
    }  # fmt: skip
    if measured.raster.stage:
        found["refinement"] = {
            "stage": measured.raster.stage, "levels": measured.levels[1:], "cells": refined,
            "shown": measured.raster.shown.tolist(),
        }  # fmt: skip
    return found


def _write(path: Path, found: dict[str, Any]) -> None:
    from simulations.engine.figures import save
    from simulations.engine.map_figure import figure_of

    rows = all_rows(found)
    write_text("--out", f"{path}.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    write_rows(f"{path}.csv", list(rows[0]), rows)
    save(figure_of(found), path, ("svg", "png"))
    print("\n".join(f"{path}.{suffix}" for suffix in ("csv", "json", "svg", "png")))


def _print(plan: Plan, rows: Sequence[dict[str, Any]]) -> None:
    """Print the verdicts as a grid with the largest y on top, then the reasons of errors."""
    across = len(plan.x.values)
    print(f"{plan.check.claim.id} [{plan.check.name}]")
    labels = [value_text(value) for value in plan.y.values]
    width = max(map(len, labels))
    for j in reversed(range(len(plan.y.values))):
        marks = "".join(_MARKS[row["verdict"]] for row in rows[j * across : (j + 1) * across])
        print(f"  {labels[j]:>{width}} |{marks}")
    ends = " .. ".join(
        value_text(value) for value in dict.fromkeys(plan.x.values[:: max(1, across - 1)])
    )
    print(f"  {plan.y.name} (up), {plan.x.name} (right): {ends}")
    found = counts(rows)
    print("  " + ", ".join(f"{_MARKS[name]} {count} {name}" for name, count in found.items()))
    reasons = dict.fromkeys(row["reason"] for row in rows if row["verdict"] == "error")
    for reason in list(reasons)[:3]:
        print(f"  ! {reason}")


def _names(plan: Plan) -> tuple[str, str]:
    return plan.x.name, plan.y.name
