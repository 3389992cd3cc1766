"""Networks trained to convergence, shared by several measurements."""

from __future__ import annotations

import math
from typing import Any

from simulations.engine.streams import Stream
from simulations.two_layer import Trajectories, simulate
from theory.local_geometry.restart import target_vector

Array = Any

# Momentum and step size times |A| of gradient descent.
BETA, ETA_NORM = 0.5, 0.05
# Exponents of an initialisation whose trace is rounding for SGD+M, and small for Adam.
SGD_ALPHA, ADAM_ALPHA = 8.0, 4.0
# Adam's loss ends at about 0.003 A_max (eta d)^2, gradient descent's at rounding.
_CONVERGED = {"sgd": 1e-24, "adam": 1e-4}


def train(
    stream: Stream,
    trials: int,
    *,
    optimizer: str,
    d: int,
    target: str,
    alpha: float | None = None,
    eta: float = 5e-5,
    steps: int | None = None,
) -> Trajectories:
    """Train with SGD+M or Adam until the loss is at its floor, or for `steps` steps.

    Parameters
    ----------
    optimizer : {"sgd", "adam"}
    target : {"ones", "ramp"}
    alpha : float, optional
        Exponent of the initialisation; 8 for SGD+M and 4 for Adam unless told otherwise.
    eta : float
        Adam's learning rate.

    Raises
    ------
    ValueError
        If a trial diverged, or has not converged where `steps` is omitted.
    """
    A = target_vector(target, d)
    if optimizer == "sgd":
        chosen = SGD_ALPHA if alpha is None else alpha
        found = simulate(
            stream, trials, optimizer="sgd_momentum", beta=BETA, eta=ETA_NORM / math.sqrt(A @ A),
            d=d, alpha=chosen, target=target, steps=steps or round(150 + 80 * chosen),
        )  # fmt: skip
    else:
        # The sign flow ends at sqrt(A_max/d); half of the rows start with the wrong sign.
        length = round(1.3 * math.sqrt(A.max() / d) / eta) + 200
        found = simulate(
            stream, trials, optimizer="adam", beta1=0.9, beta2=0.81, eps=0.0, convention="paper",
            eta=eta, d=d, alpha=ADAM_ALPHA if alpha is None else alpha, target=target,
            steps=steps or length,
        )  # fmt: skip
    xp = stream.xp
    if bool(xp.any(found.diverged_at >= 0)):
        raise ValueError(f"{int(xp.sum(xp.astype(found.diverged_at >= 0, xp.int64)))} trials "
                         "diverged")  # fmt: skip
    worst = float(xp.max(found.loss))
    if steps is None and not worst < _CONVERGED[optimizer]:
        raise ValueError(f"the largest loss is {worst:.3g} after training; it must be below "
                         f"{_CONVERGED[optimizer]:.0e}")  # fmt: skip
    return found


def rotated_to(direction: Array, w: Array, W: Array, xp: Any) -> tuple[Array, Array]:
    r"""Rotate the hidden units so that w/||w|| is `direction`.

    Gradients are equivariant under such rotations, and so is SGD with momentum: the result is
    what the rotated initialisation gives.

    Parameters
    ----------
    direction : (d,)
        Unit vector.
    w, W : (trials, d) and (trials, d, d)
    """
    unit = w / xp.sqrt(xp.sum(w * w, axis=-1, keepdims=True))
    # A reflection; the sign of w avoids a difference of nearly equal vectors.
    along = xp.sum(unit * direction, axis=-1, keepdims=True)
    sign = 1.0 - 2.0 * xp.astype(along > 0, xp.float64)
    mirror = sign * unit - direction
    mirror = mirror / xp.sqrt(xp.sum(mirror * mirror, axis=-1, keepdims=True))
    reflected = w - 2 * mirror * xp.sum(mirror * w, axis=-1, keepdims=True)
    rows = (mirror[:, None, :] @ W)[:, 0, :]
    return sign * reflected, sign[..., None] * (W - 2 * mirror[:, :, None] * rows[:, None, :])
