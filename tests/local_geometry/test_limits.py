import numpy as np
import pytest

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from simulations.local_geometry.limits import (
    Prescribed,
    descend,
    extrapolated,
    limit,
    richardson,
)


def stream(seed=1):
    return Stream(select_backend("numpy"), seed, 0)


def test_richardson_removes_linear_and_logarithmic_errors():
    def run(eta):
        return np.asarray([3.0 + 2.0 * eta + 5.0 * eta * np.log(eta)])

    two, three = extrapolated(run, 1e-3), extrapolated(run, 1e-3, levels=3)
    assert abs(two["value"][0] - 3.0) == pytest.approx(5e-3 * np.log(2.0), rel=1e-9)
    assert three["value"] == pytest.approx([3.0], abs=1e-13)
    assert richardson([run(1e-3), run(5e-4)])[0] == pytest.approx(two["value"])


def samples(shift=0.0, error=0.0, n=400):
    values = np.random.default_rng(2).standard_normal(n)
    return {"value": values + shift, "previous": values + shift + error}


@pytest.mark.parametrize("median", [False, True])
def test_the_interval_is_widened_by_the_extrapolation_error(median):
    plain, wide = (limit("value", "previous", median=median) for _ in range(2))
    first, second = plain.summarise(samples()), wide.summarise(samples(error=0.5))
    inner, outer = plain.interval(first, 1e-3), wide.interval(second, 1e-3)
    assert outer.low == pytest.approx(inner.low - 0.5)
    assert outer.high == pytest.approx(inner.high + 0.5)
    assert wide.p_value(second, wide.estimate(second) + 0.4) > 0.9
    assert wide.p_value(second, 0.9) < 1e-6 < plain.p_value(first, 0.05)


@pytest.mark.parametrize("median", [False, True])
def test_blocks_merge(median):
    estimator, whole = limit("value", "previous", median=median), samples(error=0.1)
    parts = [estimator.summarise({k: v[i : i + 100] for k, v in whole.items()})
             for i in range(0, 400, 100)]  # fmt: skip
    merged, once = estimator.merge(parts), estimator.summarise(whole)
    assert estimator.count(merged) == 400
    assert estimator.estimate(merged) == pytest.approx(estimator.estimate(once), rel=1e-12)
    assert estimator.interval(merged, 0.01).high == pytest.approx(
        estimator.interval(once, 0.01).high
    )


def test_standard_error_includes_the_extrapolation():
    estimator = limit("value", "previous")
    plain, wide = (estimator.summarise(samples(error=error)) for error in (0.0, 0.5))
    expected = np.hypot(estimator.standard_error(plain), 0.5)
    assert estimator.standard_error(wide) == pytest.approx(expected)
    median = limit("value", "previous", median=True)
    assert median.standard_error(median.summarise(samples())) is None


def test_prescribed_numbers_come_first():
    given = np.arange(6.0).reshape(2, 3)
    prescribed = Prescribed(stream(), given)
    assert prescribed.normal((2, 3)) is given
    assert prescribed.normal((2, 3)) == pytest.approx(stream().normal((2, 3)))


def test_prescribed_numbers_have_their_shape():
    with pytest.raises(ValueError, match=r"shape \(2, 3\); they must have \(3, 2\)"):
        Prescribed(stream(), np.zeros((2, 3))).normal((3, 2))


def test_descend_starts_at_the_given_weights():
    w, W = stream().normal((2, 4)), stream(2).normal((2, 4, 4))
    found = descend(stream(), w, W, eta=1e-9, steps=1)
    # One step of Adam moves every weight by eta.
    assert np.abs(found.w - w) == pytest.approx(1e-9, rel=1e-5)
    assert np.abs(found.W - W) == pytest.approx(1e-9, rel=1e-5)
