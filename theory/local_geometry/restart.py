r"""The restart experiment of Figure 1(a), in the two-layer model.

Gradient descent starts at equal loss from an iterate of Adam, and from its own. Both times the
loss then falls at the rate of one eigenvalue of the Hessian at the minimum that is reached.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from theory.core import Claim, Source
from theory.models.two_layer import sign_flow

Array = Any
TARGETS = ("ones", "ramp")


def target_vector(target: str, d: int) -> Array:
    """The target A, shape (d,): all ones, or 1/2 to 3/2 in equal steps.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}; it must be one of {', '.join(TARGETS)}")
    return np.ones(d) if target == "ones" or d == 1 else np.linspace(0.5, 1.5, d)


def sign_flow_time(target: str, d: int, fraction: float) -> float:
    """Time tau at which the sign flow's loss is `fraction` of the initial one.

    Raises
    ------
    ValueError
        If the fraction is not in (0, 1).
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"fraction is {fraction}; it must be in (0, 1)")
    A = target_vector(target, d)
    level = fraction * float(A @ A) / 2.0
    end = math.sqrt(float(A.max()) / d)
    return float(optimize.brentq(lambda tau: float(sign_flow(tau, A)[2]) - level, 0.0, end,
                                 xtol=1e-15))  # fmt: skip


def norm_after_restart(target: str, d: int, fraction: float) -> float:
    r""":math:`\|w\|^2` where gradient descent ends from Adam's iterate at that loss.

    The flow conserves :math:`D = \|w\|^2 - \|W\|_F^2 = d(\tau^2 - \|a\|^2)`, with a that of the
    sign flow, and ends with :math:`\|w\|\,\|W\| = \|A\|`:
    :math:`\tfrac12 (D + \sqrt{D^2 + 4\|A\|^2})`.
    """
    A = target_vector(target, d)
    tau = sign_flow_time(target, d, fraction)
    _, a, _ = sign_flow(tau, A)
    excess = d * (tau * tau - float(a @ a))
    return (excess + math.sqrt(excess * excess + 4.0 * float(A @ A))) / 2.0


def restart_ratio(target: str, d: int, fraction: float, eta_norm: float) -> float:
    r"""Steps that gradient descent needs per decade of loss, from Adam's iterate over its own.

    From its own iterate the residual is along A, where the Hessian has the eigenvalue
    :math:`2\|A\|`. From Adam's, with :math:`x = \|w\|^2` after the restart: for a constant target
    it is along A too, with eigenvalue :math:`x + \|A\|^2/x`; for any other it is not, and the slow
    eigenvalue x decides. The ratio is :math:`\log(1 - 2\eta\|A\|)/\log(1 - \eta h)` with
    h the latter.

    Parameters
    ----------
    target : {"ones", "ramp"}
    d : int >= 2
    fraction : float in (0, 1)
        Loss at the restart over the initial loss.
    eta_norm : float in (0, 1/2)
        Step size times the norm of A.

    Examples
    --------
    >>> [round(restart_ratio(target, 16, 0.03, 0.05), 2) for target in ("ramp", "ones")]
    [6.47, 0.52]
    """
    return _ratio(target, d, fraction, eta_norm, slow=lambda x, square: x)


def _ratio(target: str, d: int, fraction: float, eta_norm: float,
           slow: Callable[[float, float], float]) -> float:  # fmt: skip
    A = target_vector(target, d)
    norm = math.sqrt(float(A @ A))
    x = norm_after_restart(target, d, fraction)
    rate = x + norm * norm / x if target == "ones" else slow(x, norm * norm)
    return math.log1p(-2.0 * eta_norm) / math.log1p(-eta_norm * rate / norm)


def _other_slow_rate(slow: Callable[[float, float], float]) -> Callable[..., float]:
    return lambda target, d, fraction, eta_norm: _ratio(target, d, fraction, eta_norm, slow)


def _scaled(factor: float) -> Callable[..., float]:
    return lambda target, d, fraction, eta_norm: (
        factor * restart_ratio(target, d, fraction, eta_norm)
    )


restart_figure_1a = Claim(
    id="local-geometry/restart-figure-1a",
    title="Gradient descent restarted from Adam's iterate",
    kind="law",
    statement=r"Gradient descent started at equal loss from Adam's iterate and from its own needs "
    r"steps per decade of loss in the ratio $\frac{\log(1-2\eta\|A\|)}{\log(1-\eta h)}$: $h=x$ "
    r"for a target that is not constant, $h=x+\|A\|^2/x$ for a constant one, with "
    r"$x=\frac12(D+\sqrt{D^2+4\|A\|^2})$ and $D=\|w\|^2-\|W\|_F^2$ at Adam's iterate. The first is "
    r"above $1$, so that Adam's iterate is the slower start; the second is below $1$.",
    notes="Figure 1(a) of the paper shows networks in which SGD with momentum is faster from "
    "Adam's iterate. In the model that happens for constant targets without momentum, because the "
    "residual stays along A where Adam's minimum is sharp. Otherwise more steps are needed: 6 to "
    "9 times as many for targets from 1/2 to 3/2, and 1.3 to 3 times with momentum 0.9, where all "
    "roots have modulus sqrt(beta) and the rates are equal.",
    source=Source("jiang2022", item="Figure 1(a) in the model"),
    scope={"target": "ones, and 1/2 to 3/2", "d": "16 and 32", "fraction": "0.03",
           "eta |A|": "0.05"},
    expected="measured",
    formula=restart_ratio,
    mutants={
        "Adam's iterate always the faster start": lambda target, d, fraction, eta_norm: 0.5,
        "no difference": lambda target, d, fraction, eta_norm: 1.0,
        "steep eigenvalue for every target": _other_slow_rate(lambda x, square: x + square / x),
        "balanced minimum": _other_slow_rate(lambda x, square: math.sqrt(square)),
        "10 % more steps": _scaled(1.1),
        "10 % fewer steps": _scaled(0.9),
    },
)  # fmt: skip
