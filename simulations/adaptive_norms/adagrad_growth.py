"""Figure: Adagrad's matrix grows without bound where RMSProp's stays in its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulations.engine.figures import PALETTE, Results, figure
from theory.adaptive_norms.adagrad_growth import adagrad_not_equivalent, sampled_gradient
from theory.adaptive_norms.ellipsoids import adagrad_diagonal, rmsprop_diagonal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EPS = 1e-8
_LAST = 1000
_CONSTANTS = (10.0, 20.0)


@figure(adagrad_not_equivalent)
def growth(figure: Figure, results: Results) -> None:
    """A_t of both methods on the sampled gradients of the example, alternating, d = 1."""
    samples = np.where(np.arange(_LAST + 1) % 2 == 0, 1.0, -1.0)
    gradients = sampled_gradient(0.0, samples)[:, None]
    steps = np.unique(np.geomspace(1, _LAST + 1, 60).astype(int)) - 1
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="number of gradients $t + 1$",
             ylabel="$A_t$ (dimension 1)",
             title="Gradients $\\pm 1$ sampled at the minimiser of $f$")  # fmt: skip
    adagrad = [float(adagrad_diagonal(gradients[: t + 1], _EPS)[0]) for t in steps]
    axes.plot(steps + 1, adagrad, color=PALETTE["vermilion"], label="Adagrad: $t + 1 + \\epsilon$")
    for beta, colour in ((0.9, "blue"), (0.99, "sky"), (0.999, "green")):
        values = [float(rmsprop_diagonal(gradients[: t + 1], beta, _EPS)[0]) for t in steps]
        axes.plot(steps + 1, values, color=PALETTE[colour], label=f"RMSProp, $\\beta = {beta}$")
    for mu in _CONSTANTS:
        axes.axhline(mu**2, color=PALETTE["grey"], lw=1.0, ls="--")
        axes.annotate(f"$\\mu^2$, $\\mu = {mu:.0f}$", (1.0, mu**2), xytext=(0, 3),
                      textcoords="offset points", color=PALETTE["grey"], fontsize=9)  # fmt: skip
    axes.legend(loc="lower right")
