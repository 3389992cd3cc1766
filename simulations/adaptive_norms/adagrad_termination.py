"""Measures trust-region runs in Adagrad's ellipsoids: radii, decreases, successes to the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from theory.adaptive_norms.adagrad_termination import (
    adagrad_trust_region_terminates,
    safe_radius,
    success_bound,
)
from theory.core import Statement
from theory.optimizers.trust_region.history import History
from theory.optimizers.trust_region.method import minimize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Array = np.ndarray[Any, Any]
# Curvature, Adagrad's eps, the gradient norm that ends a run, the method's eta and gamma.
BETA, EPS, EPS_G, ETA, GAMMA = 1.0, 0.75, 0.9, 0.8, 1.1
# Amplitude and length of the ripples: slope 0.05, curvature 0.25.
_RIPPLE, _LENGTH = 0.01, 0.2
_WIDE = 10.0


def gap(d: int, travel: float) -> float:
    """An upper bound of L_0 - L* that every start attains but for the ripples' phases."""
    return travel + 2.0 * _RIPPLE * (d - 1)


def gradient_bound(d: int) -> float:
    """G of the valley."""
    return math.sqrt(1.0 + (d - 1) * (_RIPPLE / _LENGTH) ** 2)


class Valley:
    """Huber's function of one coordinate and ripples ``1 - cos`` of the others, rotated.

    Convex along the first coordinate only; slopes and curvatures are at most 1.

    Parameters
    ----------
    basis : array (d, d)
        Orthogonal; its columns are the coordinate directions.
    """

    def __init__(self, basis: Array) -> None:
        self._basis = basis

    def fun(self, x: Array) -> float:
        """L(x) >= 0."""
        u = self._basis.T @ x
        size = abs(u[0])
        huber = BETA * size**2 / 2 if size <= 1 / BETA else size - 1 / (2 * BETA)
        return float(huber + _RIPPLE * np.sum(1.0 - np.cos(u[1:] / _LENGTH)))

    def grad(self, x: Array) -> Array:
        """The gradient (d,)."""
        u = self._basis.T @ x
        slopes = _RIPPLE / _LENGTH * np.sin(u / _LENGTH)
        slopes[0] = np.clip(BETA * u[0], -1.0, 1.0)
        return np.asarray(self._basis @ slopes)

    def hvp(self, x: Array, v: Array) -> Array:
        """The Hessian times v (d,), 0 along the first coordinate beyond the kink."""
        u = self._basis.T @ x
        bends = _RIPPLE / _LENGTH**2 * np.cos(u / _LENGTH)
        bends[0] = BETA * (BETA * abs(u[0]) < 1.0)
        return np.asarray(self._basis @ (bends * (self._basis.T @ v)))


def _run(
    draws: Mapping[str, Array], d: int, travel: float, power: float, matrix: str, radii: str
) -> History:
    """One run from a random start, to the end; the radii are least possible or wide."""
    basis = np.linalg.qr(draws["basis"])[0]
    valley = Valley(basis)
    start = np.concatenate([[travel + 1 / (2 * BETA)], math.pi * _LENGTH * draws["phases"]])
    x = basis @ start
    gradient = valley.grad(x)
    least = safe_radius(power, EPS + gradient @ gradient, EPS_G, EPS, BETA, ETA) / GAMMA
    radius = least * (1.0 + 0.02 * float(draws["slack"])) if radii == "least" else _WIDE
    result = minimize(
        valley.fun, valley.grad, valley.hvp, x, ellipsoid="adagrad", power=power,
        diagonal=matrix == "diagonal", eps=EPS, solver="cauchy" if radii == "wide" else "steihaug",
        radius=radius, max_radius=radius, eta1=ETA, eta2=0.95, gamma_inc=1.1, gamma_dec=GAMMA,
        eps_g=EPS_G, max_iter=20_000,
    )  # fmt: skip
    if not result.status.converged:
        raise ValueError(f"the run did not end at ||g|| <= eps_g: {result.message}")
    return result.history


def quantity_of(history: History, quantity: str, power: float) -> float:
    """Successes; least ``Delta S^(p/2)`` of an iteration; least ``S^p`` times gain of a success."""
    accepted = history.column("accepted").astype(bool)
    if quantity == "successes":
        return float(np.sum(accepted))
    new_point = np.concatenate([[True], accepted[:-1]])
    squares = np.where(new_point, history.column("gradient_norm") ** 2, 0.0)
    totals = EPS + np.cumsum(squares)
    if quantity == "radius":
        return float(np.min(history.column("radius") * totals ** (power / 2)))
    gains = history.column("true_decrease") * totals**power
    return float(np.min(gains[accepted]))


def _sample(
    stream: Stream, trials: int, quantity: str, d: int, travel: float, power: float, matrix: str,
    radii: str,
) -> dict[str, Any]:  # fmt: skip
    draws = {
        "basis": stream.normal((trials, d, d)),
        "phases": 2.0 * stream.uniform((trials, d - 1)) - 1.0,
        "slack": stream.uniform(trials),
    }
    host = {name: np.asarray(values) for name, values in draws.items()}
    found = [
        quantity_of(_run({name: values[i] for name, values in host.items()}, d, travel, power,
                         matrix, radii), quantity, power)
        for i in range(trials)
    ]  # fmt: skip
    return {"value": stream.xp.asarray(found)}


def _claimed(statement: Statement, point: Mapping[str, Any]) -> float:
    bound = gradient_bound(point["d"])
    size = gap(point["d"], point["travel"]) if point["quantity"] == "successes" else 1.0
    return float(statement.formula(point["quantity"], point["power"], size, EPS_G, EPS, bound,
                                   BETA, ETA, GAMMA))  # fmt: skip


def _points(quantity: str, *settings: tuple[int, float, float, str, str]) -> list[dict[str, Any]]:
    return [
        {"quantity": quantity, "d": d, "travel": travel, "power": power, "matrix": matrix,
         "radii": radii}
        for d, travel, power, matrix, radii in settings
    ]  # fmt: skip


_LONG = [(3, 0.7, 1.0, "full", "least"), (2, 2.5, 1.0, "diagonal", "least"),
         (3, 0.7, 0.5, "diagonal", "least"), (2, 2.5, 0.5, "diagonal", "least"),
         (3, 2.5, 1.0, "diagonal", "wide"), (3, 2.5, 0.5, "full", "wide")]  # fmt: skip
_LONGER = [(3, 5.0, 1.0, "diagonal", "least"), (10, 1.5, 1.0, "full", "least"),
           (10, 5.0, 0.5, "full", "least"), (10, 5.0, 1.0, "full", "wide")]  # fmt: skip
_SHORT = [(3, 0.5, 1.0, "full", "least"), (3, 0.5, 0.5, "diagonal", "least")]

# A bound that holds in every run: if all of 24 runs are beyond a false one, the p-value of "at
# most half of them are" is 2^-24 = 6e-8.
_TRIALS = {"quick": 24, "standard": 48}


@measurement(
    adagrad_trust_region_terminates,
    points={"quick": _points("successes", *_LONG),
            "standard": _points("successes", *_LONG, *_LONGER)},
    trials=_TRIALS,
    block=24,
    estimate=estimators.quantile("value", 0.5, side="upper"),
    claimed=_claimed, host=True,
)  # fmt: skip
def successes_of_runs(
    stream: Stream, trials: int, quantity: str, d: int, travel: float, power: float, matrix: str,
    radii: str,
) -> dict[str, Any]:  # fmt: skip
    """Successes until ``||g|| <= eps_g``, in valleys with random axes and phases."""
    return _sample(stream, trials, quantity, d, travel, power, matrix, radii)


@measurement(
    adagrad_trust_region_terminates,
    points={"quick": [*_points("radius", *_SHORT), *_points("decrease", *_SHORT)]},
    trials=_TRIALS,
    block=24,
    estimate=estimators.quantile("value", 0.5, side="lower"),
    claimed=_claimed, host=True,
)  # fmt: skip
def least_of_runs(
    stream: Stream, trials: int, quantity: str, d: int, travel: float, power: float, matrix: str,
    radii: str,
) -> dict[str, Any]:  # fmt: skip
    """The least radius and the least decrease of a run, times their power of S."""
    return _sample(stream, trials, quantity, d, travel, power, matrix, radii)


@figure(adagrad_trust_region_terminates)
def successes_against_gap(figure: Figure, results: Results) -> None:
    """Successes of runs against the bounds for both powers, as functions of the gap."""
    axes = figure.subplots()
    gaps = np.geomspace(0.02, 10.0, 200)
    for power, colour, name in ((0.5, "blue", "1/2"), (1.0, "vermilion", "1")):
        _bound(axes, gaps, power, PALETTE[colour], f"bound $K$, $p = {name}$")
        for radii, marker in (("least", "o"), ("wide", "s")):
            rows = [row for row in results.rows("successes_of_runs") if row["d"] <= 3]
            rows = [row for row in rows if (row["power"], row["radii"]) == (power, radii)]
            x = [gap(row["d"], row["travel"]) for row in rows]
            axes.plot(x, [row["estimate"] for row in rows], marker, color=PALETTE[colour],
                      fillstyle="full" if radii == "least" else "none",
                      markersize=6 if power == 1.0 else 9,
                      label=f"median of runs, $p = {name}$, {radii} radii")  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(0.5, 1e9), xlim=(gaps[0], gaps[-1]),
             xlabel="gap $L_0 - L^*$ at the start",
             ylabel="successes while $\\|g\\| > \\epsilon_g$",
             title=f"$\\epsilon = {EPS:g}$, $\\epsilon_g = {EPS_G:g}$, $\\beta = {BETA:g}$,"
             f" $\\eta = {ETA:g}$")  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2)


def _bound(axes: Axes, gaps: Array, power: float, colour: str, label: str) -> None:
    bound: Callable[[float], float] = lambda x: success_bound(  # noqa: E731
        power, x, EPS_G, EPS, gradient_bound(3), BETA, ETA, GAMMA
    )
    axes.plot(gaps, [bound(float(x)) for x in gaps], color=colour, lw=1.2, label=label)
