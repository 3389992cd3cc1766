import importlib

import numpy as np
import pytest

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.core import Registry
from theory.laws import MaxOverMedian
from theory.local_geometry import adam_uniformity
from theory.local_geometry.adam_uniformity import (
    END,
    equal_loss_ratio,
    eta_linear,
    uniformity_rate,
    window_start,
)


def entries():
    module = importlib.import_module("simulations.local_geometry.adam_uniformity")
    registry = Registry()
    registry.add_modules([adam_uniformity])
    registry.attach_checks()
    return module, registry


MODULE, REGISTRY = entries()


def test_exponents_of_the_window():
    assert window_start(1.5) == 1.0
    assert uniformity_rate(16, 1.5, window_start(1.5)) == pytest.approx(16**-0.5)
    assert uniformity_rate(16, 1.5, END) == pytest.approx(1 / 16)
    assert uniformity_rate(100, 0.5, END) == 1.0
    assert eta_linear(1e-4, 4e-4) == 0.25


@pytest.mark.parametrize("d", [3, 8, 33])
def test_equal_loss_ratio_is_the_geometric_mean_of_the_law(d):
    sample = np.log(MaxOverMedian(d).sample(np.random.default_rng(1), 40_000))
    error = float(np.std(sample)) / 200.0
    assert np.log(equal_loss_ratio(d)) == pytest.approx(float(np.mean(sample)), abs=5 * error)


def test_equal_loss_ratio_grows_like_log_d():
    # 2 log d - log log d over the median of a squared normal, whose slope is 8 % less at 512.
    slope = (equal_loss_ratio(1024) - equal_loss_ratio(256)) / np.log(4.0)
    assert slope == pytest.approx((2 - 1 / np.log(512)) / 0.4549, rel=0.03)


def test_bad_width():
    with pytest.raises(ValueError, match="d is 0"):
        equal_loss_ratio(0)


SMALL = {
    "relative_spread": {"d": 4, "alpha": 1.0, "kappa": END, "eta": 0.02, "layer": 2},
    "nonuniformity": {"d": 4, "eta": 0.02, "pivot": 0.04},
    "at_equal_loss": {"d": 4, "alpha": 1.0, "eta": 0.01},
}


@pytest.mark.parametrize("name", SMALL)
def test_samplers_draw_the_same_in_strict_arrays(name):
    drawn = [getattr(MODULE, name)(Stream(select_backend(backend), 4, 0), 3, **SMALL[name])
             for backend in ("numpy", "strict")]  # fmt: skip
    for quantity, value in drawn[0].items():
        strict = np.asarray([float(x) for x in drawn[1][quantity]])
        # Rounding grows over some hundred steps of Adam by a factor of about 10^4.
        assert strict == pytest.approx(value, rel=1e-8)


def test_a_run_that_misses_the_loss_level_is_refused():
    found = MODULE.descend(Stream(select_backend("numpy"), 4, 0), np.ones((2, 4)),
                           np.ones((2, 4, 4)), eta=1e-9, steps=2, record=[1, 2])  # fmt: skip
    assert np.isnan(MODULE._first_ratio(np, found, 1e-3)).all()
    assert MODULE._first_ratio(np, found, 1e3) == pytest.approx([1.0, 1.0])


def test_mutants_claim_something_else():
    points = {"local-geometry/theorem-1.adam": {"d": 32, "alpha": 1.5, "kappa": 1.0},
              "local-geometry/adam-eta-linear": {"eta": 1e-4, "pivot": 4e-4},
              "local-geometry/corollary-1": {"d": 64}}  # fmt: skip
    for claim_id, point in points.items():
        claim = REGISTRY[claim_id].claim
        true = claim.formula(**point)
        changed = [variant.formula(**point) for variant in claim.variants()]
        # Two of them differ at other points: at the end, and at alpha = 1/2.
        assert sum(abs(value / true - 1) > 0.03 for value in changed) >= len(changed) - 2
