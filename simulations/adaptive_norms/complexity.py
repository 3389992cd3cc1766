"""Runs of Algorithm 1 against the bounds on radius, successes and iterations; their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.adaptive_norms.complexity_problems import Point, build, thresholds
from simulations.adaptive_norms.complexity_runs import run
from simulations.adaptive_norms.worst_case import WorstCase
from simulations.engine import measurement
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.complexity import (
    lemma_10,
    lemma_11,
    theorem_1,
    theorem_1_safeguarded,
)
from theory.core import Statement
from theory.optimizers.trust_region.bounds import minimal_radius

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Row = Mapping[str, Any]

_SADDLE: Point = {"problem": "saddle", "mu": 1.0, "rejections": 20}
_BOWL: Point = {"problem": "bowl", "mu": 6.0}
_LEAP: Point = {"problem": "leap", "gamma_inc": 1e9}
_TILT: Point = {"problem": "tilt", "mu": 3.0, "excess": 1.0}
_TOLERANCES = (0.4, 0.2, 0.1, 0.05)
_BALLS = (("balls", 1.0), ("balls", 1.25))


def _waves(delta0: float, tolerances: Sequence[float], shapes: Sequence[tuple[str, float]]
           ) -> list[Point]:  # fmt: skip
    return [{"problem": "waves", "shape": shape, "mu": mu, "eps": eps, "delta0": delta0}
            for shape, mu in shapes for eps in tolerances]  # fmt: skip


# From a radius below every threshold: there the lemmas on success say something.
_SMALL = _waves(1e-3, (0.2,), (*_BALLS, ("random", 1.25), ("rmsprop", 0.6**-0.5)))
_WIDE = _waves(1e-3, _TOLERANCES, (("random", 1.25), ("random", 2.0), ("rmsprop", 0.6**-0.5)))
_LARGE = _waves(1.0, _TOLERANCES, _BALLS)
# One run on the wrong side refutes; extremal runs differ by rotations alone, so that few suffice.
_TRIALS = {"quick": 4, "standard": 40, "deep": 200}


def _safeguarded(points: Sequence[Point]) -> list[Point]:
    return [{**point, "safeguarded": True} for point in points]


def _sampled(stream: Stream, trials: int, point: Point, quantity: str, counted: str
             ) -> dict[str, Any]:  # fmt: skip
    """One quantity of independent runs; the sizes of the errors are those that are permitted."""
    seeds = stream.integers(0, 2**31, (trials,))
    outcomes = [run(point, np.random.default_rng(int(seeds[k]))) for k in range(trials)]

    def column(value: str) -> Any:
        return stream.xp.asarray([float(getattr(found, value)) for found in outcomes])

    return {quantity: column(quantity), "met": column("met"), "exercised": column(counted)}


def _least_radius(point: Point) -> float:
    c = build(point).constants
    bounds = thresholds(c, bool(point.get("safeguarded", False)))
    return float(minimal_radius(*bounds, delta0=c["delta0"], gamma_dec=c["gamma_dec"]))


def _claimed_radius(statement: Statement, point: Point) -> float:
    c = build(point).constants
    own = {name: value for name, value in c.items() if name not in ("gap", "gamma_inc")}
    return float(statement.formula(radii=np.zeros(1), **own)[0])


@measurement(
    lemma_10,
    points={"quick": [_SADDLE, _BOWL, _TILT, *_SMALL],
            "standard": [_SADDLE, _BOWL, _TILT, *_SMALL, *_WIDE]},
    trials=_TRIALS,
    block=20,
    estimate=WorstCase("radius", "lower"),
    claimed=_claimed_radius, host=True,
)  # fmt: skip
def smallest_radius(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """The smallest radius of each run; exercised: iterations whose success is claimed."""
    return _sampled(stream, trials, point, "radius", "implied")


def _claimed_successes(statement: Statement, point: Point) -> float:
    c = build(point).constants
    own = {name: c[name] for name in ("gap", "eta", "mu", "eps_g", "eps_H", "nu")}
    return float(statement.formula(successes=0, radius=_least_radius(point), **own)[1])


@measurement(
    lemma_11,
    points={"quick": [_SADDLE, _BOWL, *_SMALL], "standard": [_SADDLE, _BOWL, *_SMALL, *_WIDE]},
    trials=_TRIALS,
    block=20,
    estimate=WorstCase("successes", "upper"),
    claimed=_claimed_successes,
    host=True,
)
def successes(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """The number of successes of each run, all of them exercised."""
    return _sampled(stream, trials, point, "successes", "successes")


def _claimed_iterations(statement: Statement, point: Point) -> float:
    constants = dict(build(point).constants)
    if point.get("safeguarded", False):
        del constants["cA"]
    return float(statement.formula(**constants))


_THEOREM = [_SADDLE, _BOWL, _LEAP, *_SMALL, *_LARGE]


@measurement(
    theorem_1,
    points={"quick": _THEOREM, "standard": [*_THEOREM, *_WIDE]},
    trials=_TRIALS,
    block=20,
    estimate=WorstCase("iterations", "upper"),
    claimed=_claimed_iterations,
    host=True,
)
def iterations(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """The number of iterations of each run, all of them exercised."""
    return _sampled(stream, trials, point, "iterations", "iterations")


_OWN = _safeguarded([
    {**_SADDLE, "rejections": 40, "gamma_dec": 1.005}, {**_SADDLE, "mu": 2.0}, _BOWL, _LEAP,
    *_SMALL, *_LARGE,
])  # fmt: skip


@measurement(
    theorem_1_safeguarded,
    points={"quick": _OWN, "standard": [*_OWN, *_safeguarded(_WIDE)]},
    trials=_TRIALS,
    block=20,
    estimate=WorstCase("iterations", "upper"),
    claimed=_claimed_iterations,
    host=True,
)
def safeguarded_iterations(stream: Stream, trials: int, **point: Any) -> dict[str, Any]:
    """The number of iterations of each run of the safeguarded method."""
    return _sampled(stream, trials, point, "iterations", "iterations")


# ---- figures

_DECADES = 20.0  # quotients beyond it are drawn on a logarithmic axis


@figure(lemma_10)
def radius_against_its_bound(figure: Figure, results: Results) -> None:
    """Smallest radius of all runs over D_min, and how often success was claimed by the lemma."""
    axes = figure.subplots()
    rows = results.rows("smallest_radius")
    _quotients(axes, rows, lambda row: row["estimate"] / row["claimed"])
    for place, row in enumerate(rows):
        text = f"{row['exercised']} claimed successes in {row['trials']} runs"
        axes.annotate(text, (row["estimate"] / row["claimed"], place), xytext=(8, 0),
                      textcoords="offset points", va="center", fontsize=8.0)  # fmt: skip
    axes.set(xlabel="smallest radius$\\,/\\,D_{\\min}$", title="Lemma 10")


@figure(lemma_11)
def successes_against_their_bound(figure: Figure, results: Results) -> None:
    """Bound on the successes over the largest number of successes: 1.04 on the saddle."""
    axes = figure.subplots()
    _quotients(axes, results.rows("successes"), lambda row: row["claimed"] / row["estimate"])
    axes.set(xlabel="$S\\,/\\,$largest number of successes", title="Lemma 11")


@figure(theorem_1)
def iterations_against_their_bound(figure: Figure, results: Results) -> None:
    """Bound and longest run against eps on a generic function; their quotient on every problem."""
    _bound_and_runs(figure, results.rows("iterations"))


@figure(theorem_1_safeguarded)
def safeguarded_iterations_against_their_bound(figure: Figure, results: Results) -> None:
    """Bound and longest run of the safeguarded method against eps; their quotient."""
    _bound_and_runs(figure, results.rows("safeguarded_iterations"))


def _bound_and_runs(figure: Figure, rows: list[dict[str, Any]]) -> None:
    figure.set_size_inches(1.5 * WIDTH, 4.2)
    left, right = figure.subplots(1, 2)
    for mu, colour, marker, size in ((1.0, "blue", "o", 9.0), (1.25, "vermilion", "s", 4.0)):
        chosen = [row for row in rows if row.get("delta0") == 1.0 and row["mu"] == mu]
        eps = [row["eps"] for row in chosen]
        left.plot(eps, [row["claimed"] for row in chosen], "--", color=PALETTE[colour],
                  label=f"bound $T$, $\\mu = {mu:g}$")  # fmt: skip
        left.plot(eps, [row["estimate"] for row in chosen], marker, ms=size, color=PALETTE[colour],
                  label=f"longest run, $\\mu = {mu:g}$")  # fmt: skip
    left.set(xscale="log", yscale="log", xlabel="$\\epsilon_g = \\epsilon_H$", ylabel="iterations",
             title="Sum of three waves, $\\Delta_0 = 1$")  # fmt: skip
    left.set_xticks(_TOLERANCES, [f"{eps:g}" for eps in _TOLERANCES])
    left.minorticks_off()
    left.legend(loc="center right", bbox_to_anchor=(1.0, 0.4))
    _quotients(right, rows, lambda row: row["claimed"] / row["estimate"])
    right.set(xlabel="$T\\,/\\,$longest run", title="All problems")


def _quotients(axes: Axes, rows: Sequence[Row], quotient: Any) -> None:
    """One dot for every grid point, on an axis that starts at the bound."""
    values = [quotient(row) for row in rows]
    places = range(len(rows))
    axes.hlines(places, 1.0, values, color=PALETTE["sky"], lw=2.0)
    axes.plot(values, places, "o", ms=4, color=PALETTE["blue"])
    axes.axvline(1.0, color=PALETTE["grey"], ls="--", lw=1.0)
    axes.set_yticks(places, [_label(row) for row in rows], fontsize=8.0)
    axes.invert_yaxis()
    if max(values) > _DECADES:
        axes.set(xscale="log", xlim=(0.7, 3.0 * max(values)))
    else:
        axes.set(xlim=(0.9, 1.3 * max(values)))


def _label(row: Row) -> str:
    size = "" if row["problem"] == "leap" else f", $\\mu = {row['mu']:.3g}$"
    if row["problem"] != "waves":
        return f"{row['problem']}{size}"
    return (f"waves, {row['shape']}{size}, $\\epsilon = {row['eps']:g}$, "
            f"$\\Delta_0 = {row['delta0']:g}$")  # fmt: skip
