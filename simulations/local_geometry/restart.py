"""Restarts gradient descent at equal loss from Adam's iterate and from its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.kernels import two_layer_reference as reference
from simulations.local_geometry.trained import ADAM_ALPHA, train
from simulations.two_layer import Problem
from theory import optimizers
from theory.core import Statement
from theory.local_geometry.restart import (
    restart_figure_1a,
    sign_flow_time,
    target_vector,
)
from theory.models.two_layer import loss
from theory.optimizers import Optimizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Point = Mapping[str, Any]
Array = Any

ETA_NORM, ADAM_ETA = 0.05, 1e-4
# Steps after which a run that has not reached its level is an error.
_LIMIT = 4_000
TOLERANCE = 0.05


def _crossings(method: Optimizer, w: Array, W: Array, A: Array, levels: list[Array], xp: Any
               ) -> list[Array]:  # fmt: skip
    """Steps, interpolated in log loss, until each level (scalars or (trials,)) is first passed."""
    state = method.init((w, W))
    times = [xp.full(w.shape[:1], xp.nan) for _ in levels]
    before = loss(w, W, A)
    for t in range(_LIMIT):
        w, W, state = reference.step(method, state, w, W, A)
        now = loss(w, W, A)
        for k, level in enumerate(levels):
            passed = xp.isnan(times[k]) & (now <= level)
            # A trial that starts below the level needs no step.
            share = xp.log(before / level) / xp.where(before > now, xp.log(before / now), 1.0)
            moment = xp.where(before <= level, 0.0, t + xp.clip(share, 0.0, 1.0))
            times[k] = xp.where(passed, moment, times[k])
        before = now
        if not any(bool(xp.any(xp.isnan(time))) for time in times):
            return times
    raise ValueError(f"a trial did not reach its level within {_LIMIT} steps")


def _at_loss(method: Optimizer, w: Array, W: Array, A: Array, level: Array, xp: Any
             ) -> tuple[Array, Array]:  # fmt: skip
    """Weights of each trial when its loss first falls to its level."""
    state = method.init((w, W))
    reached = loss(w, W, A) <= level
    kept = w, W
    for _ in range(_LIMIT):
        w, W, state = reference.step(method, state, w, W, A)
        now = (loss(w, W, A) <= level) & ~reached
        kept = (xp.where(now[:, None], w, kept[0]), xp.where(now[:, None, None], W, kept[1]))
        reached = reached | now
        if bool(xp.all(reached)):
            return kept
    raise ValueError(f"a trial did not reach Adam's loss within {_LIMIT} steps")


def _both_starts(stream: Stream, trials: int, target: str, d: int, fraction: float, beta: float
                 ) -> tuple[Optimizer, Array, list[tuple[Array, Array]]]:  # fmt: skip
    """The method of the restarts, A, and the weights of Adam and of the method at equal loss."""
    xp = stream.xp
    A = xp.asarray(target_vector(target, d))
    steps = round(sign_flow_time(target, d, fraction) / ADAM_ETA)
    adam = train(stream, trials, optimizer="adam", d=d, target=target, eta=ADAM_ETA, steps=steps)
    norm = math.sqrt(float(xp.sum(A * A)))
    method = optimizers.sgd_momentum(ETA_NORM / norm, beta)
    fresh = Problem(d, ADAM_ALPHA, target).initial_weights(stream, trials)
    level = loss(adam.w, adam.W, A)
    return method, A, [(adam.w, adam.W), _at_loss(method, *fresh, A, level, xp)]


def _claimed(statement: Statement, point: Point) -> float:
    return float(statement.formula(point["target"], point["d"], point["fraction"], ETA_NORM))


def _times(factor: float) -> Callable[[Statement, Point], float]:
    return lambda statement, point: factor * _claimed(statement, point)


_PLAIN = {"quick": [{"target": target, "d": d, "fraction": 0.03} for target in ("ramp", "ones")
                    for d in (16, 32)]}  # fmt: skip
# Relative losses between which the rate is measured: for constant targets what is across A, about
# 1e-9 of the initial loss, must not be seen.
_WINDOW = {"ramp": (1e-4, 1e-8), "ones": (1e-4, 1e-6)}


def _rates(stream: Stream, trials: int, target: str, d: int, fraction: float) -> dict[str, Any]:
    method, A, starts = _both_starts(stream, trials, target, d, fraction, 0.0)
    xp = stream.xp
    whole = float(xp.sum(A * A)) / 2.0
    levels = [level * whole for level in _WINDOW[target]]
    lengths = []
    for w, W in starts:
        first, last = _crossings(method, w, W, A, levels, xp)
        lengths.append(last - first)
    return {"ratio": lengths[0] / lengths[1]}


@measurement(
    restart_figure_1a, points=_PLAIN, claimed=_times(1 + TOLERANCE),
    # 24 trials on the same side of the median have probability 6e-8; they agree within 1 %.
    trials={"quick": 24, "standard": 48, "deep": 96}, block=24,
    estimate=estimators.quantile("ratio", 0.5, side="upper"), divisible=True,
)  # fmt: skip
def rates_at_most(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Steps per decade from Adam's iterate over its own: at most 5 % above the claimed ratio."""
    return _rates(stream, trials, **point)


@measurement(
    restart_figure_1a, points=_PLAIN, claimed=_times(1 - TOLERANCE),
    trials={"quick": 24, "standard": 48, "deep": 96}, block=24,
    estimate=estimators.quantile("ratio", 0.5, side="lower"), divisible=True,
)  # fmt: skip
def rates_at_least(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Steps per decade from Adam's iterate over its own: at most 5 % below the claimed ratio."""
    return _rates(stream, trials, **point)


def _no_better(statement: Statement, point: Point) -> float:
    """Not faster where the claimed ratio is above 1; momentum makes the rates equal."""
    return min(1.0, _claimed(statement, point))


@measurement(
    restart_figure_1a,
    points={"quick": [{"target": "ramp", "d": d, "fraction": 0.03, "beta": beta}
                      for d in (16, 32) for beta in (0.0, 0.9)]},
    trials={"quick": 40, "standard": 80, "deep": 160}, block=40,
    estimate=estimators.quantile("ratio", 0.5, side="lower"), claimed=_no_better, divisible=True,
)  # fmt: skip
def all_steps(stream: Stream, trials: int, beta: float, **point: Any) -> dict[str, Any]:
    """All steps to 1e-8 of the initial loss, paired: from Adam's iterate over its own.

    Momentum may swing through the minimum just where it reaches Adam's loss: at least one step.
    """
    method, A, starts = _both_starts(stream, trials, beta=beta, **point)
    level = 1e-8 * float(stream.xp.sum(A * A)) / 2.0
    times = [_crossings(method, w, W, A, [level], stream.xp)[0] for w, W in starts]
    return {"ratio": times[0] / stream.xp.clip(times[1], 1.0)}


@figure(restart_figure_1a)
def restarts(figure: Figure, results: Results) -> None:
    """Steps from Adam's iterate over steps from its own, with intervals; above 1 it is slower."""
    axes = figure.add_subplot()
    kinds = [("rates_at_least", "per decade"), ("all_steps", "all steps")]
    labels: list[str] = []
    for check, kind in kinds:
        colour = PALETTE["blue" if check == "all_steps" else "vermilion"]
        for row in results.rows(check):
            y = len(labels)
            momentum = f", momentum {row['beta']:g}" if row.get("beta") else ""
            labels.append(f"{row['target']}, $d = {row['d']}${momentum}: {kind}")
            low, value = row["low"] or row["estimate"], row["estimate"]
            high = row["high"] or value
            axes.errorbar([value], [y], xerr=[[value - low], [high - value]], fmt="o", ms=5,
                          color=colour, capsize=2)  # fmt: skip
            if check == "rates_at_least":
                axes.plot([row["claimed"] / (1 - TOLERANCE)], [y], "|", ms=12,
                          color=PALETTE["black"])  # fmt: skip
    axes.axvline(1.0, color=PALETTE["grey"], ls="--", lw=1.0)
    axes.set(xscale="log", xlabel="ratio of steps (bars: claimed)")
    ticks = [0.3, 0.5, 1, 2, 5, 10]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.minorticks_off()
