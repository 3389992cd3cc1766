"""``adageo bench``: the benchmark cases against their peers."""

from __future__ import annotations

import argparse
from typing import Any


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``adageo bench``."""
    from simulations.app.cli import path_name

    parser.add_argument("case", nargs="*", help="names of cases; all without one")
    parser.add_argument("--d", metavar="N1,N2,...", help="widths (default: those of each case)")
    parser.add_argument("--trials", type=int, metavar="N", help="trials, where a case has them")
    parser.add_argument("--repeats", type=int, default=5, metavar="N",
                        help="times that every contestant runs (default: 5)")  # fmt: skip
    parser.add_argument("--out", default="benchmarks/results", metavar="DIR", type=path_name,
                        help="where the tables go (default: benchmarks/results)")  # fmt: skip


def bench_command(arguments: argparse.Namespace) -> int:
    """Run the cases, write ``CASE.json`` and ``CASE.md``, and print the table."""
    import importlib
    import json

    from simulations.app.cli import OK, UsageError
    from simulations.app.files import make_directory, write_text
    from theory.core import EnvironmentLacksError

    try:
        benchmarks = importlib.import_module("benchmarks")
    except ModuleNotFoundError as error:
        raise EnvironmentLacksError(
            f"the benchmarks are part of the source tree and not installed here ({error})"
        ) from error
    for name in arguments.case:
        if name not in benchmarks.CASES:
            known = ", ".join(benchmarks.CASES)
            raise UsageError(f"{name}: no such benchmark case; it must be among {known}")
    chosen: dict[str, Any] = {"trials": arguments.trials, "repeats": arguments.repeats}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    for option, value in chosen.items():
        if value < 1:
            raise UsageError(f"--{option} {value}: it must be an integer >= 1")
    if arguments.d is not None:
        chosen["sizes"] = _sizes(arguments.d)
    folder = make_directory("--out", arguments.out)
    for name in dict.fromkeys(arguments.case or benchmarks.CASES):
        case = importlib.import_module(benchmarks.CASES[name])
        found = case.measure(**chosen)
        page = case.markdown(found)
        write_text("--out", folder / f"{name}.json", json.dumps(found, indent=1) + "\n")
        write_text("--out", folder / f"{name}.md", page)
        print(f"{page}\n{folder / name}.json\n{folder / name}.md")
    return OK


def _sizes(text: str) -> list[int]:
    from simulations.app.cli import UsageError

    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise UsageError(f"--d {text}: it must be integers >= 1, separated by commas")
    return sizes
