"""Optimizers: hand-computed steps, conventions, structure, bad input, and PyTorch step by step."""

import math

import numpy as np
import pytest

from theory import optimizers as opt

FAMILY = {
    "sgd": opt.sgd(0.1),
    "sgd_momentum": opt.sgd_momentum(0.1, 0.9),
    "nesterov": opt.nesterov(0.1, 0.9),
    "adagrad": opt.adagrad(0.1),
    "rmsprop": opt.rmsprop(0.01),
    "rmsprop_momentum": opt.rmsprop(0.01, 0.9, 1e-6, 0.8),
    "adam": opt.adam(0.01),
    "adam_weight_decay": opt.adam(0.01, 0.8, 0.7, 1e-3, weight_decay=0.1),
    "amsgrad": opt.amsgrad(0.01, 0.9, 0.5),
    "sign_descent": opt.sign_descent(0.1),
}


def run(optimizer, gradients, start):
    params, state = start, optimizer.init(start)
    for gradient in gradients:
        params, state = optimizer.update(gradient, state, params)
    return params


def test_steps_computed_by_hand():
    start, gradients = np.array([1.0, -2.0]), [np.array([1.0, -4.0]), np.array([3.0, 0.0])]
    np.testing.assert_allclose(run(opt.sgd(0.5), gradients, start), [-1.0, 0.0])
    # Velocities 1, -4 and then 0.5 + 3, -2.
    np.testing.assert_allclose(run(opt.sgd_momentum(0.5, 0.5), gradients, start), [-1.25, 1.0])
    np.testing.assert_allclose(run(opt.nesterov(0.5, 0.5), gradients, start), [-2.125, 1.5])
    np.testing.assert_allclose(run(opt.sign_descent(0.5), gradients, start), [0.0, -1.5])
    expected = [1 - 0.5 - 0.5 * 3 / math.sqrt(10), -2 + 0.5]
    np.testing.assert_allclose(run(opt.adagrad(0.5, 0.0), gradients, start), expected)


@pytest.mark.parametrize("convention", ["pytorch", "paper"])
def test_first_step_of_adam_is_the_learning_rate(convention):
    optimizer = opt.adam(0.25, 0.9, 0.81, 0.0, convention)
    moved = run(optimizer, [np.array([3.0, -1e-30, 0.0])], np.zeros(3))
    np.testing.assert_allclose(moved, [-0.25, 0.25, 0.0], rtol=1e-14)


def test_conventions_of_adam_differ_by_the_place_of_eps():
    g, eps = np.array([2.0]), 0.5
    torch_like = run(opt.adam(1.0, 0.9, 0.99, eps), [g], np.zeros(1))
    paper = run(opt.adam(1.0, 0.9, 0.99, eps, "paper"), [g], np.zeros(1))
    np.testing.assert_allclose(torch_like, -2 / (2 + eps))
    # sqrt(v) = 0.2, corrected by sqrt(0.01)/0.1 = 1.
    np.testing.assert_allclose(paper, -0.2 / (0.2 + eps))


@pytest.mark.parametrize("eps", [0.0, 1e-60, 2.0**-126, 1e-8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [opt.adagrad, opt.rmsprop, opt.adam, opt.amsgrad])
def test_a_coordinate_without_gradient_stays_at_every_eps(make, dtype, eps):
    # In single precision 1e-60 is 0; the quotient must not be 0/0 there.
    gradient, start = np.array([0.0, 2.0], dtype), np.array([1.0, 1.0], dtype)
    moved = run(make(0.1, eps=eps), [gradient] * 3, start)
    assert moved.dtype == dtype
    assert moved[0] == 1.0
    assert moved[1] < 1.0


def test_state_is_explicit_and_arguments_are_left_alone():
    optimizer = opt.adam(0.1)
    params = {"w": np.ones(2), "layers": (np.ones((2, 3)), [np.zeros(1)])}
    gradient = opt.tree_map(lambda p: p + 1.0, params)
    state = optimizer.init(params)
    moved, later = optimizer.update(gradient, state, params)
    assert state.step == 0
    assert later.step == 1
    assert np.all(params["w"] == 1.0)
    assert np.all(state.slots["first"]["w"] == 0.0)
    assert moved["layers"][0].shape == (2, 3)
    assert isinstance(moved["layers"][1], list)
    again, _ = optimizer.update(gradient, state, params)
    np.testing.assert_array_equal(moved["w"], again["w"])


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: opt.sgd(0.0), "lr"),
        (lambda: opt.sgd(float("nan")), "lr"),
        (lambda: opt.sgd_momentum(0.1, 1.0), "beta"),
        (lambda: opt.sgd_momentum(0.1, -0.1), "beta"),
        (lambda: opt.nesterov(0.1, 2), "beta"),
        (lambda: opt.adagrad(0.1, -1.0), "eps"),
        (lambda: opt.rmsprop(0.1, 1.5), "alpha"),
        (lambda: opt.rmsprop(0.1, momentum=1.0), "momentum"),
        (lambda: opt.adam(0.1, 1.0), "beta1"),
        (lambda: opt.adam(0.1, beta2=math.inf), "beta2"),
        (lambda: opt.adam(0.1, convention="keras"), "convention"),
        (lambda: opt.amsgrad(0.1, eps=-1e-9), "eps"),
        (lambda: opt.sign_descent(0.1, weight_decay=-1.0), "weight_decay"),
    ],
)
def test_bad_hyperparameters_are_named(make, named):
    with pytest.raises(ValueError, match=f"^{named} is .* must be"):
        make()


def test_gradient_must_match_the_parameters():
    optimizer = opt.sgd(0.1)
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\); it must be \(2,\)"):
        optimizer.update(np.ones(3), optimizer.init(np.ones(2)), np.ones(2))
    with pytest.raises(ValueError, match="trees differ"):
        optimizer.update((np.ones(2),), optimizer.init((np.ones(2),) * 2), (np.ones(2),) * 2)


@pytest.mark.parametrize("name", FAMILY)
def test_same_numbers_on_the_strict_array_api(name):
    xp = pytest.importorskip("array_api_strict")
    rng = np.random.default_rng(3)
    gradients, start = rng.standard_normal((5, 4)), rng.standard_normal(4)
    strict = run(FAMILY[name], [xp.asarray(g) for g in gradients], xp.asarray(start))
    np.testing.assert_array_equal(np.asarray(strict), run(FAMILY[name], gradients, start))


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in FAMILY if name != "sign_descent"])
def test_pytorch_takes_the_same_steps(name):
    torch = pytest.importorskip("torch", reason="PyTorch (extra peers) is not installed")
    optimizer = FAMILY[name]
    rng = np.random.default_rng(11)
    start = rng.standard_normal((3, 4))
    gradients = [rng.standard_normal((3, 4)) * 10.0 ** rng.integers(-6, 4) for _ in range(60)]
    peer = torch.tensor(start, requires_grad=True)
    stepper = torch_optimizer(torch, optimizer, peer)
    params, state = start, optimizer.init(start)
    for gradient in gradients:
        params, state = optimizer.update(gradient, state, params)
        peer.grad = torch.tensor(gradient)
        stepper.step()
        # Both round a dozen operations a step: 60 steps of at most 16 ulp of the largest value.
        scale = max(1.0, np.abs(params).max())
        np.testing.assert_allclose(
            peer.detach().numpy(), params, rtol=0, atol=60 * 16 * 2.3e-16 * scale
        )


def torch_optimizer(torch, optimizer, peer):
    h = dict(optimizer.hyperparameters)
    common = {"lr": h["lr"], "weight_decay": optimizer.weight_decay}
    if optimizer.name in ("sgd", "sgd_momentum", "nesterov"):
        return torch.optim.SGD([peer], momentum=h.get("beta", 0.0),
                               nesterov=optimizer.name == "nesterov", **common)  # fmt: skip
    if optimizer.name == "adagrad":
        return torch.optim.Adagrad([peer], eps=h["eps"], **common)
    if optimizer.name == "rmsprop":
        return torch.optim.RMSprop([peer], alpha=h["alpha"], eps=h["eps"],
                                   momentum=h["momentum"], **common)  # fmt: skip
    return torch.optim.Adam([peer], betas=(h["beta1"], h["beta2"]), eps=h["eps"],
                            amsgrad=optimizer.name == "amsgrad", **common)  # fmt: skip
