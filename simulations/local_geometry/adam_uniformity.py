"""Measures Theorem 1 under Adam: exponents of the non-uniformity, its linear part, equal loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from simulations.engine import estimators, measurement, scaling
from simulations.engine.figures import PALETTE, Results, figure
from simulations.engine.scaling import Comparison, column, fit_power_law
from simulations.engine.streams import Stream
from simulations.local_geometry.limits import ADAM, descend, limit, richardson
from simulations.two_layer import Problem
from theory.core import Statement
from theory.local_geometry.adam_uniformity import (
    END,
    adam_eta_linear,
    corollary_1,
    theorem_1_adam,
    window_start,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The end of the run in units of sqrt(A_max/d), past the sign flow's own end.
_LATE = 1.15
_FINE = 200.0


def _point(d: int, alpha: float, kappa: float, fine: float = _FINE, **more: Any) -> dict[str, Any]:
    """A grid point with that step over the initial weights, a smaller one at small alpha."""
    eta = min(math.pow(d, -alpha) / fine, math.pow(d, -0.5) / 3_000.0)
    return {"d": d, "alpha": alpha, "kappa": kappa, "eta": eta, "layer": 1, **more}


def _stated(d: int, kappa: float, layer: int = 1) -> dict[str, Any]:
    """A point of the theorem's own range: p = 1, alpha = (p + 4)/3, eta = d^(-3 alpha)."""
    return {"d": d, "alpha": 5.0 / 3.0, "kappa": kappa, "eta": math.pow(d, -5), "layer": layer}


_START = window_start(1.5)
# The end of the run comes first: a map takes what it does not vary from the first point.
_QUICK = [
    *(_point(d, 1.5, END) for d in (8, 16, 24, 32)),
    *(_point(d, 1.5, _START) for d in (8, 16, 24, 32, 48, 64)),
    *(_point(d, 0.5, END) for d in (8, 16, 24, 32)),
    *(_point(32, 1.5, kappa) for kappa in (0.6, 0.7, 0.8, 0.9)),
    *(_point(16, 1.5, kappa, layer=2) for kappa in (END, _START)),
    _point(16, 1.5, END, weight_decay=0.5), _point(16, 1.5, END, batch=64),
    _point(16, 1.5, END, noise=0.01),
]  # fmt: skip
_STATED_START = window_start(5.0 / 3.0)
_RANGE = [
    *(_stated(d, kappa) for d in (8, 12) for kappa in (END, _STATED_START)),
    _stated(16, _STATED_START),
]  # fmt: skip
_WIDE = [
    *(_point(d, 1.5, _START) for d in (96, 128, 192)),
    *(_point(d, 1.5, END) for d in (48, 64)),
    *(_point(d, 2.0, window_start(2.0), 800.0) for d in (8, 16, 32, 64)),
    *(_point(d, 1.0, END) for d in (8, 16, 32, 64)),
    _stated(16, END), *(_stated(16, kappa, layer=2) for kappa in (END, _STATED_START)),
]  # fmt: skip
_FAR = [_stated(d, kappa) for d in (24, 32) for kappa in (END, _STATED_START)]


def _trials(point: Mapping[str, Any], budget: str) -> int:
    # The relative sd falls from 10 % (d = 8) to 0.5 % (d = 64, end): exponents to 0.02, against
    # the distance 0.25 to the mutants, and 0.1 % at d = 32 against the distance 3 % at the end.
    # A run in the stated range takes d^(9/2) steps to the end.
    if point["eta"] != math.pow(point["d"], -5):
        return {8: 400, 16: 200}.get(point["d"], 100)
    return {8: 100, 12: 50, 16: 50}.get(point["d"], 30)


@measurement(
    theorem_1_adam,
    points={"quick": _QUICK + _RANGE, "standard": _QUICK + _RANGE + _WIDE,
            "deep": _QUICK + _RANGE + _WIDE + _FAR},
    trials=_trials,
    block=lambda point: 10 if point["d"] >= 96 or point["d"] in (24, 32) else 50,
    estimate=estimators.ratio_of_means("excess", "spread", side="upper"),
    resolution=0.15, divisible=True,
)  # fmt: skip
def relative_spread(
    stream: Stream, trials: int, d: int, alpha: float, kappa: float, eta: float, layer: int,
    weight_decay: float = 0.0, batch: int = 0, noise: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """``sqrt(R_med) - 1`` at c = d^-kappa, and Z of the same initial weights."""
    xp = stream.xp
    w, W = Problem(d, alpha).initial_weights(stream, trials)
    size = xp.sort(xp.abs(w), axis=-1) * math.pow(d, alpha)
    spread = size[:, -1] - (size[:, d // 2] + size[:, (d - 1) // 2]) / 2.0
    end = math.pow(d, -kappa) * (_LATE if kappa == END else 1.0)
    found = descend(
        stream, w, W, eta=eta, steps=max(1, round(end / eta)), batch=batch, noise=noise,
        hyper={**ADAM, "weight_decay": weight_decay},
    )  # fmt: skip
    ratio = found.r_med_1 if layer == 1 else found.r_med_2
    return {"excess": xp.sqrt(ratio[:, -1]) - 1.0, "spread": spread}


def _series(
    rows: Sequence[Mapping[str, Any]], alpha: float, kappa: float
) -> list[Mapping[str, Any]]:
    """Plain rows of one stage with step d^-alpha/200 or smaller, by d."""
    extras = ("weight_decay", "batch", "noise")
    plain = [row for row in rows if row["layer"] == 1 and not any(map(row.get, extras))]
    chosen = [row for row in plain if (row["alpha"], row["kappa"]) == (alpha, kappa)]
    return sorted(chosen, key=lambda row: int(row["d"]))


def _exponent(
    statement: Statement, rows: Sequence[Mapping[str, Any]], alpha: float, kappa: float,
    resolution: float,
) -> Comparison:  # fmt: skip
    # At d = 8 the next order shows: the correction d^-(alpha - kappa) is not small.
    chosen = [row for row in _series(rows, alpha, kappa) if row["d"] >= 16]
    d, y, se = (column(chosen, key) for key in ("d", "estimate", "standard_error"))
    claimed = [float(statement.formula(int(size), alpha, kappa)) for size in (d[0], d[-1])]
    slope = math.log(claimed[1] / claimed[0]) / math.log(d[-1] / d[0])
    # The median of |w_i(0)| is added to c: a relative correction d^-(alpha - kappa).
    fit = fit_power_law(d, y, se, finite_size=alpha - kappa if alpha > kappa else None)
    return Comparison(fit, "exponent", slope, resolution)


@scaling(theorem_1_adam, of="relative_spread")
def exponent_at_the_start(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """At the window's start the spread falls like d^-(alpha/2 - 1/4); alpha = 3/2."""
    return _exponent(statement, rows, 1.5, _START, 0.12)


@scaling(theorem_1_adam, of="relative_spread")
def exponent_at_the_end(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """At its end like d^-(alpha - 1/2); alpha = 3/2."""
    return _exponent(statement, rows, 1.5, END, 0.12)


@scaling(theorem_1_adam, of="relative_spread")
def no_decay_at_one_half(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """At alpha = 1/2 it does not fall: alpha > 1/2 is needed."""
    return _exponent(statement, rows, 0.5, END, 0.12)


_PIVOT = 5e-4


def _halved(run: Callable[[float], Any], eta: float, pivot: float) -> dict[str, Any]:
    """The ratio of `run` at eta and at pivot, and its limit as both tend to 0 together."""
    coarse, fine = (run(eta / factor) / run(pivot / factor) for factor in (1.0, 2.0))
    value, previous = richardson([coarse, fine])
    return {"value": value, "previous": previous}


@measurement(
    adam_eta_linear,
    points={"quick": [{"d": 16, "eta": _PIVOT / k, "pivot": _PIVOT} for k in (2, 4, 8)]
            + [{"d": 32, "eta": _PIVOT / 8, "pivot": _PIVOT}],
            "standard": [{"d": d, "eta": _PIVOT / k, "pivot": _PIVOT}
                         for d in (16, 32, 64) for k in (2, 4, 8, 16)]},
    # The ratio's sd is 1 %: standard error 0.15 %, and an extrapolation error of 0.5 %, against
    # 3.4 to 10 % of the nearest mutant.
    trials={"quick": 60, "standard": 120, "deep": 240},
    block=60,
    estimate=limit("value", "previous"),
    resolution=0.03, divisible=True,
)  # fmt: skip
def nonuniformity(stream: Stream, trials: int, d: int, eta: float, pivot: float) -> dict[str, Any]:
    """The excess of max w^2/min w^2 over 1 at step eta, over that at the pivot; same draws."""
    w, W = stream.normal((trials, d)), stream.normal((trials, d, d))

    def run(step: float) -> Any:
        found = descend(stream, 0.25 * step * w, 1e-4 * step * W, eta=step,
                        steps=round(_LATE / math.sqrt(d) / step))  # fmt: skip
        return found.max_over_min_1[:, -1] - 1.0

    return _halved(run, eta, pivot)


@scaling(adam_eta_linear, of="nonuniformity")
def exponent_of_the_step(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The exponent of eta is 1."""
    chosen = [row for row in rows if row["d"] == 16]
    x, y, se = (column(chosen, key) for key in ("eta", "estimate", "standard_error"))
    claimed = [float(statement.formula(value, _PIVOT)) for value in (x[0], x[-1])]
    slope = math.log(claimed[1] / claimed[0]) / math.log(x[-1] / x[0])
    return Comparison(fit_power_law(x, y, se), "exponent", slope, resolution=0.08)


_LEVEL = 0.005  # of d; the loss starts at d/2


def _log_claimed(statement: Statement, point: Mapping[str, Any]) -> float:
    return math.log(float(statement.formula(**point)))


@measurement(
    corollary_1,
    points={
        "quick": [{"d": d, "alpha": 3.0, "eta": 5e-5} for d in (8, 16, 32, 64)],
        "standard": [{"d": d, "alpha": 3.0, "eta": 2.5e-5} for d in (8, 16, 32, 64, 128)],
    },
    # sd of log R: 0.8 (d = 8), 0.37 (d = 64): standard errors 0.028 and 0.026, against the
    # distances 0.39 to the arithmetic mean and 0.25 to the square root of log d.
    trials=lambda point, budget: (
        {8: 800, 16: 600}.get(point["d"], 200) * {"quick": 1, "standard": 2, "deep": 4}[budget]
    ),
    block=100,
    estimate=estimators.mean("log_ratio"),
    resolution=0.2,
    claimed=_log_claimed,
    divisible=True,
)
def at_equal_loss(stream: Stream, trials: int, d: int, alpha: float, eta: float) -> dict[str, Any]:
    """Logarithm of the ratio of R_med,1 when each first has a loss of at most d/200."""
    w, W = Problem(d, alpha).initial_weights(stream, trials)
    # SGD with momentum at eta lambda = 0.02 grows by a fifth of its size in a step.
    doublings = alpha * math.log(d)
    times = range(int(4.0 * doublings), int(12.0 * doublings) + 100, 8)
    momentum = descend(stream, w, W, eta=0.02 / math.sqrt(d), steps=times[-1], record=times,
                       optimizer="sgd_momentum", hyper={"beta": 0.9})  # fmt: skip
    end = 1.0 / math.sqrt(d) / eta
    late = [round(end * (0.88 + 0.01 * k)) for k in range(25)]
    adam = descend(stream, w, W, eta=eta, steps=late[-1], record=late)
    first, second = (_first_ratio(stream.xp, found, _LEVEL * d) for found in (momentum, adam))
    return {"log_ratio": stream.xp.log(first / second)}


def _first_ratio(xp: Any, found: Any, level: float) -> Any:
    """R_med,1 at the first record with a loss of at most `level`; NaN where there is none."""
    reached = found.loss <= level
    first = xp.argmax(xp.astype(reached, xp.int64), axis=-1)
    here = xp.arange(found.loss.shape[1])[None, :] == first[:, None]
    value = xp.sum(xp.where(here, found.r_med_1, xp.zeros_like(found.r_med_1)), axis=-1)
    return xp.where(xp.any(reached, axis=-1), value, xp.full_like(value, math.nan))


@scaling(corollary_1, of="at_equal_loss")
def growth_with_log_d(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """Power of log d by which the ratio grows over the grid, against that of the law."""
    chosen = [row for row in rows if row["d"] >= 16]
    d, logarithm, se = (column(chosen, key) for key in ("d", "estimate", "standard_error"))
    ratio = numpy.exp(logarithm)
    fit = fit_power_law(numpy.log(d), ratio, se * ratio)
    claimed = numpy.asarray([float(statement.formula(int(size))) for size in d])
    slope, _ = fit_power_law(numpy.log(d), claimed, se * claimed).estimate("exponent")
    return Comparison(fit, "exponent", slope, resolution=0.8)


@figure(theorem_1_adam)
def uniformity_under_adam(figure: Figure, results: Results) -> None:
    """Relative spread under Adam against the width, and along the window, with its bound."""
    left, right = figure.subplots(1, 2)
    rows = results.rows("relative_spread")
    stages = ((1.5, _START, "blue", "start, $\\alpha=3/2$"), (1.5, END, "vermilion", "end, 3/2"),
              (0.5, END, "green", "end, 1/2"))  # fmt: skip
    for alpha, kappa, colour, label in stages:
        _bounded(left, _series(rows, alpha, kappa), "d", PALETTE[colour], label)
    left.set(xscale="log", yscale="log", xlabel="width $d$", ylim=(4e-3, 1.5),
             ylabel=r"$E(\sqrt{R_{med,1}}-1)\,/\,E Z$")  # fmt: skip
    left.set_xticks([8, 16, 32, 64], ["8", "16", "32", "64"])
    left.xaxis.minorticks_off()
    left.legend(fontsize=8.0, loc="lower left")
    window = [row for kappa in (END, 0.6, 0.7, 0.8, 0.9, _START)
              for row in _series(rows, 1.5, kappa) if row["d"] == 32]  # fmt: skip
    along = [{**row, "c": math.pow(32, -row["kappa"])} for row in window]
    _bounded(right, along, "c", PALETTE["blue"], "measured")
    end, start = along[0]["c"], along[-1]["c"]
    c = [start * (end / start) ** (k / 50) for k in range(51)]
    # The median of |w_i(0)| is 0.6745 d^-alpha.
    size = math.pow(32, -1.5)
    right.plot(c, [size / (value + 0.6745 * size) for value in c], color=PALETTE["orange"], lw=1.0,
               label="with the median of $|w_i(0)|$")  # fmt: skip
    right.set(xscale="log", yscale="log", xlabel="$c$, start to end of the window")
    right.set_xticks([0.03, 0.05, 0.1, 0.2], ["0.03", "0.05", "0.1", "0.2"])
    right.set_yticks([0.03, 0.05, 0.1, 0.2], ["0.03", "0.05", "0.1", "0.2"])
    right.minorticks_off()
    right.set_title("$d = 32$, $\\alpha = 3/2$", fontsize=9.5)
    right.legend(fontsize=8.0, loc="lower left")
    left.set_title("bounds (dashed): $d^{-(\\alpha-\\kappa)}$", fontsize=9.5)


def _bounded(
    axes: Any, rows: Sequence[Mapping[str, Any]], name: str, colour: str, label: str
) -> None:
    """Measured values with intervals, and the claimed bound as a line."""
    x = [row[name] for row in rows]
    value = [row["estimate"] for row in rows]
    above = [row["high"] - row["estimate"] for row in rows]
    below = [row["estimate"] - row["low"] for row in rows]
    axes.plot(x, [row["claimed"] for row in rows], color=colour, ls="--", lw=1.0)
    axes.errorbar(x, value, yerr=[below, above], fmt="o", ms=4, capsize=2, color=colour,
                  label=label)  # fmt: skip


@figure(adam_eta_linear)
def linear_in_the_step(figure: Figure, results: Results) -> None:
    """Excess of max w^2/min w^2 over 1 against the step size: slope 1, not 1/4."""
    axes = figure.add_subplot()
    for d, colour in ((16, "blue"), (32, "vermilion")):
        rows = [row for row in results.rows("nonuniformity") if row["d"] == d]
        relative = [row["eta"] / row["pivot"] for row in rows]
        shifted = [{**row, "x": x} for row, x in zip(rows, relative, strict=True)]
        _bounded(axes, shifted, "x", PALETTE[colour], f"$d = {d}$")
    x = [1.0, 1.0 / 16.0]
    for power, style in ((1.0, "-"), (0.5, "--"), (0.25, ":")):
        axes.plot(x, [value**power for value in x], color=PALETTE["grey"], ls=style, lw=1.0,
                  label=rf"$\eta^{{{power:g}}}$")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel=rf"$\eta$ over the pivot {_PIVOT:g}",
             ylabel="max/min $-$ 1, over that at the pivot")  # fmt: skip
    axes.set_xticks([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], ["1/16", "1/8", "1/4", "1/2", "1"])
    axes.xaxis.minorticks_off()
    axes.legend()


@figure(corollary_1)
def ratio_at_equal_loss(figure: Figure, results: Results) -> None:
    """Geometric mean of R_med,1 of SGD with momentum over Adam's, at equal loss, with the law."""
    axes = figure.add_subplot()
    rows = sorted(results.rows("at_equal_loss"), key=lambda row: int(row["d"]))
    d = [row["d"] for row in rows]
    value, low, high, law = ([math.exp(row[key]) for row in rows]
                             for key in ("estimate", "low", "high", "claimed"))  # fmt: skip
    errors = [[v - l for v, l in zip(value, low, strict=True)],
              [h - v for v, h in zip(value, high, strict=True)]]  # fmt: skip
    axes.plot(d, law, color=PALETTE["vermilion"], lw=1.2, label="exact law")
    anchor = law[0] / math.sqrt(math.log(d[0]))
    axes.plot(d, [anchor * math.sqrt(math.log(size)) for size in d], color=PALETTE["grey"],
              ls="--", lw=1.0, label=rf"$\sqrt{{\log d}}$, through $d = {d[0]}$")  # fmt: skip
    axes.errorbar(d, value, yerr=errors, fmt="o", ms=4, capsize=2, color=PALETTE["blue"],
                  label="simulated, both from the same weights")  # fmt: skip
    axes.set(xscale="log", xlabel="width $d$", ylim=(0.0, None),
             ylabel="$R_{med,1}$: SGD with momentum over Adam")  # fmt: skip
    axes.set_xticks(d, [str(size) for size in d])
    axes.minorticks_off()
    axes.legend()
