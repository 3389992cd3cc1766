"""Figure: which optimizers see the basis, and how far rounding drives the others apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulations.engine.figures import PALETTE, figure
from theory.egop.equivariance import equivariance_of_sgd
from theory.models.bases import haar_basis, power_law, with_spectrum
from theory.models.objectives import Quadratic
from theory.optimizers import Optimizer, adagrad, adam, sgd, sgd_momentum
from theory.optimizers.reparameterised import Basis, Reparameterised

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results

_STEPS, _D = 200, 50


@figure(equivariance_of_sgd)
def distance_between_runs(figure: Figure, results: Results) -> None:
    """Distance of the run in a random basis from the run in the original one."""
    rng = np.random.default_rng(0)
    hessian = with_spectrum(power_law(_D, 1.0), haar_basis(rng.standard_normal((_D, _D))))
    objective = Quadratic(hessian, np.zeros(_D))
    basis = Basis(haar_basis(rng.standard_normal((_D, _D))))
    start = rng.standard_normal(_D)
    noise = 0.1 * rng.standard_normal((_STEPS, _D))
    axes = figure.subplots()
    rules = (
        ("SGD", sgd(0.5), "blue", "-"),
        ("heavy ball", sgd_momentum(0.1, 0.9), "sky", "--"),
        ("Adagrad", adagrad(0.3), "vermilion", "-"),
        ("Adam", adam(0.03), "orange", "--"),
    )
    for name, rule, colour, style in rules:
        apart = _apart(rule, objective, basis, start, noise)
        axes.semilogy(np.arange(1, _STEPS + 1), apart, style, color=PALETTE[colour], label=name)
    axes.axhline(float(np.finfo(float).eps), color=PALETTE["grey"], ls=":", label="machine epsilon")
    axes.set(xlabel="step $t$", ylabel="$\\|V x_t - \\theta_t\\| / \\|\\theta_0\\|$",
             title="Same samples, a random basis ($d = 50$)")  # fmt: skip
    figure.legend(loc="outside lower center", ncols=3)


def _apart(rule: Optimizer, objective: Quadratic, basis: Basis, start: np.ndarray,
           noise: np.ndarray) -> list[float]:  # fmt: skip
    """``||V x_t - theta_t||/||theta_0||`` after every step, with the same gradient noise."""
    turned = Reparameterised(rule, basis)
    here, there = start, start
    states = rule.init(start), turned.init(start)
    distances = []
    for xi in noise:
        here, first = rule.update(objective.gradient(here) + xi, states[0], here)
        there, second = turned.update(objective.gradient(there) + xi, states[1], there)
        states = first, second
        distances.append(float(np.linalg.norm(here - there) / np.linalg.norm(start)))
    return distances
