"""Measures the spectrum of the Hessian at the minima of SGD with momentum and of Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.local_geometry.trained import train
from theory.core import Statement
from theory.local_geometry.conditioning import QUANTITIES, uniform_is_not_better_conditioned
from theory.local_geometry.restart import target_vector

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Point = Mapping[str, Any]
# What is allowed to a finite learning rate of Adam, 5e-5.
TOLERANCE = 0.02


def _spectrum(
    stream: Stream, trials: int, optimizer: str, d: int, target: str, quantity: str
) -> dict[str, Any]:
    """Of JJ' = |w|^2 I + W'W, whose eigenvalues are the non-zero ones of the Hessian."""
    found = train(stream, trials, optimizer=optimizer, d=d, target=target)
    xp = stream.xp
    values = xp.linalg.eigvalsh(xp.matrix_transpose(found.W) @ found.W)
    values = values + xp.sum(found.w * found.w, axis=-1)[:, None]
    top = values[:, -1]
    return {"value": top if quantity == QUANTITIES[0] else top / values[:, 0]}


def _limit(statement: Statement, point: Point) -> float:
    A = target_vector(point["target"], point["d"])
    return float(statement.formula(point["optimizer"], point["quantity"], math.sqrt(A @ A),
                                   float(A.max())))  # fmt: skip


def _times(factor: float) -> Callable[[Statement, Point], float]:
    return lambda statement, point: factor * _limit(statement, point)


def _grid(optimizer: str, *cases: tuple[int, str]) -> dict[str, list[dict[str, Any]]]:
    return {"quick": [{"optimizer": optimizer, "d": d, "target": target, "quantity": quantity}
                      for d, target in cases for quantity in QUANTITIES]}  # fmt: skip


_SGD_CASES = _grid("sgd", (8, "ones"), (8, "ramp"), (16, "ramp"), (32, "ramp"))
_ADAM_CASES = _grid("adam", (8, "ramp"), (16, "ones"), (16, "ramp"), (32, "ramp"))
# One-sided tests of a median: 24 trials on the same side have probability 6e-8.
_TRIALS = {"quick": 24, "standard": 48, "deep": 96}


@measurement(
    uniform_is_not_better_conditioned, points=_SGD_CASES, claimed=_limit,
    # The values agree to rounding; 30 trials on the same side have probability 2e-9 (two-sided).
    trials={"quick": 30, "standard": 60, "deep": 120}, block=30,
    estimate=estimators.quantile("value", 0.5), resolution=1e-9, divisible=True,
)  # fmt: skip
def sgd_minimum(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """After SGD+M from an initialisation of relative size 1e-7 or less."""
    return _spectrum(stream, trials, **point)


@measurement(
    uniform_is_not_better_conditioned, points=_ADAM_CASES, claimed=_times(1 + TOLERANCE),
    trials=_TRIALS, block=24, estimate=estimators.quantile("value", 0.5, side="upper"),
    divisible=True,
)  # fmt: skip
def adam_at_most(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """After Adam: at most 2 % above the limit."""
    return _spectrum(stream, trials, **point)


@measurement(
    uniform_is_not_better_conditioned, points=_ADAM_CASES, claimed=_times(1 - TOLERANCE),
    trials=_TRIALS, block=24, estimate=estimators.quantile("value", 0.5, side="lower"),
    divisible=True,
)  # fmt: skip
def adam_at_least(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """After Adam: at most 2 % below the limit."""
    return _spectrum(stream, trials, **point)


@figure(uniform_is_not_better_conditioned)
def condition_number_against_d(figure: Figure, results: Results) -> None:
    """Non-zero condition number and largest eigenvalue at the minimum, against the width."""
    panels = figure.subplots(1, 2)
    shown = (("sgd_minimum", 1.0, "blue", "o", "SGD+M"),
             ("adam_at_least", 1 - TOLERANCE, "vermilion", "s", "Adam"))  # fmt: skip
    for axes, quantity in zip(panels, reversed(QUANTITIES), strict=True):
        for check, factor, colour, marker, label in shown:
            rows = sorted((row for row in results.rows(check) if row["quantity"] == quantity
                           and row["target"] == "ramp"), key=lambda row: row["d"])  # fmt: skip
            d = [row["d"] for row in rows]
            axes.plot(d, [row["claimed"] / factor for row in rows], color=PALETTE[colour], lw=1.0)
            axes.plot(d, [row["estimate"] for row in rows], marker, color=PALETTE[colour],
                      label=label)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="width $d$", ylabel=quantity)
        axes.set_xticks(d, [str(size) for size in d])
        axes.minorticks_off()
    ticks = [2, 5, 10, 20]
    panels[0].set_yticks(ticks, [str(tick) for tick in ticks])
    ticks = [5, 10, 20]
    panels[1].set_yticks(ticks, [str(tick) for tick in ticks])
    panels[0].legend(title="target 1/2 to 3/2")
