"""The two-layer and deep linear networks against finite differences and direct recursions."""

import itertools
import math

import numpy as np
import pytest

from theory.models import deep_linear, two_layer

RNG = np.random.default_rng(5)


def test_gradients_match_exact_differences_of_the_quadratic():
    # The loss is a quartic along a line: central differences of step h are exact up to h^2.
    w, W, A = RNG.standard_normal(4), RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    gw, gW = two_layer.gradients(w, W, A)
    h = 1e-5
    for direction_w, direction_W in [(RNG.standard_normal(4), RNG.standard_normal((4, 3)))] * 3:
        plus = two_layer.loss(w + h * direction_w, W + h * direction_W, A)
        minus = two_layer.loss(w - h * direction_w, W - h * direction_W, A)
        slope = gw @ direction_w + np.sum(gW * direction_W)
        # Truncation h^2 times a third derivative below 1e3, rounding 1e-16 / h.
        assert abs((plus - minus) / (2 * h) - slope) < 1e3 * h**2 + 1e-16 / h * 100


def test_batch_axes():
    w, W, A = RNG.standard_normal((5, 4)), RNG.standard_normal((5, 4, 3)), RNG.standard_normal(3)
    gw, gW = two_layer.gradients(w, W, A)
    losses = two_layer.loss(w, W, A)
    for i in range(5):
        one = two_layer.gradients(w[i], W[i], A)
        np.testing.assert_allclose(gw[i], one[0], rtol=1e-14)
        np.testing.assert_allclose(gW[i], one[1], rtol=1e-14)
        assert losses[i] == pytest.approx(two_layer.loss(w[i], W[i], A), rel=1e-14)


def test_wrong_shapes_are_told():
    with pytest.raises(ValueError, match=r"w has shape \(3,\), W \(2, 3\)"):
        two_layer.loss(np.ones(3), np.ones((2, 3)), np.ones(3))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("beta", "eta_lambda"),
    # The last of them has a double root: eta lambda = (1 - sqrt(beta))^2 on the minus branch.
    [(0.0, 0.3), (0.9, 0.01), (0.9, 1e-8), (0.5, 1.2), (0.25, 0.25), (0.81, (1 - 0.9) ** 2)],
)
def test_closed_form_of_a_momentum_mode_satisfies_the_recurrence(sign, beta, eta_lambda):
    z = [two_layer.momentum_mode(t, beta, eta_lambda, sign) for t in range(60)]
    assert z[0] == 1
    assert z[1] == pytest.approx(1 + sign * eta_lambda, rel=1e-14)
    for t in range(1, 59):
        expected = (1 + beta + sign * eta_lambda) * z[t] - beta * z[t - 1]
        scale = abs(z[t]) + abs(z[t - 1])
        assert abs(z[t + 1] - expected) < 64 * (t + 2) * 2.3e-16 * scale + 1e-300


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((-1, 0.5, 0.1, 1), "t"), ((3, 1.0, 0.1, 1), "beta"), ((3, 0.5, math.inf, 1), "eta_lambda"),
     ((3, 0.5, 0.1, 0), "sign")],
)  # fmt: skip
def test_bad_mode_is_named(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} is"):
        two_layer.momentum_mode(*arguments)


def test_sign_flow_is_where_sign_descent_goes():
    A, step = np.array([0.5, 1.0, 2.0, 1.5]), 1e-5
    d, end = 4, math.sqrt(2.0 / 4)
    w, W = np.full(d, 1e-12), np.full((d, d), 1e-12)
    steps = round(0.9 * end / step)
    for _ in range(steps):
        gw, gW = two_layer.gradients(w, W, A)
        w, W = w - step * np.sign(gw), W - step * np.sign(gW)
    c, a, loss = two_layer.sign_flow(steps * step, A)
    # A coordinate that has reached its target oscillates by one step of size d * w * step.
    np.testing.assert_allclose(w, c, atol=2 * step)
    np.testing.assert_allclose(W, np.tile(a, (d, 1)), atol=3 * step)
    assert two_layer.loss(w, W, A) == pytest.approx(loss, abs=20 * step)


def test_sign_flow_reaches_zero_loss_at_its_end_and_not_beyond():
    A = np.array([1.0, 2.0, 3.0])
    assert two_layer.sign_flow(1.0, A)[2] == 0.0
    assert two_layer.sign_flow(np.array([0.0, 0.5]), A)[1].shape == (2, 3)
    with pytest.raises(ValueError, match=r"tau is 1\.1"):
        two_layer.sign_flow(1.1, A)
    with pytest.raises(ValueError, match="A has entries"):
        two_layer.sign_flow(0.1, np.array([1.0, -1.0]))


def test_deep_linear_gradients():
    sizes, m, h = [3, 4, 2, 5], 6, 1e-5
    weights = [RNG.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
    X, Y = RNG.standard_normal((3, m)), RNG.standard_normal((5, m))
    found = deep_linear.gradients(weights, X, Y)
    for layer in range(3):
        direction = RNG.standard_normal(weights[layer].shape)

        def shifted(s, layer=layer, direction=direction):
            moved = [W + s * direction if k == layer else W for k, W in enumerate(weights)]
            return deep_linear.loss(moved, X, Y)

        # The loss is quadratic in one layer: central differences are exact up to rounding.
        slope = (shifted(h) - shifted(-h)) / (2 * h)
        assert slope == pytest.approx(
            np.sum(found[layer] * direction), abs=1e-9 * abs(shifted(0)) + 1e-8
        )


def test_deep_linear_bad_input():
    with pytest.raises(ValueError, match="weights is empty"):
        deep_linear.output([], np.ones((2, 2)))
    with pytest.raises(ValueError, match="products must exist"):
        deep_linear.output([np.ones((2, 3))], np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"layer is 2; it must be in 1\.\.1"):
        deep_linear.factors([np.ones((2, 2))], np.ones((2, 2)), 2)
