r"""Diagonal share of the Hessian of a classifier with one hidden layer, from its blocks.

With :math:`\tilde x = (x, 1)` and :math:`\tilde a = (\varphi(z_1), 1)`, the weights and biases of
the layers are :math:`W_1` (h, q) and :math:`W_2` (k, h + 1). By sample, let :math:`\delta` (k) and
C (k, k) be gradient and curvature of the mean loss in the outputs. Every block of the Hessian is a
sum over samples of a product of two factors, so that one matrix product gives all of its entries:

.. math::

   H_{(i,u),(j,v)} &= \sum (\varphi'_i \varphi'_j (W_2' C W_2)_{ij}
       + 1_{i=j} \varphi''_i (W_2' \delta)_i)\, \tilde x_u \tilde x_v, \\
   H_{(i,u),(c,v)} &= \sum \varphi'_i (W_2' C)_{ic}\, \tilde x_u \tilde a_v
       + 1_{v=i} \sum \varphi'_i \delta_c\, \tilde x_u, \\
   H_{(b,u),(c,v)} &= \sum C_{bc}\, \tilde a_u \tilde a_v .

Symmetry halves the pairs of the first and the third twice each. For 2410 parameters and 32 samples
that is a fifteenth of the arithmetic of one Hessian-vector product for each parameter.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from theory.models.activations import ACTIVATIONS, softmax
from theory.models.multilayer import Network

Array = NDArray[np.float64]


def has_blocks(net: Network) -> bool:
    """Whether `share_from_blocks` serves the network."""
    return len(net.widths) == 3 and net.objective == "cross-entropy" and net.bias


def share_from_blocks(net: Network, params: Array, X: Array, labels: NDArray[np.int64]) -> float:
    """``sum_i |H_ii| / sum_ij |H_ij|`` of the Hessian of the mean loss of a batch.

    Parameters
    ----------
    net : Network
        With one hidden layer, biases and cross-entropy.
    params : array (p,)
    X : array (n, pixels)
    labels : array (n,) of integers
        Classes.

    Raises
    ------
    ValueError
        If the network is another one, or the Hessian is zero or not finite.
    """
    if not has_blocks(net):
        raise ValueError(f"net is {net!r}; it must have one hidden layer, biases and cross-entropy")
    (W1, b1), (W2, b2) = net.layers(params)
    before = X @ W1.T + b1
    name, n = net.activation[0], len(X)
    value = ACTIVATIONS[name].value(before)
    slope, bend = ACTIVATIONS[name].derivatives(before, value)
    entered, hidden = (np.hstack([part, np.ones((n, 1))]) for part in (X, value))
    chances = softmax(value @ W2.T + b2)
    delta = (chances - (labels[:, None] == np.arange(net.widths[2]))) / n
    curvature = (chances[:, :, None] * (np.eye(net.widths[2]) - chances[:, None, :])) / n
    pushed = W2.T @ curvature  # (n, h, k)

    middle = slope[:, :, None] * (pushed @ W2) * slope[:, None, :]
    if bend is not None:
        units = np.arange(net.widths[1])
        middle[:, units, units] += bend * (delta @ W2)
    first = _symmetric(middle, entered)
    last = _symmetric(curvature, hidden)
    mixed = _mixed(entered, hidden, slope, pushed, delta)
    diagonal, whole = first[0] + last[0], first[1] + last[1] + 2.0 * mixed
    if not (np.isfinite(whole) and whole > 0):
        raise ValueError(f"the entries of the Hessian have the sum {whole} of magnitudes; "
                         "it must be finite and positive")  # fmt: skip
    return float(diagonal / whole)


def _symmetric(kernel: Array, features: Array) -> tuple[float, float]:
    """Mass of the diagonal and of all entries of ``sum kernel_ij features_u features_v``."""
    rows, row_counts = _pairs(kernel.shape[1])
    columns, column_counts = _pairs(features.shape[1])
    left = kernel[:, rows[0], rows[1]]
    right = features[:, columns[0]] * features[:, columns[1]]
    entries = left.T @ right
    np.abs(entries, out=entries)
    diagonal = entries[: kernel.shape[1], : features.shape[1]].sum()
    return float(diagonal), float(row_counts @ (entries @ column_counts))


def _mixed(entered: Array, hidden: Array, slope: Array, pushed: Array, delta: Array) -> float:
    """Mass of the entries between the two layers, each counted once."""
    n, (h, k), q = len(entered), pushed.shape[1:], entered.shape[1]
    features = (entered[:, :, None] * hidden[:, None, :]).reshape(n, -1)
    entries = (features.T @ (slope[:, :, None] * pushed).reshape(n, -1)).reshape(q, h + 1, h, k)
    direct = entered.T @ (slope[:, :, None] * delta[:, None, :]).reshape(n, -1)
    units = np.arange(h)
    entries[:, units, units, :] += direct.reshape(q, h, k)
    return float(np.abs(entries, out=entries).sum())


@cache
def _pairs(size: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], Array]:
    """All ``i <= j``, those with i = j first, and how often a symmetric matrix has each."""
    i, j = np.triu_indices(size, 1)
    same = np.arange(size)
    counts = np.repeat([1.0, 2.0], [size, len(i)])
    return (np.concatenate([same, i]), np.concatenate([same, j])), counts
