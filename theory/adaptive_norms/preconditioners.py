"""The matrices of Adagrad and RMSProp, full and diagonal.

Gradients are stacked as rows, oldest first: shape (t+1, d). The public functions check their
input; the formulas behind them run in every arithmetic, and on histories of symbols.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theory import arrays
from theory.adaptive_norms.inputs import decay_rate, gradient_rows, positive
from theory.scalars import has_objects


def adagrad_matrix(gradients: Any, eps: Any) -> Any:
    """Adagrad's full matrix ``A_t = sum_i g_i g_i' + eps I`` (Kohler et al. 2019, eq. 2).

    Parameters
    ----------
    gradients : array (t+1, d)
        Oldest first.
    eps : number > 0

    Returns
    -------
    array (d, d)
        Symmetric positive definite, smallest eigenvalue >= eps.

    Raises
    ------
    ValueError
        If `gradients` is not two-dimensional, is empty or has an entry that is not finite, or
        eps is not > 0.

    >>> adagrad_matrix(np.array([[1.0, 0.0], [1.0, 2.0]]), 0.5).tolist()
    [[2.5, 2.0], [2.0, 4.5]]
    """
    return adagrad_form(gradient_rows(gradients), positive("eps", eps))


def rmsprop_matrix(gradients: Any, beta: Any, eps: Any) -> Any:
    """RMSProp's full matrix ``A_t = V_t + eps I`` (Kohler et al. 2019, eq. 3).

    ``V_t = (1-beta) sum_i beta^(t-i) g_i g_i'``, that is ``V_t = beta V_{t-1} + (1-beta) g_t g_t'``
    from ``V_{-1} = 0``, without bias correction.

    Parameters
    ----------
    gradients : array (t+1, d)
        Oldest first.
    beta : number in [0, 1)
    eps : number > 0

    Returns
    -------
    array (d, d)
        Symmetric positive definite, eigenvalues in [eps, (1 - beta^(t+1)) max_i ||g_i||^2 + eps].

    Raises
    ------
    ValueError
        As for `adagrad_matrix`, and if beta is outside [0, 1).

    >>> rmsprop_matrix(np.array([[2.0, 0.0], [0.0, 2.0]]), 0.5, 0.25).tolist()
    [[1.25, 0.0], [0.0, 2.25]]
    """
    return rmsprop_form(gradient_rows(gradients), decay_rate(beta), positive("eps", eps))


def adagrad_diagonal(gradients: Any, eps: Any) -> Any:
    """Diagonal (d,) of `adagrad_matrix`, without forming the matrix; raises as it does.

    >>> adagrad_diagonal(np.array([[1.0, 0.0], [1.0, 2.0]]), 0.5).tolist()
    [2.5, 4.5]
    """
    return accumulated_squares(gradient_rows(gradients), 1, 1) + positive("eps", eps)


def rmsprop_diagonal(gradients: Any, beta: Any, eps: Any) -> Any:
    """Diagonal (d,) of `rmsprop_matrix`, without forming the matrix; raises as it does.

    >>> rmsprop_diagonal(np.array([[2.0, 0.0], [0.0, 2.0]]), 0.5, 0.25).tolist()
    [1.25, 2.25]
    """
    decay = decay_rate(beta)
    return accumulated_squares(gradient_rows(gradients), decay, 1 - decay) + positive("eps", eps)


def adagrad_form(gradients: Any, eps: Any) -> Any:
    """`adagrad_matrix` in any arithmetic, without checks."""
    return _shifted(accumulated_products(gradients, 1, 1), eps)


def rmsprop_form(gradients: Any, beta: Any, eps: Any) -> Any:
    """`rmsprop_matrix` in any arithmetic, without checks."""
    return _shifted(accumulated_products(gradients, beta, 1 - beta), eps)


def adam_form(gradients: Any, beta: Any, eps: Any, correction: Any = None) -> Any:
    """``V_t/(1 - beta^(t+1)) + eps I``: RMSProp's matrix with Adam's bias correction.

    `correction` replaces ``1 - beta^(t+1)``.
    """
    if correction is None:
        correction = 1 - beta ** gradients.shape[0]
    return _shifted(accumulated_products(gradients, beta, 1 - beta) / correction, eps)


def accumulated_products(gradients: Any, old: Any, new: Any) -> Any:
    """``S_t = old S_{t-1} + new g_t g_t'`` from ``S_{-1} = 0``, of shape (d, d).

    A history of symbols brings the recursion as its method `accumulated_products`.
    """
    own = getattr(gradients, "accumulated_products", None)
    if own is not None:
        return own(old, new)
    weights = _weights(gradients, old, new)
    products = arrays.transpose(gradients) @ (weights[:, None] * gradients)
    # rounding may differ across the diagonal
    return (products + arrays.transpose(products)) / 2


def accumulated_squares(gradients: Any, old: Any, new: Any) -> Any:
    """``v_t = old v_{t-1} + new g_t^2`` elementwise from ``v_{-1} = 0``, of shape (d,).

    A history of symbols brings the recursion as its method `accumulated_squares`.
    """
    own = getattr(gradients, "accumulated_squares", None)
    if own is not None:
        return own(old, new)
    weights = _weights(gradients, old, new)
    return arrays.total(weights[:, None] * gradients * gradients, axis=0)


def _weights(gradients: Any, old: Any, new: Any) -> Any:
    """``new old^(t-i)``, i = 0..t, of shape (t+1,)."""
    count = gradients.shape[0]
    weights = [new * old ** (count - 1 - i) for i in range(count)]
    xp = arrays.namespace(gradients)
    if has_objects(gradients) or not all(isinstance(weight, int | float) for weight in weights):
        return np.array(weights, dtype=object)
    return xp.asarray(weights, dtype=gradients.dtype, device=gradients.device)


def _shifted(matrix: Any, eps: Any) -> Any:
    return matrix + eps * arrays.identity_matrix(matrix.shape[0], like=matrix)
