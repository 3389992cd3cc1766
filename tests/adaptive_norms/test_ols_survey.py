"""The survey of the share of X X' over tails: known limits at both ends."""

import numpy as np
import pytest

from simulations.adaptive_norms.ols_survey import share_with_tails
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.ols_share import proposition_2


def shares(d, n, tail, trials=200):
    stream = Stream(select_backend("numpy"), 6, 0)
    return share_with_tails(stream, trials, d=d, n=n, tail=tail)["share"]


def test_light_tails_have_the_limit():
    found = shares(8, 512, 50.0)
    error = found.std() / np.sqrt(len(found))
    # The mean of shares is off the ratio of means by their covariance, below 1 % here.
    limit = float(proposition_2.formula(d=8, n=512))
    assert abs(found.mean() - limit) < 5 * error + 0.01 * limit


def test_tails_without_a_variance_have_more():
    assert np.median(shares(16, 64, 1.0)) > 1.3 * float(proposition_2.formula(d=16, n=64))


@pytest.mark.parametrize("tail", [0.1, 0.5])
def test_entries_of_any_size_have_a_share(tail):
    found = shares(3, 5, tail)
    assert ((found > 0.0) & (found <= 1.0)).all()
