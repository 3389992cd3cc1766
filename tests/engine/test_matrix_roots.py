"""Enclosures of the symmetric square root of a matrix of exact numbers."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from search_tools import drawn

from proofs_check import strategies
from proofs_check.engine.balls import precision
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


def with_eigenvalues_of_sizes(exponents, seed):
    """``B diag(2^-e) B'`` of an integer matrix B of determinant 1."""
    rng, d = np.random.default_rng(seed), len(exponents)
    below, above = (np.tril(rng.integers(-3, 4, (d, d)), -1) + np.eye(d, dtype=int)
                    for _ in range(2))  # fmt: skip
    basis = (below @ above.T).astype(object)
    sizes = np.array([Fraction(1, 2**e) for e in exponents], dtype=object)
    return to_exact((basis * sizes) @ basis.T)


@pytest.mark.parametrize("exponents", [(0, 50, 53, 57), (0, 52, 56), (0, 10, 20, 30, 45)])
def test_eigenvalues_that_float64_does_not_resolve_have_roots(exponents):
    # A polynomial through wrong eigenvalues is negative at some of the true ones.
    with precision(128):
        for seed in range(10):
            matrix = with_eigenvalues_of_sizes(exponents, seed)
            root = matrix_square_root(matrix)
            for difference in (root @ root - matrix).ravel().tolist():
                assert difference.ball.contains(0)
            widest = max(entry.radius() for entry in root.ravel().tolist())
            # ||A^-1||^(1/2) times the residual is at most 2^30 roundings at four times the bits.
            assert widest < 2.0**-80


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
