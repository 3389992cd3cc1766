"""Default figures by kind of evidence: forest plot, Q-Q plot, ratio curve, power law, steps."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

from simulations.engine.figure_data import FigureError, Results, parameters, residual
from simulations.engine.figures import PALETTE, WIDTH
from simulations.engine.maps import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawing = Callable[["Figure", Results], None]
Row = Mapping[str, Any]

_LOOKS = {
    "supported": ("o", PALETTE["blue"]),
    "refuted": ("X", PALETTE["vermilion"]),
    "inconclusive": ("s", PALETTE["grey"]),
}
_STEP_MARKS = {
    "checked": ("\u2713", PALETTE["green"]),
    "failed": ("\u2717", PALETTE["vermilion"]),
    "cited": ("\u2197", PALETTE["blue"]),
}
_COLOURS = ("blue", "orange", "green", "purple", "sky")
_LINE = 0.2  # inches between lines of the step list
_COLUMNS = 74


def defaults(results: Results) -> list[tuple[str, str, Drawing]]:
    """Name, title and drawing of each default figure that the evidence has data for.

    The list of steps is drawn only where there is nothing else to draw.

    Raises
    ------
    FigureError
        If no piece of evidence has anything to draw.
    """
    found: list[tuple[str, str, Drawing]] = []
    for piece in results.of_kind("monte-carlo"):
        if any(_finite(row.get("estimate")) for row in results.rows(piece.check)):
            title = f"Estimates of {piece.check} against the claimed values"
            found.append((piece.check, title, partial(forest, check=piece.check)))
    if any(row.get("quantiles") for row in results.rows()):
        found.append(("quantiles", "Sample quantiles against those of the claimed law", qq))
    if any(piece.data.get("rows") for piece in results.of_kind("scaling")):
        found.append(("scaling", "Fitted power law with residuals", power_law))
    elif any(_finite(piece.data.get("estimate")) for piece in results.of_kind("scaling")):
        found.append(("scaling", "Fitted coefficients against the claimed values", coefficients))
    if any(_ratios(piece.data) for piece in results.of_kind("search")):
        found.append(("search", "Left side over right side, sorted", ratio_curve))
    if not found and any(p.data.get("transcript") for p in results.evidence):
        found.append(("steps", "Steps of the proof", step_list))
    if not found and results.evidence:
        found.append(("summary", "Summary of the evidence", summary_list))
    if not found:
        raise FigureError(f"{results.claim.id}: no evidence to draw")
    return found


def forest(figure: Figure, results: Results, check: str | None = None) -> None:
    """Estimates with their intervals, relative to the claimed value, one line a grid point."""
    rows = [row for row in results.rows(check) if _finite(row.get("estimate"))]
    pieces = [piece for piece in results.of_kind("monte-carlo") if check in (None, piece.check)]
    _forest(figure, rows, _point_labels(rows), [piece.data for piece in pieces])


def coefficients(figure: Figure, results: Results) -> None:
    """Fitted exponents, constants or limits with their intervals, relative to the claim."""
    fits = [p for p in results.of_kind("scaling") if _finite(p.data.get("estimate"))]
    rows = [{**piece.data, "verdict": piece.verdict.value} for piece in fits]
    labels = [f"{piece.data.get('quantity', 'value')} ({piece.check})" for piece in fits]
    _forest(figure, rows, labels, rows)


def _forest(
    figure: Figure, rows: Sequence[Row], labels: Sequence[str], origins: Sequence[Row]
) -> None:
    figure.set_size_inches(WIDTH, min(1.3 + 0.3 * len(rows), 12.0))
    axes = figure.subplots()
    scale, unit = _scale(rows)
    seen: set[str] = set()
    for height, row in enumerate(rows):
        verdict = _row_verdict(row)
        marker, colour = _LOOKS[verdict]
        centre, low, high = (scale(row, key) for key in ("estimate", "low", "high"))
        axes.plot([low, high], [height, height], color=colour, solid_capstyle="butt")
        label = verdict if verdict not in seen else "_"
        seen.add(verdict)
        axes.plot([centre], [height], marker, color=colour, label=label)
    if all(_finite(row.get("claimed")) for row in rows):
        axes.axvline(0.0, color=PALETTE["black"], linewidth=1.0, zorder=1)
    axes.set_yticks(range(len(rows)), [textwrap.fill(text, 34) for text in labels], fontsize=9)
    axes.locator_params(axis="x", nbins=6)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(unit)
    axes.grid(visible=False, axis="y")
    level = max(origin.get("level") or 0.0 for origin in origins)
    if level:
        axes.set_title(f"intervals at confidence 1 \u2212 {level:.2g}", fontsize=9)
    if len(seen) > 1:
        figure.legend(loc="outside lower center", ncols=3)


def qq(figure: Figure, results: Results) -> None:
    """Sample quantiles against claimed quantiles; on the diagonal where the law holds."""
    rows = [row for row in results.rows() if row.get("quantiles")]
    figure.set_size_inches(WIDTH, 4.6)
    axes = figure.subplots()
    looks = cycle((colour, marker) for marker in "osD^v" for colour in _COLOURS)
    ends: list[float] = []
    for row, label, (colour, marker) in zip(rows, _point_labels(rows), looks, strict=False):
        claimed, sample = row["quantiles"]["claimed"], row["quantiles"]["sample"]
        axes.plot(claimed, sample, marker, markersize=3.5, color=PALETTE[colour], label=label)
        ends += [min(claimed), max(claimed)]
    axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=PALETTE["black"], lw=1.0)
    axes.set_xlabel("quantile of the claimed law")
    axes.set_ylabel("quantile of the sample")
    axes.legend()


def ratio_curve(figure: Figure, results: Results) -> None:
    """Sorted ratios lhs/rhs of the instances tried; the claim says that none exceeds 1."""
    axes = figure.subplots()
    searches = [piece for piece in results.of_kind("search") if _ratios(piece.data)]
    values: list[float] = []
    for piece, colour in zip(searches, cycle(_COLOURS), strict=False):
        ratios = _ratios(piece.data)
        values += ratios
        share = [100.0 * k / max(len(ratios) - 1, 1) for k in range(len(ratios))]
        exercised = piece.data.get("exercised", len(ratios))
        label = f"{piece.check}: {exercised} instances, tightness {ratios[-1]:.5g}"
        axes.plot(share, ratios, color=PALETTE[colour], label=label)
        axes.plot(share[-1:], ratios[-1:], "o", color=PALETTE[colour])
    top = max(values)
    axes.axhline(1.0, color=PALETTE["vermilion"], linestyle=(0, (5, 2)), linewidth=1.2)
    axes.annotate("violated above this line", (0, 1.0), xytext=(2, 4), fontsize=9,
                  textcoords="offset points", color=PALETTE["vermilion"])  # fmt: skip
    if min(values) > 0 and max(1.0, top) / min(values) > 1e3:
        axes.set_yscale("log")
    axes.margins(y=0.14)
    axes.set_xlabel("instances, sorted (%)")
    axes.set_ylabel("left side / right side")
    figure.legend(loc="outside lower center")


def power_law(figure: Figure, results: Results) -> None:
    """Points and fitted line, and below them the residuals in units of the standard error."""
    figure.set_size_inches(WIDTH, 4.8)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    fits = [piece for piece in results.of_kind("scaling") if piece.data.get("rows")]
    for piece, colour in zip(fits, cycle(_COLOURS), strict=False):
        _fit(above, below, piece.data, PALETTE[colour], piece.check)
    above.set_xscale("log")
    # A fitted limit is read on a linear axis; only powers are straight lines on a logarithmic one.
    if all("exponent" in piece.data.get("coefficients", {}) for piece in fits):
        above.set_yscale("log")
    below.axhline(0.0, color=PALETTE["black"], linewidth=1.0, zorder=0)
    below.set_xlabel(str(fits[0].data.get("x_name", "x")))
    above.set_ylabel(str(fits[0].data.get("y_name", "y")))
    below.set_ylabel("residual / s.e.")
    figure.legend(loc="outside lower center")


def step_list(figure: Figure, results: Results) -> None:
    """The steps of the proofs with scope and status, readable as a list."""
    lines: list[tuple[str, str, str, bool]] = []
    for piece in results.of_kind("proof", "certificate"):
        for step in piece.data.get("transcript", []):
            mark, colour = _STEP_MARKS.get(step["status"], ("\u2022", PALETTE["grey"]))
            head, *rest = textwrap.wrap(f"{step['index']}. {step['name']}", _COLUMNS)
            lines.append((mark, colour, head, True))
            scope = f"{step['rule']}, {step['scope']}: {step['status']}"
            lines += [("", colour, text, True) for text in rest]
            lines += [("", colour, text, False) for text in textwrap.wrap(scope, _COLUMNS + 6)]
    _lines(figure, lines)


def summary_list(figure: Figure, results: Results) -> None:
    """One line for each piece of evidence, where there is nothing to plot."""
    lines: list[tuple[str, str, str, bool]] = []
    for piece in results.evidence:
        head = f"{piece.kind}: {piece.verdict.value}"
        lines.append(("\u2022", PALETTE["grey"], head, True))
        text = textwrap.wrap(piece.summary, _COLUMNS + 6)
        lines += [("", PALETTE["grey"], line, False) for line in text]
    _lines(figure, lines)


def _lines(figure: Figure, lines: Sequence[tuple[str, str, str, bool]]) -> None:
    height = _LINE * (len(lines) + 1)
    figure.set_size_inches(WIDTH, height)
    for position, (mark, colour, text, heading) in enumerate(lines, start=1):
        y = 1.0 - _LINE * position / height
        figure.text(0.02, y, mark, color=colour, fontsize=11, va="center", parse_math=False)
        figure.text(
            0.06, y, text, va="center", parse_math=False, fontsize=9.5 if heading else 8.5,
            color=PALETTE["black"] if heading else PALETTE["grey"],
        )  # fmt: skip


def _fit(above: Axes, below: Axes, data: Mapping[str, Any], colour: str, check: str) -> None:
    x, y, errors, fitted = ([row[k] for row in data["rows"]] for k in ("x", "y", "se", "fitted"))
    name = data.get("quantity", "exponent")
    label = f"{check}: {name} {data['estimate']:.4g} in [{data['low']:.4g}, {data['high']:.4g}]"
    above.errorbar(x, y, yerr=errors, fmt="o", color=colour)
    above.plot(x, fitted, color=colour, label=label.replace("-", "\u2212"))
    below.plot(x, [residual(row) for row in data["rows"]], "o", color=colour)


def _scale(rows: Sequence[Row]) -> tuple[Callable[[Row, str], float], str]:
    """How estimates are put on one axis: relative to the claim, or as a difference, or as is."""
    claimed = [row.get("claimed") for row in rows]
    if not all(_finite(value) for value in claimed):
        return (lambda row, key: _number(row.get(key))), "estimate"
    if all(value != 0 for value in claimed):
        return (
            lambda row, key: 100.0 * (_number(row.get(key)) - row["claimed"]) / abs(row["claimed"])
        ), "deviation from the claimed value (%)"
    return (
        lambda row, key: _number(row.get(key)) - row["claimed"]
    ), "estimate \u2212 claimed value"


def _point_labels(rows: Sequence[Row]) -> list[str]:
    points = [parameters(row) for row in rows]
    names = dict.fromkeys(name for point in points for name in point)
    varying = [n for n in names if len({str(point.get(n)) for point in points}) > 1]
    return [
        ", ".join(f"{n} = {value_text(point.get(n))}" for n in varying or names) or "all"
        for point in points
    ]


def _row_verdict(row: Row) -> str:
    verdict = str(row.get("verdict", "supported"))
    return verdict if verdict in _LOOKS else "inconclusive"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _number(value: Any) -> float:
    # An open end of a one-sided interval is not drawn.
    return float(value) if _finite(value) else math.nan


def _ratios(data: Mapping[str, Any]) -> list[float]:
    return sorted(value for value in data.get("ratios") or [] if _finite(value))
