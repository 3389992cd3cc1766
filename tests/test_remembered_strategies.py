"""Strategies are one object for the same arguments, and the same instances as ever."""

import numpy as np
import pytest
from hypothesis import strategies as st

from proofs_check import strategies
from proofs_check.structures import among, listed, remembered, sized


def test_the_same_arguments_give_the_same_object():
    assert strategies.vectors(3) is strategies.vectors(3)
    assert strategies.vectors(3) is not strategies.vectors(4)
    assert listed(among(1.0, -1.0), 2) is listed(among(1.0, -1.0), 2)


def test_equal_arguments_of_other_types_are_other_arguments():
    assert among(1) is not among(1.0)
    assert sized("d", 1) is sized("d", 1)
    with pytest.raises(ValueError, match="d is True"):
        sized("d", True)


def test_arguments_that_cannot_be_hashed_are_taken_as_they_are():
    made = []

    @remembered
    def make(array):
        made.append(array)
        return st.just(array)

    values = np.ones(2)
    assert make(values) is not make(values)
    assert len(made) == 2
