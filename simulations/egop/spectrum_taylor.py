"""Measures Lemma 11 on a cubic that attains Taylor's inequality everywhere, and draws its ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln, hyp1f1

from simulations.engine import estimators, measurement
from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, Results, figure
from theory.core import Statement
from theory.egop.gain_bounds import outer_product_error, root_error
from theory.egop.spectrum_taylor import lemma_11, lemma_11_root_scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Array = np.ndarray[Any, Any]
_LIPSCHITZ = (0.0, 0.25, 1.0, 4.0)
_SMALL = 0.002


class GaussianPoints:
    """``N(0, c^2 I)`` in d dimensions, for formulas that ask for central moments only."""

    def __init__(self, d: int, c: float) -> None:
        self._d, self._c = d, c

    def central_moment(self, minimizer: Array, order: int) -> float:
        """``E ||theta - theta*||^k``, the moment of a noncentral chi variable."""
        d, ratio = self._d, float(minimizer @ minimizer) / self._c**2
        scale = gammaln((d + order) / 2) - gammaln(d / 2) + order / 2 * math.log(2.0)
        return float(self._c**order * math.exp(scale) * hyp1f1(-order / 2, d / 2, -ratio / 2))


def _problem(d: int, lipschitz: float, t: float) -> dict[str, Any]:
    minimizer = t * np.eye(d)[0]
    return {"points": GaussianPoints(d, 1.0), "gradients": np.zeros((1, d)), "c": 1.0,
            "hessian": np.diag(0.5 ** np.arange(d)), "minimizer": minimizer,
            "lipschitz": lipschitz}  # fmt: skip


def _upper_end(statement: Statement, point: dict[str, Any]) -> float:
    """``w'Aw + e_A`` for w the first axis, of Hessian norm 1."""
    problem = _problem(point["d"], point["lipschitz"], point["t"])
    _, rhs = statement.formula(**problem, norm=1.0, direction=np.eye(point["d"])[0])
    return float(rhs[0] + rhs[2])


@measurement(
    lemma_11,
    points={"quick": [{"d": d, "t": t, "lipschitz": lipschitz}
                      for d, t in ((1, 0.0), (1, 1.0), (3, 0.5)) for lipschitz in _LIPSCHITZ]},
    # (w'g)^2 has relative sd at most that of x^4, 3.3: standard error 1 % of the mean
    trials={"quick": 100_000, "standard": 1_000_000, "deep": 10_000_000},
    estimate=estimators.upper_mean("square"), resolution=0.1, claimed=_upper_end, block=25_000,
    divisible=True,
)  # fmt: skip
def gaussian_cubic(
    stream: Stream, trials: int, d: int, t: float, lipschitz: float
) -> dict[str, Any]:
    """``(w'grad f)^2``, ``f = delta'Hess delta/2 + H ||delta||^3/6``, whose Hessian is H-Lipschitz.

    Attained for d = 1.
    """
    xp, problem = stream.xp, _problem(d, lipschitz, t)
    away = stream.normal((trials, d)) - xp.asarray(problem["minimizer"])
    length = xp.sqrt(xp.sum(away * away, axis=1))
    return {"square": (away[:, 0] * (1.0 + lipschitz / 2 * length)) ** 2}


@figure(lemma_11)
def growth_with_the_lipschitz_constant(figure: Figure, results: Results) -> None:
    """The EGOP along the leading axis, measured, against the end of Lemma 11."""
    axes = figure.subplots()
    rows = results.rows("gaussian_cubic")
    looks = ((1, 0.0, "blue", "o"), (1, 1.0, "green", "s"), (3, 0.5, "vermilion", "D"))
    for d, t, colour, marker in looks:
        chosen = sorted((row for row in rows if (row["d"], row["t"]) == (d, t)),
                        key=lambda row: row["lipschitz"])  # fmt: skip
        x = np.array([row["lipschitz"] for row in chosen])
        axes.plot(x, [row["claimed"] for row in chosen], color=PALETTE[colour], lw=1.2)
        label = f"$d = {d}$, $\\|\\theta_*\\| = {t:g}\\,c$"
        axes.plot(x, [row["estimate"] for row in chosen], marker, color=PALETTE[colour],
                  label=label)  # fmt: skip
    axes.set(yscale="log", xlabel="Lipschitz constant $H$ of the Hessian, in $\\|H_*\\|/c$",
             ylabel="$w^\\top \\mathrm{EGOP}\\, w$, in $c^2 \\|H_*\\|^2$",
             title="Measured (points), $w^\\top\\! A w + e_A$ (lines)")  # fmt: skip
    axes.legend()


@figure(lemma_11_root_scale)
def ends_at_both_scales(figure: Figure, results: Results) -> None:
    """Where an eigenvalue may be: small ones stay bounded at the scale of roots."""
    axes = figure.subplots()
    problem = _problem(10, _SMALL, 0.0)
    points, minimizer = problem["points"], problem["minimizer"]
    at_scale = outer_product_error(points, minimizer, 1.0, _SMALL)
    at_root = root_error(points, minimizer, _SMALL)
    model = np.geomspace(1e-6, 1.0, 200)
    floor = 1e-7
    axes.fill_between(model, np.maximum(model - at_scale, floor), model + at_scale, lw=0,
                      color=PALETTE["orange"], alpha=0.3, label="Lemma 11")  # fmt: skip
    axes.fill_between(model, np.maximum(np.maximum(np.sqrt(model) - at_root, 0) ** 2, floor),
                      (np.sqrt(model) + at_root) ** 2, lw=0, color=PALETTE["blue"], alpha=0.4,
                      label="at the scale of roots")  # fmt: skip
    axes.plot(model, model, color=PALETTE["black"], lw=1.0, label="quadratic, $H = 0$")
    axes.set(xscale="log", yscale="log", xlabel="$\\lambda_k(A)$, in $c^2\\|H_*\\|^2$",
             ylabel="possible $\\lambda_k(\\mathrm{EGOP})$", ylim=(floor, 3))  # fmt: skip
    axes.set_title(f"Gaussian law, $d = 10$, $\\theta_* = 0$, $H = {_SMALL}\\,\\|H_*\\|/c$")
    axes.legend(loc="upper left")


# after the figures of their own, what the searches found
figure(lemma_11)(ratio_curve)
figure(lemma_11_root_scale)(ratio_curve)
