"""Networks in other bases: rotations, equivariance, stacks against single runs, ranges."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from simulations.egop import network_pairs
from simulations.egop.experiments_networks import SMALL
from simulations.egop.network_bases import METHODS, Rotation, matrices, rotation
from simulations.egop.network_pairs import Arena, paired
from simulations.egop.network_problems import linear_task
from simulations.egop.network_runs import CURVE, Curves, best_rate, train
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from simulations.paired_curves import PairedCurves
from theory.egop.experiments_networks import (
    DIGITS,
    FIRST_LAYER,
    FIRST_LAYER_MEASURED,
    LINEAR,
    Comparison,
    comparisons,
    linear_network,
)
from theory.egop.outer_product import egop
from theory.models.bases import power_law
from theory.models.multilayer import Network
from theory.optimizers import adam
from theory.optimizers.reparameterised import Basis, Reparameterised

EPS = np.finfo(float).eps
WIDTHS = (4, 5, 3, 2)


@pytest.fixture
def stream():
    return Stream(select_backend("numpy"), 1234, 0)


@pytest.fixture
def task(stream):
    return linear_task(stream, 3, WIDTHS, 20, 5)


def _rotations(task, stream):
    gradients = task.sampled_gradients(stream, 2 * task.net.size)
    return {method: rotation(method, task.net, gradients, stream) for method in METHODS}


def test_every_basis_is_orthogonal_and_goes_back(task, stream):
    theta = stream.normal((3, 2, task.net.size))
    for method, turned in _rotations(task, stream).items():
        x = turned.inwards(theta)
        # Two products with orthogonal matrices of at most 41 columns each.
        bound = {"rtol": 0, "atol": 200 * EPS}
        np.testing.assert_allclose(turned.outwards(x), theta, **bound, err_msg=method)
        np.testing.assert_allclose(np.linalg.norm(x, axis=-1), np.linalg.norm(theta, axis=-1),
                                   rtol=200 * EPS)  # fmt: skip


def test_the_global_basis_diagonalises_the_egop_and_the_block_basis_its_blocks(task, stream):
    gradients = task.sampled_gradients(stream, 100)
    p = task.net.size
    turned = rotation("global", task.net, gradients, stream).inwards(gradients)
    for rows in turned:
        E = egop(rows)
        assert np.abs(E - np.diag(np.diag(E))).max() < 100 * p * EPS * np.abs(E).max()
    block = rotation("block", task.net, gradients, stream).inwards(gradients)
    first = rotation("first layer", task.net, gradients, stream).inwards(gradients)
    edges = [start for start, _ in matrices(task.net)] + [p]
    for a, b in pairwise(edges):
        E = egop(block[0, :, a:b])
        assert np.abs(E - np.diag(np.diag(E))).max() < 100 * p * EPS * np.abs(E).max()
    np.testing.assert_array_equal(first[..., : edges[1]], block[..., : edges[1]])
    np.testing.assert_array_equal(first[..., edges[1] :], gradients[..., edges[1] :])


def test_kronecker_factors_turn_the_weights_and_the_input_side_the_data(task, stream):
    gradients = task.sampled_gradients(stream, 100)
    theta = stream.normal((3, 1, task.net.size))
    both = rotation("kronecker", task.net, gradients, stream)
    inputs = rotation("input side", task.net, gradients, stream)
    turn = both.turns[0]
    W = task.net.layers(theta)[0][0][1, 0]
    found = task.net.layers(both.inwards(theta))[0][0][1, 0]
    np.testing.assert_allclose(found, turn.left[1].T @ W @ turn.V[1], rtol=0, atol=100 * EPS)
    # Turned weights on turned data give the same outputs.
    X = task.train.X[:, None]
    same = task.net.outputs(inputs.inwards(theta), X @ turn.V[:, None])
    np.testing.assert_allclose(same, task.net.outputs(theta, X), rtol=0, atol=1e3 * EPS)


def test_biases_stay_and_shared_bases_serve_all_trials(stream):
    net = Network((3, 4, 2), "relu", "cross-entropy")
    gradients = stream.normal((1, 60, net.size))
    theta = stream.normal((5, 2, net.size))
    turned = rotation("block", net, gradients, stream)
    x = turned.inwards(theta)
    assert [start for start, _ in matrices(net)] == [0, 16]
    for bias in (slice(12, 16), slice(24, 26)):
        np.testing.assert_array_equal(x[..., bias], theta[..., bias])
    V = turned.turns[0].V[0]
    np.testing.assert_allclose(x[3, 1, :12], V.T @ theta[3, 1, :12], rtol=0, atol=100 * EPS)


def test_sgd_is_equivariant_and_adam_is_not(task, stream):
    starts, batches = task.starts(stream, (3,)), task.batches(stream, (16, 3))
    rates = np.array([0.05, 0.1])
    turned = _rotations(task, stream)["global"]
    for optimizer, same in (("sgd", True), ("momentum", True), ("adam", False)):
        runs = [train(task, optimizer, basis, rates, starts, batches, cosine=True).training
                for basis in (Rotation(), turned)]  # fmt: skip
        # Rounding grows with 16 steps of a contraction; the bound leaves a factor of a thousand.
        assert np.allclose(*runs, rtol=1e-10) is same


def test_a_stack_of_trials_and_rates_is_the_runs_one_by_one(task, stream):
    starts, batches = task.starts(stream, (3,)), task.batches(stream, (16, 3))
    turned = _rotations(task, stream)["global"]
    rates = np.array([0.02, 0.2])
    found = train(task, "adam", turned, rates, starts, batches, cosine=False)
    X, Y = task.train.X[2], task.train.Y[2]
    rule = Reparameterised(adam(0.2), Basis(turned.turns[0].V[2]))
    theta, state = starts[2], rule.init(starts[2])
    for index in batches[:, 2]:
        gradient = task.net.gradient(theta, X[index], Y[index])
        theta, state = rule.update(gradient, state, theta)
    # Adam's quotients amplify rounding where a second moment is small.
    assert found.training[2, 1, -1] == pytest.approx(task.net.loss(theta, X, Y), rel=1e-8)


def test_linear_tasks_have_the_spectrum_and_a_perfect_map(task):
    X = np.concatenate([part.X for part in (task.train, task.validation, task.test)], axis=1)
    Y = np.concatenate([part.Y for part in (task.train, task.validation, task.test)], axis=1)
    singular = np.linalg.svd(X / np.sqrt(X.shape[1]), compute_uv=False)
    np.testing.assert_allclose(singular, np.broadcast_to(power_law(4, 2.0), (3, 4)), rtol=1e-12)
    M = np.linalg.pinv(X) @ Y
    np.testing.assert_allclose(X @ M, Y, atol=1e-12)
    assert task.train.X.shape[1] == 20


def test_divergence_counts_and_the_best_rate_is_not_a_divergent_one(task, stream):
    starts, batches = task.starts(stream, (3,)), task.batches(stream, (400, 3))
    curves = train(task, "sgd", Rotation(), np.array([0.1, 100.0]), starts, batches, cosine=False)
    assert np.all(curves.training[:, 1, -1] == 1e6)
    assert best_rate(curves) == 0
    assert curves.training.shape == (3, 2, CURVE)
    flat = np.ones((2, 3, CURVE))
    assert best_rate(Curves(flat, flat * np.array([3.0, 1.0, 2.0])[:, None], flat)) == 1


def test_a_comparison_of_a_run_with_itself_is_a_tie(stream):
    found = paired(stream, 4, run="adam block", other="adam block", rate="0.125",
                   judged="validation", widths=SMALL)  # fmt: skip
    for k in range(1, CURVE + 1):
        np.testing.assert_array_equal(found[f"loss_{k}"], found[f"other_{k}"])
    assert np.all(np.diff([found[f"loss_{k}"] for k in range(1, CURVE + 1)], axis=0) <= 0)


def test_a_comparison_does_not_depend_on_those_before(stream):
    def compared(basis, trials=3):
        return paired(stream, trials, run=f"adam {basis}", other="adam original", rate="tuned",
                      judged="training", widths=SMALL)  # fmt: skip

    bases = ("random rotation", "randomized", "kronecker")
    there = {basis: compared(basis) for basis in bases}
    network_pairs._last.clear()
    back = {basis: compared(basis) for basis in reversed(bases)}
    for basis in bases:
        for name, found in there[basis].items():
            np.testing.assert_array_equal(back[basis][name], found)
    ends = [there[basis]["loss_8"] for basis in bases]
    assert not any((a == b).all() for a, b in combinations(ends, 2))
    np.testing.assert_array_equal(there[bases[0]]["other_8"], there[bases[1]]["other_8"])


def test_runs_are_trained_once_for_all_comparisons(stream, monkeypatch):
    trained = []

    def counted(task, optimizer, turned, rates, *others, **options):
        trained.append((optimizer, len(turned.turns), rates.shape))
        return train(task, optimizer, turned, rates, *others, **options)

    monkeypatch.setattr(network_pairs, "train", counted)
    network_pairs._last.clear()
    point = {"run": "adam block", "other": "adam original", "widths": SMALL}
    paired(stream, 3, rate="tuned", judged="training", **point)
    assert len(trained) == 4
    assert len(set(trained)) == 4
    for judged in ("validation", "error"):
        paired(stream, 3, rate="tuned", judged=judged, **point)
    assert len(trained) == 4
    paired(stream, 2, rate="tuned", judged="training", **point)
    assert len(trained) == 8


def test_rates_of_the_original_are_chosen_in_original_coordinates(stream, monkeypatch):
    asked = []

    def curves(self, name, rates):
        asked.append((name, len(rates)))
        return Curves(*(np.ones((4, len(rates), CURVE)) for _ in range(3)))

    monkeypatch.setattr(Arena, "curves", curves)
    for rate in ("tuned", "original's", "0.5"):
        paired(stream, 4, run="adam block", other="adagrad global", rate=rate, judged="training",
               widths=SMALL)  # fmt: skip
    many = len(network_pairs.RATES)
    assert [name for name, count in asked if count == many] == [
        "adam block", "adagrad global", "adam original", "adagrad original"
    ]  # fmt: skip


def test_ranges_hold_or_are_excluded(stream):
    estimator = PairedCurves(1)
    noise = np.asarray(stream.normal((64,)))
    halves = {"loss_1": 0.1 * 10 ** (0.1 * noise), "other_1": np.ones(64)}
    stats = estimator.merge([estimator.summarise(halves)])
    assert estimator.estimate(stats) == pytest.approx(-1.0, abs=0.1)
    assert estimator.p_value(stats, (-np.inf, -0.3)) == 1.0
    # All 64 trials are above -2: twice 2^-64.
    assert estimator.p_value(stats, (-np.inf, -2.0)) < 1e-15
    assert estimator.p_value(stats, (-0.3, np.inf)) < 1e-15
    assert estimator.claimed_number((-np.inf, -0.3)) == -0.3
    assert estimator.details(stats, (-np.inf, -0.3))["quantiles"]["range"] == [None, -0.3]


def test_comparisons_name_known_runs():
    for table in (LINEAR, FIRST_LAYER, FIRST_LAYER_MEASURED, DIGITS):
        for key in table:
            assert {key.run.split(" ", 1)[1], key.other.split(" ", 1)[1]} <= set(METHODS)
    first = next(iter(LINEAR))
    assert comparisons([first], SMALL) == [{**first._asdict(), "widths": SMALL}]


def test_bad_arguments_are_named(task, stream):
    with pytest.raises(ValueError, match="method is 'nearest'"):
        rotation("nearest", task.net, np.ones((1, 2, task.net.size)), stream)
    with pytest.raises(ValueError, match="optimizer is 'newton'"):
        train(task, "newton", Rotation(), np.ones(1), np.ones((3, task.net.size)),
              np.zeros((8, 3, 2), dtype=int), cosine=False)  # fmt: skip
    with pytest.raises(ValueError, match="rates are"):
        train(task, "sgd", Rotation(), np.zeros(1), np.ones((3, task.net.size)),
              np.zeros((8, 3, 2), dtype=int), cosine=False)  # fmt: skip
    with pytest.raises(ValueError, match="widths is '2-2'"):
        paired(stream, 2, run="adam block", other="adam original", rate="1", judged="training",
               widths="2-2")  # fmt: skip
    point = {"run": "sgd block", "other": "sgd original", "rate": "tuned", "judged": "training"}
    with pytest.raises(ValueError, match="no range is claimed"):
        linear_network.formula(**Comparison(**point)._asdict(), widths=SMALL)
    with pytest.raises(ValueError, match="losses must be positive"):
        PairedCurves(1).summarise({"loss_1": np.zeros(2), "other_1": np.ones(2)})
