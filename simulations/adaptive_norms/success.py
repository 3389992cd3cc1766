"""Runs with errors at the permitted level (Lemma 8), and figures of Lemmas 7 and 8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import to_device

from simulations.engine import estimators, measurement
from simulations.engine.figure_defaults import forest, ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.success import (
    lemma_7,
    lemma_8,
    mu_is_needed,
    rejected_ratio,
    remainder_bound,
)
from theory.core import Statement
from theory.optimizers.trust_region.bounds import success_thresholds
from theory.optimizers.trust_region.method import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Array = np.ndarray[Any, Any]

# ---- runs of Algorithm 1 at small radii

_DIMENSION = 4
_ITERATIONS = 12
_ERROR_H = 0.125
# Of the radius at which runs start, in units of the largest at which every step must succeed.
_START = 1e-2

_POINTS = [
    {"mu": mu, "eta": eta, "solver": solver, "error_power": 2}
    for mu, eta, solver in ((4.0, 0.5, "steihaug"), (10.0, 0.1, "steihaug"))
]
_MORE = [
    {"mu": mu, "eta": eta, "solver": solver, "error_power": 2}
    for mu, eta, solver in ((1.0, 0.5, "steihaug"), (2.0, 0.1, "cauchy"), (4.0, 0.9, "gltr"))
]


class Waves:
    """``L(w) = c'w + sum_i h_i (1 - cos (Q'w)_i)``, |h_i| <= 1: L_g = L_H = 1, with saddles.

    c makes the first gradient of length about 1 along the shortest axis of A, and of order
    ``1/mu^2`` along the longest, where the step goes. Reported derivatives are off by as much as
    is permitted: the gradient along the longest axis, the Hessian by ``-delta_H I``.
    """

    def __init__(self, stream: Stream, mu: float) -> None:
        # the method runs on the processor, wherever the numbers are drawn
        normal = to_device(stream.normal((_DIMENSION, _DIMENSION + 1)), "cpu")
        uniform = to_device(stream.uniform((3, _DIMENSION)), "cpu")
        self.basis, _ = np.linalg.qr(normal[:, :_DIMENSION])
        self.heights = np.sign(normal[:, _DIMENSION]) * (0.5 + 0.5 * uniform[0])
        self.start = 6.0 * uniform[1] - 3.0
        axes = mu ** (4.0 * uniform[2, 2:] - 2.0)
        self.matrix = np.concatenate([[mu**-2, mu**2], axes])
        first = np.concatenate([[3.0 * uniform[2, 0] / mu**2, 1.0], 0.1 * axes / mu**2])
        self.slope = np.zeros(_DIMENSION)
        self.slope = first - self.true_gradient(self.start)
        self.error_g = 0.0

    def value(self, w: Array) -> float:
        """L(w)."""
        waves = np.sum(self.heights * (1.0 - np.cos(w @ self.basis)))
        return float(self.slope @ w + waves)

    def true_gradient(self, w: Array) -> Array:
        """The gradient of L."""
        return np.asarray(self.slope + self.basis @ (self.heights * np.sin(w @ self.basis)))

    def gradient(self, w: Array) -> Array:
        """The reported gradient: it exaggerates the descent along the longest axis."""
        reported = self.true_gradient(w)
        reported[0] += self.error_g
        return reported

    def product(self, w: Array, v: Array) -> Array:
        """The reported Hessian times v: it exaggerates the descent too."""
        curved = self.basis @ (self.heights * np.cos(w @ self.basis) * (v @ self.basis))
        return np.asarray(curved - _ERROR_H * v)


def exercised(
    stream: Stream, mu: float, eta: float, solver: str, error_power: int
) -> Iterator[bool]:
    """Outcome of every step of a run for which all hypotheses of Lemma 8 hold.

    Radii go from a hundredth of D_g to D_g, ``delta_g = (1-eta) eps_g/(4 mu^p)``, p =
    `error_power` (2 in the lemma), and eps_g is 0.9 of the first gradient's norm. cA is 1 for the
    Cauchy point and ``4 kappa/(1+kappa)^2`` for solvers that start along ``-A^-1 g``.
    """
    problem = Waves(stream, mu)
    eps_g = 0.9 * float(np.linalg.norm(problem.true_gradient(problem.start)))
    kappa = mu**4
    cA = 1.0 if solver == "cauchy" else 4.0 * kappa / (1.0 + kappa) ** 2
    permitted = (1.0 - eta) * eps_g / (4.0 * mu**2)
    # eps_H and nu only limit D_H, which Lemma 8 does not use.
    unused = 4.0 * _ERROR_H * mu**4 / (1.0 - eta)
    limit, _ = success_thresholds(
        mu=mu, eta=eta, eps_g=eps_g, eps_H=unused, nu=1.0, L_g=1.0, L_H=1.0,
        delta_g=permitted, delta_H=_ERROR_H, cA=cA,
    )  # fmt: skip
    problem.error_g = permitted * mu ** (2 - error_power)
    run = minimize(
        problem.value, problem.gradient, problem.product, problem.start, ellipsoid=problem.matrix,
        solver=solver, radius=_START * limit, max_radius=limit, eta1=eta,
        eta2=0.5 * (1.0 + eta), gamma_inc=3.0, gamma_dec=2.0, eps_g=eps_g, max_iter=_ITERATIONS,
    )  # fmt: skip
    for record in run.history:
        if record.gradient_norm >= eps_g and record.radius <= limit:
            yield record.accepted


def _always(statement: Statement, point: Mapping[str, Any]) -> float:
    return 1.0


@measurement(
    lemma_8,
    points={"quick": _POINTS, "standard": _POINTS + _MORE},
    # One failure refutes. With an error of the gradient without mu^2 half of the steps fail at
    # mu = 4, whole runs at a time: about 80 runs miss that with probability 1e-24.
    trials={"quick": 1_000, "standard": 4_000, "deep": 40_000},
    block=1_000,
    estimate=estimators.proportion("success"),
    resolution=0.02,
    claimed=_always,
    host=True,
)
def exercised_steps(
    stream: Stream, trials: int, mu: float, eta: float, solver: str, error_power: int
) -> dict[str, Any]:
    """Whether each step succeeded; a trial is one exercised implication of the lemma."""
    found: list[bool] = []
    while len(found) < trials:
        found += exercised(stream, mu, eta, solver, error_power)
    return {"success": stream.xp.asarray(np.array(found[:trials], dtype=float))}


# ---- figures


@figure(lemma_7)
def error_of_the_model(figure: Figure, results: Results) -> None:
    """What the model misses against the length of the step, for three objectives, and the bound."""
    axes = figure.subplots()
    error, lipschitz = 0.1, 1.0
    steps = np.geomspace(1e-3, 3.0, 300)
    axes.plot(steps, remainder_bound(steps, error, lipschitz), color=PALETTE["blue"], lw=3.5,
              alpha=0.4, label="bound, $\\frac{1}{6} L_H \\|s\\|^3$")  # fmt: skip
    axes.plot(steps, remainder_bound(steps, error, 3.0 * lipschitz), ":", color=PALETTE["grey"],
              label="with $\\frac{1}{2}$ for $\\frac{1}{6}$")  # fmt: skip
    curves = (
        ("$x^3/6$, Hessian off by $\\delta_H$", remainder_bound(steps, error, 1.0), "black", "--"),
        ("$x - \\sin x$, exact Hessian", steps - np.sin(steps), "orange", "-."),
        ("$|x|^3/6$, off by $-\\delta_H$", np.abs(steps**3 / 6 - error * steps**2 / 2),
         "vermilion", "-"),
    )  # fmt: skip
    for label, values, colour, line in curves:
        axes.plot(steps, values, line, color=PALETTE[colour], label=label)
    axes.set(xscale="log", yscale="log", xlabel="length $\\|s\\|$ of the step", ylim=(1e-10, 20),
             ylabel="$|L(w+s) - m(s) - (\\nabla L - g)^\\top s|$",
             title=f"$\\delta_H = {error:g}$, $L_H = {lipschitz:g}$")  # fmt: skip
    axes.legend()


@figure(lemma_8)
def ratio_against_radius(figure: Figure, results: Results) -> None:
    """The least ratio that the hypotheses allow against the radius, and the runs that were made."""
    axes = figure.subplots()
    share = np.geomspace(0.02, 4.0, 300)
    for eta, colour in ((0.1, "blue"), (0.5, "green")):
        axes.plot(share, _least_ratio(share, eta), color=PALETTE[colour],
                  label=f"least $\\rho$, $\\eta = {eta:g}$, all limits at $D_g$")  # fmt: skip
        axes.axhline(eta, color=PALETTE[colour], lw=1.0, ls=":")
    axes.axvline(1.0, color=PALETTE["grey"], lw=1.0, ls="--")
    axes.plot([1.0, 1.0], [0.1, 0.5], "o", color=PALETTE["black"],
              label="extremal steps: $\\rho = \\eta$, attained exactly")  # fmt: skip
    for row in results.rows("exercised_steps"):
        successes = round(row["estimate"] * row["trials"])
        axes.plot([], [], " ", label=(
            f"runs with $\\mu = {row['mu']:g}$, $\\eta = {row['eta']:g}$, {row['solver']}:"
            f" {successes} of {row['trials']} steps succeed"))  # fmt: skip
    axes.set(xscale="log", xlabel="radius $\\Delta / D_g$", ylabel="ratio $\\rho$", ylim=(-1, 1.05),
             title="Worst case; every step succeeds up to $D_g$")  # fmt: skip
    figure.set_size_inches(WIDTH, 4.4)
    figure.legend(loc="outside lower center")


def _least_ratio(share: Array, eta: float) -> Array:
    """Rho of the extremal step at Delta = share D_g: the errors over the least decrease."""
    errors = share * (0.5 + 0.25 * share + 0.25 * share**2)
    return np.asarray(1.0 - (1.0 - eta) * errors / np.minimum(share, 1.0))


@figure(mu_is_needed)
def powers_of_mu(figure: Figure, results: Results) -> None:
    """The ratio of the example against mu for three powers; below eta it is rejected for ever."""
    axes = figure.subplots()
    eta = 0.1
    mus = np.geomspace(1.0, 30.0, 200)
    for power, colour, line in ((0, "vermilion", "-"), (1, "orange", "--"), (2, "blue", "-.")):
        ratios = [float(rejected_ratio(float(mu), eta, 1.0, power)[0]) for mu in mus]
        axes.plot(mus, ratios, line, color=PALETTE[colour],
                  label=f"$\\delta_g = (1-\\eta)\\epsilon_g/(4\\mu^{power})$")  # fmt: skip
    axes.axhspan(-1.0, eta, color=PALETTE["grey"], alpha=0.12, lw=0,
                 label=f"rejected: $\\rho < \\eta = {eta:g}$")  # fmt: skip
    axes.axvline(2.806, color=PALETTE["grey"], lw=1.0, ls="--")
    axes.annotate("$\\mu = 2.806$", (2.806, -0.9), xytext=(-4, 0), ha="right",
                  textcoords="offset points")  # fmt: skip
    axes.set(xscale="log", xlabel="$\\mu$", ylabel="ratio $\\rho$, at every radius", ylim=(-1, 1),
             title="$A = \\mathrm{diag}(\\mu^{-2}, \\mu^2)$, $B = 0$")  # fmt: skip
    axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.minorticks_off()
    figure.set_size_inches(WIDTH, 4.0)
    figure.legend(loc="outside lower center", ncols=2)


# after the figures of their own, what searches and runs found
figure(lemma_7)(ratio_curve)
figure(lemma_8)(ratio_curve)
figure(lemma_8)(forest)
