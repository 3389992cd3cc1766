"""The survey of Adagrad's gain: planted densities, and cases whose answer is known."""

import math

import numpy as np
import pytest

from simulations.egop.gain_survey import (
    dense_direction,
    least_ratio,
    promised_ratio,
    steps_needed,
    steps_of_adagrad,
)
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream

D = 16


def ratio(decay, density, trials=32):
    stream = Stream(select_backend("numpy"), 5, 0)
    return steps_of_adagrad(stream, trials, d=D, decay=decay, density=density)["ratio"]


@pytest.mark.parametrize("density", [0.25, 0.4, 0.7, 1.0])
def test_direction_has_the_density(density):
    v = np.asarray(dense_direction(D, density))
    # Sixteen squares near 1/16: a few ulps; the arc cosine loses half the digits at its end.
    assert float(v @ v) == pytest.approx(1.0, abs=1e-14)
    assert np.abs(v).sum() / math.sqrt(D) == pytest.approx(density, abs=1e-7)
    assert (v >= 0.0).all()


@pytest.mark.parametrize("density", [0.2, 1.01])
def test_density_out_of_range_is_named(density):
    with pytest.raises(ValueError, match=rf"density is {density}; it must be in \[0.25, 1\]"):
        dense_direction(D, density)


def test_nothing_is_gained_where_the_bases_agree():
    # Along the axes both runs are one; a flat spectrum has no basis of its own.
    np.testing.assert_array_equal(ratio(1.5, 0.25), np.ones(32))
    np.testing.assert_array_equal(ratio(0.0, 0.8), np.ones(32))


def test_a_dense_eigenvector_with_decay_gains_what_is_promised():
    assert float(np.median(ratio(1.5, 0.9))) < promised_ratio(D, 1.5, 0.9) < 0.2
    assert least_ratio(D, 1.5) < promised_ratio(D, 1.5, 0.9)


def test_steps_are_counted_to_the_goal():
    # One coordinate, rate r: the first step goes from x to x - r; the goal is |x| <= sqrt(1e-3).
    hessian, starts = np.ones((1, 1)), np.asarray([[1.0], [2.0]])
    found = steps_needed(np, hessian, starts, np.asarray([1.0, 2.0, 1e-9]))
    assert found[0, 0] == 1.0
    assert found[1, 1] == 1.0
    assert found[0, 1] > 1.0
    assert (found[2] == 1_000.0).all()
