"""The reduced dynamics against the direct kernel."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from krylov_cases import EPS, difference, direct, weights

from simulations import krylov, two_layer
from simulations.krylov_basis import Basis
from simulations.krylov_networks import Setting, Small

STATISTICS = ("r_med_1", "r_med_2", "max_over_min_1", "max_over_min_2")


@settings(max_examples=25)
@given(
    d=st.sampled_from([40, 64, 90]),
    alpha=st.sampled_from([0.4, 0.5, 0.75, 1.0, 2.0]),
    beta=st.sampled_from([0.0, 0.5, 0.9]),
    # In units of the largest step that the theory allows, 2 (1 + beta) over the curvature.
    part=st.sampled_from([0.001, 0.01, 0.1]),
    steps=st.integers(1, 600),
    decay=st.sampled_from([0.0, 0.05]),
    decades=st.sampled_from([0.0, 1.0, 4.0]),
    seed=st.integers(0, 10**6),
)
def test_agrees_with_the_direct_simulation(d, alpha, beta, part, steps, decay, decades, seed):
    A = 10.0 ** -np.linspace(0.0, decades, d)
    curvature = 2 * np.linalg.norm(A) + 5 * float(d) ** (1 - 2 * alpha)
    options = {
        "alpha": alpha, "eta": part * 2 * (1 + beta) / curvature, "beta": beta, "seed": seed,
        "weight_decay": decay, "target": A.tolist(), "record": [0, steps // 2, steps],
    }  # fmt: skip
    known = two_layer.run("sgd_momentum", d, 2, steps, **options)
    found = krylov.run(d, 2, steps, **options)
    assert (found.diverged_at == -1).all()
    # What is tolerated, and rounding: a few units a step that the growth carries along.
    relative = 1e-12 + 50 * EPS
    for mine, theirs in ((found.w, known.w), (found.W, known.W)):
        size = np.sqrt((theirs**2).reshape(2, -1).sum(axis=1))
        error = np.sqrt(((mine - theirs) ** 2).reshape(2, -1).sum(axis=1))
        assert (error <= relative * size).all()
    # The residual is known to some units of rounding of |A|.
    rounding = 50 * EPS * np.linalg.norm(A) / np.sqrt(2 * known.loss)
    assert (np.abs(found.loss / known.loss - 1) <= 2 * (relative + rounding) + rounding**2).all()
    for name in STATISTICS:
        # Ratios of squares of single coordinates, the smallest of which is not small to |w|.
        np.testing.assert_allclose(getattr(found, name), getattr(known, name), rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_subspace_does_not_grow_with_d(alpha):
    options = {"alpha": alpha, "beta": 0.9, "eta": 3e-4}
    levels = [krylov.run(d, 1, 1000, **options).levels[0] for d in (64, 128, 256)]
    assert 1 <= max(levels) <= 9


def test_more_levels_smaller_error():
    rng = np.random.default_rng(2)
    w, W = weights(rng, 2, 40)
    options = {"eta": 0.02, "beta": 0.5, "steps": 200}
    bounds = [krylov.evolve(w, W, np.ones(40) / 6, levels=k, **options).error[:, -1]
              for k in (1, 3, 5, 7)]  # fmt: skip
    assert all((later < 0.2 * sooner).all() for sooner, later in pairwise(bounds))


def test_the_basis_grows_on_the_way_without_a_trace():
    rng = np.random.default_rng(14)
    w, W = weights(rng, 3, 60)
    setting = Setting(w, W, np.ones(60) / 8, 200, [200], 1e-12, 0.02, 0.9, 0.01)
    runs = [Small(setting, setting.basis(1, room), 1.0, 1e4, 20) for room in (1, 20)]
    fixed = Small(setting, setting.basis(17), np.inf)
    for small in (*runs, fixed):
        small.advance(0, 200)
    assert (runs[0].facts["levels"] > 8).all()
    np.testing.assert_array_equal(runs[0].units(), runs[1].units())
    np.testing.assert_array_equal(runs[0].hidden(1), runs[1].hidden(1))
    np.testing.assert_array_equal(runs[0].observe()["error"], runs[1].observe()["error"])
    # What a block of R_0 did before it was moved is not lost.
    np.testing.assert_allclose(runs[0].units(), fixed.units(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(runs[0].hidden(2), fixed.hidden(2), rtol=0, atol=1e-14)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_reduced_network_is_a_two_layer_network(decay):
    """The direct kernel, run on (a, V), gives the same: one optimizer, another size."""
    rng = np.random.default_rng(4)
    w, W = weights(rng, 3, 24)
    A = rng.standard_normal(24)
    options = {"eta": 0.01, "beta": 0.8, "steps": 60, "weight_decay": decay}
    basis = Basis(w, W, A).extend(4)
    a = np.zeros((3, 9))
    a[:, 0] = np.linalg.norm(w, axis=1)
    target = np.zeros(8)
    target[0] = np.linalg.norm(A)
    small = direct(a, basis.K, target, **options)
    found = krylov.evolve(w, W, A, levels=4, **options)
    mine = np.matmul(small.w[:, None, :], basis.P)[:, 0]
    np.testing.assert_allclose(found.w, mine, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.loss, small.loss, rtol=1e-11)


@pytest.mark.parametrize("n", [17, 30, 45])
def test_basis(n):
    rng = np.random.default_rng(5)
    w, W = weights(rng, 3, 30, n=n)
    A = rng.standard_normal(n)
    basis = Basis(w, W, A).extend(2).extend(5)
    P, Q, K = basis.P, basis.Q[:, :-2], basis.K
    assert (P.shape, Q.shape, basis.levels.tolist()) == ((3, 11, 30), (3, 10, n), [5, 5, 5])
    for rows in (P, basis.Q):
        gram = np.matmul(rows, rows.mT)
        np.testing.assert_allclose(
            gram, np.broadcast_to(np.eye(len(gram[0])), gram.shape), atol=1e-14
        )
    np.testing.assert_allclose(np.matmul(W, Q.mT), np.matmul(P.mT, K), atol=1e-14)
    # The zeros of the band are exact: they let coordinates fall below rounding.
    row, column = np.indices(K[0].shape)
    distance = row - 2 * (column // 2)
    odd = column % 2 == 1
    band = (distance >= -1 + odd) & (distance <= 1 + odd)
    assert (K[:, ~band] == 0).all()
    assert (np.abs(K[:, band]) > 1e-9).all()
    outside = np.matmul(P, W) - np.matmul(K, Q)
    assert np.abs(outside[:, :-2]).max() < 1e-14
    factor = np.matmul(outside[:, -2:], basis.Q[:, -2:].mT)
    np.testing.assert_allclose(factor[:, [0, 1, 1], [0, 0, 1]], basis.last[:, :3], atol=1e-14)
    assert (basis.last[:, 3] == 0).all()
    np.testing.assert_allclose(np.matmul(factor, basis.Q[:, -2:]), outside[:, -2:], atol=1e-14)
    np.testing.assert_allclose(basis.squares, np.sum(W * W, axis=2), rtol=n * EPS)
    np.testing.assert_allclose(basis.length, np.linalg.norm(w, axis=1), rtol=30 * EPS)


def exhausted():
    rng = np.random.default_rng(6)
    w, W = weights(rng, 1, 30)
    A = rng.standard_normal(30)
    return {
        "W is zero": (w, 0 * W, A),
        "w is zero": (0 * w, W, A),
        "A is zero": (w, W, 0 * A),
        "all are zero": (0 * w, 0 * W, 0 * A),
        "W is the identity": (w, np.eye(30)[None], A),
        "W is orthogonal": (w, np.linalg.qr(W)[0], A),
        "W has rank 2": (w, W[:, :, :2] @ W[:, :2, :], A),
        "A is an eigenvector": (w, np.diag(np.arange(30.0) / 30)[None], np.eye(30)[3]),
        "w maps to A": (w, W, (w[:, None, :] @ W)[0, 0]),
    }


@pytest.mark.parametrize("case", exhausted())
def test_exhausted_krylov_spaces(case):
    w, W, A = exhausted()[case]
    options = {"eta": 0.01, "beta": 0.5, "steps": 100, "weight_decay": 0.01}
    known = direct(w, W, A, **options)
    found = krylov.evolve(w, W, A, levels=4, **options)
    scale = 1.0 + np.linalg.norm(known.W)
    if case not in ("w is zero", "A is zero", "w maps to A", "A is an eigenvector"):
        assert found.error[0, -1] < 1e-13 * scale
    error, _ = difference(found, known)
    assert error[0] <= found.error[0, -1] + 1e-13 * scale


def test_falls_back_where_the_subspace_would_fill_the_network():
    rng = np.random.default_rng(7)
    w, W = weights(rng, 2, 12, 1.0, 2.0)
    options = {"eta": 0.05, "beta": 0.9, "steps": 300, "record": 100}
    found = krylov.evolve(w, W, np.ones(12), **options)
    assert found.levels.tolist() == [0, 0]
    np.testing.assert_array_equal(found.W, direct(w, W, np.ones(12), **options).W)
    assert (found.error == 0).all()


def test_trials_need_not_agree_on_the_levels():
    rng = np.random.default_rng(8)
    small, large = weights(rng, 1, 64, 0.01, 0.01), weights(rng, 1, 64, 0.1, 0.2)
    # The first trial is the easy one, by which the pilot goes.
    w, W = (np.concatenate(pair) for pair in zip(small, large, small, strict=True))
    options = {"eta": 0.01, "beta": 0.5, "steps": 200, "record": 40}
    found = krylov.evolve(w, W, np.ones(64) / 8, **options)
    assert 0 < found.levels[0] == found.levels[2] < found.levels[1]
    known = direct(w, W, np.ones(64) / 8, **options)
    np.testing.assert_allclose(found.w, known.w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.loss, known.loss, rtol=1e-11)
    np.testing.assert_array_equal(found.w[0], found.w[2])


def test_diverged_trials_are_run_directly():
    rng = np.random.default_rng(9)
    w, W = weights(rng, 6, 40, 0.1, 0.1)
    A = np.ones(40) / 6
    options = {"eta": 3e-3, "beta": 0.0, "steps": 300, "record": 50}
    w[1::2] *= 2000
    found, known = krylov.evolve(w, W, A, **options), direct(w, W, A, **options)
    assert (known.diverged_at[1::2] >= 0).all()
    assert (known.diverged_at[::2] < 0).all()
    np.testing.assert_array_equal(found.diverged_at, known.diverged_at)
    np.testing.assert_array_equal(np.isnan(found.loss), np.isnan(known.loss))
    assert (found.levels[::2] > 0).all()
    assert (found.levels[1::2] == 0).all()


def test_what_is_recorded_changes_no_trajectory():
    options = {"alpha": 1.0, "eta": 1e-3, "beta": 0.9}
    sparse = krylov.run(48, 3, 100, **options)
    dense = krylov.run(48, 3, 100, record=7, **options)
    listed = krylov.run(48, 3, 100, record=[0, 35, 70], **options)
    assert dense.step.tolist() == list(range(7, 101, 7))
    np.testing.assert_array_equal(sparse.w, dense.w)
    np.testing.assert_array_equal(sparse.W, listed.W)
    np.testing.assert_array_equal(dense.loss[:, 4], listed.loss[:, 1])


def test_nothing_given_is_changed_and_blocks_are_joined():
    rng = np.random.default_rng(10)
    w, W = weights(rng, 2, 20)
    kept = w.copy(), W.copy()
    krylov.evolve(w, W, np.ones(20), eta=0.01, steps=10)
    np.testing.assert_array_equal((w, W)[0], kept[0])
    np.testing.assert_array_equal(W, kept[1])
    many = krylov.run(32, 34, 5, alpha=1.0, eta=1e-3, seed=3)
    few = two_layer.run("sgd", 32, 34, 5, alpha=1.0, eta=1e-3, seed=3)
    np.testing.assert_allclose(many.w, few.w, rtol=1e-12)


def test_a_trial_that_is_out_of_tolerance_stops():
    rng = np.random.default_rng(11)
    w, W = weights(rng, 1, 40)
    setting = Setting(w, W, np.ones(40), 50, [50], 1e-12, 0.01, 0.9, 0.0)
    small = Small(setting, setting.basis(1), 1.0)
    small.advance(0, 50)
    assert small.worst[0] > 1.0
    full = Small(setting, setting.basis(1), np.inf)
    full.advance(0, 50)
    assert full.worst[0] > small.worst[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"eta": 0.0}, "eta"), ({"beta": 1.0}, "beta"), ({"steps": 0}, "steps"),
        ({"record": 0}, "record"), ({"record": [11]}, "record"), ({"record": []}, "record"),
        ({"tolerance": 0.0}, "tolerance"), ({"levels": 0}, "levels"), ({"largest": 2.0}, "largest"),
        ({"w": np.full((1, 4), np.nan)}, "w"), ({"A": np.full(4, np.inf)}, "A"),
        ({"W": np.ones((1, 4, 5))}, "W .1, 4, 5."), ({"weight_decay": -1.0}, "weight_decay"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(changes, named):
    given = {"w": np.ones((1, 4)), "W": np.ones((1, 4, 4)), "A": np.ones(4), "eta": 0.1,
             "steps": 10} | changes  # fmt: skip
    with pytest.raises(ValueError, match=named):
        krylov.evolve(given.pop("w"), given.pop("W"), given.pop("A"), **given)


def test_run_needs_trials():
    with pytest.raises(ValueError, match="trials is 0"):
        krylov.run(8, 0, 5, alpha=1.0, eta=0.1)
