"""Small losses keep their relative accuracy, and a trial's numbers do not depend on others."""

import math

import numpy as np
import pytest

from theory.models.activations import ACTIVATIONS
from theory.models.multilayer import Network
from theory.models.outputs import Outputs, activated, derivatives, make_outputs

EPS = float(np.finfo(float).eps)
NAMES = ("cross-entropy", "binary-cross-entropy")
# A loss is a quotient, one or two elementary functions and their sums over k = 3: 20 roundings.
ROUNDINGS = 20


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def binary(z, y):
    """Loss of a sample, each term at least 0."""
    return math.fsum(part for a, b in zip(z, y, strict=True)
                     for part in (b * softplus(-a), (1.0 - b) * softplus(a)))  # fmt: skip


def classes(z, y):
    """Loss of a sample, each term at least 0."""
    return math.fsum(
        b * math.log1p(math.fsum(math.exp(other - a) for l, other in enumerate(z) if l != j))
        for j, (a, b) in enumerate(zip(z, y, strict=True)) if b)  # fmt: skip


def mean_loss(objective, z, y):
    own = classes if objective == "cross-entropy" else binary
    return math.fsum(own(*sample) for sample in zip(z, y, strict=True)) / len(z)


def separated(objective, margin, shift, n=64):
    """Outputs (n, 3) that are right by about `margin`, with their targets of 0 and 1."""
    rng = np.random.default_rng(int(margin))
    if objective == "cross-entropy":
        y = np.eye(3)[rng.integers(0, 3, n)]
        # Shifts of both signs: sums over samples are small, though their parts are not.
        z = margin * y + rng.standard_normal((n, 3)) + shift * np.resize([[1.0], [-1.0]], (n, 1))
        return z, y
    y = rng.integers(0, 2, (n, 3)).astype(float)
    return (2.0 * y - 1.0) * (margin + rng.random((n, 3))), y


@pytest.mark.parametrize("margin", [0.0, 3.0, 12.0, 34.0, 60.0, 99.0])
@pytest.mark.parametrize(
    ("objective", "shift"), [(NAMES[0], 0.0), (NAMES[0], 195.0), (NAMES[1], 0.0)]
)
def test_a_small_loss_is_right_to_some_roundings(objective, margin, shift):
    z, y = separated(objective, margin, shift)
    expected = mean_loss(objective, z, y)
    # An exponential magnifies the rounding of its argument, here of both signs and at most 400.
    tolerance = (ROUNDINGS + 2 * np.max(np.abs(z)) * (objective == "cross-entropy")) * EPS
    for found in (make_outputs(objective, z, y), make_outputs(objective, z[None], y)):
        assert abs(float(np.squeeze(found.loss())) - expected) <= tolerance * expected
    assert expected > 0.0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_binary_loss_of_right_outputs_is_never_negative(value):
    z = (2.0 * value - 1.0) * np.linspace(34.0, 2000.0, 96).reshape(32, 3)
    y = np.full_like(z, value)
    found = float(make_outputs("binary-cross-entropy", z, y).loss())
    assert found == pytest.approx(mean_loss("binary-cross-entropy", z, y), rel=ROUNDINGS * EPS)
    assert 0.0 < found < 1e-15


def test_a_binary_gradient_of_right_outputs_is_as_small_as_the_loss():
    z, y = separated("binary-cross-entropy", 34.0, 0.0)
    # The derivative is -y e^-z / (1 + e^-z), or that of -z.
    powers = np.exp(-np.abs(z))
    expected = (1.0 - 2.0 * y) * powers / (1.0 + powers) / len(z)
    found = make_outputs("binary-cross-entropy", z, y).gradient()
    assert np.allclose(found, expected, rtol=ROUNDINGS * EPS, atol=0)


@pytest.mark.parametrize("objective", NAMES)
def test_targets_between_the_classes(objective):
    rng = np.random.default_rng(3)
    z, y = 30.0 * rng.standard_normal((50, 3)), rng.random((50, 3))
    expected = mean_loss(objective, z, y)
    assert float(make_outputs(objective, z, y).loss()) == pytest.approx(expected, rel=200 * EPS)


@pytest.mark.parametrize("objective", [*NAMES, "squared"])
@pytest.mark.parametrize("other", [350.0, 1e5, np.inf, np.nan])
def test_numbers_of_a_trial_do_not_depend_on_others(objective, other):
    rng = np.random.default_rng(4)
    z, y, r = rng.standard_normal((3, 4, 5, 3))
    y = np.abs(y[0])
    moved = z.copy()
    moved[2] *= other
    kept = [0, 1, 3]
    with np.errstate(invalid="ignore"):
        first, second = make_outputs(objective, z, y), make_outputs(objective, moved, y)
        for name, args in (("loss", ()), ("gradient", ()), ("curved", (r,))):
            before, after = getattr(first, name)(*args), getattr(second, name)(*args)
            assert np.array_equal(before[kept], after[kept])
            alone = getattr(Outputs(objective, moved[2], y), name)(*(a[2] for a in args))
            assert np.allclose(after[2], alone, rtol=100 * EPS, atol=100 * EPS, equal_nan=True)
        into = np.empty_like(r)
        assert second.curved(r, into) is into
        assert np.array_equal(into, after, equal_nan=True)


@pytest.mark.parametrize("other", [-350.0, 800.0, -1e5, np.inf, -np.inf])
def test_the_sigmoid_of_a_unit_does_not_depend_on_others(other):
    z = np.array([[-30.0, -1.0, 2.0, 40.0]])
    moved = np.append(z, [[other] * 4], axis=0)
    value, rest = activated("sigmoid", z)
    assert np.array_equal(activated("sigmoid", moved)[0][:1], value)
    found, more = activated("sigmoid", moved)
    parts = found, *derivatives("sigmoid", moved, found, more)
    exact = ACTIVATIONS["sigmoid"].value(moved)
    expected = exact, *ACTIVATIONS["sigmoid"].derivatives(moved, exact)
    for part, right in zip(parts, expected, strict=True):
        # Numbers below the exponential of -708 may be that.
        assert np.allclose(part, right, rtol=16 * EPS, atol=4e-308)
    before = derivatives("sigmoid", z, value, rest)
    assert all(np.array_equal(a[:1], b) for a, b in zip(parts[1:], before, strict=True))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("objective", [*NAMES, "squared"])
def test_no_trials_have_no_losses(activation, objective):
    net = Network((3, 4, 2), activation, objective)
    params, X, Y = np.zeros((0, net.size)), np.ones((5, 3)), np.zeros((5, 2))
    assert net.loss(params, X, Y).shape == (0,)
    assert net.gradient(params, X, Y).shape == net.hvp(params, X, Y, params).shape == params.shape
