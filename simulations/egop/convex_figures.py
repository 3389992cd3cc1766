"""Draws the comparisons of optimizers on convex objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulations.egop.convex_runs import CURVE, GRID
from simulations.engine.figures import PALETTE, Results, figure
from simulations.paired_figures import draw_medians
from theory.egop.experiments_convex import (
    LEAST_SQUARES,
    LOG_SUM_EXP,
    LOGISTIC,
    adagrad_unchanged,
    adam_unchanged,
    convex,
    momentum_wins,
    steps_to_tolerance,
)
from theory.egop.experiments_convex_rates import at_one_rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OBJECTIVES = (LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP)
_COLOURS = {"adagrad": "vermilion", "adam": "blue", "sgd": "grey", "momentum": "green"}
_STYLES = {"original": "-", "egop": "--", "randomized": ":", "random": "-."}


@figure(convex)
def training_curves(figure: Figure, results: Results) -> None:
    """Excess loss over that of the start by step, quartiles; rates tuned but for randomized."""
    rows = [row for row in results.rows("relative_loss")
            if (row["rate"] == "tuned" or "randomized" in row["run"])
            and (row["d"], row["decay"]) == (30, 1.0)]  # fmt: skip
    figure.set_size_inches(5.6, 7.6)
    panels = figure.subplots(3, 1, sharex=True)
    for axes, objective in zip(panels, _OBJECTIVES, strict=True):
        _curves(axes, [row for row in rows if row["objective"] == objective])
        axes.set(yscale="log", title=objective)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8.0)
    panels[-1].set_xlabel("steps")
    figure.supylabel("excess loss over that of the start", fontsize=10.0)


def _curves(axes: Axes, rows: list[dict[str, Any]]) -> None:
    drawn: set[str] = set()
    for row in rows:
        marks = [0.0] + [10.0 * row["d"] * (k + 1) / CURVE for k in range(CURVE)]
        for kind, run in (("loss", row["run"]), ("other", row["other"])):
            rule, basis = run.split()
            same = rule in ("sgd", "momentum") and basis != "original"
            if run in drawn or same:
                continue
            drawn.add(run)
            low, middle, high = ([1.0, *curve] for curve in row["quantiles"][kind])
            colour = PALETTE[_COLOURS[rule]]
            axes.plot(marks, middle, color=colour, ls=_STYLES[basis], lw=1.4, label=run)
            axes.fill_between(marks, low, high, color=colour, alpha=0.1, lw=0.0)


@figure(convex)
def ratios_of_losses(figure: Figure, results: Results) -> None:
    """Median of log10 of the ratio of final losses with intervals and the share of problems won."""
    _table(figure, results.rows("relative_loss"))


@figure(adagrad_unchanged)
@figure(adam_unchanged)
@figure(momentum_wins)
def compared_with_the_paper(figure: Figure, results: Results) -> None:
    """Median of log10 of the ratio of final losses with intervals and the share of problems won."""
    _table(figure, results.rows("compared_losses"))


@figure(steps_to_tolerance)
def ratios_of_steps(figure: Figure, results: Results) -> None:
    """Median of log10 of the ratio of steps with intervals and the share of problems won."""
    _table(figure, results.rows("relative_steps"))


def _table(figure: Figure, rows: list[dict[str, Any]]) -> None:
    labels = [f"{row['objective']}: {row['run']} / {row['other']}, {row['rate']}"
              + (f", d = {row['d']}" if row["d"] != 30 else "")
              + (f", decay {row['decay']:g}" if row["decay"] != 1.0 else "")
              for row in rows]  # fmt: skip
    axes = draw_medians(figure, rows, labels, width=7.4, height=0.22, label_size=7.0,
                        share_size=7.0)  # fmt: skip
    axes.set_xlabel("median of log10 of the ratio: ahead at the left")
    axes.set_title("problems won at the right", fontsize=9.0)


@figure(at_one_rate)
def loss_against_rate(figure: Figure, results: Results) -> None:
    """Final excess loss over that of the start against the learning rate, medians and quartiles."""
    rows = {(row["objective"], row["rule"]): row for row in results.rows("loss_at_one_rate")}
    figure.set_size_inches(5.6, 7.0)
    panels = figure.subplots(3, 1, sharex=True)
    for axes, objective in zip(panels, _OBJECTIVES, strict=True):
        for rule in ("adagrad", "adam"):
            row = rows[objective, rule]
            for kind, basis in (("loss", "egop"), ("other", "original")):
                low, middle, high = (curve[:-1] for curve in row["quantiles"][kind])
                colour = PALETTE[_COLOURS[rule]]
                axes.plot(GRID, middle, color=colour, ls=_STYLES[basis], label=f"{rule} {basis}")
                axes.fill_between(GRID, low, high, color=colour, alpha=0.1, lw=0.0)
        axes.set(xscale="log", yscale="log", title=objective)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8.0)
    panels[-1].set_xlabel("learning rate")
    figure.supylabel("excess loss over that of the start", fontsize=10.0)
