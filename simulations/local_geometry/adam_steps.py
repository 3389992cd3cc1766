"""Measures the floor of the loss under Adam at a fixed step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from simulations.engine import estimators, measurement, scaling
from simulations.engine.figures import PALETTE, Results, figure
from simulations.engine.scaling import Comparison, column, fit_power_law
from simulations.local_geometry.limits import ADAM
from simulations.two_layer import Problem, simulate
from theory.core import Statement
from theory.local_geometry.adam_steps import adam_loss_floor, floor_coefficient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

# Steps 1,000 to 3,000 after the sign flow's end, as in the limit map.
_TRANSIENT, _RECORDS, _STRIDE = 1_000, 200, 10
_BETAS = {"beta1": ADAM["beta1"], "beta2": ADAM["beta2"]}
_PIVOT_D, _PIVOT_ETA = 16, 2.5e-4


def _point(d: int, eta: float, target: str) -> dict[str, Any]:
    return {"d": d, "eta": eta, "target": target, "alpha": 3.0 if d <= 16 else 2.5, **_BETAS}


_QUICK = [
    *(_point(d, _PIVOT_ETA, "ones") for d in (8, 16, 32)),
    *(_point(_PIVOT_D, eta, "ones") for eta in (6.25e-5, 1.25e-4, 5e-4)),
    *(_point(_PIVOT_D, eta, "ramp") for eta in (6.25e-5, 2.5e-4)),
]
_WIDE = [
    _point(64, _PIVOT_ETA, "ones"), _point(_PIVOT_D, 3.125e-5, "ones"), _point(32, 1e-4, "ramp"),
]  # fmt: skip


def _targets(d: int, target: str) -> Any:
    return Problem(d, 0.0, target).targets()


def _claimed(statement: Statement, point: Mapping[str, Any]) -> float:
    values = {**point, "target": _targets(point["d"], point["target"])}
    return float(statement.formula(**values))


@measurement(
    adam_loss_floor,
    points={"quick": _QUICK, "standard": _QUICK + _WIDE},
    # The sd over trials of the mean of 200 records is 2.5 %: standard error 0.3 %, against 5 %
    # of the nearest mutant. More trials would see corrections of order eta (0.7 % at 1e-3).
    trials=80,
    block=40,
    estimate=estimators.mean("loss"),
    resolution=0.04,
    claimed=_claimed,
    divisible=True,
)
def floor(
    stream: Stream, trials: int, d: int, eta: float, target: str, alpha: float, beta1: float,
    beta2: float,
) -> dict[str, Any]:  # fmt: skip
    """Mean loss over steps 1,000 to 3,000 after the sign flow's end."""
    end = math.sqrt(float(_targets(d, target).max()) / d)
    first = round(end / eta) + _TRANSIENT
    records = list(range(first, first + _RECORDS * _STRIDE, _STRIDE))
    found = simulate(
        stream, trials, optimizer="adam", d=d, steps=records[-1], alpha=alpha, eta=eta,
        record=records, target=target, beta1=beta1, beta2=beta2, eps=0.0,
    )  # fmt: skip
    return {"loss": stream.xp.mean(found.loss, axis=-1)}


def _along(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Rows for equal targets in which only `name` varies."""
    other, value = {"eta": ("d", _PIVOT_D), "d": ("eta", _PIVOT_ETA)}[name]
    return [row for row in rows if row["target"] == "ones" and row[other] == value]


def _exponent(statement: Statement, rows: Sequence[Mapping[str, Any]], name: str) -> Comparison:
    chosen = _along(rows, name)
    # The coefficient itself varies with d by 1 %, which is no power law.
    k = [floor_coefficient((1.0,) * row["d"], row["beta1"], row["beta2"]) for row in chosen]
    x, y, se = (column(chosen, key) for key in (name, "estimate", "standard_error"))
    claimed = [_claimed(statement, {key: row[key] for key in _point(1, 1.0, "ones")}) / coefficient
               for row, coefficient in zip(chosen, k, strict=True)]  # fmt: skip
    slope = math.log(claimed[-1] / claimed[0]) / math.log(x[-1] / x[0])
    return Comparison(fit_power_law(x, y / k, se / k), "exponent", slope, resolution=0.06)


@scaling(adam_loss_floor, of="floor")
def exponent_in_eta(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The floor grows like eta^2."""
    return _exponent(statement, rows, "eta")


@scaling(adam_loss_floor, of="floor")
def exponent_in_d(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The floor over its coefficient grows like d^2."""
    return _exponent(statement, rows, "d")


@figure(adam_loss_floor)
def loss_floor_figure(figure: Figure, results: Results) -> None:
    """Floor of the loss over eta^2 d^2: the limit map's coefficient at every step and width."""
    panels = figure.subplots(1, 2, sharey=True)
    rows = results.rows("floor")
    ramp = [row for row in rows if row["target"] == "ramp" and row["d"] == _PIVOT_D]
    _coefficients(panels[0], _along(rows, "eta"), "eta", "blue", "equal $A_j$")
    _coefficients(panels[0], ramp, "eta", "vermilion", "$A_j$ from 1/2 to 3/2")
    panels[0].set(xscale="log", xlabel=f"step size $\\eta$ ($d = {_PIVOT_D}$)",
                  ylabel=r"mean loss$\,/\,(A_{max}\,\eta^2 d^2)$, times 1,000")  # fmt: skip
    panels[0].set_xticks([6.25e-5, 1.25e-4, 2.5e-4, 5e-4], ["6e-5", "1e-4", "3e-4", "5e-4"])
    _coefficients(panels[1], _along(rows, "d"), "d", "blue", "equal $A_j$")
    panels[1].set(xscale="log", xlabel=f"width $d$ ($\\eta = {_PIVOT_ETA}$)", ylim=(0.0, None))
    ticks = sorted(row["d"] for row in _along(rows, "d"))
    panels[1].set_xticks(ticks, [str(tick) for tick in ticks])
    for axes in panels:
        axes.minorticks_off()
        axes.legend(loc="lower left")
    figure.suptitle("Measured (points, intervals) and the limit map (lines)", fontsize=9.5)


def _coefficients(
    axes: Any, rows: Sequence[Mapping[str, Any]], name: str, colour: str, label: str
) -> None:
    ordered = sorted(rows, key=itemgetter(name))
    x = [row[name] for row in ordered]
    unit = [1e-3 * float(_targets(row["d"], row["target"]).max()) * (row["eta"] * row["d"]) ** 2
            for row in ordered]  # fmt: skip
    value, low, high, claimed = (
        [row[key] / u for row, u in zip(ordered, unit, strict=True)]
        for key in ("estimate", "low", "high", "claimed")
    )
    errors = [[v - l for v, l in zip(value, low, strict=True)],
              [h - v for v, h in zip(value, high, strict=True)]]  # fmt: skip
    axes.plot(x, claimed, color=PALETTE[colour], lw=1.0)
    axes.errorbar(x, value, yerr=errors, fmt="o", ms=4, capsize=2, color=PALETTE[colour],
                  label=label)  # fmt: skip
