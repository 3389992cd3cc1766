"""Products are remembered by their content; lengths are those of NumPy."""

import numpy as np
import pytest

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.oracle import Ended, Oracle, Products


def counted():
    calls = []
    oracle = Oracle(lambda x: 0.0, lambda x: x, lambda x, v: calls.append(v.copy()) or 2.0 * v,
                    None, None)  # fmt: skip
    return oracle, calls


@pytest.mark.parametrize("size", [1, 3, 17, 500])
def test_a_known_product_costs_nothing_and_a_similar_one_does(size):
    oracle, calls = counted()
    products, v = Products(oracle, np.zeros(size)), np.arange(size, dtype=float)
    first = products(v)
    assert products(v.copy()) is first
    assert len(calls) == oracle.products == 1
    # Vectors that differ in one entry only, sampled for the key or not.
    for place in range(size):
        other = v.copy()
        other[place] += 0.5
        assert np.array_equal(products(other), 2.0 * other)
    assert len(calls) == 1 + size
    assert products(v) is first


def test_no_more_products_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("theory.optimizers.trust_region.oracle._MEMORY", 2 * 2 * 5)
    oracle, calls = counted()
    products = Products(oracle, np.zeros(5))
    vectors = np.eye(5)
    for v in (*vectors[:3], *vectors[:3]):
        assert np.array_equal(products(v), 2.0 * v)
    assert len(calls) == 3 + 1
    assert len(products._known) == 2


def test_nothing_is_kept_of_a_product_that_fails():
    oracle = Oracle(lambda x: 0.0, lambda x: x, lambda x, v: v, None, 0)
    products = Products(oracle, np.zeros(3))
    with pytest.raises(Ended):
        products(np.ones(3))
    assert products._known == {}


@pytest.mark.parametrize("v", [[3.0, -4.0], [np.nan, 1.0], [np.inf, 1.0], [0.0]])
def test_lengths_are_those_of_numpy(v):
    vector = np.array(v)
    assert np.array_equal(checks.length(vector), np.linalg.norm(vector), equal_nan=True)
