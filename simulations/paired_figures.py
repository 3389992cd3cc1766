"""Figures of paired runs: one line a setting, for experiments of several papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulations.engine.figures import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_medians(
    figure: Figure, rows: Sequence[Mapping[str, Any]], labels: Sequence[str], *,
    width: float, height: float, label_size: float, share_size: float,
) -> Axes:  # fmt: skip
    """Median log10 ratio of every row with its interval, and the share of trials won at the right.

    Green lies below 0 as a whole, red above, grey contains 0. An end that is None is not drawn.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `simulations.paired_curves`.
    labels : sequence of str
        One for each row, from the top.
    width, height : float
        Inches: of the figure, and of one row.
    label_size, share_size : float
        Points.
    """
    figure.set_size_inches(width, 1.2 + height * len(rows))
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        value = row["estimate"]
        ends = [value if row[end] is None else row[end] for end in ("low", "high")]
        colour = "green" if ends[1] < 0.0 else "vermilion" if ends[0] > 0.0 else "grey"
        axes.errorbar([value], [y], xerr=[[value - ends[0]], [ends[1] - value]], fmt="o", ms=4,
                      capsize=2, color=PALETTE[colour])  # fmt: skip
        axes.annotate(f"{100.0 * row['quantiles']['won']:.0f} %", (1.01, y), fontsize=share_size,
                      xycoords=("axes fraction", "data"), va="center")  # fmt: skip
    axes.axvline(0.0, color=PALETTE["black"], lw=0.8)
    axes.set_yticks(range(len(rows)), labels, fontsize=label_size)
    axes.invert_yaxis()
    return axes
