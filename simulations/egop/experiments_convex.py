"""Compares optimizers on convex objectives in the paper's bases, paired over problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulations.egop.convex_runs import CURVE, GRID, losses_by_rate, paired_runs
from simulations.engine import measurement
from simulations.paired_curves import PairedCurves
from theory.egop.experiments_convex import (
    LOG_SUM_EXP,
    LOGISTIC,
    LOSSES,
    MORE_LOSSES,
    MORE_STEPS,
    STEPS,
    Setting,
    adagrad_unchanged,
    adam_unchanged,
    convex,
    momentum_wins,
    settings_of,
    steps_to_tolerance,
)
from theory.egop.experiments_convex_rates import AT_ONE_RATE, at_one_rate

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Point = Mapping[str, Any]

_TRIALS = {"quick": 48, "standard": 96, "deep": 192}


def _trials(point: Point, budget: str) -> int:
    """Of 48 (96) ratios at most 7 (23) lie on one side of the median with probability 6e-7."""
    # Half of the logistic losses vary by several decades between problems.
    return _TRIALS[budget] * (2 if point["objective"] == LOGISTIC else 1)


def _points(*tables: Iterable[Setting]) -> list[Point]:
    return [setting._asdict() for table in tables for setting in table]


def _widest(
    formula: Callable[..., tuple[float, float]], decades: float = 3.0
) -> Callable[[Point], float]:
    """Half-widths of intervals: the width of a finite range, `decades` at most."""

    def resolution(point: Point) -> float:
        low, high = formula(**point)
        return min(decades, high - low) / (min(abs(low), abs(high)) or 1.0)

    return resolution


def _curves(losses: Any, others: Any) -> dict[str, Any]:
    return {f"{name}_{k + 1}": curve[:, k]
            for name, curve in (("loss", losses), ("other", others))
            for k in range(curve.shape[1])}  # fmt: skip


@measurement(
    convex,
    points={"quick": _points(LOSSES), "standard": _points(LOSSES, MORE_LOSSES)},
    trials=_trials, block=96, estimate=PairedCurves(CURVE), resolution=_widest(convex.formula),
    host=True,
)  # fmt: skip
def relative_loss(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Excess losses of two runs on the same problems: the median ratio at the end."""
    pair = paired_runs(stream, trials, **point)
    return _curves(pair.losses, pair.others)


@measurement(
    steps_to_tolerance,
    points={"quick": _points(STEPS), "standard": _points(STEPS, MORE_STEPS)},
    trials=_trials, block=96, estimate=PairedCurves(1),
    resolution=_widest(steps_to_tolerance.formula, 0.5), host=True,
)  # fmt: skip
def relative_steps(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Steps of two runs to a small gradient: the median ratio."""
    pair = paired_runs(stream, trials, **point)
    return _curves(pair.steps[:, None], pair.other_steps[:, None])


@measurement(
    at_one_rate, points={"quick": [setting._asdict() for setting in AT_ONE_RATE]}, trials=96,
    block=96, estimate=PairedCurves(len(GRID) + 1), resolution=_widest(at_one_rate.formula),
    host=True,
)  # fmt: skip
def loss_at_one_rate(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Final losses at a grid of rates and, last, at the rate at which they are compared."""
    return _curves(*losses_by_rate(stream, trials, **point))


def compared_losses(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """Excess losses of two runs on the same problems: the median ratio at the end."""
    pair = paired_runs(stream, trials, **point)
    return _curves(pair.losses, pair.others)


for _claim, _objective, _run in (
    (adagrad_unchanged, LOG_SUM_EXP, "adagrad egop"),
    (adam_unchanged, LOGISTIC, "adam egop"),
    (momentum_wins, LOGISTIC, "momentum original"),
):
    measurement(
        _claim, points={"quick": _points(settings_of(_objective, _run))}, trials=_trials, block=96,
        estimate=PairedCurves(CURVE), resolution=_widest(_claim.formula), host=True,
    )(compared_losses)  # fmt: skip
