"""Low-rank solver of the smoothness semidefinite program: block coordinate ascent on the dual.

With unit rows ``(u_i, v_i)`` the dual is ``max sum H_ij (u_i.u_j - v_i.v_j)``. For fixed other
rows the best row i is ``(g_i/(L_i - H_ii), -f_i/(L_i + H_ii))``, where
``g_i = sum_{j != i} H_ij u_j``, ``f_i = sum_{j != i} H_ij v_j`` and ``L_i`` solves
``|g_i|^2/(L_i - H_ii)^2 + |f_i|^2/(L_i + H_ii)^2 = 1``. These multipliers are the constants. Rank
``ceil(sqrt(2 d)) + 1`` is enough for a generic H, and the certificate tells when it was not.
The optimum mostly has a far smaller rank: after some sweeps the factors are rotated and rows of
numerical zeros are dropped, and put back if the result is not optimal without them.
"""

from __future__ import annotations

import math

import numpy as np

from theory.egop.smoothness_barrier import DualPair

_SWEEPS = 20_000
_TOLERANCE = 1e-10
# Sweeps between two looks at the rank, and the share of all squares that a dropped row may have.
_STAGE, _NEGLIGIBLE = 80, 1e-7
# Relative raise of the constants after which an optimal point must be feasible.
_SLACK = 1e-7


def solve_by_mixing(H: np.ndarray, *, sweeps: int = _SWEEPS) -> DualPair:
    """Maximise the dual by block coordinate ascent on rows of low rank.

    Parameters
    ----------
    H : array (d, d)
        Symmetric and finite, scaled to entries of order one.
    sweeps : int
        Most sweeps over all rows.

    Returns
    -------
    DualPair
        With factors of rank at most ``ceil(sqrt(2 d)) + 4``.
    """
    d = len(H)
    rank = math.ceil(math.sqrt(2 * d)) + 1
    # A fixed start: the result is a function of H alone, and the certificate does not trust it.
    rows = np.random.Generator(np.random.Philox(key=d)).standard_normal((d, 2 * rank))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    start = [rows[:, :rank].T, rows[:, rank:].T]
    found = _ascend(H, start, sweeps, compress=True)
    if not _is_feasible(H, found.constants):
        found = _ascend(H, start, sweeps, compress=False)
    return found


def _ascend(H: np.ndarray, start: list[np.ndarray], sweeps: int, *, compress: bool) -> DualPair:
    from theory.egop.smoothness_kernel import LANES, ascend

    diagonal = np.diag(H).copy()
    off = np.ascontiguousarray(H - np.diag(diagonal))
    constants, done = np.zeros(len(H)), 0
    factors = [_padded(factor, LANES) for factor in start]
    while done < sweeps:
        stage = min(_STAGE, sweeps - done) if compress else sweeps - done
        taken = int(ascend(off, diagonal, *factors, constants, stage, _TOLERANCE))
        done += taken
        if taken < stage:
            break
        factors = [_compressed(factor, LANES) for factor in factors]
        factors = _normalised(factors)
    return DualPair(constants, factors[0].T, factors[1].T, done)


def _compressed(factor: np.ndarray, lanes: int) -> np.ndarray:
    """Rotate the rows (k, d) of a factor to principal axes and drop the negligible ones."""
    if len(factor) <= lanes:
        return factor
    _, values, axes = np.linalg.svd(factor, full_matrices=False)
    kept = max(1, int((values**2 > _NEGLIGIBLE * factor.shape[1]).sum()))
    if -(-kept // lanes) * lanes >= len(factor):
        return factor
    return _padded(values[:kept, None] * axes[:kept], lanes)


def _normalised(factors: list[np.ndarray]) -> list[np.ndarray]:
    length = np.sqrt(sum((factor**2).sum(axis=0) for factor in factors))
    return [np.ascontiguousarray(factor / length) for factor in factors]


def _padded(factor: np.ndarray, lanes: int) -> np.ndarray:
    """Add rows of zeros, which stay zero, up to a multiple of the lanes."""
    rows = np.zeros((-(-len(factor) // lanes) * lanes, factor.shape[1]))
    rows[: len(factor)] = factor
    return rows


def _is_feasible(H: np.ndarray, constants: np.ndarray) -> bool:
    raised = np.diag(constants * (1 + _SLACK) + _SLACK * 1e-3 * np.abs(H).max())
    try:
        np.linalg.cholesky(raised - H)
        np.linalg.cholesky(raised + H)
    except np.linalg.LinAlgError:
        return False
    return True
