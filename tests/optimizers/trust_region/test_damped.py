"""Levenberg-Marquardt steps against exact ones, Gauss-Newton products, and whole damped runs."""

from functools import partial

import numpy as np
import pytest

from theory.models.multilayer import Network
from theory.optimizers.trust_region import exact_subproblem
from theory.optimizers.trust_region.damped import (
    gauss_newton_hvp,
    levenberg_marquardt_step,
    minimize_damped,
)
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import Status

UNIT = np.finfo(float).eps


def random_problem(seed, d=6, lowest=-1.0):
    """Matrix with spectrum [lowest, 3], gradient, and a full ellipsoid of condition 50 or so."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    matrix = (basis * np.linspace(lowest, 3.0, d)) @ basis.T
    factor = np.eye(d) + 0.3 * rng.standard_normal((d, d))
    return (matrix + matrix.T) / 2, rng.standard_normal(d), factor @ factor.T


def safe_damping(matrix, shape):
    """Twice what makes B + lam A positive definite."""
    factor = np.linalg.cholesky(np.diag(shape) if shape.ndim == 1 else shape)
    half = np.linalg.solve(factor, matrix)
    low = np.linalg.eigvalsh(np.linalg.solve(factor, half.T))[0]
    return 2.0 * max(-low, 0.1)


class Rosenbrock:
    """``(1 - x)^2 + 100 (y - x^2)^2`` as a nonlinear least-squares problem."""

    start = (-1.2, 1.0)

    @staticmethod
    def residuals(x):
        return np.sqrt(2.0) * np.array([1.0 - x[0], 10.0 * (x[1] - x[0] ** 2)])

    @staticmethod
    def jacobian(x):
        return np.sqrt(2.0) * np.array([[-1.0, 0.0], [-20.0 * x[0], 10.0]])

    def fun(self, x):
        return float(self.residuals(x) @ self.residuals(x) / 2)

    def grad(self, x):
        return self.jacobian(x).T @ self.residuals(x)

    def hvp(self, x, v):
        bend = np.array([[-20.0 * np.sqrt(2.0) * self.residuals(x)[1], 0.0], [0.0, 0.0]])
        return self.gauss_newton(x, v) + bend @ v

    def gauss_newton(self, x, v):
        return gauss_newton_hvp(lambda x, v: self.jacobian(x) @ v,
                                lambda x, u: self.jacobian(x).T @ u)(x, v)  # fmt: skip


# ---- one step


@pytest.mark.parametrize("kind", ["sphere", "diagonal", "full"])
@pytest.mark.parametrize("lowest", [0.1, 0.0, -1.0])
def test_a_step_solves_the_damped_system_and_a_trust_region_problem(kind, lowest):
    for seed in range(5):
        matrix, gradient, shape = random_problem(seed, lowest=lowest)
        shape = {"sphere": np.ones(6), "diagonal": np.diag(shape).copy(), "full": shape}[kind]
        full = np.diag(shape) if shape.ndim == 1 else shape
        damping = safe_damping(matrix, shape)
        found = levenberg_marquardt_step(matrix, gradient, damping, ellipsoid=shape, tol=1e-12)
        system = matrix + damping * full
        expected = -np.linalg.solve(system, gradient)
        # relative residual 1e-12 in the norm of A^-1, times the condition numbers of both
        size = 1e-12 * np.linalg.cond(system) * np.linalg.cond(full) * np.linalg.norm(expected)
        assert np.linalg.norm(found.step - expected) <= max(size, 1e-12)
        decrease = -(gradient @ expected + expected @ matrix @ expected / 2)
        assert found.model_decrease == pytest.approx(decrease, rel=1e-9)
        assert found.converged
        assert not found.on_boundary
        assert found.multiplier == damping
        assert 1 <= found.products <= 12
        ellipsoid = Ellipsoid.of(shape, 6)
        radius = ellipsoid.norm(found.step)
        exact = exact_subproblem(matrix, gradient, radius, ellipsoid=ellipsoid)
        assert exact.multiplier == pytest.approx(damping, rel=1e-6)
        assert found.model_decrease == pytest.approx(exact.model_decrease, rel=1e-10)


def test_more_damping_means_a_shorter_step_and_less_decrease():
    matrix, gradient, shape = random_problem(1, lowest=0.0)
    steps = [levenberg_marquardt_step(matrix, gradient, lam, ellipsoid=shape, tol=1e-12)
             for lam in (1e-3, 1e-1, 1e1, 1e3)]  # fmt: skip
    lengths = [Ellipsoid.of(shape, 6).norm(step.step) for step in steps]
    assert lengths == sorted(lengths, reverse=True)
    gains = [step.model_decrease for step in steps]
    assert gains == sorted(gains, reverse=True)


def test_too_little_damping_is_reported_with_the_curvature_that_shows_it():
    matrix, gradient = np.diag([1.0, -2.0]), np.array([1.0, 1.0])
    found = levenberg_marquardt_step(matrix, gradient, 1.5)
    assert not found.converged
    assert found.step.tolist() == [0.0, 0.0]
    assert found.model_decrease == 0.0
    assert -2.0 <= found.curvature <= -1.5
    assert found.residual == pytest.approx(np.sqrt(2.0))
    enough = levenberg_marquardt_step(matrix, gradient, 2.5, tol=1e-12)
    assert enough.step == pytest.approx([-1 / 3.5, -2.0], rel=1e-12)


def test_products_are_limited_and_spent_on_the_undamped_matrix():
    matrix, gradient, _ = random_problem(2)
    seen = []

    def hvp(v):
        seen.append(v)
        return matrix @ v

    found = levenberg_marquardt_step(hvp, gradient, 2.0, tol=0.0, max_iter=2)
    assert found.products == len(seen) == 2
    assert not found.converged
    assert found.model_decrease > 0


@pytest.mark.parametrize(("options", "message"), [
    ({"damping": 0.0}, "damping is 0.0; it must be finite and > 0"),
    ({"damping": np.inf}, "damping is inf; it must be finite and > 0"),
    ({"gradient": [1.0, np.nan]}, r"gradient\[1\] is nan; it must be finite"),
    ({"hvp": np.array([[1.0, 2.0], [0.0, 1.0]])}, "hvp is not symmetric"),
    ({"ellipsoid": [1.0, -1.0]}, r"ellipsoid\[1\] is -1"),
    ({"tol": 1.0}, "tol is 1.0"),
    ({"max_iter": 0}, "max_iter is 0"),
])  # fmt: skip
def test_bad_input_is_named(options, message):
    arguments = {"hvp": np.eye(2), "gradient": [1.0, 2.0], "damping": 1.0} | options
    with pytest.raises(ValueError, match=message):
        levenberg_marquardt_step(**arguments)


# ---- Gauss-Newton products


def test_gauss_newton_products_are_those_of_the_network():
    rng = np.random.default_rng(0)
    net = Network((3, 4, 2), "tanh", "cross-entropy")
    X, Y = rng.standard_normal((5, 3)), rng.dirichlet(np.ones(2), 5)
    params, v = rng.standard_normal(net.size), rng.standard_normal(net.size)
    step = 1e-5
    jacobian = np.stack([(net.outputs(params + step * e, X) - net.outputs(params - step * e, X))
                         / (2 * step) for e in np.eye(net.size)], axis=-1)  # fmt: skip

    def curvature(x, u):
        z = net.outputs(x, X)
        share = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return (share * u - share * (share * u).sum(axis=1, keepdims=True)) / len(X)

    hvp = gauss_newton_hvp(lambda x, v: jacobian @ v,
                           lambda x, u: np.einsum("mkp,mk->p", jacobian, u), curvature)  # fmt: skip
    # the central difference is off by step^2 and by u/step, both about 1e-10
    assert hvp(params, v) == pytest.approx(net.ggn_product(params, X, Y, v), abs=1e-8)


# ---- runs


@pytest.mark.parametrize("curvature", ["hvp", "gauss_newton"])
@pytest.mark.parametrize("ellipsoid", [None, "adagrad", "rmsprop"])
def test_runs_reach_the_minimum_and_keep_their_books(curvature, ellipsoid):
    problem = Rosenbrock()
    found = minimize_damped(problem.fun, problem.grad, getattr(problem, curvature), problem.start,
                            ellipsoid=ellipsoid, eps_g=1e-8, eta1=0.01)  # fmt: skip
    assert found.status is Status.FIRST_ORDER
    # the Hessian's smallest eigenvalue at the minimum is 0.399
    assert np.linalg.norm(found.x - 1.0) <= 1e-8 / 0.39
    taken = found.history.column("accepted").astype(bool)
    predicted = found.history.column("model_decrease")[taken]
    start = problem.fun(np.array(problem.start))
    assert 0.01 * predicted.sum() <= start - found.fun
    rho = found.history.column("rho")
    assert (taken == (rho >= 0.01)).all()
    assert np.diff(found.history.column("fun")).max() <= 0.0
    assert len(found.dampings) == len(found.history)
    assert found.products == found.history[-1].products
    assert found.fun_evaluations == 1 + np.isfinite(rho).sum()
    assert found.grad_evaluations == 1 + taken.sum()


def test_the_damping_follows_the_radius_rule():
    problem = Rosenbrock()
    found = minimize_damped(problem.fun, problem.grad, problem.gauss_newton, problem.start,
                            eta1=0.1, eta2=0.8, gamma_inc=3.0, gamma_dec=5.0)  # fmt: skip
    rho, factor = found.history.column("rho"), np.ones(len(found.history))
    factor[rho > 0.8], factor[rho < 0.1] = 1 / 3.0, 5.0
    following = np.append(found.dampings[1:], found.damping)
    # three roundings: two inversions and the product
    assert following == pytest.approx(found.dampings * factor, rel=4 * UNIT)
    assert set(factor) == {1 / 3.0, 1.0, 5.0}


def test_each_step_minimises_the_model_over_the_recorded_region():
    problem = Rosenbrock()
    found = minimize_damped(problem.fun, problem.grad, problem.hvp, problem.start,
                            krylov_tolerance=1e-12, theta=0.0, max_iter=15)  # fmt: skip
    x, checked = np.array(problem.start), 0
    for record in found.history:
        hessian = np.stack([problem.hvp(x, e) for e in np.eye(2)])
        if np.isfinite(record.rho):
            exact = exact_subproblem(hessian, problem.grad(x), record.radius)
            assert record.model_decrease == pytest.approx(exact.model_decrease, rel=1e-9)
            checked += 1
        if record.accepted:
            x = x + exact.step
            # the exact step has the radius that the recorded one has, to rounding
            assert problem.fun(x) == pytest.approx(record.trial_fun, rel=1e-6)
    assert checked >= 10


def test_an_ellipsoid_is_a_change_of_coordinates():
    problem = Rosenbrock()
    factor = np.array([[2.0, 0.0], [0.5, 0.3]])
    inverse = np.linalg.inv(factor.T)  # x = F^-T z has ||x||_A = ||z||, A = F F'
    direct = minimize_damped(problem.fun, problem.grad, problem.hvp, problem.start,
                             ellipsoid=factor @ factor.T, theta=0.0, max_iter=12)  # fmt: skip
    white = minimize_damped(
        lambda z: problem.fun(inverse @ z), lambda z: inverse.T @ problem.grad(inverse @ z),
        lambda z, v: inverse.T @ problem.hvp(inverse @ z, inverse @ v),
        factor.T @ np.array(problem.start), theta=0.0, max_iter=12,
    )  # fmt: skip
    assert direct.dampings == pytest.approx(white.dampings)
    # twelve steps of a problem with condition 2500 amplify rounding by some orders
    assert direct.x == pytest.approx(inverse @ white.x, rel=1e-6)


def test_zero_residuals_give_gauss_newton_fast_convergence():
    problem = Rosenbrock()
    found = minimize_damped(problem.fun, problem.grad, problem.gauss_newton, problem.start,
                            eps_g=1e-10, theta=1.0, gamma_inc=10.0)  # fmt: skip
    norms = found.history.column("gradient_norm")
    assert found.status is Status.FIRST_ORDER
    assert found.gradient_norm <= 1e-2 * norms[-1] <= 1e-3 * norms[-2]


def saddle():
    """``(w2 w1 - 1)^2 / 2`` at the origin's neighbour: a strict saddle along (1, -1)."""
    hvp = {
        "hessian": lambda x, v: np.array([[x[1] ** 2, 2 * x[0] * x[1] - 1],
                                          [2 * x[0] * x[1] - 1, x[0] ** 2]]) @ v,
        "gauss-newton": lambda x, v: np.outer(x[::-1], x[::-1]) @ v,
    }  # fmt: skip
    return (lambda x: float((x[0] * x[1] - 1) ** 2 / 2),
            lambda x: (x[0] * x[1] - 1) * x[::-1], hvp)  # fmt: skip


def test_negative_curvature_raises_the_damping_above_it_without_an_evaluation():
    fun, grad, hvp = saddle()
    found = minimize_damped(fun, grad, hvp["hessian"], [0.1, 0.1], damping=0.25, max_iter=1)
    record = found.history[0]
    assert record.rho == -np.inf
    assert not record.accepted
    assert found.fun_evaluations == 1
    # along (1, 1) the curvature is -0.97 at (0.1, 0.1)
    assert found.damping == pytest.approx(2.0 * 0.97)
    whole = minimize_damped(fun, grad, hvp["hessian"], [0.1, 0.1], damping=0.25, eps_g=1e-8)
    assert whole.status is Status.FIRST_ORDER
    assert whole.x[0] * whole.x[1] == pytest.approx(1.0, abs=1e-7)


def test_the_gauss_newton_matrix_sees_no_negative_curvature():
    _, grad, hvp = saddle()
    x = np.array([0.1, 0.1])
    for name, sign in (("hessian", -1), ("gauss-newton", 1)):
        step = levenberg_marquardt_step(partial(hvp[name], x), grad(x), 3.0)
        assert np.sign(step.curvature) == sign


def test_a_product_that_is_not_finite_ends_the_run_with_what_it_has():
    problem, calls = Rosenbrock(), []

    def hvp(x, v):
        calls.append(x)
        return problem.hvp(x, v) if len(calls) < 6 else np.full(2, np.nan)

    found = minimize_damped(problem.fun, problem.grad, hvp, problem.start)
    assert found.status is Status.NOT_FINITE
    assert "hvp returned nan" in found.message
    assert found.fun == problem.fun(found.x) < problem.fun(np.array(problem.start))


def test_products_are_never_exceeded():
    problem = Rosenbrock()
    for most in (1, 2, 7, 20):
        found = minimize_damped(problem.fun, problem.grad, problem.hvp, problem.start,
                                max_products=most)  # fmt: skip
        assert found.products == most
        assert found.status is Status.PRODUCTS


def test_a_run_that_cannot_gain_says_so():
    found = minimize_damped(lambda x: 1.0 + 1e-20 * float(x @ x), lambda x: 2e-20 * x,
                            lambda x, v: 2e-20 * v, [1.0], eps_g=0.0)  # fmt: skip
    assert found.status is Status.STALLED
    assert "below rounding" in found.message


@pytest.mark.parametrize(("options", "message"), [
    ({"damping": 1e-13}, "damping is 1e-13; it must be finite and >= min_damping"),
    ({"min_damping": 0.0}, "min_damping is 0.0"),
    ({"eta1": 0.0}, "eta1 is 0.0"),
    ({"eta2": 1e-6}, "eta2 is 1e-06"),
    ({"gamma_dec": 1.0}, "gamma_dec is 1.0"),
    ({"ellipsoid": "ball"}, "ellipsoid is 'ball'"),
    ({"ellipsoid": "adagrad", "power": 2.0}, "power is 2.0"),
    ({"ellipsoid": "rmsprop", "decay": 1.0}, "decay is 1.0"),
    ({"x0": [np.nan, 0.0]}, r"x0\[0\] is nan"),
    ({"max_iter": 0}, "max_iter is 0"),
    ({"hvp": None}, "hvp is of type NoneType; it must be a function"),
])  # fmt: skip
def test_bad_options_are_named(options, message):
    problem = Rosenbrock()
    arguments = {"fun": problem.fun, "grad": problem.grad, "hvp": problem.hvp,
                 "x0": problem.start} | options  # fmt: skip
    with pytest.raises(ValueError, match=message):
        minimize_damped(**arguments)
