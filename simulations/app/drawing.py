"""``adageo figure``, ``adageo report`` and ``adageo new-claim``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulations.app.cli import OK, UsageError
from simulations.app.files import make_directory, require_folder, write_text
from simulations.app.results import existing, load_claim, stored_maps, stored_report
from simulations.app.template import claim_template
from simulations.app.work import registry
from simulations.engine.execution import default_workers
from theory.core import Evidence
from theory.core.errors import EnvironmentLacksError

FIGURE_FORMATS = ("svg", "png", "pdf")
REPORT_FOLDER = "report"
# Where `adageo bench` writes by default; shown where it exists.
BENCHMARK_FOLDER = "benchmarks/results"


def figure_command(arguments: argparse.Namespace) -> int:
    """Draw figures from stored results; recomputes nothing."""
    from simulations.engine.figures import draw, save

    formats = arguments.format.split(",")
    for name in formats:
        if name not in FIGURE_FORMATS:
            raise UsageError(f"--format {name}: it must be among {', '.join(FIGURE_FORMATS)}")
    pattern = [] if arguments.claim == "all" else [arguments.claim]
    entries = registry(tuple(arguments.claims)).select(pattern)
    folder = make_directory("--out", arguments.out)
    with existing(arguments.store) as store:
        found = [(entry, load_claim(store, entry.claim.id)) for entry in entries]
        if not any(last for _, last in found):
            raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
        for entry, last in found:
            if last is None:
                print(f"{entry.claim.id}: no stored results; run adageo verify '{entry.claim.id}'")
                continue
            evidence = [Evidence.from_json(piece) for piece in last["claim"]["evidence"]]
            path = folder / entry.claim.id.replace("/", "_")
            save(draw(entry, evidence), path, formats)
            print("\n".join(str(path) + "." + name for name in formats))
    return OK


def report_command(arguments: argparse.Namespace) -> int:
    """Write the static site, or the table of an appendix, from the last result of every claim."""
    if arguments.latex:
        require_folder("--latex", arguments.latex)
    if arguments.benchmarks and not Path(arguments.benchmarks).is_dir():
        raise UsageError(f"--benchmarks {arguments.benchmarks}: there is no such directory")
    claims = registry(tuple(arguments.claims))
    entries = claims.select(arguments.pattern)
    with existing(arguments.store) as store:
        if store is None:
            raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
        report, maps = stored_report(store, entries), stored_maps(store, entries)
    if arguments.latex:
        from simulations.app.report.latex import latex_table

        write_text("--latex", arguments.latex, latex_table(report, claims))
        print(arguments.latex)
        if arguments.out is None:
            return OK
    print(_site(arguments, report, maps))
    return OK


def _site(
    arguments: argparse.Namespace, report: dict[str, Any], maps: Sequence[dict[str, Any]]
) -> Path:
    """Write the site and return its index."""
    from simulations.app.report import build
    from simulations.app.report.tables import load_benchmarks

    files = tuple(arguments.claims)
    folder = make_directory("--out", arguments.out or REPORT_FOLDER)
    build(
        report, registry(files), folder, maps=maps, files=files,
        benchmarks=load_benchmarks(
            arguments.benchmarks or BENCHMARK_FOLDER, strict=arguments.benchmarks is not None
        ),
        workers=drawing_workers(report, arguments.workers),
    )  # fmt: skip
    return folder / "index.html"


def drawing_workers(report: dict[str, Any], wanted: int | None) -> int:
    """Processes that draw a report: starting one costs as much as the figures of a few claims."""
    return min(wanted or default_workers(), 1 + len(report["claims"]) // 8)


def new_claim_command(arguments: argparse.Namespace) -> int:
    """Write a commented template of a claim that runs as it stands."""
    text = claim_template(arguments.name)
    file = Path(arguments.out) / (
        arguments.name.rsplit("/", 1)[-1].replace("-", "_").replace(".", "_") + ".py"
    )
    if file.exists():
        raise UsageError(f"{file} exists already; choose another --out or another name")
    make_directory("--out", arguments.out)
    write_text("--out", file, text)
    print(f"{file}\nrun it: adageo --claims {file} verify '{arguments.name}'")
    return OK
