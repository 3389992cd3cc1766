"""The command ``adageo``: parse, dispatch, and turn errors into one line and an exit status.

Exit status: 0 every claim ends as expected; 1 one does not; 2 wrong usage; 3 the environment
lacks something that was asked for; 130 interrupted, results kept; 141 whoever read the output
went away (as after ``| head``).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NoReturn

from simulations.app.benching import add_bench_arguments
from simulations.app.interrupts import farewell, watched
from simulations.app.mapping import add_map_arguments
from simulations.app.place_arguments import add_cluster_arguments
from simulations.app.terminal import is_of_output, one_line, prepare_streams, silence_broken_streams
from theory.core.errors import AdageoError, ClaimError, UnknownClaimError

OK, NOT_AS_EXPECTED, USAGE, LACKING, INTERRUPTED = 0, 1, 2, 3, 130
UNREAD = 141
# More processes, or trials a grid point, are a slip of the keyboard rather than a wish.
MOST_WORKERS, MOST_TRIALS = 1024, 10**10
BUDGETS = ("quick", "standard", "deep")
BACKENDS = ("numpy", "cupy", "auto")
BACKEND_FORM = "{numpy,cupy,cupy:N,auto}"
# Commands that need not import the others.
_MODULES = {
    "list": "simulations.app.listing",
    "cluster-check": "simulations.app.executing",
    "export": "simulations.app.exporting",
    "store": "simulations.app.store_command",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    prepare_streams()
    arguments = argparse.Namespace()
    with watched() as watch:
        try:
            status = _run(words, arguments)
            watch.require_none()
            return status
        except (Exception, KeyboardInterrupt) as error:
            if watch.seen or isinstance(error, KeyboardInterrupt):
                return _tell(farewell(arguments, words), INTERRUPTED)
            if isinstance(error, OSError) and is_of_output(error):
                silence_broken_streams()
                if isinstance(error, BrokenPipeError):
                    return UNREAD
                return _tell(f"cannot write the output ({error.strerror})", LACKING)
            if getattr(arguments, "debug", False):
                raise
            return _explain(error)


def _run(words: Sequence[str], arguments: argparse.Namespace) -> int:
    try:
        build_parser().parse_args(words, arguments)
    except SystemExit:
        sys.stdout.flush()
        raise
    if arguments.log is not None:
        from simulations.app.logs import run_logged

        status = run_logged(arguments, words)
    else:
        status = arguments.run(arguments)
    sys.stdout.flush()
    return status


def _explain(error: Exception) -> int:
    line = one_line(str(error))
    if isinstance(error, AdageoError):
        wrong = isinstance(error, ClaimError | UnknownClaimError | UsageError)
        return _tell(line, USAGE if wrong else LACKING)
    return _tell(f"unexpected {type(error).__name__}: {line} (--debug shows where)", LACKING)


def _tell(line: str, status: int) -> int:
    try:
        print(f"adageo: {line}", file=sys.stderr, flush=True)
    except OSError:
        silence_broken_streams()
    return status


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read more."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


class UsageError(AdageoError):
    """An argument has a value that makes no sense; the text names it and the allowed range."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = _Parser(add_help=False)
    _add_common(common, argparse.SUPPRESS)
    parser = _Parser(
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
    log_default = None if default is None else default
    store_default = ".adageo" if default is None else default
    parser.add_argument("--claims", action="append", metavar="FILE", default=claims_default,
                        type=path_name,
                        help="a Python file with claims of your own; may be repeated")  # fmt: skip
    parser.add_argument("--store", metavar="DIR", default=store_default, type=path_name,
                        help="where results are kept (default: .adageo)")  # fmt: skip
    parser.add_argument("--log", metavar="FILE", default=log_default, type=path_name,
                        help="append what is done, with times and tracebacks")  # fmt: skip
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
    falsify.add_argument("--seed", type=natural, default=0, metavar="N")
    mutants = command("mutants", "List every mutant, which check refuted it, at which cost.")
    mutants.add_argument("pattern", nargs="*", help="shell patterns of claim ids")
    mutants.add_argument("--json", action="store_true", help="print JSON")
    _run_options(mutants)
    check = command("cluster-check", "Show the workers of a Dask cluster, and whether they fit.")
    add_cluster_arguments(check, required=True)
    export = command("export", "Write the measured rows of the store as one table.")
    export.add_argument("pattern", nargs="*", help="shell patterns of claim ids")
    export.add_argument("--format", choices=("csv", "json", "npz", "parquet"),
                        help="default: the suffix of --out")  # fmt: skip
    export.add_argument("--out", metavar="FILE", required=True, type=path_name)
    keep = command("store", "Remove what the store has of former versions of the claims.")
    keep.add_argument(
        "action", choices=("prune",),
        help="a claim's results belong to its sources, the --claims files that add checks to it "
        "and the versions of the libraries: prune with those of the runs to keep",
    )  # fmt: skip
    command("doctor", "Report backend, GPU, versions, threads and the health of the store.")


def _running(command: Adder) -> None:
    verify = command("verify", "Check claims and their mutants, and reach verdicts.")
    verify.add_argument("pattern", nargs="*", help="shell patterns of claim ids; all without one")
    _run_options(verify)
    verify.add_argument("--fresh", action="store_true", help="ignore what the store has")
    verify.add_argument("--json", metavar="FILE", type=path_name, help="write the result as JSON")
    verify.add_argument("--report", metavar="DIR", type=path_name, help="write the static site")
    verify.add_argument("--profile", action="store_true",
                        help="print where the processor seconds went")  # fmt: skip
    simulate = command("simulate", "Measure a claim on a grid of your own.")
    simulate.add_argument("claim")
    simulate.add_argument("--set", action="append", default=[], metavar="NAME=V1,V2,...",
                          help="grid of one parameter; may be repeated")  # fmt: skip
    simulate.add_argument("--trials", type=trial_count, metavar="N", help="trials a grid point")
    simulate.add_argument("--seed", type=natural, default=0, metavar="N")
    simulate.add_argument("--backend", type=backend_name, default="numpy", metavar=BACKEND_FORM)
    simulate.add_argument("--workers", type=worker_count, metavar="N",
                          help="processes (default: 1)")  # fmt: skip
    add_cluster_arguments(simulate)
    simulate.add_argument("--out", metavar="FILE", type=path_name,
                          help="write the rows as .csv, .json, .npz or .parquet")  # fmt: skip
    add_map_arguments(command("map", "Show where a claim holds and where it breaks."))
    add_bench_arguments(command("bench", "Run benchmark cases against their peers."))


def _drawing(command: Adder) -> None:
    figure = command("figure", "Draw the figure of a claim, or of all, from the stored results.")
    figure.add_argument("claim", help="a claim id, a shell pattern, or 'all'")
    figure.add_argument("--out", default="figures", metavar="DIR", type=path_name)
    figure.add_argument("--format", default="svg", metavar="svg,png,pdf")
    report = command("report", "Write the static site from the stored results.")
    report.add_argument("pattern", nargs="*", help="shell patterns of claim ids; all without one")
    report.add_argument("--out", metavar="DIR", type=path_name,
                        help="where the site goes (default: report)")  # fmt: skip
    report.add_argument("--latex", metavar="FILE", type=path_name,
                        help="write a LaTeX table of the claims; no site "
                        "then, unless --out is given")  # fmt: skip
    report.add_argument("--benchmarks", metavar="DIR", type=path_name,
                        help="where `adageo bench` wrote its results "
                        "(default: benchmarks/results, if there)")  # fmt: skip
    report.add_argument("--workers", type=worker_count, metavar="N",
                        help="processes that draw (default: the usable processors)")  # fmt: skip
    new = command("new-claim", "Write a commented claim of your own that runs as it stands.")
    new.add_argument("name", help="claim id, for instance my-paper/lemma-1")
    new.add_argument("--out", default=".", metavar="DIR", type=path_name)


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--budget", choices=BUDGETS, default="quick")
    parser.add_argument("--seed", type=natural, default=0, metavar="N")
    parser.add_argument("--backend", type=backend_name, default="numpy", metavar=BACKEND_FORM)
    parser.add_argument("--workers", type=worker_count, metavar="N",
                        help="processes (default: the usable processors)")  # fmt: skip
    add_cluster_arguments(parser)


def _lazy(name: str) -> Callable[[argparse.Namespace], int]:
    """Import a command only when it runs: --help answers at once, and a listing soon."""

    def run(arguments: argparse.Namespace) -> int:
        module = importlib.import_module(_MODULES.get(name, "simulations.app.commands"))
        status: int = getattr(module, name.replace("-", "_") + "_command")(arguments)
        return status

    return run


def backend_name(text: str) -> str:
    """A backend as the command line takes it: one of ``BACKENDS``, or CuPy with a device."""
    name, colon, number = text.partition(":")
    if name not in BACKENDS or (colon and not (name == "cupy" and number.isdecimal())):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no backend; it must be one of {', '.join(BACKENDS)}, or cupy:N with "
            "the number N of a device"
        )
    return text


def path_name(text: str) -> str:
    """A path as the command line takes it: any text but the empty one."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; it must be a path")
    return text


def worker_count(text: str) -> int:
    """A number of processes."""
    return _positive(text, MOST_WORKERS)


def trial_count(text: str) -> int:
    """A number of trials a grid point."""
    return _positive(text, MOST_TRIALS)


def natural(text: str) -> int:
    """An integer that is not negative."""
    value = _integer(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative; it must be an integer >= 0")
    return value


def _positive(text: str, most: int | None = None) -> int:
    value = _integer(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive; it must be an integer >= 1")
    if most is not None and value > most:
        raise argparse.ArgumentTypeError(f"{text} is too many; it must be in 1..{most}")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer") from None


if __name__ == "__main__":
    sys.exit(main())
