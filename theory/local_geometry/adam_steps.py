r"""What single steps of Adam can do: the largest step for given betas, and the loss they leave.

Jiang, Malik, Li (2022) assume :math:`\beta_2 = \beta_1^2`, the pair at which the ratio of the
two averages stops being bounded. At a fixed step size the loss ends at a floor, whose size is
that of a limit map without parameters but the betas and the shape of the target.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from theory.core import Claim, Source
from theory.scalars import own_method

Array = Any
FloatArray = npt.NDArray[np.float64]

# Orbits of the limit map, their steps, and those left out at the start.
_ORBITS, _STEPS, _TRANSIENT = 128, 3_000, 1_000


def geometric(x: Any, count: Any) -> Any:
    """``1 + x + ... + x^(count-1)``, without a quotient; `count` may answer for itself."""
    own = own_method(count, "geometric")
    return own(x) if own else sum((x**k for k in range(1, count)), x * 0 + 1)


def corrected_moments(gradients: Any, beta1: Any, beta2: Any) -> tuple[Any, Any, Any]:
    r"""Adam's bias-corrected moments after all gradients, from zero moments.

    :math:`\hat m = \sum_s \beta_1^{t-s} g_s / \sum_k \beta_1^k`,
    :math:`\hat v = \sum_s \beta_2^{t-s} g_s^2 / \sum_k \beta_2^k`, t + 1 gradients: the division
    by :math:`1 - \beta^{t+1}`, written without it.

    Parameters
    ----------
    gradients : (t + 1,)
        g_0, ..., g_t of one coordinate. An object with its own ``corrected_moments(beta1, beta2)``
        answers for itself.
    beta1, beta2 : numbers in [0, 1)

    Returns
    -------
    m, v, count
        The moments and the number t + 1.
    """
    own = own_method(gradients, "corrected_moments")
    if own:
        moments: tuple[Any, Any, Any] = own(beta1, beta2)
        return moments
    values = list(gradients)
    m, v = values[0], values[0] * values[0]
    for g in values[1:]:
        m, v = beta1 * m + g, beta2 * v + g * g
    count = len(values)
    return m / geometric(beta1, count), v / geometric(beta2, count), count


def largest_ratio_squared(count: Any, beta1: Any, beta2: Any) -> Any:
    r"""Largest :math:`\hat m^2/\hat v` after `count` gradients, beta2 > 0.

    :math:`\sum_k \beta_2^k \sum_k (\beta_1^2/\beta_2)^k / (\sum_k \beta_1^k)^2`, k < count. For
    :math:`\beta_2 = \beta_1^2 = b^2` it is
    :math:`(t+1)\frac{1-b}{1+b}\frac{1-b^{2(t+1)}}{(1-b^{t+1})^2}`.

    >>> round(largest_ratio_squared(1001, 0.9, 0.81) ** 0.5, 2)
    7.26
    """
    whole = geometric(beta1, count)
    return geometric(beta2, count) * geometric(beta1 * beta1 / beta2, count) / (whole * whole)


def critical_betas(gradients: Any, beta1: Any, beta2: Any) -> tuple[Any, Any]:
    r"""Claims :math:`\hat m^2 \le K^2 \hat v` with K^2 of `largest_ratio_squared`."""
    m, v, count = corrected_moments(gradients, beta1, beta2)
    return m * m, largest_ratio_squared(count, beta1, beta2) * v


def uniform_ratio(gradients: Any, beta1: Any, beta2: Any) -> tuple[Any, Any]:
    r"""Claims :math:`\hat m^2 \le \bar K^2 \hat v` with a bound that holds for every t.

    :math:`\bar K^2 = (1-\beta_1)^2 / ((1-\beta_2)(1-\beta_1^2/\beta_2))`.
    """
    m, v, _ = corrected_moments(gradients, beta1, beta2)
    rest = 1 - beta1
    return m * m, rest * rest / ((1 - beta2) * (1 - beta1 * beta1 / beta2)) * v


def _betas_in_range(gradients: Any, beta1: Any, beta2: Any) -> bool:
    """0 <= beta1 < 1 and 0 < beta2 < 1."""
    return all(bool(beta < 1) for beta in (beta1, beta2)) and bool(beta1 >= 0) and bool(beta2 > 0)


def _above_critical(gradients: Any, beta1: Any, beta2: Any) -> bool:
    """Betas in range and beta2 > beta1^2."""
    return _betas_in_range(gradients, beta1, beta2) and bool(beta2 > beta1 * beta1)


def _scaled(
    formula: Callable[..., tuple[Any, Any]], factor: Callable[[Any, Any, Any], Any]
) -> Callable[..., tuple[Any, Any]]:
    """The inequality with its right side multiplied by a factor of (count, beta1, beta2)."""

    def changed(gradients: Any, beta1: Any, beta2: Any) -> tuple[Any, Any]:
        lhs, rhs = formula(gradients, beta1, beta2)
        count = corrected_moments(gradients, beta1, beta2)[2]
        return lhs, factor(count, beta1, beta2) * rhs

    return changed


def loss_floor(
    d: int, eta: float, target: Any, beta1: float, beta2: float, **trajectory: Any
) -> float:
    r"""Mean loss after convergence at a fixed step, xi = 0: :math:`k\, A_{max} \eta^2 d^2`.

    The coefficient k is that of `floor_coefficient`.

    Parameters
    ----------
    d : int
    eta : float
    target : (d,) positive
        A.
    beta1, beta2 : float
        Of Adam.
    """
    A = np.asarray(target, dtype=np.float64)
    coefficient = floor_coefficient(tuple(A / A.max()), beta1, beta2)
    return float(coefficient * A.max() * eta**2 * d**2)


@functools.lru_cache(maxsize=64)
def floor_coefficient(ratios: tuple[float, ...], beta1: float, beta2: float) -> float:
    r"""Half the mean square residual of the limit map, over its orbit and over coordinates.

    Near the minimum on the invariant manifold (:math:`c = \sqrt{A_{max}/d}`,
    :math:`a_j = A_j/(dc)`), in units of :math:`\eta` for the weights and of
    :math:`\sqrt{d A_{max}}\,\eta` for the residuals, Adam moves :math:`x_j` by its step for the
    gradient :math:`e_j = x_j + r_j y` and y by that for :math:`\sum_j r_j e_j`,
    :math:`r_j = A_j/A_{max}`; only the sizes relative to each other matter to Adam. The residuals
    wander for ever; their mean square is that of 128 deterministic orbits over steps 1,000
    to 3,000 (standard error about 0.2 %; it rises by up to 1 % until step 8,000).

    Parameters
    ----------
    ratios : tuple of numbers in (0, 1], the largest 1
    beta1, beta2 : float
    """
    r = np.asarray(ratios, dtype=np.float64)
    orbits = np.arange(_ORBITS, dtype=np.float64)[:, None]
    # Any start in general position serves; sines of multiples of 0.7 are in general position.
    x, y = 0.5 * np.sin(1.0 + 0.7 * orbits * (1 + np.arange(r.size))), 0.5 * np.cos(1.3 * orbits)
    state = np.concatenate([x, y], axis=1)
    m, v = np.zeros_like(state), np.zeros_like(state)
    total = 0.0
    for t in range(1, _STEPS + 1):
        error = state[:, :-1] + r * state[:, -1:]
        if t > _TRANSIENT:
            total += float(np.mean(error * error))
        g = np.concatenate([error, error @ r[:, None]], axis=1)
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * g * g
        state = state - np.sqrt(1.0 - beta2**t) / (1.0 - beta1**t) * m / np.sqrt(v)
    return 0.5 * total / (_STEPS - _TRANSIENT)


SOURCE = Source("jiang2022", item="beyond")

adam_critical_betas = Claim(
    id="local-geometry/adam-critical-betas",
    title="The largest step of Adam, and the critical pair beta2 = beta1^2",
    kind="inequality",
    statement=r"After the $t+1$ gradients $g_0,\dots,g_t$ of a coordinate, from zero moments, "
    r"$\frac{|\hat m|}{\sqrt{\hat v}}\le\frac{\sqrt{\sum_{k\le t}\beta_2^k}\,"
    r"\sqrt{\sum_{k\le t}(\beta_1^2/\beta_2)^k}}{\sum_{k\le t}\beta_1^k}$, attained at "
    r"$g_s=(\beta_1/\beta_2)^{t-s}$. At $\beta_2=\beta_1^2=b^2$ it is "
    r"$\sqrt{t+1}\sqrt{\tfrac{1-b}{1+b}}\frac{\sqrt{1-b^{2(t+1)}}}{1-b^{t+1}}$, which grows like "
    r"$\sqrt t$, attained at $g_s=b^s$.",
    notes="Cauchy and Schwarz with the weights of v; equality for every t and every pair. For "
    "b = 0.9 it is 1.05, 2.31 and 7.26 at t = 10, 100 and 1000. Bounded in t iff "
    "beta2 > beta1^2; below, it grows exponentially.",
    source=SOURCE,
    scope={"gradients": "any", "beta1": "0 <= beta1 < 1", "beta2": "0 < beta2 < 1", "xi": "0"},
    formula=critical_betas,
    assumes=_betas_in_range,
    mutants={
        "steps are at most eta": _scaled(
            critical_betas, lambda n, b1, b2: 1 / largest_ratio_squared(n, b1, b2)
        ),
        "t for t + 1 terms": lambda gradients, beta1, beta2: (
            critical_betas(gradients, beta1, beta2)[0],
            geometric(beta2, len(gradients))
            * geometric(beta1 * beta1 / beta2, max(len(gradients) - 1, 1))
            / geometric(beta1, len(gradients)) ** 2
            * corrected_moments(gradients, beta1, beta2)[1],
        ),
        "2 % smaller": _scaled(critical_betas, lambda n, b1, b2: (b1 * 0 + 49) / 50 * 49 / 50),
        "bounded as if beta2 were above beta1^2": uniform_ratio,
    },
)

adam_critical_betas_uniform = Claim(
    id="local-geometry/adam-critical-betas.uniform",
    title="Steps of Adam are bounded when beta2 > beta1^2",
    kind="inequality",
    statement=r"If $\beta_1^2<\beta_2<1$ then for every $t$ and all gradients "
    r"$\frac{|\hat m|}{\sqrt{\hat v}}\le"
    r"\frac{1-\beta_1}{\sqrt{(1-\beta_2)(1-\beta_1^2/\beta_2)}}$.",
    notes="The supremum over t: the bound for given t increases to it. It is 7.27 for "
    "(.9, .999), 1 for beta1 = beta2.",
    source=SOURCE,
    scope={"gradients": "any", "betas": "0 <= beta1^2 < beta2 < 1", "xi": "0"},
    sharpens="local-geometry/adam-critical-betas",
    formula=uniform_ratio,
    assumes=_above_critical,
    mutants={
        "steps are at most eta": lambda gradients, beta1, beta2: (
            uniform_ratio(gradients, beta1, beta2)[0],
            corrected_moments(gradients, beta1, beta2)[1],
        ),
        "without 1 - beta1^2/beta2": _scaled(uniform_ratio, lambda n, b1, b2: 1 - b1 * b1 / b2),
        "5 % smaller": _scaled(uniform_ratio, lambda n, b1, b2: (b1 * 0 + 361) / 400),
    },
)

adam_loss_floor = Claim(
    id="local-geometry/adam-loss-floor",
    title="Floor of the loss under Adam at a fixed step",
    kind="rate",
    statement=r"At fixed $\eta$ with $\xi=0$, after convergence, the mean loss along a trajectory "
    r"of Adam is $k\,A_{\max}\,\eta^2d^2$ to leading order in $\eta\sqrt{d/A_{\max}}$, where $k$ "
    r"depends on $\beta_1,\beta_2$ and the ratios $A_j/A_{\max}$ alone: half the mean square "
    r"residual of a limit map.",
    notes="For (.9, .81): k = .00267 for equal A_j, .00182 for A_j from 1/2 to 3/2. The dynamics "
    "at the floor has no limit cycle; the maximum of the loss is 2 to 4 times its mean. By scale "
    "invariance the floor of sA is s times that of A. The limit map is iterated, not solved, and "
    "k means steps 1,000 to 3,000 after convergence; until step 8,000 it rises by 1 % for equal "
    "A_j, d = 16, and not for d = 8.",
    source=SOURCE,
    scope={
        "eta": "eta sqrt(d/A_max) < 0.02",
        "beta2": "measured at beta1^2",
        "xi": "0",
        "alpha": "large enough that the units are equal; measured 2 to 3",
    },
    formula=loss_floor,
    mutants={
        "linear in eta": lambda d, eta, target, beta1, beta2, **run: (
            loss_floor(d, 2.5e-4, target, beta1, beta2) * eta / 2.5e-4
        ),
        "linear in d": lambda d, eta, target, beta1, beta2, **run: (
            loss_floor(d, eta, target, beta1, beta2) * 16 / d
        ),
        "independent of the target": lambda d, eta, target, beta1, beta2, **run: loss_floor(
            d, eta, np.ones(d), beta1, beta2
        ),
        "as under one coordinate": lambda d, eta, target, beta1, beta2, **run: float(
            floor_coefficient((1.0,), beta1, beta2) * np.max(target) * eta**2 * d**2
        ),
        "5 % larger": lambda d, eta, target, beta1, beta2, **run: (
            1.05 * loss_floor(d, eta, target, beta1, beta2)
        ),
    },
)
