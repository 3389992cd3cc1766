"""The EGOP and its eigenbasis from samples: streaming, in few dimensions, and with structure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theory.egop.arguments import samples, symmetric
from theory.egop.outer_product import Eigenbasis, egop, eigenbasis

_POWER_STEPS = 2


@dataclass
class GradientMoments:
    """Running sum of gradient outer products; memory d^2, whatever the number of samples.

    Blocks may be added in any order and accumulators merged; the result equals that of all
    samples at once up to rounding.

    >>> moments = GradientMoments(2)
    >>> moments.add([[1.0, 2.0]]).add([[1.0, 0.0]]).egop()
    array([[1., 1.],
           [1., 2.]])
    """

    dimension: int
    count: int = field(init=False, default=0)
    total: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.dimension, int) or self.dimension < 1:
            raise ValueError(f"dimension is {self.dimension!r}; it must be an integer >= 1")
        self.total = np.zeros((self.dimension, self.dimension))

    def add(self, gradients: Any) -> GradientMoments:
        """Add a block of gradients (n, d); raises ValueError if it is malformed."""
        rows = samples("gradients", gradients)
        if rows.shape[1] != self.dimension:
            raise ValueError(f"gradients have {rows.shape[1]} columns; it must be {self.dimension}")
        self.total = self.total + rows.T @ rows
        self.count += len(rows)
        return self

    def merge(self, other: GradientMoments) -> GradientMoments:
        """Add the samples of another accumulator of the same dimension."""
        if other.dimension != self.dimension:
            raise ValueError(f"other has dimension {other.dimension}; it must be {self.dimension}")
        self.total = self.total + other.total
        self.count += other.count
        return self

    def egop(self) -> np.ndarray:
        """Return the empirical EGOP; raises ValueError before the first sample."""
        if self.count < 1:
            raise ValueError("no gradient was added; at least one sample is needed")
        return np.asarray(self.total / self.count)


def sample_eigenbasis(gradients: Any) -> Eigenbasis:
    """Return the leading ``min(n, d)`` eigenpairs of the empirical EGOP.

    For n < d the d x d matrix is never formed: the eigenvectors are right singular vectors of
    the n x d samples, at cost ``n^2 d``.

    Parameters
    ----------
    gradients : array (n, d)

    Returns
    -------
    Eigenbasis
        Eigenvalues (m,), descending, and V (d, m), m = min(n, d).
    """
    rows = samples("gradients", gradients)
    if len(rows) >= rows.shape[1]:
        return eigenbasis(egop(rows))
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    return Eigenbasis(singular**2 / len(rows), right.T)


def randomized_eigenbasis(gradients: Any, rank: int, normals: Any) -> Eigenbasis:
    """Return approximate leading eigenpairs by a randomized range finder.

    Halko, Martinsson, Tropp (2011): the range of ``(G'G)^q G' N`` with q = 2 power steps,
    orthonormalised after each, then an exact eigenproblem inside it. The space found contains
    the leading eigenvectors up to a factor ``(lam_{k+1}/lam_rank)^q`` in the gap.

    Parameters
    ----------
    gradients : array (n, d)
    rank : int
        Eigenpairs wanted, 1 <= rank <= k.
    normals : array (n, k)
        Independent standard normals, k >= rank (k - rank is the oversampling), k <= d.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    rows, N = samples("gradients", gradients), samples("normals", normals)
    n, d = rows.shape
    if len(N) != n or N.shape[1] > d:
        raise ValueError(f"normals have shape {N.shape}; it must be ({n}, k) with k <= {d}")
    if not 1 <= rank <= N.shape[1]:
        raise ValueError(f"rank is {rank!r}; it must be in [1, {N.shape[1]}]")
    basis = np.linalg.qr(rows.T @ N)[0]
    for _ in range(_POWER_STEPS):
        basis = np.linalg.qr(rows.T @ (rows @ basis))[0]
    values, inner = eigenbasis(egop(rows @ basis))
    return Eigenbasis(values[:rank], basis @ inner[:, :rank])


def random_completion(partial: Any, normals: Any) -> np.ndarray:
    """Complete orthonormal columns to an orthogonal basis by a random rest.

    Parameters
    ----------
    partial : array (d, m)
        Orthonormal columns, m <= d.
    normals : array (d, d - m)
        Independent standard normals; the added columns are then uniformly distributed in the
        orthogonal complement.

    Returns
    -------
    array (d, d)
        Its first m columns are those of `partial`.

    Raises
    ------
    ValueError
        If the shapes do not fit or the columns are not orthonormal.
    """
    V = samples("partial", partial)
    d, m = V.shape
    N = np.array(normals, dtype=np.float64)
    if N.shape != (d, d - m):
        raise ValueError(f"normals have shape {N.shape}; it must be {(d, d - m)}")
    defect = float(np.abs(V.T @ V - np.eye(m)).max())
    if defect > 1e-10:
        raise ValueError(f"partial has columns that are not orthonormal (defect {defect:.3g})")
    for _ in range(2):  # the second projection removes what rounding left of the first
        N = N - V @ (V.T @ N)
    Q, R = np.linalg.qr(N)
    return np.hstack([V, Q * np.sign(np.diag(R))])


def block_eigenbases(gradients: Any, sizes: Sequence[int]) -> list[Eigenbasis]:
    """Return an eigenbasis for each diagonal block of the empirical EGOP.

    Parameters
    ----------
    gradients : array (n, d)
    sizes : sequence of int
        Lengths of consecutive blocks of coordinates, for instance of the layers of a network.

    Raises
    ------
    ValueError
        If the sizes are not positive or do not sum to d.
    """
    rows = samples("gradients", gradients)
    if min(sizes, default=0) < 1 or sum(sizes) != rows.shape[1]:
        raise ValueError(f"sizes are {list(sizes)}; they must be >= 1 and sum to {rows.shape[1]}")
    edges = np.cumsum([0, *sizes])
    return [eigenbasis(egop(rows[:, a:b])) for a, b in itertools.pairwise(edges)]


def kronecker_eigenbases(gradients: Any, shape: tuple[int, int]) -> tuple[Eigenbasis, Eigenbasis]:
    r"""Return eigenbases of :math:`E[GG']` and :math:`E[G'G]` for a matrix parameter.

    In the basis :math:`V_1 W V_2'` both factors of a Kronecker rotation are chosen from the
    second moments of the gradient's rows and columns, of sizes p and q instead of pq.

    Parameters
    ----------
    gradients : array (n, p q)
        Gradients of the parameter, flattened in row-major order.
    shape : (int, int)
        (p, q).

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    rows = samples("gradients", gradients)
    p, q = shape
    if p < 1 or q < 1 or p * q != rows.shape[1]:
        raise ValueError(f"shape is {shape!r}; its product must be {rows.shape[1]}")
    G = rows.reshape(len(rows), p, q)
    left = np.einsum("nij,nkj->ik", G, G, optimize=True) / len(rows)
    right = np.einsum("nji,njk->ik", G, G, optimize=True) / len(rows)
    return eigenbasis(left), eigenbasis(right)


def average_over_units(matrix: Any, units: Any) -> np.ndarray:
    """Average a symmetric matrix over all permutations of interchangeable units.

    The EGOP commutes with every symmetry of objective and sampling law. Averaging an estimate
    over the group of all h! permutations keeps its mean and removes the part of the error that
    is not symmetric; it needs block means only.

    Parameters
    ----------
    matrix : array (d, d)
        Symmetric.
    units : integer array (h, k)
        Row i lists the coordinates of unit i, in corresponding order; coordinates that are not
        listed stay where they are.

    Raises
    ------
    ValueError
        If `units` is not an (h, k) array of distinct coordinates below d.
    """
    M = symmetric("matrix", matrix)
    U = np.array(units)
    if U.ndim != 2 or not np.issubdtype(U.dtype, np.integer):
        raise ValueError(
            f"units have shape {U.shape} and type {U.dtype}; it must be integer (h, k)"
        )
    listed = U.ravel()
    if len(set(listed.tolist())) != U.size or listed.min() < 0 or listed.max() >= len(M):
        raise ValueError(f"units must list distinct coordinates in [0, {len(M)})")
    h = len(U)
    rest = np.setdiff1d(np.arange(len(M)), listed)
    result = M.copy()
    cross = M[np.ix_(listed, rest)].reshape(*U.shape, -1).mean(axis=0)
    blocks = M[np.ix_(listed, listed)].reshape(h, U.shape[1], h, U.shape[1])
    own = np.einsum("iaib->ab", blocks) / h
    other = (blocks.sum(axis=(0, 2)) - h * own) / max(1, h * (h - 1))
    for i in range(h):
        result[np.ix_(U[i], rest)] = cross
        result[np.ix_(rest, U[i])] = cross.T
        for j in range(h):
            result[np.ix_(U[i], U[j])] = own if i == j else other
    return result
