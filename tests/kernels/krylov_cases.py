"""Instances for the tests of the reduced dynamics, and what they compare."""

import numpy as np

from simulations import krylov

EPS = np.finfo(float).eps


def direct(w, W, A, **options):
    return krylov.evolve(w, W, A, largest=0.0, **options)


def weights(rng, trials, d, size_w=0.3, size_W=0.3, spread=0.0, n=None):
    """Gaussian weights of given norm; `spread` grades the columns of W."""
    w = rng.standard_normal((trials, d)) * size_w / np.sqrt(d)
    W = rng.standard_normal((trials, d, n or d)) * size_W / np.sqrt(d)
    return w, W * np.exp(spread * rng.standard_normal(n or d))


def difference(found, known):
    """Error of (w, W) of every trial in the Frobenius norm, and the norm itself."""
    square = ((found.w - known.w) ** 2).sum(axis=1) + ((found.W - known.W) ** 2).sum(axis=(1, 2))
    return np.sqrt(square), np.sqrt((known.w**2).sum(axis=1) + (known.W**2).sum(axis=(1, 2)))
