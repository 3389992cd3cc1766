"""Instances in which rounding, underflow or a dropped remainder would make the bound wrong."""

import numpy as np
import pytest
from krylov_cases import EPS, difference, direct, weights
from mpmath import mp, mpf

from simulations import krylov
from simulations.kernels.krylov_cpu import change, metric
from simulations.krylov_basis import Basis


def saddle(scale):
    """W maps nothing to A, so that (w, W) leaves the saddle by w alone, however small that is."""
    w, W = weights(np.random.default_rng(3), 1, 16, scale, 0.25)
    A = np.zeros(16)
    A[-1], W[:, :, -1] = 1.0, 0.0
    return w, W, A


@pytest.mark.parametrize("scale", [1e-100, 1e-142, 1e-157, 1e-164, 1e-200, 1e-300])
def test_underflow_of_squares_is_not_taken_for_zero(scale):
    w, W, A = saddle(scale)
    options = {"eta": 0.5, "steps": int(1.2 * np.log(1 / scale) / np.log(1.5)) + 50}
    found, known = krylov.evolve(w, W, A, **options), direct(w, W, A, **options)
    assert known.loss[0, -1] < 1e-20
    error, size = difference(found, known)
    assert error[0] <= found.error[0, -1] + 100 * EPS * size[0]
    fixed = krylov.evolve(w, W, A, levels=1, **options)
    error, size = difference(fixed, known)
    assert not fixed.proved[0] or error[0] <= fixed.error[0, -1] + 100 * EPS * size[0]
    # Where the squares are too small nothing is proved, even if nothing happens.
    assert fixed.proved[0] <= (scale > 1e-140)
    assert not krylov.evolve(w, W, A, levels=1, eta=0.5, steps=1).proved[0] or scale > 1e-140


@pytest.mark.parametrize("which", [1, 2])
def test_a_tiny_matrix_or_target_is_run_directly(which):
    given = list(saddle(0.1))
    given[which] = given[which] * 1e-170
    assert krylov.evolve(*given, eta=0.1, steps=3).levels[0] == 0
    assert not krylov.evolve(*given, eta=0.1, steps=3, levels=1).proved[0]
    given[which] = given[which] * 0.0
    assert krylov.evolve(*given, eta=0.1, steps=3, levels=1).proved[0]


def test_weights_that_decay_below_the_range_of_squares_are_run_directly():
    rng = np.random.default_rng(5)
    w, W = weights(rng, 1, 12)
    options = {"eta": 0.5, "steps": 700, "weight_decay": 1.0}
    found = krylov.evolve(w, W, np.zeros(12), **options)
    assert 0.0 < np.abs(found.w).max() < 1e-160
    assert found.levels[0] == 0
    assert not krylov.evolve(w, W, np.zeros(12), levels=1, **options).proved[0]


def nearly_closed(part, across):
    """W maps w and A to themselves, but for a part that leaves the saddle w = 0, W = 0."""
    w, W, A = np.zeros((1, 8)), np.zeros((1, 8, 8)), np.zeros(8)
    w[0, 0], A[0], W[0, 0, 0], W[0, 2, 2] = 1.0, 1.0, -1.0, 0.3
    if across:
        # It is a remainder of Q here, and of P otherwise.
        W[0, 0, 1], W[0, 1, 1] = part, 0.4
    else:
        W[0, 1, 0] = part
    return w, W, A


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("part", [0.0, 1e-300, 1e-170, 1e-150, 2e-16, 9e-15])
def test_the_length_of_dropped_remainders(part, across):
    basis = Basis(*nearly_closed(part, across)).extend(2)
    assert (basis.last[0, :3] == 0.0).all()
    assert basis.last[0, 3] == pytest.approx(part, rel=4 * EPS, abs=0.0)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("part", [0.0, 1e-170, 1e-150, 2e-16, 9e-15, 2e-14])
def test_a_dropped_remainder_is_not_taken_for_zero(part, across):
    given = nearly_closed(part, across)
    for beta in (0.0, 0.5):
        options = {"eta": 0.0625, "beta": beta, "steps": 8000 if 0.0 < part < 1e-100 else 1000}
        found, known = krylov.evolve(*given, largest=1.0, **options), direct(*given, **options)
        # It decides where the trajectory ends.
        assert (known.loss[0, -1] < 1e-6) == (part > 0.0)
        error, size = difference(found, known)
        assert error[0] <= 1e-12 * size[0] + 1e-40
        assert found.levels[0] == 1 or 0.0 < part < 1e-14


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_charge_for_a_dropped_remainder(across, beta):
    for part in (2e-16, 9e-15):
        for steps in (20, 100, 300, 600):
            given = nearly_closed(part, across)
            options = {"eta": 0.0625 * (1 - beta), "beta": beta, "steps": steps}
            found, known = krylov.evolve(*given, levels=1, **options), direct(*given, **options)
            error, size = difference(found, known)
            bound = found.error[0, -1]
            # Nothing but the remainder disturbs the saddle: all else is exact in binary.
            assert not found.proved[0] or error[0] <= bound + 2 * EPS * size[0]
            if steps < 400:
                assert found.proved[0]
                assert bound < 300 * error[0]
    assert not found.proved[0] or bound > 1.0


def exact_metric(residual, square, eta, beta):
    """`metric` without decay, in exact arithmetic as far as that is needed."""
    root, low, high = mp.sqrt(beta), eta * residual, eta * (square + residual)
    rho = (1 + beta + low + mp.sqrt((1 + beta + low) ** 2 - 4 * beta)) / 2
    whole = rho**2 + beta
    c1, least = root / whole, (rho - root) ** 2 / whole
    c0 = least + c1 * low
    return rho, c0, c1, least, c0 + c1 * high


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.97, 0.999, 1 - 1e-6, 1 - 1e-12])
def test_rounding_of_a_factor_is_less_than_what_is_granted(beta):
    rng = np.random.default_rng(4)
    with mp.workdps(60):
        for _ in range(60):
            residual, square = 10.0 ** rng.uniform(-12, -1), rng.uniform(0.01, 1.5)
            later = residual * (1 + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-14, -4))
            step, turned = 10.0 ** rng.uniform(-16, -6), abs(later - residual)
            mine = [metric(value, square, 1.0, beta, 0.0) for value in (residual, later)]
            sharp = [exact_metric(mpf(value), mpf(square), mpf(1), mpf(beta))
                     for value in (residual, later)]  # fmt: skip
            # A dozen roundings a factor, far below the 64 units that are added.
            for k in (0, 3):
                assert abs(mine[0][k] - sharp[0][k]) <= 16 * EPS * sharp[0][k]
            old, new = sharp
            ratio = (old[0] ** 2 + mpf(beta)) / (new[0] ** 2 + mpf(beta))
            bend = mpf(step) ** 2 + turned
            rest = old[2] * bend + new[1] / ratio - old[1]
            rest /= old[3] if rest > 0 else old[4]
            inner = ratio * (1 + mp.sqrt(old[2] / old[3]) * step + rest)
            shift = abs(1 - ratio) * max(old[4] - old[1], old[1] - old[3]) + abs(new[1] - old[1])
            shift += new[2] * (2 * mp.sqrt(mpf(square)) * step + bend)
            factor = mp.sqrt(max(inner, 1 + shift / (2 - old[4])))
            assert abs(change(*mine, square, step, turned, 1.0, beta) / factor - 1) <= 16 * EPS
