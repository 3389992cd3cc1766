"""The restart's rates against a direct simulation, and the bookkeeping of crossings."""

import numpy as np
import pytest

from simulations.local_geometry.restart import _at_loss, _crossings
from theory import optimizers
from theory.local_geometry.restart import (
    norm_after_restart,
    restart_ratio,
    sign_flow_time,
    target_vector,
)
from theory.models.two_layer import gradients, loss, sign_flow


def test_sign_flow_time_has_that_loss():
    A = target_vector("ramp", 8)
    tau = sign_flow_time("ramp", 8, 0.1)
    # The loss is resolved to about its slope times 1e-15.
    assert sign_flow(tau, A)[2] == pytest.approx(0.1 * (A @ A) / 2, rel=1e-9)


@pytest.mark.parametrize("target", ["ones", "ramp"])
def test_norm_and_rate_after_the_restart(target):
    """Gradient descent with a small step from the sign flow's point itself."""
    d, fraction, eta_norm = 8, 0.05, 0.01
    A = target_vector(target, d)
    tau = sign_flow_time(target, d, fraction)
    c, a, _ = sign_flow(tau, A)
    w, W = np.full(d, float(c)), np.tile(a, (d, 1))
    eta = eta_norm / np.linalg.norm(A)
    losses = []
    for _ in range(6000):
        gw, gW = gradients(w, W, A)
        w, W = w - eta * gw, W - eta * gW
        losses.append(loss(w, W, A))
        if losses[-1] < 1e-20:
            break
    # The flow's conserved quantity drifts by a relative amount of order eta h, here below 2 %.
    assert w @ w == pytest.approx(norm_after_restart(target, d, fraction), rel=0.02)
    decay = np.log(losses[-100] / losses[-1]) / 99
    own = -2 * np.log1p(-2 * eta_norm)
    assert own / decay == pytest.approx(restart_ratio(target, d, fraction, eta_norm), rel=0.02)


def test_crossings_are_interpolated_in_log_loss():
    """At W = 0 and w fixed by a zero gradient the loss of W falls geometrically."""
    d = 2
    A = np.array([1.0, 0.0])
    w, W = np.array([[1.0, 0.0]]), np.array([[[0.0, 0.0], [0.0, 0.0]]])
    method = optimizers.sgd(0.5)
    start = loss(w, W, A)[0]
    # A level that holds already needs no step; the next is reached within the first ones.
    times = _crossings(method, w, W, A, [2 * start, 0.5 * start], np)
    assert times[0][0] == 0.0
    assert 0.0 < times[1][0] <= 1.0
    with pytest.raises(ValueError, match="did not reach"):
        _crossings(optimizers.sgd(1e-9), w, W, A, [1e-3 * start], np)
    assert d == len(A)


def test_iterate_at_a_loss():
    A = target_vector("ones", 4)
    rng = np.random.default_rng(0)
    w, W = 0.1 * rng.standard_normal((3, 4)), 0.1 * rng.standard_normal((3, 4, 4))
    level = np.array([1.0, 0.5, 0.1])
    found = _at_loss(optimizers.sgd(0.01), w, W, A, level, np)
    reached = loss(*found, A)
    assert np.all(reached <= level)
    # One step of this size changes the loss by at most 2 eta (|w|^2 + |W|^2) of itself.
    assert np.all(reached > 0.9 * level)


def test_errors():
    with pytest.raises(ValueError, match="target is 'two'"):
        target_vector("two", 4)
    with pytest.raises(ValueError, match="fraction is 1"):
        sign_flow_time("ones", 4, 1.0)
