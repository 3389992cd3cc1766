"""NumPy and SciPy for the EGOP: svd of the bundle, outer products one by one, Gram matrix."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from benchmarks.contest import Entrant
from benchmarks.workload import Array


def entrants(gradients: Array) -> list[Entrant]:
    """Three ways to the eigenvalues and the eigenbasis."""
    samples = len(gradients)

    def svd() -> float:
        _, singular, _ = np.linalg.svd(gradients, full_matrices=False)
        return float(singular[0] ** 2 / samples)

    def loop() -> float:
        total = np.zeros((gradients.shape[1],) * 2)
        for row in gradients:
            total += np.outer(row, row)
        return float(np.linalg.eigh(total / samples)[0][-1])

    def divide() -> float:
        gram = gradients.T @ gradients / samples
        return float(scipy.linalg.eigh(gram, driver="evd")[0][-1])

    return [
        Entrant("NumPy, svd of the bundle", svd),
        Entrant("NumPy, outer products in a loop + eigh", loop),
        Entrant("NumPy, Gram matrix + SciPy eigh (evd)", divide),
    ]
