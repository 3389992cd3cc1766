"""NumPy and SciPy for the EGOP: svd of the bundle, outer products one by one, Gram matrix."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from benchmarks.contest import Entrant, entrant
from benchmarks.workload import Array


def svd(gradients: Array) -> float:
    """The largest eigenvalue by the singular values and vectors of the bundle."""
    _, singular, _ = np.linalg.svd(gradients, full_matrices=False)
    return float(singular[0] ** 2 / len(gradients))


def loop(gradients: Array) -> float:
    """The largest eigenvalue of a sum of outer products."""
    total = np.zeros((gradients.shape[1],) * 2)
    for row in gradients:
        total += np.outer(row, row)
    return float(np.linalg.eigh(total / len(gradients))[0][-1])


def divide(gradients: Array) -> float:
    """The largest eigenvalue by divide and conquer on the Gram matrix."""
    gram = gradients.T @ gradients / len(gradients)
    return float(scipy.linalg.eigh(gram, driver="evd")[0][-1])


def entrants(gradients: Array) -> list[Entrant]:
    """Three ways to the eigenvalues and the eigenbasis."""
    sizes = (gradients,), (gradients[:8, :4],)
    return [
        entrant("NumPy, svd of the bundle", svd, *sizes),
        entrant("NumPy, outer products in a loop + eigh", loop, *sizes),
        entrant("NumPy, Gram matrix + SciPy eigh (evd)", divide, *sizes),
    ]
