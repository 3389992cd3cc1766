"""Compares trust regions with one another and with first-order methods, paired over starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulations.adaptive_norms.experiment_problems import PROBLEMS, make_problem
from simulations.adaptive_norms.experiment_runs import CURVE, REGIONS, paired_curves
from simulations.engine import measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.paired_curves import PairedLosses
from simulations.paired_figures import draw_medians
from theory.adaptive_norms.experiments import (
    MORE,
    QUICK,
    Setting,
    ellipsoids_always_win,
    outcome,
    where_ellipsoids_win,
)
from theory.core import Statement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Point = Mapping[str, Any]


def _points(settings: Iterable[Setting]) -> list[Point]:
    """Problem by problem, the longest runs first: the others are their beginnings."""
    ordered = sorted(settings, key=lambda one: (PROBLEMS.index(one.problem), -one.budget, one.cost))
    return [setting._asdict() for setting in ordered]


def _runs_of(point: Point) -> Point:
    """All settings of a problem, of both claims, compare runs from the same starts."""
    return {"trust regions on": point["problem"]}


_ALWAYS = [
    Setting("quadratic", "rmsprop 1/2", "spherical", 25, 1),
    Setting("rotated quadratic", "rmsprop 1/2", "spherical", 25, 1),
    Setting("quadratic", "rmsprop 1", "spherical", 15, 1),
    Setting("rosenbrock", "rmsprop 1", "spherical", 80, 2),
    Setting("classifier", "rmsprop 1/2", "spherical", 80, 1),
]
_ALWAYS_MORE = [setting for setting in (*QUICK, *MORE)
                if setting.other == "spherical" and setting not in _ALWAYS]  # fmt: skip


def _is_network(point: Point) -> bool:
    return "quadratic" not in point["problem"] and point["problem"] != "rosenbrock"


def _trials(point: Point, budget: str) -> int:
    # 32 ratios on the same side of a value exclude it at 5e-10, 54 of 64 at 2e-8.
    if not _is_network(point):
        return {"quick": 64, "standard": 192, "deep": 768}[budget]
    return {"quick": 32, "standard": 64, "deep": 128}[budget]


def _resolution(point: Point) -> float:
    """Half-widths of up to four tolerances: medians of 32 and 64 ratios have no shorter ones."""
    value, tolerance = outcome(**point)
    return 4.0 * tolerance / abs(value)


def _claimed_outcome(statement: Statement, point: Point) -> tuple[float, float]:
    return float(statement.formula(**point)), outcome(**point).tolerance


def _claimed_bound(statement: Statement, point: Point) -> tuple[float, float]:
    return float(statement.formula(**point)), 0.0


def _compared(
    stream: Stream, trials: int, problem: str, method: str, other: str, budget: int, cost: int
) -> dict[str, Any]:
    curves = paired_curves(
        stream, trials, make_problem(problem), (method, other), float(budget), float(cost)
    )
    return {f"{name}_{k + 1}": curve[:, k]
            for name, curve in zip(("loss", "other"), curves, strict=True)
            for k in range(CURVE)}  # fmt: skip


@measurement(
    ellipsoids_always_win,
    points={"quick": _points(_ALWAYS), "standard": _points([*_ALWAYS, *_ALWAYS_MORE])},
    # Of 64 ratios, 53 on the same side exclude a value at 6e-8; 95 % are (classifier).
    trials=lambda point, budget: max(_trials(point, budget), 64), block=64, resolution=0.5,
    common=_runs_of,
    estimate=PairedLosses(CURVE, side="upper"), claimed=_claimed_bound, host=True,
)  # fmt: skip
def against_the_sphere(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Losses of ellipsoidal and spherical regions from the same starts: the median ratio."""
    return _compared(stream, trials, **point)


@measurement(
    where_ellipsoids_win,
    points={"quick": _points(QUICK), "standard": _points([*QUICK, *MORE])},
    trials=_trials, block=64, common=_runs_of, resolution=_resolution,
    estimate=PairedLosses(CURVE), claimed=_claimed_outcome, host=True,
)  # fmt: skip
def relative_loss(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Losses of two methods from the same starts: the median ratio, within its tolerance."""
    return _compared(stream, trials, **point)


_COLOURS = {"spherical": "black", "sgd": "orange", "adagrad": "purple", "rmsprop": "grey",
            "rmsprop 1/2": "vermilion", "rmsprop 1": "blue", "adagrad 1/2": "purple",
            "rmsprop 1/2 full": "green", "rmsprop 1 full": "sky"}  # fmt: skip
# Problems and the budgets whose curves are shown.
_PANELS = (("quadratic", (25, 40)), ("rotated quadratic", (40,)), ("rosenbrock", (40, 80)),
           ("classifier", (80,)), ("small autoencoder", (60,)),
           ("small autoencoder, large start", (60,)))  # fmt: skip


@figure(where_ellipsoids_win)
def loss_against_backpropagations(figure: Figure, results: Results) -> None:
    """Median losses and quartiles against backpropagations; dashed: a product counts twice."""
    rows = results.rows("relative_loss")
    figure.set_size_inches(7.2, 8.0)
    shown: set[str] = set()
    for axes, (problem, budgets) in zip(figure.subplots(3, 2).flat, _PANELS, strict=True):
        chosen = [row for row in rows if row["problem"] == problem and row["budget"] in budgets]
        shown |= _curves(axes, chosen)
        axes.set(yscale="linear" if "autoencoder" in problem else "log",
                 title=problem.removeprefix("small "))  # fmt: skip
    figure.supxlabel("backpropagations (each curve ends at the budget of its tuning)", fontsize=10)
    figure.supylabel("loss above the least one", fontsize=10)
    names = [name for name in _COLOURS if name in shown]
    lines = [figure.axes[0].plot([], [], color=PALETTE[_COLOURS[name]])[0] for name in names]
    figure.legend(lines, names, loc="outside upper center", ncols=4, fontsize=8.0)


def _curves(axes: Axes, rows: list[dict[str, Any]]) -> set[str]:
    """Both curves of every row, those of several rows once; the names of the methods."""
    drawn: set[tuple[str, bool]] = set()
    for row in sorted(rows, key=lambda row: -int(row["budget"])):
        marks = [row["budget"] * (k + 1) / CURVE for k in range(CURVE)]
        for kind, method in (("loss", row["method"]), ("other", row["other"])):
            twice = method in REGIONS and row["cost"] == 2
            if (method, twice) in drawn:
                continue
            drawn.add((method, twice))
            low, middle, high = row["quantiles"][kind]
            colour = PALETTE[_COLOURS[method]]
            axes.plot(marks, middle, color=colour, lw=1.3, ls="--" if twice else "-")
            axes.fill_between(marks, low, high, color=colour, alpha=0.15, lw=0.0)
    return {method for method, _ in drawn}


@figure(where_ellipsoids_win)
def wins_and_losses(figure: Figure, results: Results) -> None:
    """Median ratio of losses in every setting, with intervals, and the share of starts won."""
    _table(figure, results.rows("relative_loss"))


@figure(ellipsoids_always_win)
def ellipsoids_against_the_sphere(figure: Figure, results: Results) -> None:
    """Loss of ellipsoidal over that of spherical regions, with intervals; left of 0 they win."""
    _table(figure, results.rows("against_the_sphere"))


def _table(figure: Figure, rows: list[dict[str, Any]]) -> None:
    labels = [f"{row['problem']}: {row['method']} / {row['other']} ({row['budget']}, {row['cost']})"
              for row in rows]  # fmt: skip
    axes = draw_medians(figure, rows, labels, width=7.2, height=0.26, label_size=7.5,
                        share_size=8.0)  # fmt: skip
    axes.set(xscale="symlog", xlabel="median of log10(loss/loss): behind at the right")
    axes.set_xticks([-10, -1, 0, 1, 10], ["-10", "-1", "0", "1", "10"])
    figure.suptitle("in brackets: backpropagations, cost of a product; at the right: starts won",
                    fontsize=9.0)  # fmt: skip
