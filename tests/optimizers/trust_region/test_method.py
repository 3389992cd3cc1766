"""Algorithm 1: what it finds, how it counts, and what its history says."""

import time

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import Record, Status
from theory.optimizers.trust_region.method import minimize
from theory.optimizers.trust_region.radius import RadiusRule

UNIT = np.finfo(float).eps
START = np.array([-1.2, 1.0, 0.5, 1.5])
MATRIX = np.diag([1.0, 10.0, 100.0])


def quadratic(matrix=MATRIX):
    return (lambda x: 0.5 * x @ matrix @ x, lambda x: matrix @ x, lambda x, v: matrix @ v)


def counted(*functions):
    """The functions, and how often each was called."""
    calls = [0] * len(functions)

    def wrap(index, function):
        def call(*arguments):
            calls[index] += 1
            return function(*arguments)

        return call

    return [wrap(i, f) for i, f in enumerate(functions)], calls


def saddle():
    """``(x^2 - y^2)/2 + y^4/4``: minima at y = +-1, a saddle at 0."""
    return (
        lambda z: (z[0] ** 2 - z[1] ** 2) / 2 + z[1] ** 4 / 4,
        lambda z: np.array([z[0], z[1] ** 3 - z[1]]),
        lambda z, v: np.array([v[0], (3 * z[1] ** 2 - 1) * v[1]]),
    )


# ---- minima


@pytest.mark.parametrize("solver", ["steihaug", "gltr"])
@pytest.mark.parametrize(
    "options",
    [
        {"ellipsoid": "spherical"},
        {"ellipsoid": None},
        {"ellipsoid": "adagrad"},
        {"ellipsoid": "adagrad", "diagonal": False, "scale_determinant": True},
        {"ellipsoid": "rmsprop", "power": 1.0},
        {"ellipsoid": "rmsprop", "diagonal": False},
        {"ellipsoid": "rmsprop", "safeguarded": 0.01},
        {"ellipsoid": [1.0, 2.0, 3.0, 4.0]},
        {"ellipsoid": np.eye(4) + 0.5},
        {"ellipsoid": lambda iteration, x, gradient: 1.0 + np.abs(gradient)},
        {"ellipsoid": Ellipsoid.of([1.0, 2.0, 3.0, 4.0], 4)},
    ],
)
def test_finds_a_minimum_of_rosenbrock(options, solver):
    result = minimize(rosen, rosen_der, rosen_hess_prod, START, solver=solver, eps_H=1e-3,
                      max_iter=400, **options)  # fmt: skip
    assert result.status is Status.SECOND_ORDER, result.message
    assert result.status.converged
    assert np.linalg.norm(rosen_der(result.x)) <= 1e-5
    assert result.fun == rosen(result.x)
    assert result.gradient_norm == pytest.approx(np.linalg.norm(rosen_der(result.x)), rel=8 * UNIT)


def test_newton_steps_in_the_end():
    # The last gradients fall superlinearly: tolerance ||g||^(1/2) gives order 3/2.
    norms = minimize(rosen, rosen_der, rosen_hess_prod, START, eps_g=1e-10).history.column(
        "gradient_norm"
    )
    assert norms[-1] < 0.01 * norms[-2]


def test_evolving_ellipsoids_are_the_papers_matrices_along_the_run():
    gradients, shapes = [], []
    fun, grad, hvp = quadratic()
    minimize(fun, lambda x: gradients.append(grad(x)) or grad(x), hvp, np.ones(3), power=1.0,
             decay=0.5, eps=0.25, max_iter=4, eps_g=0.0,
             callback=lambda x, record, ellipsoid: shapes.append(ellipsoid.matrix))  # fmt: skip
    v = np.zeros(3)
    for gradient, matrix in zip(gradients, shapes, strict=False):
        v = 0.5 * v + 0.5 * gradient**2
        np.testing.assert_allclose(matrix, v + 0.25, rtol=8 * UNIT)
    assert len(shapes) == 4


# ---- the rule


@pytest.mark.parametrize(
    ("rho", "radius"),
    [(0.96, 2.2), (0.95, 2.0), (1e-4, 2.0), (0.99e-4, 4 / 3), (-np.inf, 4 / 3), (np.inf, 2.2)],
)
def test_radius_rule(rho, radius):
    rule = RadiusRule(1e-4, 0.95, 1.1, 1.5, 10.0)
    assert rule.next_radius(2.0, rho) == pytest.approx(radius, rel=2 * UNIT)
    assert rule.accepts(rho) == (rho >= 1e-4)
    assert rule.next_radius(9.5, 1.0) == 10.0


def test_history_obeys_the_rule_and_certifies_the_decrease():
    result = minimize(rosen, rosen_der, rosen_hess_prod, START, radius=4.0)
    history, rule = result.history, RadiusRule(1e-4, 0.95, 1.1, 1.5, 10.0)
    radii = [*history.column("radius"), result.radius]
    assert {True, False} == set(history.column("accepted"))
    for record, following in zip(history, radii[1:], strict=True):
        assert record.rho == (record.fun - record.trial_fun) / record.model_decrease
        assert record.true_decrease == record.fun - record.trial_fun
        assert record.accepted == (record.rho >= 1e-4)
        assert following == rule.next_radius(record.radius, record.rho)
    taken = [record for record in history if record.accepted]
    assert 1e-4 * sum(r.model_decrease for r in taken) <= history[0].fun - result.fun
    assert np.all(np.diff([*(r.fun for r in taken), result.fun]) < 0)


def test_counts_are_the_calls():
    functions, calls = counted(rosen, rosen_der, rosen_hess_prod)
    result = minimize(*functions, START, radius=4.0, eps_H=1e-3)
    assert calls == [result.fun_evaluations, result.grad_evaluations, result.products]
    last = result.history[-1]
    assert last.grad_evaluations + last.accepted == result.grad_evaluations
    # the final curvature test is in the result only
    assert last.products < result.products
    assert np.all(np.diff(result.history.column("products")) >= 0)


def test_rejected_steps_cost_no_product_twice():
    fun, grad, hvp = quadratic()
    # A wall outside the ball of radius 1 around the start rejects long steps.
    functions, calls = counted(lambda x: fun(x) + 1e6 * (x[0] < 9.0), grad, hvp)
    result = minimize(*functions, np.array([10.0, 1.0, 1.0]), radius=8.0, max_iter=6,
                      gamma_dec=2.0, ellipsoid=None)  # fmt: skip
    rejected = [r.products for r in result.history if not r.accepted]
    assert len(rejected) >= 3
    assert len(set(rejected[:3])) == 1
    assert calls[2] == result.products


# ---- the second order


@pytest.mark.parametrize("ellipsoid", [None, "rmsprop", [1.0, 9.0]])
def test_a_saddle_is_left_by_its_curvature(ellipsoid):
    # 0 is stationary: the first-order test ends there, the second-order test does not.
    stuck = minimize(*saddle(), [0.0, 0.0], ellipsoid=ellipsoid)
    assert stuck.status is Status.FIRST_ORDER
    assert len(stuck.history) == 0
    result = minimize(*saddle(), [0.0, 0.0], ellipsoid=ellipsoid, eps_H=1e-2)
    assert result.history[0].phase == "curvature"
    assert result.history[0].on_boundary
    assert result.status is Status.SECOND_ORDER, result.message
    assert abs(result.x[1]) == pytest.approx(1.0, abs=1e-5)


def test_curvature_step_is_tried_in_both_directions():
    """The counterexample to the printed Lemma 9: a reported gradient with the wrong sign."""
    delta = 0.06
    result = minimize(
        lambda w: float(0.05 * np.sin(w[0]) + np.cos(w[0])),
        lambda w: 0.05 * np.cos(w) - np.sin(w) - delta, lambda w, v: -v * np.cos(w), [0.0],
        ellipsoid=None, radius=0.05, eps_g=0.3, eps_H=0.5, max_iter=1,
    )  # fmt: skip
    assert [record.accepted for record in result.history] == [True]
    assert result.fun_evaluations == 3
    assert result.x[0] < 0


def test_first_direction_is_downhill():
    start = [0.0, 1e-7]
    result = minimize(*saddle(), start, eps_H=1e-2, radius=0.5, max_iter=1,
                      ellipsoid=None)  # fmt: skip
    assert result.history[0].phase == "curvature"
    assert result.x[1] > 0
    assert result.fun_evaluations == 2


# ---- safeguard


def test_safeguarded_steps_promise_what_they_must():
    result = minimize(rosen, rosen_der, rosen_hess_prod, START, safeguarded=True, max_iter=60)
    for record in result.history:
        promised = 0.5 * record.gradient_norm * record.step_norm
        # the Cauchy point inside has equality, up to a few roundings
        assert record.model_decrease >= promised * (1 - 64 * UNIT)


def test_full_safeguard_turns_newton_steps_into_steepest_descent():
    fun, grad, hvp = quadratic()
    start = np.ones(3)
    newton = minimize(fun, grad, hvp, start, ellipsoid=None, radius=10.0, krylov_tolerance=1e-8)
    full, small = (
        minimize(fun, grad, hvp, start, ellipsoid=None, radius=10.0, krylov_tolerance=1e-8,
                 safeguarded=share, max_iter=1000) for share in (True, 0.01)
    )  # fmt: skip
    assert len(newton.history) == len(small.history) == 1
    assert len(full.history) > 100


# ---- batches


def test_a_batch_serves_a_whole_iteration():
    seen = []
    matrices = [np.diag([1.0, 2.0]), np.diag([4.0, 1.0])]

    def fun(x, batch):
        seen.append(("fun", batch))
        return 0.5 * x @ matrices[batch] @ x

    def grad(x, batch):
        seen.append(("grad", batch))
        return matrices[batch] @ x

    def hvp(x, v, batch):
        seen.append(("hvp", batch))
        return matrices[batch] @ v

    result = minimize(fun, grad, hvp, [3.0, 4.0], batches=lambda k: k % 2, max_iter=4, eps_g=0.0)
    order = [batch for _, batch in seen]
    assert sorted(set(order)) == [0, 1]
    # each iteration: value, gradient, products, value at the trial point
    assert [name for name, _ in seen if name != "hvp"] == ["fun", "grad", "fun"] * 4
    assert np.count_nonzero(np.diff(order)) == 3
    assert result.fun_evaluations == 8
    assert result.status is Status.ITERATIONS


def test_stochastic_run_reduces_the_mean_loss():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 5))
    y = X @ np.arange(1.0, 6.0) + 0.1 * rng.standard_normal(400)

    def residual(x, rows):
        return X[rows] @ x - y[rows]

    result = minimize(
        lambda x, rows: 0.5 * np.mean(residual(x, rows) ** 2),
        lambda x, rows: X[rows].T @ residual(x, rows) / len(rows),
        lambda x, v, rows: X[rows].T @ (X[rows] @ v) / len(rows),
        np.zeros(5), batches=lambda k: rng.choice(400, 64, replace=False), max_iter=80,
        ellipsoid="rmsprop", scale_determinant=True,
    )  # fmt: skip
    # least squares on 64 rows: 5/64 of the noise variance beyond the optimum of 0.005
    assert 0.5 * np.mean(residual(result.x, np.arange(400)) ** 2) < 0.01


# ---- ends


def test_product_budget_is_never_exceeded():
    for budget in range(1, 30):
        functions, calls = counted(rosen, rosen_der, rosen_hess_prod)
        result = minimize(*functions, START, max_products=budget, safeguarded=0.01)
        assert calls[2] == result.products <= budget
        assert result.status is Status.PRODUCTS
        assert f"{budget} Hessian-vector products are spent" in result.message


def test_budget_that_ends_the_curvature_test_says_so():
    matrix = np.diag(np.linspace(-0.1, 1.0, 30))
    result = minimize(*quadratic(matrix), np.zeros(30), eps_H=0.2, max_products=2)
    assert result.status is Status.PRODUCTS
    assert "2 Hessian-vector products are spent" in result.message


def test_iteration_limit():
    result = minimize(rosen, rosen_der, rosen_hess_prod, START, max_iter=3)
    assert result.status is Status.ITERATIONS
    assert len(result.history) == 3
    assert result.message == "3 iterations are done"


def test_callback_ends_the_run():
    records = []

    def stop(x, record, ellipsoid):
        records.append(record)
        x[:] = np.nan  # a copy
        return len(records) == 2

    result = minimize(rosen, rosen_der, rosen_hess_prod, START, callback=stop)
    assert result.status is Status.STOPPED
    assert list(result.history) == records
    assert isinstance(records[0], Record)
    assert np.isfinite(result.x).all()


def test_a_decrease_below_rounding_stalls():
    fun, grad, hvp = quadratic()
    result = minimize(lambda x: fun(x) + 1e12, grad, hvp, np.full(3, 1e-4), eps_g=1e-12)
    assert result.status is Status.STALLED
    assert "below the rounding" in result.message


def test_a_gradient_too_small_to_be_squared_stalls():
    scales = np.exp(np.random.default_rng(0).uniform(-3, 3, 300))
    result = minimize(lambda x: float(np.sum(scales * x * x)), lambda x: 2 * scales * x,
                      lambda x, v: 2 * scales * v, np.ones(300), eps_g=0.0, theta=1.0)  # fmt: skip
    assert result.status is Status.STALLED
    assert "too small to be squared" in result.message
    assert result.gradient_norm < 1e-100


def test_a_function_that_only_grows_shrinks_the_radius_until_the_step_vanishes():
    result = minimize(lambda x: -float(x[0]), lambda x: np.ones(1), lambda x, v: 0 * v, [1.0],
                      max_iter=10_000, ellipsoid=None, gamma_dec=10.0)  # fmt: skip
    assert result.status is Status.STALLED
    assert result.x.tolist() == [1.0]
    assert not any(record.accepted for record in result.history)


def test_same_run_twice_is_the_same():
    first, second = (minimize(*saddle(), [0.1, 0.0], eps_H=1e-3) for _ in range(2))
    assert first.x.tolist() == second.x.tolist()
    assert first.history.column("rho").tolist() == second.history.column("rho").tolist()


def test_run_does_not_depend_on_the_users_buffers():
    buffer = np.empty(4)

    def grad(x):
        buffer[:] = rosen_der(x)
        return buffer

    def hvp(x, v):
        buffer[:] = rosen_hess_prod(x, v)
        return buffer

    plain = minimize(rosen, rosen_der, rosen_hess_prod, START)
    shared = minimize(rosen, grad, hvp, START)
    assert plain.x.tolist() == shared.x.tolist()


def test_overhead_is_small_against_a_product():
    # One product of a 64-10-10 network with 512 samples costs about 1 ms; the method 30 us.
    d = 1000
    curvature = np.exp(np.random.default_rng(0).uniform(-3, 3, d))
    began = time.process_time()
    result = minimize(lambda x: 0.5 * float(curvature @ (x * x)),
                      lambda x: curvature * x, lambda x, v: curvature * v, np.ones(d),
                      max_iter=60)  # fmt: skip
    assert time.process_time() - began < 5e-4 * (result.products + result.fun_evaluations)
