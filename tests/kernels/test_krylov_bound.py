"""The error of the reduced dynamics against its bound, and the bound's norm against its theory."""

import numpy as np
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from krylov_cases import EPS, difference, direct, weights

from benchmarks.workload import BETA, ETA, Workload
from simulations import krylov
from simulations.kernels.krylov_cpu import change, metric
from theory.local_geometry.hessian_diagonal import two_layer_hessian
from theory.models.two_layer import residual


@settings(max_examples=40)
@given(
    d=st.integers(6, 40),
    steps=st.integers(1, 300),
    beta=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    size_w=st.sampled_from([1e-3, 0.1, 1.0]),
    size_W=st.sampled_from([1e-3, 0.1, 1.0]),
    spread=st.sampled_from([0.0, 2.0]),
    target=st.sampled_from([0.1, 1.0, 10.0]),
    part=st.sampled_from([0.03, 0.3, 1.0, 10.0]),
    decay=st.sampled_from([0.0, 0.01, 0.3]),
    levels=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_error_is_within_the_bound(
    d, steps, beta, size_w, size_W, spread, target, part, decay, levels, seed
):
    rng = np.random.default_rng(seed)
    w, W = weights(rng, 2, d, size_w, size_W, spread)
    A = rng.standard_normal(d)
    A *= target / np.linalg.norm(A)
    curvature = max(size_w**2 + 4 * size_W**2, 2 * target)
    limit = 2 * (1 - beta) ** 2 / ((1 + beta) * curvature)
    eta = min(part * limit, (1 + beta) / curvature)
    options = {"eta": eta, "beta": beta, "steps": steps, "weight_decay": decay}
    known = direct(w, W, A, record=[0, steps], **options)
    found = krylov.evolve(w, W, A, levels=levels, **options)
    # On the way to divergence rounding errors, which no bound here speaks of, grow as fast.
    alive = (known.loss[:, -1] < 10 * known.loss[:, 0]) & (found.diverged_at < 0)
    error, size = difference(found, known)
    # Rounding, carried along for every step; the estimate must hold as well as the bound.
    assert (error <= found.error[:, -1] + 10 * EPS * (1 + steps) * size)[alive].all()


def test_the_bound_is_not_vacuous_and_says_when_it_is_proved():
    rng = np.random.default_rng(1)
    w, W = weights(rng, 4, 32, 0.05, 0.2)
    A = rng.standard_normal(32) / 8
    options = {"beta": 0.9, "steps": 3000}
    known = direct(w, W, A, eta=1e-3, **options)
    found = krylov.evolve(w, W, A, eta=1e-3, levels=5, **options)
    error, size = difference(found, known)
    assert found.proved.all()
    # From the saddle to the minimum, and far above rounding.
    assert (found.loss[:, -1] < 1e-10 * np.sum(A**2)).all()
    assert (error > 1e-9 * size).all()
    assert (found.error[:, -1] < 100 * error).all()
    assert not krylov.evolve(w, W, A, eta=0.1, levels=5, **options).proved.any()


def form(H, values, eta, beta):
    """The squared norm of the bound, as a matrix over (e_t, e_(t-1))."""
    one = np.eye(len(H))
    across = -np.sqrt(beta) * ((1.0 - values[1]) * one - values[2] * eta * H)
    return np.block([[one, across], [across, beta * one]])


def heaviest(upper, lower):
    """The largest ratio of two quadratic forms."""
    return scipy.linalg.eigh(upper, lower, eigvals_only=True)[-1]


def networks(seed, trials):
    """Points (w, W), a target, the step they take and what the bound knows of them."""
    rng = np.random.default_rng(seed)
    for _ in range(trials):
        scale, length = rng.uniform(0.0, 1.5, 2), 10.0 ** rng.uniform(-3.0, -0.5)
        w, W = weights(rng, 2, 4, *scale)
        A = rng.standard_normal(4) * rng.uniform(0.0, 1.0)
        # A short step from the first to the second.
        w[1], W[1] = w[0] + length * w[1], W[0] + length * W[1]
        beta, decay = rng.choice([0.1, 0.5, 0.9, 0.97]), rng.choice([0.0, 0.2])
        E = [residual(w[i], W[i], A) for i in range(2)]
        squares = np.sum(w**2, axis=1) + np.sum(W**2, axis=(1, 2))
        eta = rng.uniform(0.01, 1.9) / (squares.max() + np.linalg.norm(E, axis=1).max() + decay)
        known = [metric.py_func(np.linalg.norm(E[i]), squares[i], eta, beta, decay) for i in (0, 1)]
        H = [two_layer_hessian(w[i], W[i], A) + decay * np.eye(20) for i in (0, 1)]
        step = np.hypot(np.linalg.norm(w[1] - w[0]), np.linalg.norm(W[1] - W[0]))
        moved = squares[0], step, np.linalg.norm(E[1] - E[0])
        yield H, known, moved, eta, beta


def test_a_step_grows_the_norm_by_no_more_than_rho():
    tightest = 0.0
    for H, known, _, eta, beta in networks(1, 60):
        assert known[0][5] == 1.0
        one = np.eye(20)
        step = np.block([[(1 + beta) * one - eta * H[0], -beta * one], [one, 0 * one]])
        norm = form(H[0], known[0], eta, beta)
        # A form of condition 1/D, a few thousand, and sums of 40 terms.
        assert heaviest(step.T @ norm @ step, norm) <= known[0][6] ** 2 * (1 + 1e-10)
        tightest = max(tightest, heaviest(step.T @ norm @ step, norm) / known[0][6] ** 2)
        error = np.block([[one, 0 * one], [0 * one, 0 * one]])
        least = known[0][3]
        assert heaviest(error, norm) <= (1 + 1e-10) / (least * (2 - least))
    # Where the most unstable direction is as unstable as E allows, there is no slack.
    assert tightest > 0.99


def test_a_change_of_the_hessian_grows_the_norm_by_no_more_than_its_factor():
    ratios, needed = [], []
    for H, known, moved, eta, beta in networks(2, 60):
        norms = [form(H[i], known[i], eta, beta) for i in (0, 1)]
        factor = change.py_func(known[0], known[1], *moved, eta, beta) ** 2
        needed.append(heaviest(norms[1], norms[0]))
        ratios.append((needed[-1] - 1) / (factor - 1))
        assert needed[-1] <= factor * (1 + 1e-10)
    # Some factor is needed, and half as much would not do.
    assert max(needed) > 1.1
    assert 0.5 < max(ratios) <= 1 + 1e-6


def test_a_smaller_bound_would_fail():
    """The largest part of the proved bound that is reached, over shapes, rates and seeds."""
    rng = np.random.default_rng(12)
    reached, proved = [], 0
    for case in range(60):
        d, n, steps = rng.integers(8, 40), rng.integers(8, 40), int(rng.integers(20, 300))
        w, W = weights(rng, 2, d, *rng.uniform(0.05, 0.6, 2), n=n)
        A = rng.standard_normal(n) * rng.uniform(0.3, 3.0) / np.sqrt(n)
        beta = rng.choice([0.0, 0.5, 0.9, 0.97])
        curvature = 2 * np.linalg.norm(A) + np.sum(w[0] ** 2) + np.sum(W[0] ** 2)
        options = {"eta": 10.0 ** rng.uniform(-2.5, 0.0) * 1.5 / curvature, "beta": beta,
                   "steps": steps, "weight_decay": rng.choice([0.0, 0.02])}  # fmt: skip
        found = krylov.evolve(w, W, A, levels=2 + case % 4, **options)
        error, size = difference(found, direct(w, W, A, **options))
        rounding = 10 * EPS * (1 + steps) * size
        sure = found.proved & (found.diverged_at < 0)
        proved += np.sum(sure)
        assert (error <= found.error[:, -1] + rounding)[sure].all()
        far = sure & (error > 1e3 * rounding)
        reached.extend(error[far] / found.error[far, -1])
    assert proved > 40
    assert len(reached) > 20
    assert 0.1 < max(reached) <= 1.01


def test_the_long_run_of_the_benchmark_is_proved():
    work = Workload("sgd_momentum", 96, 2)
    options = {"eta": ETA, "beta": BETA, "steps": 3000}
    found = krylov.evolve(*work.weights, work.target, **options)
    assert found.proved.all()
    assert (found.levels > 0).all()
    size = np.linalg.norm(found.w, axis=1)
    assert (found.error[:, -1] <= 1e-12 * size).all()
    # Beyond the steps that a norm constant in time can bear.
    assert ETA * 2 * np.linalg.norm(work.target) > 1.4 * 2 * (1 - BETA) ** 2 / (1 + BETA)


def test_too_large_a_curvature_is_not_proved():
    rng = np.random.default_rng(13)
    w, W = weights(rng, 2, 40, 0.3, 6.0)
    A = rng.standard_normal(40) / 6
    for rate, proved in ((1.6, True), (2.8, False)):
        eta = rate / np.sum(W**2, axis=(1, 2)).max()
        for beta in (0.0, 0.9):
            found = krylov.evolve(w, W, A, eta=eta, beta=beta, steps=30, levels=8)
            assert (found.diverged_at < 0).all()
            assert (found.proved == proved).all()
    for beta in (0.0, 0.5, 0.9):
        # Without residual or decay the limit is 2, whatever the momentum.
        flags = [metric.py_func(0.0, square, 0.1, beta, 0.0)[5] for square in (19.99, 20.01)]
        assert flags == [1.0, 0.0]


def test_curvature_lies_between_the_bounds_of_the_recursion():
    rng = np.random.default_rng(3)
    for _ in range(20):
        w, W = weights(rng, 1, 5, *rng.uniform(0.1, 2.0, 2))
        A = rng.standard_normal(5)
        values = np.linalg.eigvalsh(two_layer_hessian(w[0], W[0], A))
        error = np.linalg.norm(residual(w[0], W[0], A))
        heaviest = np.sum(w**2) + np.linalg.norm(W[0], 2) ** 2 + error
        assert values[0] >= -error * (1 + 100 * EPS)
        assert values[-1] <= heaviest * (1 + 100 * EPS)
