"""The fused kernel against its reference, and the runner around it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations import two_layer
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from simulations.kernels import two_layer_reference as reference
from theory import optimizers as opt

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


def stream(seed=0, backend="numpy"):
    return Stream(select_backend(backend), stream_key(seed, "test", "test", {}), 0)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=8)
@given(
    d=st.integers(1, 40),
    trials=st.integers(1, 3),
    steps=st.integers(1, 20),
    batch=st.sampled_from([0, 4]),
    noise=st.sampled_from([0.0, 0.1]),
    decay=st.sampled_from([0.0, 0.2]),
)
def test_kernel_agrees_with_the_reference(name, d, trials, steps, batch, noise, decay):
    problem = {"d": d, "alpha": 0.4, "target": "ramp", "batch": batch, "noise": noise}
    method = two_layer.make_optimizer(name, 0.01, {**METHODS[name], "weight_decay": decay})
    fused = two_layer.simulate(stream(), trials, optimizer=method, steps=steps, **problem)
    plain = two_layer.simulate(
        stream(backend="strict"), trials, optimizer=method, steps=steps, **problem
    )
    # The reductions of length d are summed in another order: d ulp of the largest term a step,
    # which a step of relative size 1 may carry on. A sign that flips at a rounding error would
    # move a coordinate by 2 eta, but the inputs are generic.
    bound = 64 * d * steps * np.finfo(float).eps * max(1.0, np.abs(fused.W).max())
    np.testing.assert_allclose(np.asarray(plain.w), fused.w, rtol=0, atol=bound)
    np.testing.assert_allclose(np.asarray(plain.W), fused.W, rtol=0, atol=bound)


@pytest.mark.parametrize("convention", ["pytorch", "paper"])
def test_both_conventions_of_adam(convention):
    method = opt.adam(0.01, 0.9, 0.99, 0.05, convention)
    problem = {"d": 7, "alpha": 0.3, "steps": 15}
    fused = two_layer.simulate(stream(), 2, optimizer=method, **problem)
    plain = two_layer.simulate(stream(backend="strict"), 2, optimizer=method, **problem)
    np.testing.assert_allclose(np.asarray(plain.W), fused.W, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["adam", "own"])
def test_an_optimizer_of_ones_own_runs_by_its_own_rule(name):
    # Half of the learning rate: neither the name nor the numbers say what the rule does.
    own = opt.Optimizer(
        name, dict(opt.adam(0.02).hyperparameters), (), lambda g, p, s, t: (p - 0.01 * g, s), 0.0
    )
    problem = {"d": 7, "alpha": 0.3, "steps": 15, "batch": 4, "record": 5}
    found = two_layer.simulate(stream(), 2, optimizer=own, **problem)
    expected = two_layer.simulate(stream(), 2, optimizer=opt.sgd(0.01), **problem)
    np.testing.assert_allclose(found.W, expected.W, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-12)


def test_kernels_are_for_unchanged_rules():
    for name, options in METHODS.items():
        method = two_layer.make_optimizer(name, 0.01, {**options, "weight_decay": 0.1})
        assert two_layer._is_built_in(method)
        # The rule still has the old rate; what the kernel reads is the new one.
        other = {**method.hyperparameters, "lr": 0.5}
        assert not two_layer._is_built_in(replace(method, hyperparameters=other))
    assert not two_layer._is_built_in(replace(opt.adam(0.01), rule=opt.amsgrad(0.01).rule))


@pytest.mark.parametrize("precision", two_layer.PRECISIONS)
def test_an_optimizer_of_ones_own_may_diverge(precision):
    own = opt.Optimizer(
        "own", {}, ("sum",), lambda g, p, s, t: (p - 0.4 * g, {"sum": s["sum"] + g * g}), 0.0
    )
    options = {"d": 8, "trials": 40, "steps": 60, "alpha": 0.2, "precision": precision}
    found = two_layer.run(own, **options)
    expected = two_layer.run("sgd", eta=0.4, **options)
    assert (found.diverged_at >= 0).tolist() == (expected.diverged_at >= 0).tolist()
    assert np.isnan(found.loss[found.diverged_at >= 0]).all()


def test_what_is_recorded_changes_no_trajectory():
    options = {"alpha": 1.0, "eta": 0.02, "beta": 0.9, "batch": 8, "noise": 0.01}
    sparse = two_layer.run("sgd_momentum", 6, 3, 100, **options)
    dense = two_layer.run("sgd_momentum", 6, 3, 100, record=7, **options)
    listed = two_layer.run("sgd_momentum", 6, 3, 100, record=[0, 35, 100], **options)
    np.testing.assert_array_equal(sparse.W, dense.W)
    np.testing.assert_array_equal(sparse.loss[:, -1], listed.loss[:, -1])
    np.testing.assert_array_equal(dense.loss[:, 4], listed.loss[:, 1])
    assert dense.step.tolist() == list(range(7, 101, 7))


def test_threads_change_nothing():
    one = two_layer.run("adam", 5, 70, 40, alpha=1.0, eta=1e-3, batch=4)
    two = two_layer.run("adam", 5, 70, 40, alpha=1.0, eta=1e-3, batch=4, threads=2)
    np.testing.assert_array_equal(one.W, two.W)
    np.testing.assert_array_equal(one.r_med_2, two.r_med_2)


def test_diverged_trials_are_recorded_and_never_enter_a_statistic():
    found = two_layer.run("sgd", 8, 40, 60, alpha=0.2, eta=0.4, record=10)
    diverged = found.diverged_at >= 0
    assert diverged.any()
    assert not diverged.all()
    for name in ("loss", "r_med_1", "r_med_2", "max_over_min_1", "max_over_min_2"):
        values = getattr(found, name)
        late = diverged[:, None] & (found.step[None, :] >= found.diverged_at[:, None])
        assert np.isnan(values[late]).all()
        assert np.isfinite(values[~diverged]).all()


def test_batch_residual_has_the_mean_and_covariance_of_a_batch():
    rng, n, batch, size = np.random.default_rng(2), 3, 5, 200_000
    error = np.array([1.0, -2.0, 0.5])
    fast = reference.batch_residual(
        np.tile(error, (size, 1)), rng.chisquare(batch, size), rng.standard_normal((size, n)), batch
    )
    x = rng.standard_normal((size, batch, n))
    slow = np.einsum("sb,sbn->sn", x @ error, x) / batch
    # Mean and covariance of both, five standard errors apart at most.
    for a, b in [
        (fast, slow),
        (fast[:, :, None] * fast[:, None], slow[:, :, None] * slow[:, None]),
    ]:
        error_bar = np.sqrt((a.var(axis=0) + b.var(axis=0)) / size)
        assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < 5 * error_bar)
    assert reference.batch_residual(np.zeros((1, 2)), np.ones(1), np.ones((1, 2)), 3).tolist() == [
        [0, 0]
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"d": 0}, "d"), ({"d": 2.5}, "d"), ({"alpha": -1.0}, "alpha"), ({"eta": 0.0}, "eta"),
        ({"eta": float("nan")}, "eta"), ({"beta": 1.0}, "beta"), ({"noise": -0.1}, "noise"),
        ({"steps": 0}, "steps"), ({"trials": 0}, "trials"), ({"batch": -1}, "batch"),
        ({"target": [1.0, float("nan")]}, "target"), ({"target": "twos"}, "target"),
        ({"initial": "cauchy"}, "initial"), ({"record": 0}, "record"), ({"record": [99]}, "record"),
        ({"threads": 0}, "threads"), ({"optimizer": "adamw"}, "optimizer"), ({"eta": None}, "eta"),
    ],
)  # fmt: skip
def test_bad_input_is_named(changes, named):
    good = {"optimizer": "sgd_momentum", "d": 2, "trials": 1, "steps": 3, "alpha": 1.0,
            "eta": 0.1, "beta": 0.5}  # fmt: skip
    with pytest.raises(ValueError, match=f"^{named} is .*it must be"):
        two_layer.run(**{**good, **changes})
