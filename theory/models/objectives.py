"""Smooth objectives with gradients, Hessians and known Lipschitz constants of the Hessian.

Points have shape (..., d): any number of leading axes for trials. An objective whose data enter
through a matrix A is rotated by folding the basis into the data: ``f(V x)`` is the same objective
with ``A V``, at no cost per evaluation.

Data may be stacked, A (s, n, d) with y or b (s, 1, n): values and gradients at points (s, r, d)
are then those of s objectives at r points each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from scipy.linalg.blas import dgemm
from scipy.special import expit, logsumexp, softmax


class Objective(Protocol):
    """What the optimizers and estimators ask of an objective."""

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""

    def value(self, theta: np.ndarray) -> np.ndarray:
        """Values (...) at points (..., d)."""

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradients (..., d)."""

    def value_and_gradient(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (...) and gradients (..., d), with products by the data taken once."""

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians (..., d, d)."""

    def rotated(self, V: np.ndarray) -> Self:
        """The objective ``x -> f(V x)`` for an orthogonal V (d, d)."""


@dataclass(frozen=True)
class Quadratic:
    r""":math:`\frac12 (\theta - \theta_*)' H (\theta - \theta_*)`.

    Parameters
    ----------
    H : array (d, d)
        Symmetric.
    minimizer : array (d,)
        The stationary point.
    """

    H: np.ndarray
    minimizer: np.ndarray

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""
        return len(self.H)

    def value(self, theta: np.ndarray) -> np.ndarray:
        """Values (...)."""
        away = theta - self.minimizer
        return np.asarray(((away @ self.H) * away).sum(axis=-1) / 2)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradients (..., d)."""
        return np.asarray((theta - self.minimizer) @ self.H)

    def value_and_gradient(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (...) and gradients (..., d)."""
        away = theta - self.minimizer
        gradient = away @ self.H
        return np.asarray((gradient * away).sum(axis=-1) / 2), gradient

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians (..., d, d), all equal."""
        return np.broadcast_to(self.H, (*theta.shape[:-1], *self.H.shape))

    def hessian_lipschitz(self) -> float:
        """Zero."""
        return 0.0

    def rotated(self, V: np.ndarray) -> Quadratic:
        """The quadratic with Hessian ``V'HV`` and minimiser ``V' theta*``."""
        H = V.T @ self.H @ V
        return Quadratic((H + H.T) / 2, V.T @ self.minimizer)


@dataclass(frozen=True)
class _OfImages:
    r"""What objectives :math:`\varphi(A\theta)` share; a subclass has the function of images.

    Parameters
    ----------
    A : array (n, d)
        Data.
    """

    A: np.ndarray

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""
        return int(self.A.shape[-1])

    def value(self, theta: np.ndarray) -> np.ndarray:
        """Values (...)."""
        return self._outer(theta @ self.A.mT)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradients (..., d)."""
        return self._pulled(self._slope(theta @ self.A.mT))

    def value_and_gradient(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (...) and gradients (..., d), with the images computed once."""
        image = theta @ self.A.mT
        return self._outer(image), self._pulled(self._slope(image))

    def rotated(self, V: np.ndarray) -> Self:
        """The same function of the data ``A V``."""
        return replace(self, A=self.A @ V)

    def _outer(self, image: np.ndarray) -> np.ndarray:
        """Values (...) for images (..., n), which stay as they are."""
        raise NotImplementedError

    def _slope(self, image: np.ndarray) -> np.ndarray:
        """Gradients (..., n) with respect to images (..., n), which may be overwritten."""
        raise NotImplementedError

    def _pulled(self, slope: np.ndarray) -> np.ndarray:
        one = self.A.ndim == slope.ndim == 2 and self.A.flags.c_contiguous
        if one and slope.dtype == np.float64:
            # Without AVX-512 the BLAS of NumPy's wheels takes up to a quarter longer for this.
            return np.asarray(dgemm(1.0, self.A.T, slope.T).T)
        return np.asarray(slope @ self.A)


@dataclass(frozen=True)
class LeastSquares(_OfImages):
    r""":math:`\frac12 \|A\theta - y\|^2` with data A (n, d) and y (n,)."""

    y: np.ndarray

    def _outer(self, image: np.ndarray) -> np.ndarray:
        residual = image - self.y
        return np.asarray((residual * residual).sum(axis=-1) / 2)

    def _slope(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(np.subtract(image, self.y, out=_room(image, self.y)))

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians (..., d, d), all equal to ``A'A``."""
        return np.broadcast_to(self.A.T @ self.A, (*theta.shape[:-1],) + (self.dimension,) * 2)

    def hessian_lipschitz(self) -> float:
        """Zero."""
        return 0.0


@dataclass(frozen=True)
class Logistic(_OfImages):
    r""":math:`\frac1n \sum_i \log(1 + e^{-y_i a_i'\theta})`, labels y_i = +-1, rows a_i of A."""

    y: np.ndarray

    def _outer(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(np.logaddexp(0.0, -self.y * image).mean(axis=-1))

    def _slope(self, image: np.ndarray) -> np.ndarray:
        """``-y/n`` over ``1 + exp(y image)``, in place: a third of the time of `expit`."""
        found = np.multiply(image, self.y, out=_room(image, self.y))
        room = found if found.dtype == np.float64 else None
        with np.errstate(over="ignore"):
            found = np.exp(found, out=room)
        found = np.add(found, 1.0, out=room)
        return np.asarray(np.divide(-self.y / self.y.shape[-1], found, out=room))

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians ``A' diag(s(1 - s)) A/n`` (..., d, d), s the sigmoid of the margins."""
        margins = theta @ self.A.mT
        weights = expit(margins) * expit(-margins)
        return np.asarray(np.swapaxes(self.A * weights[..., None], -1, -2) @ self.A / len(self.y))

    def hessian_lipschitz(self) -> float:
        r"""Return :math:`\|A\|^2 \max_i \|a_i\| / (6\sqrt3\, n)`, as |sigma''| <= 1/(6 sqrt 3)."""
        longest = np.linalg.norm(self.A, axis=1).max()
        return float(np.linalg.norm(self.A, 2) ** 2 * longest / (6 * math.sqrt(3) * len(self.y)))


@dataclass(frozen=True)
class LogSumExp(_OfImages):
    r""":math:`\log \sum_i e^{a_i'\theta + b_i}`; bounded below iff 0 is in the hull of the rows."""

    b: np.ndarray

    def _outer(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(logsumexp(image + self.b, axis=-1))

    def _slope(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(softmax(image + self.b, axis=-1))

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians ``A' (diag p - pp') A`` (..., d, d)."""
        p = softmax(theta @ self.A.mT + self.b, axis=-1)
        mean = p @ self.A
        second = np.swapaxes(self.A * p[..., None], -1, -2) @ self.A
        return np.asarray(second - mean[..., :, None] * mean[..., None, :])

    def hessian_lipschitz(self) -> float:
        r"""Return :math:`(\max_{ij} \|a_i - a_j\|)^3/(6\sqrt3)`.

        The third derivative along v is the third central moment of a variable in an interval of
        length :math:`\max |(a_i - a_j)'v|`, at most :math:`1/(6\sqrt3)` times its cube.
        """
        gaps = self.A[:, None, :] - self.A[None, :, :]
        return float(np.linalg.norm(gaps, axis=-1).max() ** 3 / (6 * math.sqrt(3)))


@dataclass(frozen=True)
class LogSumExpSquares(_OfImages):
    r""":math:`\log \sum_i e^{(a_i'\theta - y_i)^2/2}`: bounded below for any data."""

    y: np.ndarray

    def _outer(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(logsumexp((image - self.y) ** 2 / 2, axis=-1))

    def _slope(self, image: np.ndarray) -> np.ndarray:
        residual = image - self.y
        return np.asarray(softmax(residual**2 / 2, axis=-1) * residual)

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians ``A' (diag(p (1 + r^2)) - (pr)(pr)') A`` (..., d, d)."""
        residual = theta @ self.A.mT - self.y
        p = softmax(residual**2 / 2, axis=-1)
        weights = p * (1 + residual**2)
        mean = (p * residual) @ self.A
        second = np.swapaxes(self.A * weights[..., None], -1, -2) @ self.A
        return np.asarray(second - mean[..., :, None] * mean[..., None, :])


@dataclass(frozen=True)
class MatrixFactorisation:
    r""":math:`\frac12 \|\mathcal A(LR') - b\|^2` in the entries of L and R.

    Parameters
    ----------
    operator : array (m, p, q)
        :math:`\mathcal A(M)_k = \langle A_k, M \rangle`.
    b : array (m,)
    rank : int
        L is p x rank, R is q x rank, both flattened row-major, L first. Over-parameterised for
        a rank above that of the solution.
    """

    operator: np.ndarray
    b: np.ndarray
    rank: int

    @property
    def dimension(self) -> int:
        """Number d = (p + q) rank of coordinates."""
        _, p, q = self.operator.shape
        return int((p + q) * self.rank)

    def factors(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """L (..., p, rank) and R (..., q, rank)."""
        _, p, q = self.operator.shape
        cut, lead = p * self.rank, theta.shape[:-1]
        return (
            theta[..., :cut].reshape(*lead, p, self.rank),
            theta[..., cut:].reshape(*lead, q, self.rank),
        )

    def value(self, theta: np.ndarray) -> np.ndarray:
        """Values (...)."""
        residual = self._residual(*self.factors(theta))
        return np.asarray((residual * residual).sum(axis=-1) / 2)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradients (..., d): ``S R`` and ``S' L`` with ``S = sum_k residual_k A_k``."""
        L, R = self.factors(theta)
        S = np.tensordot(self._residual(L, R), self.operator, axes=1)
        return _flat(S @ R, np.swapaxes(S, -1, -2) @ L)

    def hvp(self, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Hessian-vector products (..., d) for directions v (..., d)."""
        L, R = self.factors(theta)
        U, W = self.factors(v)
        S = np.tensordot(self._residual(L, R), self.operator, axes=1)
        moved = self._image(U, R) + self._image(L, W)
        D = np.tensordot(moved, self.operator, axes=1)
        return _flat(D @ R + S @ W, np.swapaxes(D, -1, -2) @ L + np.swapaxes(S, -1, -2) @ U)

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessians (..., d, d), column by column."""
        columns = self.hvp(theta[..., None, :], np.eye(self.dimension))
        return np.asarray((columns + np.swapaxes(columns, -1, -2)) / 2)

    def hessian_lipschitz(self, radius: float) -> float:
        r"""Return :math:`3 B \|\mathcal A\|^2` on the ball of radius B about zero (Lemma 16)."""
        m = len(self.operator)
        return float(3 * radius * np.linalg.norm(self.operator.reshape(m, -1), 2) ** 2)

    def _image(self, L: np.ndarray, R: np.ndarray) -> np.ndarray:
        product = L @ np.swapaxes(R, -1, -2)
        flat = product.reshape(*product.shape[:-2], -1)
        return np.asarray(flat @ self.operator.reshape(len(self.operator), -1).T)

    def _residual(self, L: np.ndarray, R: np.ndarray) -> np.ndarray:
        return np.asarray(self._image(L, R) - self.b)


def _room(image: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """The image itself where results with y fit into it."""
    fits = image.dtype == np.float64 and image.shape == np.broadcast(image, y).shape
    return image if fits else None


def _flat(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    lead = left.shape[:-2]
    parts = left.reshape(*lead, -1), right.reshape(*lead, -1)
    return np.asarray(np.concatenate(parts, axis=-1))
