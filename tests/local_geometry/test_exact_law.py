import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy
from scipy import integrate, stats

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from simulations.local_geometry import exact_law as measured
from theory import optimizers
from theory.laws import MaxOverMedian
from theory.local_geometry import exact_law, initial_laws, log_growth
from theory.models import two_layer


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def stream(seed=0):
    return Stream(select_backend("numpy"), seed, 0)


# ---- gradients, steps and equivariance


def test_whole_data_gives_the_gradients_of_the_loss():
    rng = np.random.default_rng(1)
    w, W, A = rng.standard_normal(5), rng.standard_normal((5, 3)), rng.standard_normal(3)
    found = exact_law.batch_gradients(w, W, np.eye(3), A)
    for ours, theirs in zip(found, two_layer.gradients(w, W, A), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-13)


def test_momentum_step_is_the_optimizer():
    rng = np.random.default_rng(2)
    w, W, A = rng.standard_normal(4), rng.standard_normal((4, 4)), rng.standard_normal(4)
    state = (w, W, np.zeros(4), np.zeros((4, 4)))
    optimizer = optimizers.sgd_momentum(0.03, 0.8, weight_decay=0.2)
    params, memory = (w, W), optimizer.init((w, W))
    for _ in range(6):
        state = exact_law.momentum_step(state, np.eye(4), A, eta=0.03, beta=0.8, weight_decay=0.2)
        params, memory = optimizer.update(two_layer.gradients(*params, A), memory, params)
    # Six steps of a dozen operations each.
    assert state[0] == pytest.approx(params[0], rel=1e-12)
    assert state[1] == pytest.approx(params[1], rel=1e-12)


def test_trajectories_rotate_with_their_start_and_adam_does_not():
    rng = np.random.default_rng(3)
    q, w, W = rotation(6), rng.standard_normal(6), rng.standard_normal((6, 6))
    A = np.ones(6)

    def end(optimizer, w, W):
        params, memory = (w, W), optimizer.init((w, W))
        for _ in range(20):
            params, memory = optimizer.update(two_layer.gradients(*params, A), memory, params)
        return params[0]

    for optimizer, equivariant in (
        (optimizers.sgd_momentum(0.02, 0.9, weight_decay=0.1), True),
        (optimizers.nesterov(0.02, 0.9), True),
        (optimizers.adam(0.02), False),
        (optimizers.sign_descent(0.02), False),
    ):
        distance = np.max(np.abs(end(optimizer, q @ w, q @ W) - q @ end(optimizer, w, W)))
        # Rounding grows with the dynamics, by less than 1e3 here.
        assert (distance < 1e-12) if equivariant else (distance > 1e-2)


def test_row_ratio():
    q = rotation(5)
    assert exact_law.row_ratio(np.ones(5), q) == pytest.approx(1.0, rel=1e-13)
    leading = exact_law.row_ratio(np.array([3.0, 0, 0, 0, 0]), q)
    assert leading == pytest.approx(np.max(q[:, 0] ** 2) / np.median(q[:, 0] ** 2))
    batch = exact_law.row_ratio(np.ones((7, 1, 5)), np.broadcast_to(q, (7, 4, 5, 5)))
    assert batch.shape == (7, 4)


# ---- the law as an integral


@pytest.mark.parametrize("r", [1.3, 5.0])
def test_symbolic_integral_has_the_values_of_the_law(r):
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    expression = exact_law.sgdm_exact_law(2 * k + 1)(sympy.Symbol("r", positive=True))
    odd = expression.subs({k: 2, sympy.Symbol("r", positive=True): sympy.Float(r)})
    (integral,) = odd.atoms(sympy.Integral)
    b = sympy.Symbol("b", positive=True)
    body = sympy.lambdify(b, integral.function, "scipy")
    value, error = integrate.quad(body, 0.0, 12.0, epsabs=1e-13)
    factor = float(odd / integral)
    assert factor * value == pytest.approx(MaxOverMedian(5).cdf(r), abs=factor * error + 1e-10)


def test_symbolic_integral_for_even_d():
    r = 3.0
    even = exact_law.ratio_integral(sympy.Integer(4), sympy.Float(r))
    (integral,) = even.atoms(sympy.Integral)
    a, b = sympy.symbols("a b", positive=True)
    body = sympy.lambdify((a, b), integral.function, "scipy")
    value, error = integrate.dblquad(body, 0.0, 10.0, 0.0, lambda b: b, epsabs=1e-10)
    factor = float(even / integral)
    assert factor * value == pytest.approx(MaxOverMedian(4).cdf(r), abs=factor * error + 1e-10)


def test_symbolic_d_needs_a_parity():
    with pytest.raises(ValueError, match="its parity must be known"):
        exact_law.ratio_integral(sympy.Symbol("d", integer=True), sympy.Integer(2))


# ---- Lemma 34, the rate and the window


@pytest.mark.parametrize("d", [1, 2, 9, 40, 301])
def test_half_exceed_is_a_binomial_tail(d):
    p = 2.0 * stats.norm.sf(1.0)
    expected = stats.binom.sf(math.ceil(d / 2) - 1, d, p)
    assert log_growth.half_exceed(d, 1.0) == pytest.approx(expected, rel=1e-9)
    ball = log_growth.half_exceed(d, flint.arb(1))
    assert float(ball.mid()) == pytest.approx(expected, rel=1e-9)


def test_maximum_below():
    assert log_growth.maximum_below(3, 2.0) == pytest.approx(stats.chi2.cdf(2.0, 1) ** 3)
    assert log_growth.maximum_below(3, -0.5) == 0.0


@pytest.mark.parametrize("d", [1, 2, 5, 50, 1000])
def test_lemma_34_holds_and_its_constant_is_sharp(d):
    for delta in np.geomspace(1e-12, 0.999, 60):
        probability, bound = log_growth.lemma_34(d, float(delta))
        # Near equality the two differ by rounding in the power d.
        assert probability <= bound * (1.0 + 1e-12)
    probability, bound = log_growth.lemma_34(d, None, "median")
    assert probability <= bound
    # The quotient -log erf(y) exp(2 y^2) is smallest at y = 0.65: a little more and it fails.
    delta = math.exp(-d * math.exp(0.0311 - 2 * 0.64986**2))
    x = log_growth.threshold(float(d), delta, 0.0311)
    assert log_growth.maximum_below(d, x) > delta


def test_lemma_34_by_simulation():
    squares = np.random.default_rng(4).standard_normal((20_000, 8)) ** 2
    exact, bound = log_growth.lemma_34(8, 0.0289)
    found = np.mean(squares.max(axis=1) <= log_growth.threshold(8.0, 0.0289, 0.03))
    # Standard error 0.0012.
    assert found == pytest.approx(exact, abs=0.006)
    # Attained up to 0.4 % here.
    assert exact == pytest.approx(bound, rel=0.005)


def test_unknown_part():
    with pytest.raises(ValueError, match="part is 'mean'"):
        log_growth.lemma_34(3, 0.1, "mean")


@pytest.mark.parametrize("d", [20, 21, 64, 301, 10_001])
def test_rate_lies_between_its_bounds(d):
    median = log_growth.sgdm_rate(d)
    assert math.log(d) - 0.3 <= median <= 20.0 * math.log(4 * d)
    assert MaxOverMedian(d).cdf(median) == pytest.approx(0.5, abs=1e-9)


def test_rate_is_that_of_the_largest_square_for_large_d():
    median = log_growth.sgdm_rate(1_000_001)
    # The median of d squares has relative error 1/sqrt(d).
    largest = stats.norm.isf(0.5 * (1.0 - 0.5 ** (1.0 / 1_000_001))) ** 2
    assert median == pytest.approx(largest / 0.4549364231, rel=5e-3)


@pytest.mark.parametrize(("d", "T"), [(5, 1), (33, 10), (64, 40), (257, 1000)])
def test_window_bound_holds(d, T):
    for delta in (1e-6, 0.01, 0.5):
        union, bound = log_growth.window_bound(d, T, delta)
        assert union <= bound
        assert bound == pytest.approx(delta + T * math.exp(-0.0716 * d))


def test_window_in_another_arithmetic():
    union, bound = log_growth.window_bound(33, 10, flint.arb(1) / 100, lambda d, r: flint.arb(r))
    low = math.log(33) - math.log(math.log(1000)) - 0.42
    assert float(union.mid()) == pytest.approx(10 * low, rel=1e-12)
    assert float(bound.mid()) == pytest.approx(0.01 + 10 * math.exp(-0.0716 * 33), rel=1e-12)


# ---- initial laws and scales


def test_mean_of_the_largest_normal():
    expected = (0.0, 1 / math.sqrt(math.pi), 1.5 / math.sqrt(math.pi))
    for d, value in enumerate(expected, start=1):
        assert initial_laws.mean_largest_normal(d) == pytest.approx(value, abs=1e-13)


@pytest.mark.parametrize("d", [5, 17, 65])
def test_uniform_ratio_is_a_mean_of_beta_variables(d):
    k = d // 2
    # The median over the largest of d uniforms is Beta(k+1, k).
    mean = stats.beta(k + 1, k).expect(lambda x: x**-2, epsabs=1e-12)
    assert initial_laws.initial_law_ratio("uniform", d) == pytest.approx(mean, rel=1e-6)


def test_limits_of_the_initial_laws():
    far = 10**9 + 1
    assert initial_laws.initial_law_ratio("uniform", far) == pytest.approx(4.0, abs=1e-8)
    for alpha in (0.25, 1.0, 2.0):
        excess = [initial_laws.initial_law_ratio("rademacher", d, alpha) - 1 for d in (101, far)]
        assert excess[1] < 0.1 * excess[0]
    gaussian = [initial_laws.initial_law_ratio("gaussian", d) for d in (101, 10_001)]
    assert gaussian[1] > 1.5 * gaussian[0]


def test_second_layer_between_its_limits():
    for d in (32, 256):
        assert initial_laws.layer_law(d, 2.0, 2) == pytest.approx(1.0, abs=1e-3)
        ratios = [initial_laws.layer_law(d, alpha, 2) for alpha in (0.0, 0.25, 0.375, 0.5, 1.0)]
        assert ratios == sorted(ratios)
    rows = np.random.default_rng(0).chisquare(64, (4000, 64))
    typical = np.median(rows.max(axis=1) / np.median(rows, axis=1))
    expected = typical / MaxOverMedian(64).ppf(0.5)
    # At alpha = 0 the initial norms alone; kappa = 1125 leaves 0.1 %, the largest over the median
    # of one sample differs from the quotient of two medians by about 0.5 %.
    assert initial_laws.layer_law(64, 0.0, 2) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: initial_laws.initial_law_ratio("uniform", 8), "d is 8"),
    (lambda: initial_laws.initial_law_ratio("uniform", 3), "d is 3"),
    (lambda: initial_laws.initial_law_ratio("cauchy", 9), "initial is 'cauchy'"),
])  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- samplers


def test_some_configurations_diverge_in_part():
    partly = [point for point in measured._CONFIGURATIONS if point["steps"] == 150]
    assert len(partly) == 2
    for point in partly:
        found = measured.trajectories(stream(), 400, **point)
        share = float(np.mean(found.diverged_at >= 0))
        assert 0.15 < share < 0.85
        ratio = measured.surviving(stream(), 300, "r_med_1", **point)
        assert ratio.shape == (300,)
        assert np.all(np.isfinite(ratio))


def test_all_diverging_is_an_error():
    with pytest.raises(ValueError, match="only 0 of 200 trajectories did not diverge"):
        measured.surviving(stream(), 10, "r_med_1", d=8, steps=150, alpha=0.0, eta=1.0)


def test_survivors_are_the_first_of_the_stream():
    point = {"d": 4, "steps": 5, "alpha": 1.0, "eta": 0.01}
    direct = measured.trajectories(stream(), 30, **point).r_med_1[:, -1]
    assert np.array_equal(measured.surviving(stream(), 30, "r_med_1", **point), direct)


def test_haar_matrices():
    q = measured.haar(stream(), (4000, 3, 3))
    assert q @ q.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), q.shape), abs=1e-13)
    # A coordinate of a uniform direction in three dimensions is uniform on (-1, 1).
    for i, j in ((0, 0), (2, 1)):
        assert stats.kstest(q[:, i, j], stats.uniform(-1, 2).cdf).pvalue > 1e-6
    assert abs(np.mean(np.linalg.det(q))) < 5 / math.sqrt(4000)


def test_adam_takes_two_betas():
    point = {"d": 4, "steps": 3, "alpha": 1.0, "eta": 0.01}
    ours = measured.trajectories(stream(), 5, optimizer="adam", beta=0.8, **point)
    from simulations.two_layer import simulate

    theirs = simulate(stream(), 5, optimizer="adam", beta1=0.8, beta2=0.8**2, **point)
    assert np.array_equal(ours.w, theirs.w)


def test_reference_values():
    values = np.array([[3.0, 2.0, 1.0]])
    references = {name: measured.reference_values(np, values, name)[0].tolist()
                  for name in ("spectrum", "isotropic", "leading")}  # fmt: skip
    assert references == {"spectrum": [3.0, 2.0, 1.0], "isotropic": [1.0, 1.0, 1.0],
                          "leading": [3.0, 0.0, 0.0]}  # fmt: skip
    unsquared = measured.reference_values(np, values, "unsquared")
    assert unsquared**2 == pytest.approx(values)


def test_claims_state_what_they_say():
    assert exact_law.adam_breaks_the_law(0.01) == 0.99
    assert exact_law.sgdm_conditional_law(5)(np.array([-1.0, 0.3, 2.0])).tolist() == [0.0, 0.3, 1.0]
    assert log_growth.threshold(8.0, 0.5, Fraction(3, 100)) == pytest.approx(
        math.log(8) - math.log(math.log(2)) + 0.03
    )
