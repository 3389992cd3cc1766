"""The recursion of the bound, step by step, against full matrices and against the true error."""

import numpy as np
from krylov_cases import EPS, weights

from simulations.kernels.krylov_cpu import NORM, change, metric
from simulations.krylov_networks import Setting, Small


def instances(seed, cases, largest=16, longest=40):
    """Small networks with a loose tolerance, whose basis starts with one block and has to grow."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        d, n, steps = (int(x) for x in rng.integers((3, 3, 10), (largest, largest, longest)))
        w, W = weights(rng, 1, d, *rng.uniform(0.2, 1.0, 2), n=n)
        A = rng.standard_normal(n) * rng.uniform(0.3, 2.0) / np.sqrt(n)
        beta, decay = rng.choice([0.0, 0.5, 0.9, 0.97]), rng.choice([0.0, 0.3])
        heaviest = 2 * np.linalg.norm(A) + np.sum(w**2) + np.sum(W**2) + decay
        eta = 10.0 ** rng.uniform(-1.5, 0.0) / heaviest
        tolerance, most = 10.0 ** rng.uniform(-7.0, -0.5), int(rng.integers(1, 4))
        setting = Setting(w, W, A, steps, [steps], tolerance, eta, beta, decay)
        yield setting, Small(setting, setting.basis(1), np.inf, 1.0, most)


def trajectory(setting):
    """(w, W) of the whole network at every step."""
    w, W = setting.w[0].copy(), setting.W[0].copy()
    w_slot, W_slot = 0.0 * w, 0.0 * W
    for _ in range(setting.steps + 1):
        yield w, W
        E = w @ W - setting.A
        w_slot = setting.beta * w_slot + W @ E + setting.decay * w
        W_slot = setting.beta * W_slot + np.outer(w, E) + setting.decay * W
        w, W = w - setting.eta * w_slot, W - setting.eta * W_slot


def reference(setting, small):
    """N before every step, from the whole reduced trajectory, by the formulas of the theory."""
    A, eta, beta = setting.A, setting.eta, setting.beta
    norm, before = 0.0, None
    for t in range(setting.steps + 1):
        small.advance(max(0, t - 1), min(1, t))
        w, W, Q = small.units()[0], small.hidden(0), small._basis.Q[0, :-2]
        E = w @ W - A
        defect = E - (E @ Q.T) @ Q
        square = np.sum(w**2) + np.sum(W**2)
        now = metric.py_func(np.linalg.norm(E), square, eta, beta, setting.decay)
        if before is not None:
            old, old_square, old_w, old_W, old_E = before
            step = np.sqrt(np.sum((w - old_w) ** 2) + np.sum((W - old_W) ** 2))
            turned = np.linalg.norm(E - old_E)
            norm *= change.py_func(old, now, old_square, step, turned, eta, beta)
        yield norm
        shrink = np.sqrt(now[3] * (2.0 - now[3]))
        bent = eta * norm / shrink * (3.0 * np.sqrt(square) + 1.5 * norm / shrink) / shrink
        kick = np.hypot(np.linalg.norm(W @ defect), np.linalg.norm(w) * np.linalg.norm(defect))
        # Less what the rounding of E may have made of it.
        kick = max(0.0, kick - 10 * EPS * np.sqrt(square) * (square + np.linalg.norm(A)))
        norm = (now[6] + bent) * norm + eta * kick
        before = now, square, w, W, E


def test_the_recursion_is_no_less_than_that_of_full_matrices():
    compared, tightest = 0, 0.0
    # In long runs nothing but the defect is left of the residual.
    for setting, small in (*instances(1, 120), *instances(3, 60, 6, 400)):
        for norm in reference(setting, small):
            mine = small._state[0, NORM]
            if not small.facts["proved"][0] or mine > 10.0:
                break
            # The length of a step has its rounding too, a small part of what a step changes.
            assert norm <= mine * (1 + 1e-12)
            if norm > 1e-6:
                compared, tightest = compared + 1, max(tightest, norm / mine)
    assert compared > 1000
    # Where both parts of the defect have one sign, nothing is estimated.
    assert tightest > 1.0 - 1e-6


def test_error_is_within_the_bound_at_every_step_while_the_basis_grows():
    compared, reached, grown = 0, 0.0, set()
    for setting, small in instances(2, 120):
        for t, (w, W) in enumerate(trajectory(setting)):
            small.advance(max(0, t - 1), min(1, t))
            bound = small.observe()["error"][0]
            if not small.facts["proved"][0] or bound > 10.0:
                break
            error = np.sqrt(
                np.sum((small.units()[0] - w) ** 2) + np.sum((small.hidden(0) - W) ** 2)
            )
            rounding = 10 * EPS * (1 + t) * np.sqrt(np.sum(w**2) + np.sum(W**2))
            assert error <= bound + rounding
            if error > 1e3 * rounding:
                compared, reached = compared + 1, max(reached, error / bound)
                grown.add(int(small.facts["levels"][0]))
    assert compared > 1000
    assert grown == {1, 2, 3}
    assert reached > 0.9
