"""Readable reference of the two-layer dynamics, in any Array-API namespace.

Every step is what the definitions say: the batch residual, both gradients in full, one update
of the optimizer. The kernels are compared with this.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from theory.models.two_layer import residual
from theory.optimizers import Optimizer, State

Array = Any
# A squared residual beyond this is recorded as divergence, well before overflow.
DIVERGED = 1e100


def batch_residual(error: Array, chi_square: Array, normals: Array, batch: int) -> Array:
    r"""Residual that a batch of `batch` Gaussian inputs shows, exactly in law.

    With inputs :math:`x_k \sim N(0, I)` and labels :math:`Ax_k`,
    :math:`E\tilde\Lambda = \tfrac1B \sum_k (E x_k) x_k'` has the law of
    :math:`\tfrac{|E|}{B}\,(u z + \sqrt z\,(I - uu')n)`, :math:`u = E/|E|`,
    :math:`z \sim \chi^2_B`, :math:`n \sim N(0, I)`: d normals instead of B d.

    Parameters
    ----------
    error, normals : (..., n)
    chi_square : (...)
    batch : int

    Returns
    -------
    (..., n)
    """
    xp = array_namespace(error)
    z = chi_square[..., None]
    size = xp.sqrt(xp.sum(error * error, axis=-1, keepdims=True))
    inner = xp.sum(error * normals, axis=-1, keepdims=True)
    # (I - uu') n |E| = n |E| - E (E n)/|E|; at E = 0 there is no residual to disturb.
    safe = xp.where(size == 0, xp.ones_like(size), size)
    return (error * z + xp.sqrt(z) * (normals * size - error * inner / safe)) / batch


def step(
    optimizer: Optimizer,
    state: State,
    w: Array,
    W: Array,
    A: Array,
    *,
    batch: int = 0,
    chi_square: Array | None = None,
    batch_normals: Array | None = None,
    target_noise: Array | None = None,
) -> tuple[Array, Array, State]:
    """Take one step of all trials: w (trials, d), W (trials, d, n).

    `target_noise` (trials, n) is added to the batch's version of A. Without `batch` the
    residual is that of all data.
    """
    error = residual(w, W, A)
    if batch:
        error = batch_residual(error, chi_square, batch_normals, batch)
    if target_noise is not None:
        error = error - target_noise
    gradient = ((W @ error[..., :, None])[..., 0], w[..., :, None] * error[..., None, :])
    (w, W), state = optimizer.update(gradient, state, (w, W))
    return w, W, state
