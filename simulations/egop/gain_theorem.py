"""Figure: the measured gain of the eigenbasis against both of its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.egop.gain_theorem import theorem_5
from theory.egop.outer_product import density, egop_quadratic, eigenbasis, stable_rank
from theory.egop.smoothness import smallest_smoothness_sum
from theory.models.bases import make_basis, power_law, with_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
_DIMENSION, _DRAWS = 8, 4
_LOOKS = {
    "haar": ("o", "blue", "Haar basis"),
    "hadamard": ("s", "orange", "Hadamard basis"),
    "axis": ("^", "green", "axes"),
}
_TICKS = (0.2, 0.5, 1.0, 2.0, 5.0)


def measured_gain(hessian: Array, minimizer: Array, c: float) -> tuple[float, float, float]:
    """Measured ``L_f/L_f~`` of a quadratic, its lower bound and ``d/sr``.

    Parameters
    ----------
    hessian : array (d, d)
        Positive semidefinite.
    minimizer : array (d,)
        ``theta*``, of length at most c.
    c : float

    Returns
    -------
    (gain, low, high)
        ``low = (c/kappa) d beta^2/sr`` by Theorem 5; ``high = d/sr`` holds for ``theta* = 0``.
    """
    values, V = eigenbasis(egop_quadratic(hessian, minimizer, c))
    turned = V.T @ hessian @ V
    original, rotated = (smallest_smoothness_sum(matrix).value
                         for matrix in (hessian, (turned + turned.T) / 2))  # fmt: skip
    rank, d = stable_rank(values), len(hessian)
    ratio = c / float(np.hypot(c, np.linalg.norm(minimizer)))
    return original / rotated, ratio * d * density(V[:, 0]) ** 2 / rank, d / rank


def gains(kind: str, *, distance: float) -> Array:
    """Rows (gain, low, high) for spectra ``k^-p``, p = 0.25 to 2.5, in random bases of a kind."""
    rng = np.random.Generator(np.random.Philox(key=7))
    rows = []
    for exponent in np.repeat(np.linspace(0.25, 2.5, 6), _DRAWS):
        basis = make_basis(kind, rng.standard_normal((_DIMENSION, _DIMENSION)))
        hessian = with_spectrum(power_law(_DIMENSION, float(exponent)), basis)
        direction = rng.standard_normal(_DIMENSION)
        minimizer = distance * direction / np.linalg.norm(direction)
        rows.append(measured_gain(hessian, minimizer, 1.0))
    return np.array(rows)


@figure(theorem_5)
def measured_against_bounds(figure: Figure, results: Results) -> None:
    """Measured gain of quadratics against the lower bound of Theorem 5, and the upper bound."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, distance in zip(panels, (0.0, 1.0), strict=True):
        ends: list[float] = []
        first = distance == 0.0
        for kind, (marker, colour, name) in _LOOKS.items():
            gain, low, high = gains(kind, distance=distance).T
            axes.plot(low, gain, marker, color=PALETTE[colour], markersize=4,
                      label=name if first else "_")  # fmt: skip
            if first:
                named = "upper bound $d/\\mathrm{sr}$" if kind == "haar" else "_"
                axes.plot(low, high, "_", color=PALETTE[colour], label=named)
            ends += [*low, *gain]
        span = [min(ends) / 1.2, max(ends) * 1.2]
        axes.plot(span, span, color=PALETTE["black"], lw=1.0,
                  label="gain = lower bound" if first else "_")  # fmt: skip
        axes.set(xscale="log", yscale="log", title=f"$\\|\\theta^*\\| = {distance:g}\\,c$",
                 xlabel="$(c/\\kappa)\\, d \\beta^2/\\mathrm{sr}$")  # fmt: skip
        axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
    panels[0].set_ylabel("measured $L_f/L_{\\tilde f}$")
    figure.set_size_inches(WIDTH, 3.9)
    figure.legend(loc="outside lower center", ncols=3)
