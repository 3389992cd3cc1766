"""The expected gradient outer product: exact, from samples, structured; its spectrum and basis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.egop.arguments import positive, samples, symmetric, vector


def egop(gradients: Any) -> np.ndarray:
    r"""Return the empirical EGOP :math:`\frac1n \sum_i g_i g_i'` of gradient samples.

    DePavia, Charisopoulos, Willett (2025), Algorithm 1.

    Parameters
    ----------
    gradients : array (n, d)
        One gradient a row, n >= 1.

    Returns
    -------
    array (d, d)
        Symmetric positive semidefinite, of rank at most n.

    Raises
    ------
    ValueError
        If `gradients` is not a finite (n, d) array with n >= 1.

    >>> egop([[1.0, 2.0], [1.0, 0.0]])
    array([[1., 1.],
           [1., 2.]])
    """
    rows = samples("gradients", gradients)
    return np.asarray(rows.T @ rows / len(rows))


def egop_quadratic(hessian: Any, minimizer: Any, c: float) -> np.ndarray:
    r"""Return the exact EGOP :math:`H (c^2 I + \theta_* \theta_*') H` of a quadratic.

    For :math:`f = \frac12 (\theta - \theta_*)' H (\theta - \theta_*)` and any law of
    :math:`\theta` with mean zero and covariance :math:`c^2 I` (Assumption 1 of the paper).

    Parameters
    ----------
    hessian : array (d, d)
        Symmetric.
    minimizer : array (d,)
        The stationary point :math:`\theta_*`.
    c : float > 0
        Standard deviation of each coordinate.

    Raises
    ------
    ValueError
        If the shapes do not fit, the Hessian is not symmetric, an entry is not finite, or
        c <= 0.

    >>> egop_quadratic([[2.0, 0.0], [0.0, 1.0]], [1.0, 0.0], 1.0)
    array([[8., 0.],
           [0., 1.]])
    """
    H, point = symmetric("hessian", hessian), vector("minimizer", minimizer)
    if len(point) != len(H):
        raise ValueError(f"minimizer has length {len(point)}; it must be {len(H)}")
    positive("c", c)
    pushed = H @ point
    return np.asarray(c * c * (H @ H) + np.outer(pushed, pushed))


def egop_least_squares(A: Any, y: Any, c: float) -> np.ndarray:
    r"""Return the exact EGOP of :math:`\frac12 \|A\theta - y\|^2`.

    .. math:: c^2 (A'A)^2 + uu', \qquad u = A'y,

    for mean zero and covariance :math:`c^2 I`; no minimiser is needed (A may be of any rank).

    Parameters
    ----------
    A : array (n, d)
    y : array (n,)
    c : float > 0

    Raises
    ------
    ValueError
        If the shapes do not fit, an entry is not finite, or c <= 0.

    >>> egop_least_squares([[1.0, 0.0], [0.0, 2.0]], [1.0, 0.0], 1.0)
    array([[ 2.,  0.],
           [ 0., 16.]])
    """
    rows, target = samples("A", A), vector("y", y)
    if len(target) != len(rows):
        raise ValueError(f"y has length {len(target)}; it must be {len(rows)}")
    positive("c", c)
    gram, u = rows.T @ rows, rows.T @ target
    return np.asarray(c * c * (gram @ gram) + np.outer(u, u))


@dataclass(frozen=True)
class Eigenbasis:
    """Eigenvalues in descending order with an orthogonal basis; unpacks as a pair.

    Attributes
    ----------
    eigenvalues : array (d,)
        Clipped at zero: an EGOP has none below.
    V : array (d, d)
        Columns are eigenvectors, the largest coordinate of each positive.
    """

    eigenvalues: np.ndarray
    V: np.ndarray

    def __iter__(self) -> Any:
        return iter((self.eigenvalues, self.V))


def eigenbasis(matrix: Any) -> Eigenbasis:
    """Return the eigenvalues of an EGOP, descending, and an orthogonal eigenbasis.

    Parameters
    ----------
    matrix : array (d, d)
        Symmetric positive semidefinite up to rounding.

    Raises
    ------
    ValueError
        If `matrix` is not square, symmetric and finite, or has an eigenvalue below
        ``-8 d eps`` times the largest one.

    >>> values, V = eigenbasis([[1.0, 0.0], [0.0, 4.0]])
    >>> values
    array([4., 1.])
    """
    from scipy.linalg import eigh

    M = symmetric("egop", matrix)
    # NumPy calls the same divide and conquer, and copies; 13 % slower at d = 1024.
    values, V = eigh(M, driver="evd", check_finite=False)
    values, V = values[::-1], V[:, ::-1]
    # Backward error of the eigensolver: d eps times the norm, with a factor for its constant.
    if values[-1] < -8 * len(M) * np.finfo(float).eps * max(abs(values[0]), abs(values[-1])):
        raise ValueError(f"egop has the eigenvalue {values[-1]:.3g}; none may be negative")
    leading = np.abs(V).argmax(axis=0)
    V = V * np.sign(V[leading, np.arange(len(M))])
    return Eigenbasis(np.maximum(values, 0.0), V)


def stable_rank(eigenvalues: Any) -> float:
    r"""Return :math:`\sum_i \sqrt{\lambda_i/\lambda_1}`, the paper's stable rank, eq. (3).

    The ratio of nuclear to spectral norm of the gradient bundle; between 1 and d. It is not
    the ratio :math:`\|.\|_F^2/\|.\|^2` of the same name.

    Parameters
    ----------
    eigenvalues : array (d,)
        Nonnegative eigenvalues of an EGOP, in any order, at least one positive.

    Raises
    ------
    ValueError
        If an eigenvalue is negative or not finite, or all vanish.

    >>> stable_rank([4.0, 1.0, 0.0])
    1.5
    """
    values = vector("eigenvalues", eigenvalues)
    if values.min() < 0 or values.max() <= 0:
        raise ValueError(
            f"eigenvalues range over [{values.min():.3g}, {values.max():.3g}]; "
            "they must be >= 0 and one must be positive"
        )
    return float(np.sqrt(values / values.max()).sum())


def density(v: Any) -> float:
    r"""Return :math:`\beta = \|v\|_1/(\sqrt d \|v\|_2)`, between ``1/sqrt(d)`` and 1.

    One for a vector whose entries have equal absolute values (dense), ``1/sqrt(d)`` for a
    coordinate vector. Section 4.1 of the paper, for unit vectors.

    Raises
    ------
    ValueError
        If `v` is not a finite vector other than zero.

    >>> density([3.0, -3.0, 3.0, 3.0])
    1.0
    """
    w = vector("v", v)
    scale = float(np.abs(w).max())
    if scale == 0.0:
        raise ValueError("v is zero; it must have an entry that is not")
    w = w / scale  # no overflow of the squares
    return float(np.abs(w).sum() / (math.sqrt(len(w)) * np.linalg.norm(w)))
