"""Spectra at minima against the explicit Hessian, and bad arguments."""

import numpy as np
import pytest

from theory.local_geometry.conditioning import minimum_spectrum, spectrum_limit
from theory.local_geometry.hessian_diagonal import two_layer_hessian

RNG = np.random.default_rng(9)


def nonzero_spectrum(w, W, A):
    """Eigenvalues of the Hessian above rounding, in ascending order."""
    values = np.linalg.eigvalsh(two_layer_hessian(w, W, A))
    return values[values > 1e-9 * values[-1]]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_limits_are_the_spectrum_at_the_minimum(optimizer):
    d = 6
    A = RNG.uniform(0.5, 2.0, d)
    norm, top = np.linalg.norm(A), A.max()
    if optimizer == "sgd":
        u = RNG.standard_normal(d)
        u /= np.linalg.norm(u)
        w, W = np.sqrt(norm) * u, np.outer(u, A) / np.sqrt(norm)
    else:
        w = np.sqrt(top / d) * RNG.choice([-1.0, 1.0], d)
        W = np.outer(w, A) / top
    values = nonzero_spectrum(w, W, A)
    assert len(values) == d
    largest = spectrum_limit(optimizer, "largest eigenvalue", norm, top)
    condition = spectrum_limit(optimizer, "condition number", norm, top)
    assert values[-1] == pytest.approx(largest, rel=1e-10)
    assert values[-1] / values[0] == pytest.approx(condition, rel=1e-8)


def test_spectrum_at_any_minimum_is_that_of_the_jacobian():
    """Full rank: |w|^2 + sigma_k(W)^2, and never flatter than 2 |A|."""
    w, W = RNG.standard_normal(4), RNG.standard_normal((4, 3))
    A = w @ W
    expected = np.sort(w @ w + np.linalg.svd(W, compute_uv=False) ** 2)
    values = nonzero_spectrum(w, W, A)
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    assert values[-1] >= 2 * np.linalg.norm(A)


def test_balanced_minima_are_the_flattest():
    norm = 3.0
    tops = [minimum_spectrum(square, norm)[0] for square in (1.0, 2.0, 3.0, 4.0, 9.0)]
    assert min(tops) == tops[2] == 2 * norm


def test_errors():
    with pytest.raises(ValueError, match="optimizer is 'rmsprop'"):
        spectrum_limit("rmsprop", "condition number", 1.0, 1.0)
    with pytest.raises(ValueError, match="quantity is 'trace'"):
        spectrum_limit("sgd", "trace", 1.0, 1.0)
