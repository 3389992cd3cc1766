import importlib

import numpy as np
import pytest

from proofs_check.engine import run_proof, run_search
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from simulations.local_geometry.limits import Prescribed
from simulations.two_layer import simulate
from theory import optimizers
from theory.core import Registry
from theory.local_geometry import hidden_symmetry
from theory.local_geometry.hidden_symmetry import (
    adam_invariant_manifold,
    adaptive_step,
    manifold_trajectory,
    network_gradients,
    train,
)
from theory.models.two_layer import gradients


def checks():
    importlib.import_module("proofs_check.local_geometry.hidden_symmetry")
    registry = Registry()
    registry.add_modules([hidden_symmetry])
    registry.attach_checks()
    return registry["local-geometry/adam-invariant-manifold"].checks


def network(seed=0, d=4, n=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(d), rng.standard_normal((d, n)), rng.standard_normal(n)


def test_gradients_are_those_of_the_loss():
    w, W, A = network()
    found = network_gradients(w, W, 1, np.eye(3), A)
    for mine, other in zip(found, gradients(w, W, A), strict=True):
        assert mine == pytest.approx(other, rel=1e-13)


def test_counts_stand_for_copies_of_a_unit():
    w, W, A = network(1)
    counts = np.asarray([1, 3, 2, 1])
    few = network_gradients(w, W, counts, np.eye(3), A)
    many = network_gradients(np.repeat(w, counts), np.repeat(W, counts, axis=0), 1, np.eye(3), A)
    for one, copies in zip(few, many, strict=True):
        assert np.repeat(one, counts, axis=0) == pytest.approx(copies, rel=1e-12)


ADAM = {"beta1": 0.9, "beta2": 0.99}


@pytest.mark.parametrize(("method", "rule", "corrected"), [
    (optimizers.adam(0.01, **ADAM, eps=0.0), {"memory": "average", **ADAM}, True),
    (optimizers.amsgrad(0.01, **ADAM, eps=0.0), {"memory": "maximum", **ADAM}, True),
    (optimizers.rmsprop(0.01, 0.9, 0.1), {"memory": "average", "beta1": 0, "beta2": 0.9,
                                          "xi": 0.1}, False),
    (optimizers.adagrad(0.01, 0.1), {"memory": "sum", "beta1": 0, "beta2": 0, "xi": 0.1}, False),
    (optimizers.sign_descent(0.01), {"memory": "average", "beta1": 0, "beta2": 0}, False),
], ids=lambda value: getattr(value, "name", ""))  # fmt: skip
def test_the_family_contains_the_optimizers(method, rule, corrected):
    w, W, A = network(2)
    params, state = (w, W), method.init((w, W))
    steps, rates = 6, []
    for t in range(1, steps + 1):
        params, state = method.update(gradients(*params, A), state, params)
        bias = np.sqrt(1 - 0.99**t) / (1 - 0.9**t) if corrected else 1.0
        rates.append(0.01 * bias)
    zeros = tuple((np.zeros_like(p),) * 3 for p in (w, W))
    batches = np.asarray([np.eye(3)] * steps), np.asarray([A] * steps)
    mine = train((w, W), zeros, np.ones(4), rates, *batches, decay=0.0, **{"xi": 0.0, **rule})
    for one, other in zip(mine, params, strict=True):
        assert one == pytest.approx(other, rel=1e-11)


def test_a_coordinate_without_gradients_does_not_move():
    zero = np.zeros(2)
    step, _ = adaptive_step(np.asarray([0.0, 3.0]), (zero, zero, zero), memory="average",
                            beta1=0, beta2=0, xi=0)  # fmt: skip
    assert step.tolist() == [0.0, 1.0]


def test_unknown_memory():
    with pytest.raises(ValueError, match="memory is 'none'"):
        adaptive_step(1.0, (0.0, 0.0, 0.0), memory="none", beta1=0, beta2=0, xi=0)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad", "amsgrad", "sign_descent"])
def test_the_kernel_stays_on_the_manifold(optimizer):
    stream = Stream(select_backend("numpy"), 3, 0)
    s = stream.rademacher((2, 6))
    a = stream.normal((2, 1, 6))
    found = simulate(
        Prescribed(stream, 0.1 * s, 0.1 * s[:, :, None] * a), 2, optimizer=optimizer, d=6,
        steps=200, alpha=0.0, eta=0.01, batch=8, noise=0.1, weight_decay=0.1,
    )  # fmt: skip
    # Signs apart the rows do the same operations: equal up to the order of vector lanes.
    assert found.r_med_1[:, -1] == pytest.approx(1.0, abs=1e-9)
    assert found.max_over_min_2[:, -1] == pytest.approx(1.0, abs=1e-9)
    assert float(np.min(np.abs(found.w))) > 0.0


def test_signs_of_the_state_are_kept():
    rng = np.random.default_rng(5)
    start, first = rng.standard_normal((2, 4))
    lhs, rhs = manifold_trajectory(
        np.asarray([1.0, -1.0, -1.0]), start, first, first**2, [0.1] * 5,
        np.asarray([np.eye(3)] * 5), rng.standard_normal((5, 3)), "average", 0.9, 0.5, 0.0, 0.1,
    )  # fmt: skip
    assert lhs == pytest.approx(rhs, rel=1e-12)
    assert lhs[1] == pytest.approx(-lhs[0], rel=1e-12)


def test_proof_and_search():
    for check in checks():
        statement = adam_invariant_manifold.itself()
        if check.kind == "proof":
            assert run_proof(check, statement).verdict == "proved"
        else:
            evidence = run_search(check, statement, budget="quick", seed=1)
            assert evidence.verdict == "supported"
            assert evidence.data["exercised"] >= 50
