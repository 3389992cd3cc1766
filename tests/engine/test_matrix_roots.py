"""Enclosures of the symmetric square root of a matrix of exact numbers."""

from random import Random

import numpy as np
import pytest

from proofs_check import strategies
from proofs_check.engine.balls import precision
from proofs_check.engine.drawing import drawn
from proofs_check.engine.exact import to_exact
from theory.matrix_roots import matrix_square_root


def exact_matrices():
    rng = np.random.default_rng(0)
    for d in (1, 2, 3, 6, 7):
        yield to_exact(drawn(strategies.positive_definite(d, exact=True), Random(d))[0])
        # Equal eigenvalues but for one; and all but one far below the rounding of float64.
        one, v = np.eye(d), rng.integers(1, 9, d).astype(float)
        yield to_exact(one) + to_exact(np.outer(v, v))
        yield to_exact(one * 2.0**-70) + to_exact(np.outer(v, v))


@pytest.mark.parametrize("bits", [128, 512])
def test_the_square_of_the_enclosure_encloses_the_matrix_narrowly(bits):
    with precision(bits):
        for matrix in exact_matrices():
            root = matrix_square_root(matrix)
            for difference in (root @ root - matrix).ravel().tolist():
                assert difference.ball.contains(0)
            largest = max(abs(entry).approximate() for entry in matrix.ravel().tolist())
            widest = max(entry.radius() for entry in root.ravel().tolist())
            # Two roundings to so many bits of entries of at most ||A||^(1/2).
            assert widest <= 2.0 ** (2 - bits) * np.sqrt(len(matrix) * largest)
            assert all(root[i, j].ball.overlaps(root[j, i].ball)
                       for i in range(len(root)) for j in range(i))  # fmt: skip
