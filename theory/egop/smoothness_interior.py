"""Primal-dual interior-point solver of the smoothness semidefinite program, at a few d^3 a step.

Both constraints are diagonal in L, so that the Schur complement of the Newton equations is a
Hadamard product, ``Z_1 o X_1 + Z_2 o X_2`` with ``Z = S^{-1}``, as in Helmberg, Rendl, Vanderbei
and Wolkowicz (1996) for the maximum cut: no matrix larger than d x d is ever formed.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from theory.egop.smoothness_barrier import DualPair

_STEPS, _PATIENCE = 60, 3
# Relative gap below which rounding of the inverses decides.
_GAP = 1e-10
# Steps that are tried, as distances to the boundary; of the first that is inside 95 % are taken.
_BOUNDARY = 0.95
_TRIED = (1 / _BOUNDARY, 1.0, 0.97, 0.93, 0.87, 0.8, 0.7, 0.55, 0.4, 0.25, 0.12, 0.05, 0.01)


def solve_by_interior_point(H: np.ndarray) -> DualPair:
    r"""Minimise ``sum L_i`` over ``S_1 = diag(L) - H >= 0`` and ``S_2 = diag(L) + H >= 0``.

    Predictor-corrector steps in the HKM direction from ``X_1 = X_2 = I/2``:
    ``dX = sigma mu Z - X - sym(Z (diag(dL) X + second order))`` with dL such that
    ``diag(X_1 + X_2) = 1`` stays true; the duality gap is ``<S_1, X_1> + <S_2, X_2>``.

    Parameters
    ----------
    H : array (d, d)
        Symmetric and finite, scaled to entries of order one.

    Returns
    -------
    DualPair
        With factors of rank d.
    """
    d, signs = len(H), (-1.0, 1.0)
    constants = 1.1 * np.abs(H).sum(axis=1) + 0.1 * np.abs(H).max()
    duals = [np.eye(d) / 2 for _ in signs]
    kept = constants, duals
    best, steps, patience = np.inf, 0, _PATIENCE
    while steps < _STEPS and patience:
        slacks = [_with_diagonal(sign * H, constants) for sign in signs]
        gap = float(sum(np.vdot(S, X) for S, X in zip(slacks, duals, strict=True)))
        # Steps of different length in L and X may lose for a while; at the end rounding does.
        if 0.0 < gap < best:
            kept, best, patience = (constants, duals), gap, _PATIENCE
        else:
            patience -= 1
        if gap <= _GAP * constants.sum():
            break
        inverses = [_inverse(S) for S in slacks]
        moved = _direction(inverses, duals, gap / (2 * d))
        if moved is None:
            break
        change, changes = moved
        primal = min(_step(S, np.diag(change)) for S in slacks)
        dual = min(_step(X, dX) for X, dX in zip(duals, changes, strict=True))
        constants = constants + primal * change
        duals = [X + dual * dX for X, dX in zip(duals, changes, strict=True)]
        steps += 1
    constants, duals = kept
    positive, negative = (dpotrf(X.T, lower=1)[0] for X in duals)
    return DualPair(constants, positive, negative, steps)


def _direction(
    inverses: list[np.ndarray], duals: list[np.ndarray], mu: float
) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """Predictor, then corrector; None if the equations are singular to working precision."""
    d = len(duals[0])
    schur = sum(Z * X for Z, X in zip(inverses, duals, strict=True))
    factor, info = dpotrf(schur.T, lower=1)
    if info != 0:
        return None
    ones = np.ones(d)
    first = dpotrs(factor, -ones, lower=1)[0]
    pairs = list(zip(inverses, duals, strict=True))
    guesses = [-X - _symmetric(Z @ (first[:, None] * X)) for Z, X in pairs]
    # How far the predictor gets tells how much centring is needed.
    reach = min(_step(X, dX) for X, dX in zip(duals, guesses, strict=True))
    centred = mu * max(1e-6, (1.0 - reach) ** 3)
    bends = [reach * first[:, None] * dX for dX in guesses]
    right = -ones
    for (Z, _), bend in zip(pairs, bends, strict=True):
        right += centred * np.diag(Z) - np.einsum("ij,ji->i", Z, bend)
    change = dpotrs(factor, right, lower=1)[0]
    changes = [
        centred * Z - X - _symmetric(Z @ (change[:, None] * X + bend))
        for (Z, X), bend in zip(pairs, bends, strict=True)
    ]
    return change, changes


def _step(matrix: np.ndarray, change: np.ndarray) -> float:
    """A step, at most 1, that leaves the matrix positive definite; near the longest one."""
    for step in _TRIED:
        # Transposed, a C-ordered symmetric matrix is in LAPACK's order: nothing is copied.
        trial = np.multiply(change, step)
        trial += matrix
        if dpotrf(trial.T, lower=1, clean=0, overwrite_a=1)[1] == 0:
            return _BOUNDARY * step
    return 0.0


def _inverse(S: np.ndarray) -> np.ndarray:
    factor = dpotrf(S.T, lower=1)[0]
    half = dpotri(factor, lower=1, overwrite_c=1)[0]
    half += np.tril(half, -1).T
    return np.asarray(half.T)


def _with_diagonal(matrix: np.ndarray, constants: np.ndarray) -> np.ndarray:
    raised = matrix.copy()
    raised[np.diag_indices(len(raised))] += constants
    return raised


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return np.asarray((matrix + matrix.T) / 2)
