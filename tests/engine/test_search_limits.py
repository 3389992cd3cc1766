"""The search where float64 ends: cancellation, rounding of hypotheses, overflow and underflow."""

import json

import numpy as np
import pytest
from hypothesis import strategies as st
from search_tools import claim, search

from theory import arrays
from theory.core import Verdict


def test_a_violation_that_float64_cannot_see_is_found():
    # 1 + x^2 rounds to 1 for x <= 1e-9: in float64 the left side is 0, in truth it is x^2.
    hidden = claim(lambda x: ((1 + x * x) - 1, x * x / 2))
    found = search(hidden, st.fixed_dictionaries({"x": st.floats(1e-12, 1e-9)}))
    assert found.verdict is Verdict.REFUTED
    assert found.data["arithmetic"] == "exact rationals"


def on_the_circle(radius):
    return st.floats(0, 6.3).map(
        lambda angle: {"x": radius * np.array([np.cos(angle), np.sin(angle)])}
    )


def squared_norm_is_three(x):
    return arrays.dot(x, x) == 3


def test_hypotheses_that_hold_only_up_to_rounding_support_nothing_false():
    # No rational point has x^2 + y^2 = 3, so that no violation can be confirmed exactly.
    false = claim(lambda x: (arrays.total(arrays.absolute(x)), 2 + 0 * arrays.total(x)),
                  assumes=squared_norm_is_three)  # fmt: skip
    found = search(false, on_the_circle(np.sqrt(3)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "up to rounding only" in found.summary
    assert sum(map(abs, found.data["extremal"]["x"])) > 2
    true = claim(lambda x: (arrays.total(arrays.absolute(x)), 3 + 0 * arrays.total(x)),
                 assumes=squared_norm_is_three)  # fmt: skip
    assert search(true, on_the_circle(np.sqrt(3))).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(("low", "high", "size"), [(1e-300, 1e-200, "e-"), (1e150, 1e300, "e+")])
def test_the_size_of_a_violation_neither_underflows_nor_overflows(low, high, size):
    found = search(claim(lambda x: (4 * x**4, 3 * x**4)),
                   st.fixed_dictionaries({"x": st.floats(low, high)}))  # fmt: skip
    assert found.verdict is Verdict.REFUTED
    assert size in found.summary
    assert "= 0 in" not in found.summary


def test_evidence_at_the_ends_of_float64_is_json():
    wide = claim(lambda x: (-x * x, x * x))
    found = search(wide, st.fixed_dictionaries({"x": st.floats(1e154, 1.3e154)}))
    json.dumps(found.to_json(), allow_nan=False)
    anything = st.fixed_dictionaries({"x": st.sampled_from([float("inf"), float("nan"), 1.0])})
    json.dumps(search(wide, anything).to_json(), allow_nan=False)


def test_a_refutation_carries_its_own_margin_and_ratio():
    false = claim(lambda x: (x * x, 1 + 0 * x))
    data = search(false, st.fixed_dictionaries({"x": st.floats(0, 4)})).data
    assert data["worst_margin"] == data["violation"] < 0
    assert data["tightness"] > 1
    assert data["extremal"] is None
    assert data["reproduce"].startswith("formula(x=")
