"""The figure of a map: deviation by colour, verdict by hatching and outline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from simulations.engine.backend import FloatArray
from simulations.engine.figures import PALETTE, WIDTH, style
from simulations.engine.map_refinement import fine_edges
from simulations.engine.maps import ERROR, Axis, all_rows, counts, places, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

_FILLS: dict[str, dict[str, Any]] = {
    "inconclusive": {"facecolor": "none", "edgecolor": PALETTE["grey"], "hatch": "////"},
    ERROR: {"facecolor": "#D8D8D8", "edgecolor": PALETTE["grey"], "hatch": "xxxx"},
}
_SIDES = {"both": "", "upper": "claimed: at most", "lower": "claimed: at least"}
_OUTLINE: dict[str, Any] = {"color": PALETTE["black"], "lw": 2.2, "solid_capstyle": "projecting"}
# Beyond this ratio of the largest deviation to the resolution a linear scale hides the small ones.
_LINEAR_UP_TO = 20.0
# Numbers are written into the cells of maps with at most this many columns and rows.
_READABLE_COLUMNS, _READABLE_ROWS = 7, 10
# Labels closer than this share of the axis would touch.
_LABEL_GAP = {"x": 0.13, "y": 0.06}


def figure_of(found: Mapping[str, Any]) -> Figure:
    """The figure of a stored map: what ``adageo map`` writes as JSON and keeps in the store."""
    note = ", ".join(f"{name} = {value_text(value)}" for name, value in found["others"].items())
    axes = (Axis(**found["x"]), Axis(**found["y"]))
    title = f"{found['claim']} [{found['check']}]"
    if "refinement" not in found:
        return draw_map(title, note, *axes, found["cells"])
    known = all_rows(found)
    shown = [known[k] for line in found["refinement"]["shown"] for k in line]
    return draw_map(title, note, *axes, shown, stage=found["refinement"]["stage"])


def draw_map(
    title: str, note: str, x: Axis, y: Axis, rows: Sequence[Row], *, stage: int = 0
) -> Figure:
    """Heat map of the relative deviations of the rows, in the order of `maps.cells`.

    After a refinement by `stage` every cell is cut that often along both axes, and the rows are
    those of the small cells.

    Colour is the deviation, on a scale symmetric about 0; hatched cells are inconclusive, grey
    crossed ones could not be measured, a thick line encloses what is refuted. Small maps have
    the deviation and the half-width of its interval written into each cell.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style(**{"axes.grid": False, "hatch.linewidth": 0.6}):
        made = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        FigureCanvasAgg(made)
        axes = made.add_subplot()
        bounds = fine_edges(x, stage), fine_edges(y, stage)
        shape = len(bounds[1]) - 1, len(bounds[0]) - 1
        colours = _colours(axes, bounds, shape, rows)
        made.colorbar(colours, ax=axes, label=_colour_label(rows), pad=0.02)
        _fill(axes, bounds, shape, rows)
        if shape[1] <= _READABLE_COLUMNS and shape[0] <= _READABLE_ROWS:
            _write_numbers(axes, colours, bounds, shape, rows)
        _outline_refuted(axes, bounds, shape, rows)
        axes.set(xlabel=x.name, ylabel=y.name, xlim=bounds[0][[0, -1]], ylim=bounds[1][[0, -1]])
        axes.set_xticks(*_ticks(x, bounds[0], "x"))
        axes.set_yticks(*_ticks(y, bounds[1], "y"))
        axes.set_title(title)
        note = "; ".join(filter(None, (note, _SIDES[rows[0]["side"]])))
        _legend(made, note, rows)
        found = ", ".join(f"{count} {name}" for name, count in counts(rows).items() if count)
        made.set_label(f"{title}: deviation over {x.name} and {y.name}\n{note}; cells: {found}")
    return made


def _ticks(axis: Axis, edges: FloatArray, which: str) -> tuple[list[float], list[str]]:
    """As many of the values as have room for a label, with the first among them."""
    gap = _LABEL_GAP[which] * (edges[-1] - edges[0])
    at: list[float] = []
    labels: list[str] = []
    for place, value in zip(places(axis).tolist(), axis.values, strict=True):
        if not at or place - at[-1] >= gap:
            at.append(place)
            # Two digits as in 1e+02 take more room than all three of 100.
            digits = "{:.0f}" if 10.0 <= abs(value) < 1e5 else "{:.2g}"
            labels.append(digits.format(value) if isinstance(value, float) else str(value))
    return at, labels


def _resolution(rows: Sequence[Row]) -> float:
    return float(min((row["resolution"] for row in rows if row["resolution"]), default=0.01))


def _limit(rows: Sequence[Row]) -> float:
    """End of the colour scale: noise alone (a typical half-width) must not look strong."""
    found = [row for row in rows if row["deviation"] is not None]
    halves = [(row["deviation_high"] - row["deviation_low"]) / 2.0 for row in found
              if None not in (row["deviation_low"], row["deviation_high"])]  # fmt: skip
    sizes = [abs(row["deviation"]) for row in found]
    typical = float(numpy.median(halves)) if halves else 0.0
    return float(max([typical, _resolution(rows), *sizes]))


def _colours(
    axes: Axes, edges: tuple[FloatArray, FloatArray], shape: tuple[int, int], rows: Sequence[Row]
) -> Any:
    from matplotlib.colors import Normalize, SymLogNorm

    values = [math.nan if row["deviation"] is None else row["deviation"] for row in rows]
    grid = numpy.ma.masked_invalid(numpy.reshape(values, shape))
    fine, limit = _resolution(rows), _limit(rows)
    norm = (SymLogNorm(fine, vmin=-limit, vmax=limit, base=10) if limit > _LINEAR_UP_TO * fine
            else Normalize(-limit, limit))  # fmt: skip
    return axes.pcolormesh(*edges, grid, cmap="RdBu_r", norm=norm)


def _colour_label(rows: Sequence[Row]) -> str:
    zero = [row["claimed"] == 0 for row in rows if row["claimed"] is not None]
    if zero and all(zero):
        return "estimate (claimed: 0)"
    return "(estimate \u2212 claimed) / |claimed|"


def _cells(
    edges: tuple[FloatArray, FloatArray], shape: tuple[int, int], rows: Sequence[Row]
) -> Iterator[tuple[Row, tuple[float, float], tuple[float, float]]]:
    """Each row with the lower left and the upper right corner of its cell."""
    for k, row in enumerate(rows):
        j, i = divmod(k, shape[1])
        yield row, (edges[0][i], edges[1][j]), (edges[0][i + 1], edges[1][j + 1])


def _fill(
    axes: Axes, edges: tuple[FloatArray, FloatArray], shape: tuple[int, int], rows: Sequence[Row]
) -> None:
    from matplotlib.patches import Rectangle

    for row, low, high in _cells(edges, shape, rows):
        if row["verdict"] in _FILLS:
            size = high[0] - low[0], high[1] - low[1]
            axes.add_patch(Rectangle(low, *size, lw=0.0, **_FILLS[row["verdict"]]))


def _write_numbers(
    axes: Axes,
    colours: Any,
    edges: tuple[FloatArray, FloatArray],
    shape: tuple[int, int],
    rows: Sequence[Row],
) -> None:
    for row, low, high in _cells(edges, shape, rows):
        if row["deviation"] is None:
            continue
        red, green, blue, _ = colours.cmap(colours.norm(row["deviation"]))
        # Relative luminance decides which text can be read; the box keeps hatching away from it.
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            (low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, _deviation(row),
            ha="center", va="center", fontsize=7.0, linespacing=1.05,
            color="white" if dark else PALETTE["black"],
            bbox={"facecolor": (red, green, blue), "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _deviation(row: Row) -> str:
    text, low, high = f"{row['deviation']:+.2g}", row["deviation_low"], row["deviation_high"]
    if low is None or high is None:
        return text
    return f"{text}\n\u00b1{(high - low) / 2.0:.1g}"


def _outline_refuted(
    axes: Axes, edges: tuple[FloatArray, FloatArray], shape: tuple[int, int], rows: Sequence[Row]
) -> None:
    """Draw the border between refuted cells and all others, the outside included."""
    inside = numpy.zeros((shape[0] + 2, shape[1] + 2), dtype=bool)
    inside[1:-1, 1:-1] = numpy.reshape([row["verdict"] == "refuted" for row in rows], shape)
    for j, i in numpy.argwhere(inside[:, 1:] != inside[:, :-1]):
        axes.plot([edges[0][i]] * 2, edges[1][j - 1 : j + 1], clip_on=False, **_OUTLINE)
    for j, i in numpy.argwhere(inside[1:] != inside[:-1]):
        axes.plot(edges[0][i - 1 : i + 1], [edges[1][j]] * 2, clip_on=False, **_OUTLINE)


def _legend(figure: Figure, note: str, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found = counts(rows)
    handles: list[Any] = []
    if found["refuted"]:
        handles.append(Line2D([], [], label="enclosed: refuted", **_OUTLINE))
    if found["supported"]:
        label = "plain: supported"
        handles.append(Patch(facecolor="white", edgecolor=PALETTE["grey"], lw=0.8, label=label))
    for verdict, label in (("inconclusive", "inconclusive"), (ERROR, "could not be measured")):
        if found[verdict]:
            handles.append(Patch(lw=0.0, label=label, **_FILLS[verdict]))
    columns = 2 if len(handles) > 2 else max(1, len(handles))
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=columns, title=note)
    legend.get_title().set_fontsize(8.5)
