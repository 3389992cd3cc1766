r"""What the law of R_med owes to the initialisation: other laws, and other scales.

With alpha > 0 the direction in which w grows is :math:`X_i = w_i(0) + (W(0)v)_i`, dominated by
:math:`w_i(0)` for large d. The growth with log d is thus a property of Gaussian tails, not of SGD.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from theory.core import Claim, Mutant, Source
from theory.laws import GAUSSIAN_MEDIAN, MaxOverMedian, max_over_order_statistic

Cdf = Callable[[Any], Any]


def mean_largest_normal(d: int) -> float:
    """Mean of the largest of d independent standard normal variables."""
    t, weight = np.polynomial.legendre.leggauss(200)
    # Outside (-9, 15) the integrand is below 1e-18 for d up to 1e12.
    x, scale = 3.0 + 12.0 * t, 12.0
    density = np.exp(-0.5 * x**2 + (d - 1) * special.log_ndtr(x)) * d / math.sqrt(2.0 * math.pi)
    return float(np.sum(x * density * weight) * scale)


def initial_law_ratio(initial: str, d: int, alpha: float = 2.0, **trajectory: Any) -> float:
    r"""Mean of :math:`R_{med,1}` by the law of the initial weights, at odd d and small scale.

    - ``"uniform"``: :math:`E\,U_{(d)}^2/U_{(k+1)}^2 = 4\frac{d-2}{d-3}`, d = 2k + 1 (order
      statistics of uniform variables): tends to 4;
    - ``"rademacher"``: :math:`1 + 2 d^{-\alpha} E\max_{i \le d} g_i` to first order in
      :math:`d^{-\alpha}`: tends to 1 for every alpha > 0;
    - ``"gaussian"``: the mean of the exact law, which grows like log d.

    Raises
    ------
    ValueError
        If the law is unknown, or d is even or below 5.
    """
    if d < 5 or d % 2 == 0:
        raise ValueError(f"d is {d}; it must be odd and at least 5")
    if initial == "uniform":
        return 4.0 * (d - 2) / (d - 3)
    if initial == "rademacher":
        return 1.0 + 2.0 * math.pow(d, -alpha) * mean_largest_normal(d)
    if initial == "gaussian":
        return float(MaxOverMedian(d).mean())
    raise ValueError(f"initial is {initial!r}; it must be uniform, rademacher or gaussian")


def _with(**changed: Callable[[int, float], float]) -> Callable[..., float]:
    """The formula with the values of some laws replaced."""

    def formula(initial: str, d: int, alpha: float = 2.0, **trajectory: Any) -> float:
        if initial in changed:
            return changed[initial](d, alpha)
        return initial_law_ratio(initial, d, alpha)

    return formula


def layer_law(d: int, alpha: float, layer: int = 1, **trajectory: Any) -> Any:
    r"""Law of the first layer's ratio, or typical ratio of the second to it.

    - Layer 1: distribution function of :math:`R_{med,1}`, the exact law at every alpha.
    - Layer 2: leading term of :math:`\mathrm{median}\,R_{med,2} / m_d`, with :math:`m_d` the median
      of the exact law: :math:`\frac{m_d + \kappa r_d}{m_d (1 + \kappa)}`, where
      :math:`\kappa = d^{3/2 - 4\alpha}/0.4549` compares the initial row norms,
      :math:`d^{1 - 4\alpha}`, with the median of the trained :math:`w_i^2`,
      :math:`0.4549\,d^{-1/2}`, and :math:`r_d` is the typical largest over median of d chi-square
      variables with d degrees of freedom.

    The ratio of layer 2 tends to 1 iff alpha > 3/8.
    """
    return MaxOverMedian(d).cdf if layer == 1 else _second_layer(d, alpha, 1.5, GAUSSIAN_MEDIAN)


def _second_layer(d: int, alpha: float, power: float, median: float) -> float:
    largest = float(special.chdtri(d, -math.expm1(-math.log(2.0) / d)))
    initial = largest / float(special.chdtri(d, 0.5))
    kappa = math.pow(d, power - 4.0 * alpha) / median
    typical = float(MaxOverMedian(d).ppf(0.5))
    return (typical + kappa * initial) / (typical * (1.0 + kappa))


def _layer_variant(
    first: Callable[[int], Cdf] | None = None,
    second: Callable[[int, float], float] | None = None,
) -> Callable[..., Any]:
    def formula(d: int, alpha: float, layer: int = 1, **trajectory: Any) -> Any:
        if layer == 1 and first is not None:
            return first(d)
        if layer == 2 and second is not None:
            return second(d, alpha)
        return layer_law(d, alpha, layer)

    return formula


SOURCE = Source("jiang2022", item="beyond")

initial_law_boundary = Claim(
    id="local-geometry/initial-law-boundary",
    title="The growth with log d is that of Gaussian tails",
    kind="limit",
    statement=r"Let the initial weights have the variances of Assumption 2 with $\alpha>0$. Under "
    r"SGD with momentum, as $d\to\infty$: uniform weights give $R_{\mathrm{med},1}\to 4$, "
    r"Rademacher weights $R_{\mathrm{med},1}\to 1$, Gaussian ones growth like $\log d$. At "
    r"$\alpha=2$ and odd $d$ the means are $4\frac{d-2}{d-3}$ and "
    r"$1+2d^{-\alpha}\mathbb{E}\max_{i\le d}g_i$, up to relative order "
    r"$d^{-\alpha}$ of the excess.",
    notes="The limits are max/median of the initial squares: 3/(3/4) and 1. The finite-d values "
    "are exact for the order statistics of w(0), to first order in the weight d^-alpha of W(0).",
    source=SOURCE,
    scope={"initial": "uniform, rademacher, gaussian", "d": "odd, >= 5", "alpha": "> 0"},
    formula=initial_law_ratio,
    mutants={
        "uniform: 3, the mean for the median": _with(uniform=lambda d, alpha: 3.0),
        "uniform: 5 % larger": _with(uniform=lambda d, alpha: 4.2 * (d - 2) / (d - 3)),
        "Gaussian law for all": _with(
            uniform=lambda d, alpha: MaxOverMedian(d).mean(),
            rademacher=lambda d, alpha: MaxOverMedian(d).mean(),
        ),
        "Rademacher: excess d^(-alpha/2)": _with(
            rademacher=lambda d, alpha: 1.0 + 2.0 * d ** (-alpha / 2.0) * mean_largest_normal(d)
        ),
        "Rademacher: excess without the 2": _with(
            rademacher=lambda d, alpha: 1.0 + math.pow(d, -alpha) * mean_largest_normal(d)
        ),
        "Gaussian: sqrt(log d)": _with(
            gaussian=lambda d, alpha: (
                MaxOverMedian(33).mean() * math.sqrt(math.log(d) / math.log(33))
            )
        ),
    },
)

alpha_boundary = Claim(
    id="local-geometry/alpha-boundary",
    title="R_med,1 keeps its law at every scale of the initialisation, R_med,2 does not",
    kind="law",
    statement=r"Under SGD with momentum $R_{\mathrm{med},1}$ has the law $F_d$ of the exact law "
    r"for every $\alpha\ge 0$. The median of $R_{\mathrm{med},2}$ after convergence, over that of "
    r"$F_d$, is within 25 % of $\frac{m_d+\kappa r_d}{m_d(1+\kappa)}$, "
    r"$\kappa=d^{3/2-4\alpha}/0.4549$, at $\alpha\in\{0,\tfrac14,\tfrac12\}$, $32\le d\le 96$: "
    r"about 0.8, 0.16 and 0.10 at $\alpha=\tfrac12,\tfrac14,0$ and $d=64$.",
    notes="For alpha at or below about 1/2 (at d = 64) the rows of W keep their initial norms and "
    "R_med,2 falls below R_med,1. The leading term puts the boundary at alpha = 3/8 for d to "
    "infinity, where it is up to 40 % off.",
    source=SOURCE,
    scope={"d": "32 to 96 for layer 2", "alpha": ">= 0", "layer": "1 or 2"},
    formula=layer_law,
    mutants={
        "R_med,2 keeps the law too": Mutant(given={"layer": 2}),
        "R_med,2 at the ratio 1": _layer_variant(second=lambda d, alpha: 1.0),
        "boundary at alpha = 1/2": _layer_variant(
            second=lambda d, alpha: _second_layer(d, alpha, 2.0, GAUSSIAN_MEDIAN)
        ),
        "boundary at alpha = 1/8": _layer_variant(
            second=lambda d, alpha: _second_layer(d, alpha, 0.5, GAUSSIAN_MEDIAN)
        ),
        "upper median for the midpoint": _layer_variant(
            first=lambda d: max_over_order_statistic(d, d // 2 + 1)
        ),
        "median replaced by the mean": _layer_variant(
            first=lambda d: lambda r: special.erf(np.sqrt(np.asarray(r) / 2.0)) ** d
        ),
    },
)
