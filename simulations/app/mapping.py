"""``adageo map``: where a claim holds and where it breaks."""

from __future__ import annotations

import argparse


def add_map_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``adageo map``."""
    from simulations.app.cli import (
        BACKEND_FORM,
        backend_name,
        natural,
        path_name,
        trial_count,
        worker_count,
    )
    from simulations.app.place_arguments import add_cluster_arguments

    parser.add_argument("claim", help="a claim with a Monte Carlo measurement")
    for name in ("--x", "--y"):
        text = f"parameter of the {name[2:]} axis and its N values from A to B"
        parser.add_argument(name, required=True, metavar="NAME=A:B:N[:log]", help=text)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="hold another parameter at this value; may be repeated")  # fmt: skip
    parser.add_argument("--refine", type=_stage_count, default=0, metavar="N",
                        help="cut the cells at the border of what is refuted in four, N times"
                        )  # fmt: skip
    parser.add_argument("--trials", type=trial_count, metavar="N", help="trials a cell")
    parser.add_argument("--seed", type=natural, default=0, metavar="N")
    parser.add_argument("--backend", type=backend_name, default="numpy", metavar=BACKEND_FORM)
    parser.add_argument("--workers", type=worker_count, metavar="N",
                        help="processes (default: the usable processors)")  # fmt: skip
    add_cluster_arguments(parser)
    parser.add_argument("--out", default="maps", metavar="DIR", type=path_name,
                        help="where table and figure are written (default: maps)")  # fmt: skip


def _stage_count(text: str) -> int:
    """A number of stages of a refinement."""
    from simulations.app.cli import natural
    from simulations.engine.map_refinement import LARGEST_STAGES

    count = natural(text)
    if count > LARGEST_STAGES:
        raise argparse.ArgumentTypeError(f"{text} is too many; it must be in 0..{LARGEST_STAGES}")
    return count


def map_command(arguments: argparse.Namespace) -> int:
    """Measure every cell, write table and figure, and print the verdicts as a grid."""
    from simulations.app.map_run import run_map

    return run_map(arguments)
