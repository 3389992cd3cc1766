"""Spectra of EGOPs of convex objectives; the density of a uniformly distributed vector."""

import math

import numpy as np
import pytest

from simulations.egop.experiments_digits_spectra import gradients
from simulations.egop.experiments_spectra import marks, spectra
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.egop.experiments_digits_spectra import bound
from theory.egop.experiments_spectra import power_sum, rank_ratio, small_rank, uniform_density
from theory.egop.outer_product import density


@pytest.fixture
def stream():
    return Stream(select_backend("numpy"), 11, 0)


@pytest.mark.parametrize("d", [2, 3, 50])
def test_uniform_density(d):
    v = np.random.default_rng(d).standard_normal((20_000, d))
    found = (np.abs(v).sum(axis=1) / np.linalg.norm(v, axis=1)).mean() / d**0.5
    # The standard deviation of a density is below 0.2 for every d >= 2.
    assert found == pytest.approx(uniform_density("", d, 1.0), abs=6 * 0.2 / 20_000**0.5)


def test_uniform_density_in_two_dimensions():
    # The mean of (|cos t| + |sin t|)/sqrt 2.
    assert uniform_density("", 2, 1.0) == pytest.approx(4 / math.pi / math.sqrt(2), rel=1e-14)


def test_spectra_of_least_squares_are_those_of_the_formula(stream):
    values, leading = spectra(stream, 300, "least squares", 4, 1.0)
    assert values.shape == leading.shape == (300, 4)
    assert (np.diff(values, axis=1) <= 0).all()
    # E tr EGOP = sum sigma^4 + E||A'y||^2 = 2 sum k^-4; a trial varies by at most 4.
    assert values.sum(axis=1).mean() == pytest.approx(2 * power_sum(4, 4.0), abs=6 * 4 / 300**0.5)


def test_axis_aligned_leading_eigenvectors_are_sparse(stream):
    _, leading = spectra(stream, 20, "axis-aligned least squares", 16, 2.0)
    assert np.median([density(v) for v in leading]) < 0.5


def test_marks_rise_from_first_to_last():
    for d in (10, 30, 100):
        assert marks(d)[0] == 1
        assert marks(d)[-1] == d
        assert (np.diff(marks(d)) >= 0).all()


def test_false_ranks_have_other_ranges():
    for decay in (0.5, 1.0, 2.0):
        low, high = rank_ratio("", 30, decay)
        for mutant in small_rank.variants():
            found = mutant.formula("", 30, decay)
            assert found[1] - found[0] == pytest.approx(high - low)
            assert found[0] != low


def test_gradients_of_the_network_on_digits(stream):
    pytest.importorskip("sklearn")
    net, rows = gradients(stream, "glorot")
    assert net.widths == (64, 8, 10)
    assert rows.shape == (610, 610)
    assert np.isfinite(rows).all()
    with pytest.raises(ValueError, match="law is 'cauchy'"):
        gradients(stream, "cauchy")


def test_bounds_of_unknown_quantities_are_refused():
    with pytest.raises(ValueError, match="quantity is 'rank'"):
        bound("rank", "normal")


def test_small_eigenvalues_are_resolved(stream):
    # They are near 1e-16 of the first, where an eigensolver of the EGOP returns rounding.
    values, _ = spectra(stream, 2, "least squares", 100, 2.0)
    roots = np.sqrt(values[:, -1] / values[:, 0])
    assert ((roots > 1e-9) & (roots < 1e-7)).all()
