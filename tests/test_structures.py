"""Products of matrices of exact numbers."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.structures import product


@pytest.mark.parametrize("number", [3, 0.1, Fraction(1, 3), np.int64(3), np.float64(0.1), np.True_])
def test_products_take_any_real_number_for_what_it_is_exactly(number):
    left = np.array([[number, Fraction(1, 2)]], dtype=object)
    exact = Fraction(number.item() if isinstance(number, np.generic) else number)
    assert product(left, np.eye(2)).tolist() == [[exact, Fraction(1, 2)]]
    assert product(left, left.T).tolist() == [[exact**2 + Fraction(1, 4)]]
    assert {type(entry) for entry in product(left, np.eye(2))[0]} == {Fraction}
