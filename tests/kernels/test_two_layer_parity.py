"""Every fused two-layer kernel against the reference: shapes, optimizers, precisions, memory."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations import two_layer
from simulations.kernels import two_layer_reference as reference
from simulations.kernels.simd import has_estimates
from simulations.kernels.two_layer_layout import Network
from simulations.kernels.two_layer_rules import LEAST_EPS
from simulations.two_layer import _step_scalars

METHODS = {
    "sgd": {},
    "sgd_momentum": {"beta": 0.9},
    "nesterov": {"beta": 0.8},
    "sign_descent": {},
    "adagrad": {"eps": 1e-6},
    "rmsprop": {"alpha": 0.9, "momentum": 0.5},
    "adam": {"beta1": 0.9, "beta2": 0.81, "eps": 1e-6},
    "amsgrad": {"beta1": 0.9, "beta2": 0.5, "eps": 1e-6},
}
QUICK = {("adam", "float64"), ("adam", "float32")}
CASES = [
    pytest.param(name, precision, marks=() if (name, precision) in QUICK else pytest.mark.nightly)
    for name in METHODS
    for precision in ("float64", "float32")
]
RATE = 1e-3


def problem(d, trials, precision, seed=0):
    """Weights of one sign, far from the target, so that no sum of any gradient cancels."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(0.5, 1.0, (trials, d)) / np.sqrt(d)
    W = rng.uniform(0.5, 1.0, (trials, d, d)) / d
    A = rng.uniform(2.0, 3.0, d)
    return tuple(x.astype(precision) for x in (w, W, A))


def both(name, precision, start, steps, *, least_eps=None, **changes):
    """Network after `steps` steps, and weights of the reference."""
    w, W, A = start
    method = two_layer.make_optimizer(name, RATE, {**METHODS[name], **changes})
    rates, b1, b2, epsilons = _step_scalars(method, 0, steps)
    least = _step_scalars(method, 0, 1)[3][0] if least_eps is None else least_eps
    network = Network(name, w, W, A, precision=precision, least_eps=float(least))
    network.advance(0, rates, epsilons, b1, b2, decay=method.weight_decay)
    state = method.init((w, W))
    for _ in range(steps):
        w, W, state = reference.step(method, state, w, W, A)
    return network, w, W


def agree(network, w, W, steps):
    """Compare within the bound of rounding.

    No sum cancels: each of length d is within d u of itself in any order, a gradient within
    (d + 4) u, and a quotient of moments within a few times that. Weights of order
    one at most move by at most 11 rates a step (momentum 0.9): (d + 16) u a step, four times.
    """
    u = np.finfo(W.dtype).eps / 2
    bound = 4 * (W.shape[-1] + 16) * u * max(steps, 1)
    assert network.w.dtype == network.W.dtype == W.dtype
    np.testing.assert_allclose(network.w, w, rtol=0, atol=bound * np.abs(w).max())
    np.testing.assert_allclose(network.W, W, rtol=0, atol=bound * np.abs(W).max())


@pytest.mark.parametrize(("name", "precision"), CASES)
@settings(max_examples=12)
@given(
    d=st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 65, 127, 300])),
    trials=st.sampled_from([1, 2, 5, 9, 17]),
    steps=st.integers(0, 4),
)
def test_kernel_agrees_to_rounding(name, precision, d, trials, steps):
    trials = 1 if d > 100 else trials
    network, w, W = both(name, precision, problem(d, trials, precision), steps)
    agree(network, w, W, steps)
    assert np.all(network.diverged == -1)


def test_zero_steps_change_nothing():
    for d, trials in ((1, 1), (3, 20), (33, 2)):
        w, W, A = problem(d, trials, "float64")
        network = Network("amsgrad", w, W, A)
        network.advance(0, np.empty(0), np.empty(0), 0.9, 0.9)
        np.testing.assert_array_equal(network.w, w)
        np.testing.assert_array_equal(network.W, W)
        np.testing.assert_allclose(
            network.product, np.einsum("si,sij->sj", w, W), rtol=2 * d * 2**-53
        )


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("d", "trials"), [(1, 8), (3, 20), (16, 1), (32, 2), (33, 2)])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_weights_are_copies(name, d, trials, precision):
    network = Network(name, *problem(d, trials, precision), precision=precision)
    for attribute in ("w", "W", "product"):
        found = getattr(network, attribute)
        kept = found.copy()
        found[...] = 7.0
        np.testing.assert_array_equal(getattr(network, attribute), kept)


def test_estimates_are_those_of_the_processor_that_numba_compiles_for(monkeypatch):
    for name, features, expected in (
        ("generic", "", False), ("skylake", None, False), (None, "+avx2,-avx512f", False),
        (None, "+avx512fp16", False), (None, "+avx2,+avx512f", True),
        ("skylake-avx512", "+avx512f", True),
    ):  # fmt: skip
        monkeypatch.setattr(numba.config, "CPU_NAME", name)
        monkeypatch.setattr(numba.config, "CPU_FEATURES", features)
        assert has_estimates() is expected


@pytest.mark.skipif(not has_estimates(), reason="needs AVX-512, whose estimate is tested")
def test_estimated_roots_are_the_exact_ones_to_two_units():
    start = problem(24, 4, "float64")
    fast, w, W = both("adam", "float64", start, 1)
    exact, _, _ = both("adam", "float64", start, 1, least_eps=0.0)
    agree(fast, w, W, 1)
    # From zero slots, the first step is rate * m / (root + eps): its error is that of the root
    # (one unit), the quotient's, and the rounding of the weight.
    moved = np.abs(exact.W - start[1])
    difference = np.abs(fast.W - exact.W)
    assert np.all(difference <= 2 * 2**-52 * moved + 2**-52 * np.abs(W))
    assert LEAST_EPS < 1e-100


def test_tiny_second_moments_are_rooted_exactly_where_eps_is_zero():
    w, W, A = (x * 1e-75 for x in problem(9, 2, "float64"))
    # Gradients near 1e-150: their squares are below what the estimate serves.
    network, w, W = both("adam", "float64", (w, W, A), 3, eps=0.0)
    agree(network, w, W, 3)


def test_a_trial_that_diverges_stays_where_it_was_and_leaves_its_neighbours_alone():
    w, W, A = problem(5, 11, "float64")
    W[3] *= 1e40
    alone = [k for k in range(11) if k != 3]
    rates, epsilons = np.full(6, 0.1), np.zeros(6)
    crowd = Network("sgd_momentum", w, W, A)
    others = Network("sgd_momentum", w[alone], W[alone], A)
    for network in (crowd, others):
        network.advance(0, rates, epsilons, 0.9, 0.0)
    assert crowd.by_trials
    assert others.by_trials
    assert crowd.diverged[3] >= 0
    assert np.all(crowd.diverged[alone] == -1)
    np.testing.assert_array_equal(crowd.W[alone], others.W)
    stopped = Network("sgd_momentum", w[3:4], W[3:4], A)
    stopped.advance(0, rates, epsilons, 0.9, 0.0)
    assert stopped.diverged[0] == crowd.diverged[3]
    relative = np.abs(stopped.W[0] - crowd.W[3]).max() / np.abs(crowd.W[3]).max()
    assert relative < 64 * 5 * 2**-53


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_precision_of_a_whole_run(precision):
    options = {"alpha": 0.5, "eta": 1e-3, "target": "ramp", "batch": 4, "seed": 3}
    found = two_layer.run("adam", 12, 20, 60, precision=precision, **options)
    exact = two_layer.run("adam", 12, 20, 60, **options)
    assert found.W.dtype == precision
    assert found.loss.dtype == "float64"
    # 60 steps of (d + 16) u each, relative, times what a step of relative size 1 carries on.
    u = np.finfo(precision).eps / 2
    np.testing.assert_allclose(found.loss, exact.loss, rtol=64 * 60 * 28 * u)


@pytest.mark.parametrize(
    ("changes", "named"), [({"precision": "float16"}, "precision"), ({"name": "lion"}, "optimizer")]
)
def test_bad_input_is_named(changes, named):
    given = {"name": "sgd", "precision": "float64", **changes}
    with pytest.raises(ValueError, match=f"^{named} is .*must be one of"):
        Network(given["name"], *problem(2, 1, "float64"), precision=given["precision"])
