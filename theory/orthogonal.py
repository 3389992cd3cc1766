"""One test of orthogonality for all who take a basis."""

from __future__ import annotations

from typing import Any

import numpy as np

# Departure from orthogonality, per dimension, that a factorisation in double precision explains.
_TOLERANCE = 1e-12


def require_orthogonal(name: str, matrix: Any) -> np.ndarray:
    """Return `matrix` as a float array.

    Raises
    ------
    ValueError
        Unless it is square, finite and orthogonal: ``|V'V - I| <= 1e-12 d`` entrywise.

    >>> require_orthogonal("V", [[0, 1], [1, 0]])
    array([[0., 1.],
           [1., 0.]])
    """
    V = np.asarray(matrix, dtype=np.float64)
    if V.ndim != 2 or V.shape[0] != V.shape[1] or len(V) < 1:
        raise ValueError(f"{name} has shape {V.shape}; it must be a square matrix (d, d)")
    if not np.all(np.isfinite(V)):
        raise ValueError(f"{name} has entries that are not finite")
    defect = float(np.abs(V.T @ V - np.eye(len(V))).max())
    if defect > _TOLERANCE * len(V):
        raise ValueError(
            f"{name} is not orthogonal: |{name}'{name} - I| reaches {defect:.3g}; "
            f"at most {_TOLERANCE * len(V):.3g} is allowed"
        )
    return V
