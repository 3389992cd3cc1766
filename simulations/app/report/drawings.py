"""Figures for the pages: drawn in this process or in several, small, and readable on dark paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulations.engine.execution import execute
from simulations.engine.figures import FigureError, Results, data_table, draw_all, draw_fits, svg
from theory.core import Entry, Evidence, Registry

Row = Mapping[str, Any]

# Colours that the style sheet replaces on dark paper; a heat map keeps the colours it has.
_THEMED = re.compile(
    "(?i)#(?:000000|1a1a1a|6b6b6b|e3e3e3|ffffff|0072b2|d55e00|009e73|e69f00|56b4e9|cc79a7)"
)
_PATH = re.compile(r'(?:\bd="[^"]*")|(?:\btranslate\([^)]*\))')
_LONG = re.compile(r"(\.\d{2})\d+")
_PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True)
class Drawing:
    """One figure: a name that is unique on its page, a caption, and the ``svg`` element."""

    name: str
    caption: str
    svg: str

    @property
    def themed(self) -> str:
        """The element with colours that follow the page between light and dark."""
        return _THEMED.sub(lambda found: f"var(--c{found[0][1:].lower()}, {found[0]})", self.svg)

    @property
    def has_pixels(self) -> bool:
        """Whether the figure is a heat map, whose colours carry numbers."""
        return "<image " in self.svg

    @property
    def file(self) -> str:
        """The figure as a file of its own."""
        return f"{_PROLOGUE}{self.svg}\n"


@dataclass(frozen=True)
class Drawings:
    """The figures of a claim, and those of its scaling fits by check; or why there are none."""

    figures: tuple[Drawing, ...] = ()
    fits: Mapping[str, Drawing] = field(default_factory=dict)
    reason: str = ""


def compact(text: str) -> str:
    """Round the coordinates of an SVG to a hundredth of a point; factors of scale stay exact.

    >>> compact('<path d="M 1.23456 0 "/><g transform="translate(0.125 2) scale(0.015625)"/>')
    '<path d="M 1.23 0 "/><g transform="translate(0.12 2) scale(0.015625)"/>'
    """
    return _PATH.sub(lambda found: _LONG.sub(r"\1", found[0]).replace("\n", " "), text)


def drawing(made: Any, name: str) -> Drawing:
    """The figure as an element; its caption is the first line of its text alternative."""
    caption = str(made.get_label()).partition("\n")[0]
    return Drawing(name, caption, compact(svg(made, f"figure-{name}")))


def draw_claim(entry: Entry, evidence: Sequence[Row]) -> Drawings:
    """Every figure of one claim; a figure that cannot be drawn is a reason, not an error."""
    pieces = [Evidence.from_json(piece) for piece in evidence]
    try:
        figures = draw_all(entry, pieces)
        fits = draw_fits(entry, pieces)
    except FigureError as error:
        return Drawings(reason=str(error))
    # A claim without a figure of its own has its fits among the default figures.
    figures = {name: made for name, made in figures.items() if not (fits and name == "scaling")}
    return Drawings(
        tuple(drawing(made, name) for name, made in figures.items()),
        {name: drawing(made, f"fit-{name}") for name, made in fits.items()},
    )


def draw_claims(
    results: Sequence[Row], registry: Registry, *, workers: int = 1, files: tuple[str, ...] = ()
) -> dict[str, Drawings]:
    """The figures of every claim of a report.

    Parameters
    ----------
    results : sequence of mapping
        The claims of ``verify --json``.
    registry : Registry
    workers : int
        Processes. With more than one, each discovers the claims of the suite and of `files` anew,
        so that `registry` must be what they find.
    files : tuple of str
        What ``--claims`` named.

    Raises
    ------
    TaskError
        If a figure fails otherwise than with a FigureError, or a worker dies.
    """
    if workers == 1:
        return {row["id"]: draw_claim(registry[row["id"]], row["evidence"]) for row in results}
    # The longest first, so that no worker is left alone with it at the end.
    ordered = sorted(results, key=lambda row: -len(str(row["evidence"])))
    tasks = [(files, row["id"], row["evidence"]) for row in ordered]
    return {ordered[k]["id"]: drawn for k, drawn in execute(draw_task, tasks, workers=workers)}


def draw_task(task: tuple[tuple[str, ...], str, Sequence[Row]]) -> Drawings:
    """What a worker does: the figures of one claim, from its files, id and evidence."""
    from simulations.app.work import registry

    files, claim_id, evidence = task
    return draw_claim(registry(files)[claim_id], evidence)


def claim_data(entry: Entry, evidence: Sequence[Row]) -> str:
    """The numbers behind the figures of a claim, as CSV."""
    pieces = tuple(Evidence.from_json(piece) for piece in evidence)
    return csv_text(data_table(Results(entry.claim, pieces)))


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as CSV; a column that some rows lack is empty there."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
