"""The command ``adageo``: parse, dispatch, and turn errors into one line and an exit status.

Exit status: 0 every claim ends as expected; 1 one does not; 2 wrong usage; 3 the environment
lacks something that was asked for; 130 interrupted, results kept.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from simulations.app.benching import add_bench_arguments
from simulations.app.mapping import add_map_arguments
from theory.core.errors import AdageoError, ClaimError, UnknownClaimError

OK, NOT_AS_EXPECTED, USAGE, LACKING, INTERRUPTED = 0, 1, 2, 3, 130
BUDGETS = ("quick", "standard", "deep")
BACKENDS = ("numpy", "cupy", "auto")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("interrupted; finished work is kept in the store", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; silence the interpreter's own flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except AdageoError as error:
        if arguments.debug:
            raise
        print(f"adageo: {error}", file=sys.stderr)
        return USAGE if isinstance(error, ClaimError | UnknownClaimError | UsageError) else LACKING
    except Exception as error:
        if arguments.debug:
            raise
        line = " ".join(str(error).split())
        print(f"adageo: unexpected {type(error).__name__}: {line} (--debug shows where)",
              file=sys.stderr)  # fmt: skip
        return LACKING


class UsageError(AdageoError):
    """An argument has a value that makes no sense; the text names it and the allowed range."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = argparse.ArgumentParser(add_help=False)
    _add_common(common, argparse.SUPPRESS)
    parser = argparse.ArgumentParser(
        prog="adageo", description="The theory of adaptive optimisation, put to the test."
    )
    _add_common(parser, None)
    parser.add_argument("--version", action="version", version=f"adageo {version('adageo')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, parents=[common])
        sub.set_defaults(run=_lazy(name))
        return sub

    _inspecting(command)
    _running(command)
    _drawing(command)
    return parser


def _add_common(parser: argparse.ArgumentParser, default: object) -> None:
    claims_default = [] if default is None else default
    debug_default = False if default is None else default
    store_default = ".adageo" if default is None else default
    parser.add_argument("--claims", action="append", metavar="FILE", default=claims_default,
                        help="a Python file with claims of your own; may be repeated")  # fmt: skip
    parser.add_argument("--store", metavar="DIR", default=store_default,
                        help="where results are kept (default: .adageo)")  # fmt: skip
    parser.add_argument("--debug", action="store_true", default=debug_default,
                        help="show the traceback of an error")  # fmt: skip


Adder = Callable[[str, str], argparse.ArgumentParser]


def _inspecting(command: Adder) -> None:
    listing = command("list", "List claims with source, evidence and last verdict.")
    listing.add_argument("pattern", nargs="*", help="shell patterns of claim ids")
    listing.add_argument("--json", action="store_true", help="print JSON")
    show = command("show", "Show a claim: statement, source, scope, notes, last evidence.")
    show.add_argument("claim")
    prove = command("prove", "Print the proof transcript of a claim, step by step.")
    prove.add_argument("claim")
    falsify = command("falsify", "Search for a counterexample of a claim or of a mutant.")
    falsify.add_argument("claim")
    falsify.add_argument("--mutant", metavar="NAME", help="search against this false variant")
    falsify.add_argument("--examples", type=_positive, metavar="N")
    falsify.add_argument("--seed", type=_natural, default=0, metavar="N")
    mutants = command("mutants", "List every mutant, which check refuted it, at which cost.")
    mutants.add_argument("pattern", nargs="*", help="shell patterns of claim ids")
    mutants.add_argument("--json", action="store_true", help="print JSON")
    _run_options(mutants)
    command("doctor", "Report backend, GPU, versions, threads and the health of the store.")


def _running(command: Adder) -> None:
    verify = command("verify", "Check claims and their mutants, and reach verdicts.")
    verify.add_argument("pattern", nargs="*", help="shell patterns of claim ids; all without one")
    _run_options(verify)
    verify.add_argument("--fresh", action="store_true", help="ignore what the store has")
    verify.add_argument("--json", metavar="FILE", help="write the result as JSON")
    verify.add_argument("--report", metavar="DIR", help="write the static site")
    simulate = command("simulate", "Measure a claim on a grid of your own.")
    simulate.add_argument("claim")
    simulate.add_argument("--set", action="append", default=[], metavar="NAME=V1,V2,...",
                          help="grid of one parameter; may be repeated")  # fmt: skip
    simulate.add_argument("--trials", type=_positive, metavar="N", help="trials a grid point")
    simulate.add_argument("--seed", type=_natural, default=0, metavar="N")
    simulate.add_argument("--backend", choices=BACKENDS, default="numpy")
    simulate.add_argument("--out", metavar="FILE", help="write the rows as .csv, .json or .npz")
    add_map_arguments(command("map", "Show where a claim holds and where it breaks."))
    add_bench_arguments(command("bench", "Run benchmark cases against their peers."))


def _drawing(command: Adder) -> None:
    figure = command("figure", "Draw the figure of a claim, or of all, from the stored results.")
    figure.add_argument("claim", help="a claim id, a shell pattern, or 'all'")
    figure.add_argument("--out", default="figures", metavar="DIR")
    figure.add_argument("--format", default="svg", metavar="svg,png,pdf")
    report = command("report", "Write the static site from the stored results.")
    report.add_argument("--out", default="report", metavar="DIR")
    new = command("new-claim", "Write a commented claim of your own that runs as it stands.")
    new.add_argument("name", help="claim id, for instance my-paper/lemma-1")
    new.add_argument("--out", default=".", metavar="DIR")


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--budget", choices=BUDGETS, default="quick")
    parser.add_argument("--seed", type=_natural, default=0, metavar="N")
    parser.add_argument("--backend", choices=BACKENDS, default="numpy")
    parser.add_argument("--workers", type=_positive, metavar="N",
                        help="processes (default: the usable processors)")  # fmt: skip


def _lazy(name: str) -> Callable[[argparse.Namespace], int]:
    """Import the commands only when one runs, so that --help answers at once."""

    def run(arguments: argparse.Namespace) -> int:
        from simulations.app import commands

        status: int = getattr(commands, name.replace("-", "_") + "_command")(arguments)
        return status

    return run


def _natural(text: str) -> int:
    value = _integer(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative; it must be an integer >= 0")
    return value


def _positive(text: str) -> int:
    value = _integer(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive; it must be an integer >= 1")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer") from None


if __name__ == "__main__":
    sys.exit(main())
