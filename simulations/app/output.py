"""Tables and lines for the terminal."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

_STYLES = {
    "proved": "bold green", "supported": "green", "refuted": "bold red",
    "inconclusive": "yellow", "error": "bold magenta",
}  # fmt: skip
_WIDTH_OF_PIPES = 120


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table; verdicts are coloured unless NO_COLOR is set or the output is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    class Honest(Console):
        """Lets the command say what a lost reader means; Rich would end with status 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else _WIDTH_OF_PIPES
    table: Table = Table(title=title or None, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        # Ids are to be copied: they keep their line where the terminal is wide enough.
        table.add_column(column, overflow="fold", no_wrap=index == 0 and width >= _WIDTH_OF_PIPES)
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Honest(width=max(40, width), highlight=False).print(table)


def claims_table(claims: Sequence[Mapping[str, Any]]) -> None:
    """Print the verdict table of a run."""
    rows = [
        (
            claim["id"],
            claim["verdict"],
            "yes" if claim["as_expected"] else "NO",
            _evidence_words(claim["evidence"]),
            f"{claim['mutants']['refuted']}/{claim['mutants']['total']}",
            f"{claim['seconds']:.1f}",
        )
        for claim in claims
    ]
    print_table(["claim", "verdict", "expected", "evidence", "mutants", "s"], rows)


def summary_lines(report: Mapping[str, Any], files: Sequence[str] = ()) -> list[str]:
    """Return the closing lines of a run: counts, then one line for each claim that failed.

    `files` are those of ``--claims``, so that the lines can be pasted as they are.
    """
    s, run = report["summary"], report["manifest"]
    counts = (
        f"{s['as_expected']} of {s['claims']} claims as expected, "
        f"{s['mutants_refuted']} of {s['mutants']} mutants refuted, "
        f"{s['cited_steps']} cited steps"
    )
    lines = [counts]
    lines += [f"LEFT OUT {c['id']}: it needs {c['needs']}" for c in report.get("left_out", [])]
    again = f"--budget {run['budget']} --seed {run['seed']} --backend {run['backend']}"
    command = shlex.join(["adageo", *(word for file in files for word in ("--claims", file))])
    for claim in report["claims"]:
        if not claim["as_expected"]:
            lines.append(
                f"NOT AS EXPECTED {claim['id']}: {claim['verdict']}, expected: "
                f"{claim['expected']}. {_reason(claim)} Reproduce: "
                f"{command} verify '{claim['id']}' {again}"
            )
        for mutant in claim["mutants"]["list"]:
            if not mutant["refuted"]:
                lines.append(
                    f"MUTANT SURVIVES {claim['id']} [{mutant['name']}]: {mutant['detail']}. "
                    f"Reproduce: {command} mutants '{claim['id']}' {again}"
                )
    return lines


def _evidence_words(pieces: Sequence[Mapping[str, Any]]) -> str:
    """Kinds of evidence with counts, cited steps, and the verdicts that settle nothing."""
    words = []
    for (kind, verdict), count in Counter((p["kind"], p["verdict"]) for p in pieces).items():
        same = [p for p in pieces if (p["kind"], p["verdict"]) == (kind, verdict)]
        cited = sum(len(piece.get("cited", [])) for piece in same)
        words.append(
            kind
            + (f" x{count}" if count > 1 else "")
            + (f" ({cited} cited)" if cited else "")
            + (f" {verdict.upper()}" if verdict in ("error", "inconclusive") else "")
        )
    return ", ".join(words)


def _reason(claim: Mapping[str, Any]) -> str:
    pieces = claim["evidence"]
    bad = [p for p in pieces if p["verdict"] in ("refuted", "error", "inconclusive")
           or (p["kind"] == "proof" and p["verdict"] != "proved")]  # fmt: skip
    return " ".join(f"[{p['check']}] {p['summary']}." for p in bad or pieces)
