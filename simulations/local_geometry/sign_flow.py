"""Measures Adam's limit of vanishing step: the sign flow, and the predictor of R_med,1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulations.engine import measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.local_geometry.limits import ADAM, descend, extrapolated, limit
from simulations.two_layer import Problem
from theory.core import Statement
from theory.local_geometry.adam_uniformity import window_start
from theory.local_geometry.sign_flow import (
    adam_predictor,
    adam_sign_flow,
    end_time,
    offsets,
    predicted_r_med,
    switching_times,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

HYPER: Mapping[str, Mapping[str, float]] = {"adam": ADAM, "sign_descent": {}}
# Steps at the largest of the three step sizes, eta, eta/2 and eta/4.
_FLOW_STEPS = 2_000


def _targets(point: Mapping[str, Any]) -> Any:
    return Problem(point["d"], 0.0, point["target"]).targets()


def _time(point: Mapping[str, Any]) -> float:
    return float(point["fraction"] * math.sqrt(_targets(point).max() / point["d"]))


def _flow_claimed(statement: Statement, point: Mapping[str, Any]) -> float:
    entry = point["entry"] if point["quantity"] == "hidden" else 0
    return float(statement.formula(point["quantity"], _time(point), _targets(point), point["d"],
                                   entry))  # fmt: skip


# Under sign descent a sliding column chatters by a step, which no extrapolation removes.
_FLOW = [
    {"optimizer": optimizer, "d": 16, "target": "ramp", "fraction": fraction, "quantity": quantity,
     "entry": entry}
    for optimizer in ("adam", "sign_descent")
    for fraction, quantity, entry in (
        (0.5, "output", 0), (0.5, "loss", 0), (0.8, "output", 0), (0.8, "hidden", 0),
        (0.8, "hidden", 15), (0.8, "loss", 0),
    )
    if not (optimizer == "sign_descent" and quantity == "hidden" and entry == 0)
]  # fmt: skip
# The first and the last column, as above.
_FLOW_WIDE = [{**point, "d": d, "entry": d - 1 if point["entry"] else 0}
              for d in (8, 32) for point in _FLOW]  # fmt: skip


@measurement(
    adam_sign_flow,
    points={"quick": _FLOW, "standard": _FLOW + _FLOW_WIDE},
    # Trials differ by the signs of the initial weights alone, by 1e-5 of the value; what limits
    # the resolution is the extrapolation: 2e-3, and 2e-2 for the loss near the end.
    trials={"quick": 40, "standard": 80, "deep": 160},
    block=40,
    estimate=limit("value", "previous"),
    resolution=lambda point: 0.03 if point["quantity"] == "loss" else 0.005,
    claimed=_flow_claimed,
    divisible=True,
)
def flow_at_vanishing_step(
    stream: Stream, trials: int, optimizer: str, d: int, target: str, fraction: float,
    quantity: str, entry: int,
) -> dict[str, Any]:  # fmt: skip
    """Mean |w_i|, mean |W_ij| of one column, or loss at a fraction of the flow's end time."""
    xp = stream.xp
    time = _time({"d": d, "target": target, "fraction": fraction})
    signs = stream.rademacher((trials, d)), stream.rademacher((trials, d, d))

    def run(eta: float) -> Any:
        # Well above eta, so that sign descent cannot reverse both layers of a unit at once.
        found = descend(stream, 8.0 * eta * signs[0], 0.01 * eta * signs[1], eta=eta,
                        steps=round(time / eta), optimizer=optimizer, hyper=HYPER[optimizer],
                        target=target)  # fmt: skip
        if quantity == "loss":
            return found.loss[:, -1]
        if quantity == "output":
            return xp.mean(xp.abs(found.w), axis=-1)
        return xp.mean(xp.abs(found.W[:, :, entry]), axis=-1)

    return extrapolated(run, time / _FLOW_STEPS, levels=3)


# Quick step sizes: an error of order eta log(1/eta) is eliminated; what remains is resolved.
_PREDICTOR = [
    {"d": d, "alpha": alpha, "target": target, "stage": stage, "eta": eta, "optimizer": optimizer}
    for d, alpha, target, stage, eta, optimizer in (
        (16, 1.0, "ones", "start", 4e-5, "adam"), (16, 1.0, "ones", "end", 4e-5, "adam"),
        (16, 1.5, "ramp", "end", 4e-5, "adam"), (32, 1.5, "ones", "start", 4e-5, "adam"),
        (32, 1.5, "ones", "end", 4e-5, "adam"), (64, 1.5, "ones", "start", 2e-5, "adam"),
    )
]  # fmt: skip
_PREDICTOR_WIDE = [
    {"d": d, "alpha": alpha, "target": "ramp", "stage": stage, "eta": 2e-5, "optimizer": "adam"}
    for d, alpha, stage in ((32, 1.0, "end"), (64, 1.5, "end"), (64, 1.5, "start"),
                          (128, 1.5, "start"), (16, 2.0, "start"), (16, 2.0, "end"))
] + [{"d": 16, "alpha": 1.5, "target": "ones", "stage": "end", "eta": 4e-5,
      "optimizer": "sign_descent"}]  # fmt: skip


def _initial(stream: Stream, trials: int, d: int, alpha: float) -> tuple[Any, Any]:
    return Problem(d, alpha).initial_weights(stream, trials)


def _window_start(d: int, alpha: float) -> float:
    return math.pow(d, -window_start(alpha))


@measurement(
    adam_predictor,
    points={"quick": [{**p, "statistic": "log ratio"} for p in _PREDICTOR],
            "standard": [{**p, "statistic": "log ratio"} for p in _PREDICTOR + _PREDICTOR_WIDE]},
    # The sd of the extrapolated log ratio is at most 0.01, 0.002 at d = 64, where all trials lie
    # on one side of a ratio that is 1 % off: p = 2^-99.
    trials={"quick": 100, "standard": 400, "deep": 800},
    block=100,
    estimate=limit("value", "previous", median=True),
    resolution=0.01,
    claimed=lambda statement, point: statement.formula(point["statistic"]), divisible=True,
)  # fmt: skip
def log_ratio(
    stream: Stream, trials: int, d: int, alpha: float, target: str, stage: str, eta: float,
    optimizer: str, statistic: str,
) -> dict[str, Any]:  # fmt: skip
    """Excess of R_med,1 over 1 against the predicted one, trial by trial, as a logarithm."""
    xp = stream.xp
    w, W = _initial(stream, trials, d, alpha)
    A = xp.asarray(Problem(d, alpha, target).targets())
    e = offsets(w, W, A)

    late = 1.2 * math.sqrt(float(xp.max(A)) / d)

    def run(step: float) -> Any:
        last = _window_start(d, alpha) if stage == "start" else late
        found = descend(stream, w, W, eta=step, steps=round(last / step), target=target,
                        optimizer=optimizer, hyper=HYPER[optimizer])  # fmt: skip
        c = xp.mean(xp.abs(found.w) - e, axis=-1) if stage == "start" else end_time(w, W, A)
        return xp.log((found.r_med_1[:, -1] - 1.0) / (predicted_r_med(c, e) - 1.0))

    return extrapolated(run, eta)


@measurement(
    adam_predictor,
    points={"quick": [{"d": 16, "alpha": 0.75, "eta": 2e-5, "statistic": "coefficient"}],
            "standard": [{"d": d, "alpha": 0.75, "eta": 1e-5, "statistic": "coefficient"}
                         for d in (16, 32)]},
    trials={"quick": 160, "standard": 400, "deep": 800},
    block=80,
    estimate=limit("value", "previous"),
    # Half-width 0.02, half of it the extrapolation's error, against 0.1 of the nearest mutant.
    resolution=0.02,
    claimed=lambda statement, point: statement.formula(point["statistic"]), divisible=True,
)  # fmt: skip
def correction(
    stream: Stream, trials: int, d: int, alpha: float, eta: float, statistic: str
) -> dict[str, Any]:
    """What mismatched units lose against the others, in units of their switching times."""
    xp = stream.xp
    w, W = _initial(stream, trials, d, alpha)
    times, mismatched = switching_times(w, W, xp.ones(d))
    lost = xp.where(mismatched, times, xp.zeros_like(times))
    count = xp.sum(xp.astype(mismatched, xp.float64), axis=-1)

    def run(step: float) -> Any:
        last = _window_start(d, alpha)
        found = descend(stream, w, W, eta=step, steps=round(last / step))
        gained = xp.abs(found.w) - xp.abs(w)
        others = xp.sum(xp.where(mismatched, xp.zeros_like(w), gained), axis=-1) / (d - count)
        loss = xp.sum(lost * (others[:, None] - gained), axis=-1)
        return loss / xp.sum(lost * lost, axis=-1)

    return extrapolated(run, eta, levels=3)


@figure(adam_sign_flow)
def sign_flow_measured(figure: Figure, results: Results) -> None:
    """Relative distance of the extrapolated simulation from the sign flow."""
    axes = figure.add_subplot()
    shown = [row for row in results.rows("flow_at_vanishing_step") if row["d"] == 16]
    labels = list(dict.fromkeys(_label(row) for row in shown))
    for optimizer, colour, shift in (("adam", "blue", -0.12), ("sign_descent", "vermilion", 0.12)):
        rows = [row for row in shown if row["optimizer"] == optimizer]
        y = [labels.index(_label(row)) + shift for row in rows]
        value, low, high = ([100 * (row[key] / row["claimed"] - 1) for row in rows]
                            for key in ("estimate", "low", "high"))  # fmt: skip
        below = [v - l for v, l in zip(value, low, strict=True)]
        above = [h - v for v, h in zip(value, high, strict=True)]
        axes.errorbar(value, y, xerr=[below, above], fmt="o", ms=4, capsize=2,
                      color=PALETTE[colour], label=optimizer.replace("_", " "))  # fmt: skip
    axes.axvline(0.0, color=PALETTE["grey"], ls="--", lw=1.0)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set(xlabel="limit of vanishing step against the sign flow, per cent")
    axes.set_title("Interval: sampling, and the extrapolation's own error", fontsize=9.0)
    axes.legend(loc="upper left")


def _label(row: Mapping[str, Any]) -> str:
    name = {"output": "$c$", "loss": "loss", "hidden": f"$a_{{{row['entry'] + 1}}}$"}
    return f"{name[row['quantity']]} at {row['fraction']:g} $\\tau^*$"


@figure(adam_predictor)
def predictor_measured(figure: Figure, results: Results) -> None:
    """Excess of R_med,1 over 1 against its predictor, trial by trial, for vanishing steps."""
    axes = figure.add_subplot()
    rows = results.rows("log_ratio")
    kind = {"ones": "equal $A_j$", "ramp": "unequal $A_j$"}
    labels = [f"{row['stage']}, $d={row['d']}$, $\\alpha={row['alpha']:g}$, {kind[row['target']]}"
              for row in rows]  # fmt: skip
    value, low, high = ([100 * row[key] for row in rows] for key in ("estimate", "low", "high"))
    errors = [[v - l for v, l in zip(value, low, strict=True)],
              [h - v for v, h in zip(value, high, strict=True)]]  # fmt: skip
    axes.errorbar(value, range(len(rows)), xerr=errors, fmt="o", ms=4, capsize=2,
                  color=PALETTE["blue"])  # fmt: skip
    axes.axvline(0.0, color=PALETTE["grey"], ls="--", lw=1.0)
    axes.set_yticks(range(len(rows)), labels, fontsize=8.5)
    axes.invert_yaxis()
    axes.set(xlabel="median of $\\log(R-1)-\\log(R_{pred}-1)$, per cent", xlim=(-1.0, 1.0),
             xticks=[-1.0, -0.5, 0.0, 0.5, 1.0])  # fmt: skip
    found = results.rows("correction")[0]
    figure.suptitle(
        f"Switching times that mismatched units lose: {found['estimate']:.3f} "
        f"[{found['low']:.3f}, {found['high']:.3f}], claimed {found['claimed']:g}", fontsize=9.0,
    )  # fmt: skip
