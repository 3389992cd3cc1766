r"""The two-layer linear network of Jiang, Malik, Li (2022), eq. (2).

Hidden width and input dimension d, one output: :math:`x \mapsto w'Wx` with :math:`w = W_2'` and
:math:`W = W_1`. With data whitened, :math:`A = YX'/m` and residual :math:`E = w'W - A` the loss
is :math:`\tfrac12 \|E\|^2` up to a constant. Leading axes of all arguments are batch axes.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

from array_api_compat import array_namespace

Array = Any


def residual(w: Array, W: Array, A: Array) -> Array:
    r"""Residual :math:`E = w'W - A`.

    Parameters
    ----------
    w : (..., d)
        Output weights.
    W : (..., d, n)
        Hidden weights; row i belongs to hidden unit i.
    A : (..., n)
        Target, :math:`YX'/m`.

    Returns
    -------
    (..., n)

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    _check_shapes(w, W, A)
    return (w[..., None, :] @ W)[..., 0, :] - A


def loss(w: Array, W: Array, A: Array) -> Array:
    r"""Loss :math:`\tfrac12 \|w'W - A\|^2`, shape (...).

    >>> import numpy as np
    >>> float(loss(np.array([1.0, 2.0]), np.eye(2), np.array([0.0, 0.0])))
    2.5
    """
    error = residual(w, W, A)
    return array_namespace(error).sum(error * error, axis=-1) / 2


def gradients(w: Array, W: Array, A: Array) -> tuple[Array, Array]:
    r"""Gradients of the loss: :math:`\partial_w = WE'` and :math:`\partial_W = wE`.

    Returns
    -------
    (..., d) and (..., d, n)
        The second is an outer product, of rank one.
    """
    error = residual(w, W, A)
    return (W @ error[..., :, None])[..., 0], w[..., :, None] * error[..., None, :]


def momentum_mode(t: int, beta: float, eta_lambda: float, sign: int, z0: complex = 1.0) -> complex:
    r"""Mode :math:`z_t` of the linearised dynamics of SGD with momentum, in closed form.

    Near the origin :math:`E = -A`, and :math:`z = WA' \pm \|A\| w` follows
    :math:`z_{t+1} = (1 + \beta \pm \eta\lambda) z_t - \beta z_{t-1}`,
    :math:`z_1 = (1 \pm \eta\lambda) z_0`. With roots :math:`r_1, r_2` of
    :math:`x^2 - (1+\beta\pm\eta\lambda) x + \beta`,

    .. math:: z_t = z_0 \frac{(r_1 - \beta) r_1^t - (r_2 - \beta) r_2^t}{r_1 - r_2},

    and its limit where the roots coincide. Jiang, Malik, Li (2022), Lemma 4.

    Parameters
    ----------
    t : int >= 0
    beta : float in [0, 1)
    eta_lambda : float >= 0
        Step size times :math:`\lambda = \|A\|`.
    sign : {1, -1}
        Growing or oscillating branch.
    z0 : complex

    Returns
    -------
    complex
        Its imaginary part is rounding only, for real z0.

    >>> round(momentum_mode(2, 0.5, 0.1, 1).real, 10)
    1.26
    """
    if t < 0 or int(t) != t:
        raise ValueError(f"t is {t!r}; it must be an integer >= 0")
    if not 0 <= beta < 1:
        raise ValueError(f"beta is {beta!r}; it must be in [0, 1)")
    if not (math.isfinite(eta_lambda) and eta_lambda >= 0):
        raise ValueError(f"eta_lambda is {eta_lambda!r}; it must be finite and >= 0")
    if sign not in (1, -1):
        raise ValueError(f"sign is {sign!r}; it must be 1 or -1")
    trace = 1 + beta + sign * eta_lambda
    root = cmath.sqrt(trace * trace - 4 * beta)
    first, second = (trace + root) / 2, (trace - root) / 2
    # sum_k r1^k r2^(t-1-k) is (r1^t - r2^t)/(r1 - r2) without the cancellation near r1 = r2.
    divided, power = 0j, 1 + 0j
    for _ in range(t):
        divided, power = divided * first + power, power * second
    return z0 * (first**t + (second - beta) * divided)


def sign_flow(tau: Array, A: Array) -> tuple[Array, Array, Array]:
    r"""Sign descent with vanishing step from a vanishing initialisation, at time tau.

    On the invariant manifold :math:`w_i = s_i c`, :math:`W_i = s_i a`:
    :math:`c = \tau`, :math:`a_j = \min(\tau, A_j/(d\tau))`,
    :math:`L = \tfrac12 \sum_j (A_j - d\tau^2)_+^2`, until
    :math:`\tau^* = \sqrt{A_{max}/d}` where the loss is zero.

    Parameters
    ----------
    tau : scalar or (...)
        Time, the number of steps times the step size; 0 <= tau <= tau*.
    A : (d,)
        Positive target.

    Returns
    -------
    c, a, loss
        Shapes (...), (..., d) and (...).

    Raises
    ------
    ValueError
        If A is not positive or tau is outside [0, tau*].
    """
    xp = array_namespace(A)
    d = A.shape[0]
    time = xp.asarray(tau, dtype=A.dtype)
    if not bool(xp.all((A > 0) & xp.isfinite(A))):
        raise ValueError("A has entries that are not positive and finite; it must be positive")
    end = float(xp.sqrt(xp.max(A) / d))
    # The end itself is computed with rounding, by the caller too.
    if not bool(xp.all((time >= 0) & (time <= end * (1 + 1e-12)))):
        raise ValueError(f"tau is {tau!r}; it must be in [0, sqrt(max(A)/d)] = [0, {end:.6g}]")
    later = time[..., None]
    reached = d * later * later >= A
    a = xp.where(reached, A / (d * xp.where(reached, later, 1.0)), later)
    short = xp.where(reached, 0.0, A - d * later * later)
    return time, a, xp.sum(short * short, axis=-1) / 2


def _check_shapes(w: Array, W: Array, A: Array) -> None:
    if W.ndim < 2 or w.ndim < 1 or W.shape[-2] != w.shape[-1] or W.shape[-1] != A.shape[-1]:
        raise ValueError(
            f"w has shape {w.shape}, W {W.shape}, A {A.shape}; "
            "they must be (..., d), (..., d, n) and (..., n)"
        )
