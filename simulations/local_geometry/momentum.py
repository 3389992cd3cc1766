"""Figure of Lemma 4: the roots of the modes, and where the minus branch is stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulations.engine.figures import PALETTE, Results, figure
from theory.local_geometry.momentum import lemma_4
from theory.local_geometry.root_pairs import root_pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BETAS = ((0.0, "grey"), (0.5, "orange"), (0.9, "blue"))


@figure(lemma_4)
def roots_and_stability(figure: Figure, results: Results) -> None:
    """Moduli of the roots of the minus branch, and its regions in beta and the learning rate."""
    left, right = figure.subplots(1, 2)
    _moduli(left)
    _regions(right)


def _moduli(axes: Axes) -> None:
    for beta, colour in _BETAS:
        x = np.linspace(1e-6, 4.2, 2001)
        first, second = np.array([_sizes(1.0 + beta - rate, beta) for rate in x]).T
        axes.plot(x, first, color=PALETTE[colour], label=rf"$\beta = {beta:g}$")
        axes.plot(x, second, color=PALETTE[colour], ls=":", lw=1.2)
        edge = 2.0 * (1.0 + beta)
        axes.plot([edge], [1.0], "o", color=PALETTE[colour])
    axes.axhline(1.0, color=PALETTE["black"], lw=0.8)
    axes.set(xlabel=r"$\eta\lambda$", ylabel="modulus of a root", xlim=(0.0, 4.2),
             ylim=(0.0, 2.0), title="Minus branch")  # fmt: skip
    axes.legend(loc="upper left", handlelength=1.2)


def _sizes(trace: float, beta: float) -> tuple[float, float]:
    """Moduli of the roots, the larger first."""
    first, second = root_pair(trace, beta)
    if first.square < 0.0:
        return float(np.sqrt(beta)), float(np.sqrt(beta))
    sizes = sorted((abs(first.real()), abs(second.real())), reverse=True)
    return sizes[0], sizes[1]


def _regions(axes: Axes) -> None:
    beta = np.linspace(0.0, 1.0, 401)
    low, high = (1.0 - np.sqrt(beta)) ** 2, (1.0 + np.sqrt(beta)) ** 2
    edge = 2.0 * (1.0 + beta)
    axes.fill_between(beta, 0.0, low, color=PALETTE["green"], alpha=0.25, lw=0.0)
    axes.fill_between(beta, low, high, color=PALETTE["sky"], alpha=0.35, lw=0.0)
    axes.fill_between(beta, high, edge, color=PALETTE["orange"], alpha=0.3, lw=0.0)
    axes.fill_between(beta, edge, 4.4, color=PALETTE["vermilion"], alpha=0.35, lw=0.0)
    axes.plot(beta, edge, color=PALETTE["vermilion"])
    axes.plot(beta, low, color=PALETTE["black"], lw=1.0)
    axes.plot(beta, high, color=PALETTE["black"], lw=1.0)
    for x, y, text in ((0.03, 0.12, "decays"), (0.28, 1.6, r"oscillates, modulus $\sqrt{\beta}$"),
                       (0.12, 3.6, "unstable")):  # fmt: skip
        axes.text(x, y, text, fontsize=9.0)
    axes.annotate("alternates", (0.05, 1.75), (0.2, 1.1), fontsize=9.0,
                  arrowprops={"arrowstyle": "-", "lw": 0.8})  # fmt: skip
    axes.set(xlabel=r"$\beta$", ylabel=r"$\eta\lambda$", xlim=(0.0, 1.0), ylim=(0.0, 4.4),
             title=r"Edge $2(1 + \beta)$")  # fmt: skip
    axes.grid(visible=False)
