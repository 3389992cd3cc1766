"""``adageo figure``, ``adageo report`` and ``adageo new-claim``."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulations.app.cli import OK, UsageError
from simulations.app.files import make_directory, write_text
from simulations.app.results import existing, load_claim, stored_report
from simulations.app.template import claim_template
from simulations.app.work import registry
from theory.core import Evidence
from theory.core.errors import EnvironmentLacksError

FIGURE_FORMATS = ("svg", "png", "pdf")


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
    drawn = 0
    with existing(arguments.store) as store:
        for entry in entries:
            last = load_claim(store, entry.claim.id)
            if last is None:
                print(f"{entry.claim.id}: no stored results; run adageo verify '{entry.claim.id}'")
                continue
            evidence = [Evidence.from_json(piece) for piece in last["claim"]["evidence"]]
            path = folder / entry.claim.id.replace("/", "_")
            save(draw(entry, evidence), path, formats)
            print("\n".join(str(path) + "." + name for name in formats))
            drawn += 1
    if not drawn:
        raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
    return OK


def report_command(arguments: argparse.Namespace) -> int:
    """Write the static site from the last result of every claim."""
    from simulations.app.report import build

    claims = registry(tuple(arguments.claims))
    folder = make_directory("--out", arguments.out)
    with existing(arguments.store) as store:
        if store is None:
            raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
        report = stored_report(store, claims.select())
    build(report, claims, folder)
    print(folder / "index.html")
    return OK


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
