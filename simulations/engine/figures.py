"""Figures of claims: drawn from stored evidence, reproducible byte by byte, no global state."""

from __future__ import annotations

import html
import inspect
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from simulations.engine.figure_data import FigureError, Results, data_table
from theory.core import Check, Claim, Entry, EnvironmentLacksError, Evidence, check_decorator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS", "PALETTE", "WIDTH", "FigureError", "Results", "data_table", "draw", "draw_all",
    "draw_fits", "figure", "save", "style", "svg",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("svg", "png", "pdf")
WIDTH = 5.6  # inches; with 10-point type the text is 16 px high at a width of 640 px

# Okabe and Ito's palette, told apart with every common colour-vision deficiency.
PALETTE = {
    "blue": "#0072B2", "orange": "#E69F00", "vermilion": "#D55E00", "green": "#009E73",
    "sky": "#56B4E9", "purple": "#CC79A7", "black": "#1A1A1A", "grey": "#6B6B6B",
}  # fmt: skip

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALETTE["grey"],
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def figure(claim: Claim) -> Callable[[F], F]:
    """Register a figure of `claim`: a function of an empty Figure and of the claim's Results.

    It draws from ``results.rows(...)`` and recomputes nothing; `style` is in force. The first line
    of its docstring is the caption and the title for those who cannot see the figure.

    Raises
    ------
    ClaimError
        If `claim` is not a Claim, or has a check of that name already.
    """
    return check_decorator("figure", claim)


@contextmanager
def style(**changes: Any) -> Iterator[None]:
    """The suite's matplotlib settings, whatever the user's own; restored on leaving."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = {**_STYLE, **changes}
        matplotlib.rcParams.update(settings)
        yield


def draw(entry: Entry, evidence: Sequence[Evidence]) -> Figure:
    """The first of `draw_all`: the claim's own figure, or the default of its evidence."""
    return next(iter(draw_all(entry, evidence).values()))


def draw_all(entry: Entry, evidence: Sequence[Evidence]) -> dict[str, Figure]:
    """Every figure of a claim by name: those registered for it, else one default for each kind.

    Parameters
    ----------
    entry : Entry
    evidence : sequence of Evidence
        As stored; the order does not matter.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        At least one. A figure's label is its text alternative; its first line is a title.

    Raises
    ------
    FigureError
        If there is no evidence to draw, or a registered figure fails.
    """
    if not evidence:
        raise FigureError(f"{entry.claim.id}: no evidence to draw; run "
                          f"adageo verify '{entry.claim.id}' first")  # fmt: skip
    results = Results(entry.claim, tuple(evidence))
    registered = entry.of_kind("figure")
    if registered:
        return {check.name: _registered(check, results) for check in registered}
    from simulations.engine.figure_defaults import defaults

    drawn = {}
    for name, title, drawing in defaults(results):
        drawn[name] = _drawn(drawing, results, title)
    return drawn


def draw_fits(entry: Entry, evidence: Sequence[Evidence]) -> dict[str, Figure]:
    """Points, fitted line and residuals of each scaling fit that has rows, by name of the check."""
    from simulations.engine.figure_defaults import power_law

    return {
        piece.check: _drawn(
            power_law, Results(entry.claim, (piece,)), f"Fit of {piece.check} with its residuals"
        )
        for piece in evidence
        if piece.kind == "scaling" and piece.data.get("rows")
    }


def save(figure: Figure, path: str | Path, formats: Sequence[str] = ()) -> list[Path]:
    """Write a figure; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    path : path
        With `formats`, each is appended as a suffix (``path.svg``); without, the path's own
        suffix says the format.
    formats : sequence of str
        Among ``svg``, ``png``, ``pdf``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FigureError
        If a format is unknown.
    EnvironmentLacksError
        If a file cannot be written.
    """
    target = Path(path)
    files = [Path(f"{target}.{name}") for name in formats] or [target]
    for file in files:
        name = file.suffix.removeprefix(".")
        if name not in FORMATS:
            raise FigureError(f"figure {file}: format {name!r}; it must be {', '.join(FORMATS)}")
        content = _rendered(figure, name)
        try:
            file.write_bytes(content)
        except OSError as error:
            raise EnvironmentLacksError(f"{file}: cannot write ({error.strerror})") from error
    return files


def svg(figure: Figure, prefix: str) -> str:
    """An ``svg`` element for a page: identifiers start with `prefix`, alternative text inside."""
    text = _plain_svg(figure)
    safe = re.sub(r"[^A-Za-z0-9]+", "-", prefix)
    text = re.sub(r'(\sid=")', rf"\g<1>{safe}-", text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{safe}-", text)
    title, _, description = str(figure.get_label()).partition("\n")
    names = f"{safe}-title {safe}-desc"
    alternative = (
        f'<title id="{safe}-title">{html.escape(title)}</title>'
        f'<desc id="{safe}-desc">{html.escape(description)}</desc>'
    )
    return re.sub(
        r"<svg\b([^>]*)>",
        lambda found: f'<svg{found[1]} role="img" aria-labelledby="{names}">{alternative}',
        text,
        count=1,
    )


def _registered(check: Check, results: Results) -> Figure:
    try:
        return _drawn(check.function, results, _caption(check))
    except FigureError:
        raise
    except Exception as error:
        raise FigureError(f"{results.claim.id}: figure {check.name!r} failed: "
                          f"{type(error).__name__}: {error}") from error  # fmt: skip


def _drawn(drawing: Callable[[Figure, Results], None], results: Results, title: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        made = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        FigureCanvasAgg(made)
        drawing(made, results)
        findings = " ".join(f"{piece.kind}: {piece.summary}" for piece in results.evidence)
        made.set_label(f"{title}\n{results.claim.id}. {findings}")
    return made


def _caption(check: Check) -> str:
    """The first line of the function's docstring, or its name in words."""
    lines = (inspect.getdoc(check.function) or check.name.replace("_", " ")).splitlines()
    return lines[0].rstrip(".")


def _rendered(figure: Figure, name: str) -> bytes:
    if name == "svg":
        return ('<?xml version="1.0" encoding="utf-8"?>\n' + svg(figure, "figure")).encode()
    return _bytes(figure, name)


def _bytes(figure: Figure, name: str) -> bytes:
    buffer = io.BytesIO()
    with style(**{"svg.hashsalt": str(figure.get_label())}):
        figure.savefig(buffer, format=name, dpi=200, metadata=_METADATA[name])
    return buffer.getvalue()


def _plain_svg(figure: Figure) -> str:
    text = _bytes(figure, "svg").decode()
    text = text[text.index("<svg") :]
    for unwanted in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style\b.*?</style>"):
        text = re.sub(rf"\s*{unwanted}", "", text, flags=re.DOTALL)
    # What the removed style sheet said; inside a page it would have held for the whole page.
    return text.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
