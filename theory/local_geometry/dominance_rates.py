r"""Theorem 2: r_OPT before and after training, and its exact limits for both optimizers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrays import dot, largest, square_root, total
from theory.core import Claim, Source
from theory.laws import StableLemma35
from theory.scalars import own_method

Array = Any

KAPPA = math.sqrt(2.0 / math.pi)
# (log 2 - gamma)/2 of Lemma 35's sharp form.
SHIFT = (math.log(2.0) - float(np.euler_gamma)) / 2.0
# Median of the square of a standard normal variable.
MEDIAN_OF_SQUARE = 0.454936423119572


def theorem_2_rate(stage: str, d: Any, alpha: Any = 1.0, norm: Any = 1.0, mean: Any = 1.0) -> Any:
    r"""Typical r_OPT before and after training, to leading order in d.

    Parameters
    ----------
    stage : str
        ``"start, first layer"``: median of the share of the rows of W,
        :math:`\bar A\,d^{2\alpha+2}/((d+1) m)`, m = 0.4549 the median of :math:`g^2` (the mean
        of d copies of :math:`1/g^2` has exactly the law of :math:`d/g^2`).
        ``"start, second layer"``: mean of the share of the rows of w,
        :math:`\|A\| d^{4\alpha}/((d-2)(d+1))`, of order :math:`d^{4\alpha-3/2}`.
        ``"SGD+M"``: median after training,
        :math:`\kappa\sqrt d\,[\log(\kappa d) + \tfrac{\log 2 - \gamma}2 + z_{1/2}]`,
        :math:`\kappa = \sqrt{2/\pi}`, z_1/2 the median of the stable law of Lemma 35.
        ``"Adam"``: upper bound :math:`\sqrt{2d - 1}` after training.
    d : int >= 3, or symbol
    alpha : exponent of the initialisation
    norm, mean : norm and mean of A

    Returns
    -------
    float, or an expression for symbols

    Raises
    ------
    ValueError
        If the stage is unknown.
    """
    if stage == "start, first layer":
        return mean * d ** (2 * alpha + 2) / ((d + 1) * MEDIAN_OF_SQUARE)
    if stage == "start, second layer":
        return norm * d ** (4 * alpha) / ((d - 2) * (d + 1))
    if stage == "SGD+M":
        centre = float(StableLemma35().ppf(0.5))
        return KAPPA * math.sqrt(d) * (math.log(KAPPA * d) + SHIFT + centre)
    if stage == "Adam":
        return square_root(2 * d - 1)
    raise ValueError(f"stage is {stage!r}; it must be one of {', '.join(STAGES)}")


STAGES = ("start, first layer", "start, second layer", "SGD+M", "Adam")


def _at_stage(chosen: str, change: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The rates with one of them changed: ``change(value, d)``."""

    def rate(stage: str, d: Any, alpha: Any = 1.0, norm: Any = 1.0, mean: Any = 1.0) -> Any:
        value = theorem_2_rate(stage, d, alpha, norm, mean)
        return change(value, d) if stage == chosen else value

    return rate


def sgd_limit_row(direction: Any, target: Any) -> tuple[Any, Any]:
    r"""Squared ratios of a row of W and of w after SGD+M from a vanishing initialisation.

    At :math:`w = \sqrt{\|A\|}\,u`, :math:`W = \sqrt{\|A\|}\,uv'`, u a unit vector and
    :math:`v = A'/\|A\|`: :math:`(1 - u_i^2 + v_j^2)/u_i^2` and :math:`(2 - u_i^2)/u_i^2`.

    Parameters
    ----------
    direction, target : entries u_i and v_j
    """
    square = direction * direction
    return (1 - square + target * target) / square, (2 - square) / square


def adam_limit_row(d: Any, share: Any, concentration: Any) -> tuple[Any, Any]:
    r"""Squared ratios of a row of W and of w after Adam (eta, then xi, to 0).

    At :math:`w_i = s_ic`, :math:`W_i = s_ia`, :math:`c^2 = A_{max}/d`, :math:`a_j = A_j/(dc)`:
    :math:`d - 1 + d(A_j/A_{max})^2` and :math:`d - 1 + d A_{max}^2/\|A\|^2`.

    Parameters
    ----------
    d : width
    share, concentration : :math:`A_j/A_{max}` and :math:`A_{max}/\|A\|`
    """
    return d - 1 + d * share * share, d - 1 + d * concentration * concentration


def r_opt_limit(optimizer: str, A: Array, direction: Array | None = None) -> Any:
    r"""r_OPT at convergence, exactly.

    SGD+M: :math:`\frac1{d^2+d}\left[\sum_{ij}\frac{\sqrt{1-u_i^2+v_j^2}}{|u_i|} +
    \sum_i\frac{\sqrt{2-u_i^2}}{|u_i|}\right]`; Adam:
    :math:`\frac1{d^2+d}\left[d\sum_j\sqrt{d-1+d(A_j/A_{max})^2} +
    d\sqrt{d-1+dA_{max}^2/\|A\|^2}\right]`.

    Parameters
    ----------
    optimizer : {"sgd", "adam"}
    A : (d,)
        Positive target.
    direction : (d,)
        For SGD+M the unit vector u = w/||w||; its law is uniform on the sphere.

    Returns
    -------
    scalar, in the arithmetic of the arguments

    Raises
    ------
    ValueError
        If the optimizer is unknown, or the direction is missing.

    >>> float(r_opt_limit("adam", np.ones(4)))  # (16 sqrt 7 + 4 * 2)/20
    2.5166010488516726
    """
    return _limit(optimizer, A, direction, sgd_limit_row, adam_limit_row)


def _limit(optimizer: str, A: Array, direction: Array | None, sgd: Callable[..., Any],
           adam: Callable[..., Any]) -> Any:  # fmt: skip
    d = A.shape[0]
    norm = square_root(dot(A, A))
    if optimizer == "adam":
        own = own_method(A, "largest")
        top = own() if own else largest(A)
        first, second = adam(d, A / top, top / norm)
        return (d * total(square_root(first)) + d * square_root(second)) / (d * d + d)
    if optimizer != "sgd" or direction is None:
        raise ValueError(f"optimizer is {optimizer!r}, direction {direction!r}; it must be 'adam', "
                         "or 'sgd' with a direction")  # fmt: skip
    first, _ = sgd(direction[:, None], (A / norm)[None, :])
    _, second = sgd(direction, 0 * direction)
    return (total(square_root(first)) + total(square_root(second))) / (d * d + d)


def _other_rows(sgd: Callable[..., Any] = sgd_limit_row,
                adam: Callable[..., Any] = adam_limit_row) -> Callable[..., Any]:  # fmt: skip
    def limit(optimizer: str, A: Array, direction: Array | None = None) -> Any:
        return _limit(optimizer, A, direction, sgd, adam)

    return limit


theorem_2 = Claim(
    id="local-geometry/theorem-2",
    title="The Hessian becomes more diagonal during training",
    kind="rate",
    statement=r"Under Assumptions 1 and 2, $r_{\mathrm{OPT}}(0)=\Omega(d^{4\alpha-3/2})$ with high "
    r"probability; after training $r=\tilde O(\sqrt d)$ for SGD+M with constant probability, and "
    r"for Adam with high probability; a uniform matrix has $r$ of order $d$. Constants: "
    r"$r(0)\approx\frac{1}{d^2+d}\left[\frac{d^2\bar A\,d^{2\alpha+1}}{g^2}+"
    r"\frac{d}{d-2}d^{4\alpha}\|A\|\right]$ with $g\sim N(0,1)$; SGD+M: median "
    r"$\kappa\sqrt d\,[\log(\kappa d)+\frac{\log2-\gamma}2+z_{1/2}]$; Adam: at most "
    r"$\sqrt{2d-1}$.",
    notes="Printed formulas (41) to (43) were reconstructed; the constants are derived here. The "
    "first term of r(0) is as heavy-tailed as 1/g^2 and dominates for alpha < 5/4; for SGD+M the "
    "law has no mean, which is why the paper's probability is only constant.",
    source=Source("jiang2022", item="Theorem 2", equations=("40", "41", "42", "43")),
    scope={"d": "d >= 3", "alpha": "measured at 1 and 3/2", "A": "ones, and 1/2 to 3/2"},
    formula=theorem_2_rate,
    mutants={
        "start: exponent 4 alpha - 1/2": _at_stage("start, second layer", lambda r, d: r * d),
        "start: second layer 5 % larger": _at_stage("start, second layer", lambda r, d: 1.05 * r),
        "start: mean of 1/g^2 taken to be 1/E g^2": _at_stage(
            "start, first layer", lambda r, d: r * MEDIAN_OF_SQUARE / d),
        "start: first layer 30 % larger": _at_stage("start, first layer", lambda r, d: 1.3 * r),
        "SGD+M: without the logarithm": _at_stage("SGD+M", lambda r, d: math.sqrt(d)),
        "SGD+M: root of the logarithm": _at_stage(
            "SGD+M", lambda r, d: KAPPA * math.sqrt(d * math.log(KAPPA * d))),
        "SGD+M: order d": _at_stage("SGD+M", lambda r, d: r * math.sqrt(d)),
        "Adam: at most the root of d": _at_stage("Adam", lambda r, d: square_root(d)),
        "Adam: 5 % smaller": _at_stage("Adam", lambda r, d: r * Fraction(19, 20)),
    },
)  # fmt: skip

theorem_2_limits = Claim(
    id="local-geometry/theorem-2.limits",
    title="Exact limits of r_OPT for both optimizers",
    kind="limit",
    statement=r"From a vanishing initialisation, at convergence: SGD+M has "
    r"$r=\frac1{d^2+d}\left[\sum_{ij}\frac{\sqrt{1-u_i^2+v_j^2}}{|u_i|}+\sum_i"
    r"\frac{\sqrt{2-u_i^2}}{|u_i|}\right]$ with $u=w/\|w\|$, $v=A'/\|A\|$; Adam, as "
    r"$\eta\to0$, has $r=\frac1{d^2+d}\left[d\sum_j\sqrt{d-1+d(A_j/A_{\max})^2}+"
    r"d\sqrt{d-1+dA_{\max}^2/\|A\|^2}\right]\le\sqrt{2d-1}$.",
    notes="SGD+M: to leading order |X| mean(1/|X_i|) with X Gaussian, the factor being "
    "1 + (sqrt 2 - 1/2)/(d + 1). Adam: between sqrt(d - 1) and sqrt(2 d - 1) whatever A is.",
    source=Source("jiang2022", item="beyond", equations=("42", "43")),
    scope={"A": "positive", "direction": "a unit vector without zero entries"},
    sharpens="local-geometry/theorem-2",
    formula=r_opt_limit,
    mutants={
        "SGD+M: without -u^2": _other_rows(
            sgd=lambda u, v: ((1 + v * v) / (u * u), 2 / (u * u))),
        "SGD+M: rows of w as rows of W": _other_rows(
            sgd=lambda u, v: (sgd_limit_row(u, v)[0], (1 - u * u) / (u * u))),
        "SGD+M: without v": _other_rows(
            sgd=lambda u, v: (sgd_limit_row(u, 0 * v)[0], sgd_limit_row(u, v)[1])),
        "Adam: d for d - 1": _other_rows(
            adam=lambda d, share, top: (d + d * share * share, d + d * top * top)),
        "Adam: A_j/A_max to the first power": _other_rows(
            adam=lambda d, share, top: (d - 1 + d * share, d - 1 + d * top * top)),
        "Adam: 5 % larger": lambda optimizer, A, direction=None: (
            r_opt_limit(optimizer, A, direction)
            * (Fraction(21, 20) if optimizer == "adam" else 1)),
    },
)  # fmt: skip
