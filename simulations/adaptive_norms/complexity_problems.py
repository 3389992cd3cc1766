"""Objectives with known constants, errors of their derivatives, and ellipsoids, for Theorem 1.

Each builder returns the constants of the iteration bound with the problem. The errors of gradient
and Hessian have exactly the permitted size, or 0. `saddle`, `bowl` and `tilt` come close to the
bound, its radius, or its permitted error; `waves` is generic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region.bounds import (
    permitted_errors,
    safeguarded_thresholds,
    success_thresholds,
)

Array = NDArray[np.float64]
Generator = np.random.Generator
Point = Mapping[str, Any]
# Radii and curvatures of extremal runs lie this far, relatively, on the side that is meant.
MARGIN = 1e-9
_LARGEST_RADIUS = 1e15


@dataclass(frozen=True)
class Problem:
    """An objective, the errors of its derivatives, its ellipsoids and its constants.

    Attributes
    ----------
    fun, grad, hess : callable
        Of x (d,): exact value, gradient (d,), Hessian (d, d).
    constants : dict
        Arguments of `iteration_bound`.
    start : callable
        Generator -> first iterate (d,).
    ellipsoid : callable
        Generator -> what `minimize` takes.
    gradient_error : callable
        (generator, exact gradient) -> error of the gradient (d,).
    hessian_error : callable
        generator -> error of the Hessian (d, d).
    options : dict
        Further arguments of `minimize`.
    """

    fun: Callable[[Array], float]
    grad: Callable[[Array], Array]
    hess: Callable[[Array], Array]
    constants: dict[str, Any]
    start: Callable[[Generator], Array]
    ellipsoid: Callable[[Generator], Any]
    gradient_error: Callable[[Generator, Array], Array]
    hessian_error: Callable[[Generator], Array]
    options: dict[str, Any] = field(default_factory=dict)


def build(point: Point) -> Problem:
    """The problem of a grid point; its ``problem`` is one of ``PROBLEMS``."""
    return PROBLEMS[point["problem"]](point)


def thresholds(constants: Mapping[str, Any], safeguarded: bool) -> tuple[float, float]:
    """D_g and D_H of a problem's constants."""
    names = ("mu", "eta", "eps_g", "eps_H", "nu", "L_g", "L_H", "delta_g", "delta_H")
    own = {name: constants[name] for name in names}
    if safeguarded:
        return safeguarded_thresholds(**own)
    return success_thresholds(**own, cA=constants["cA"])


def kantorovich(mu: float) -> float:
    """``4 kappa/(1 + kappa)^2`` at the largest condition number ``kappa = mu^4``."""
    return 4.0 * mu**4 / (1.0 + mu**4) ** 2


# ---- extremal problems


def saddle(point: Point) -> Problem:
    r"""``-h |w|^2/2 + L_H |w|^3/6`` from its saddle, reported curvature ``-(h + delta_H)``.

    The largest step that the acceptance test lets pass ends at the minimiser, with
    ``rho = eta = 1/5``; the gap is then ``eta`` times the predicted decrease. All ellipsoids are
    balls, as large as mu allows. `rejections` steps are longer.
    """
    mu, safeguarded = point["mu"], point.get("safeguarded", False)
    c = _constants(mu=mu, eta=0.2, eps_g=10.0, eps_H=1.0, nu=0.9, L_g=0.0, L_H=1.0,
                   gamma_inc=1.0 + 1e-4, gamma_dec=point.get("gamma_dec", 1.02))  # fmt: skip
    _largest_errors(c, safeguarded)
    h = c["nu"] * c["eps_H"] * (1.0 + MARGIN) - c["delta_H"]
    c |= {"L_g": 2.0 * h, "gap": 2.0 * h**3 / (3.0 * c["L_H"] ** 2)}
    c["delta0"] = (thresholds(c, safeguarded)[1] * c["gamma_dec"] ** point["rejections"]
                   * (1.0 + 10.0 * MARGIN))  # fmt: skip
    return Problem(
        *_cubic(h, c["L_H"]), c, lambda rng: np.zeros(2), lambda rng: np.full(2, mu**-2.0),
        lambda rng, gradient: c["delta_g"] * _direction(rng, 2),
        lambda rng: -c["delta_H"] * np.eye(2), _options(c, safeguarded),
    )  # fmt: skip


def leap(point: Point) -> Problem:
    """The saddle with exact derivatives and a success that makes the radius far too large."""
    c = _constants(mu=1.0, eta=0.1, eps_g=0.3, eps_H=1.0, nu=0.9, L_g=2.0, L_H=1.0, delta0=0.45,
                   gamma_inc=point["gamma_inc"], gamma_dec=1.01, gap=2.0 / 3.0)  # fmt: skip
    return Problem(
        *_cubic(1.0, 1.0), c, lambda rng: np.zeros(2), lambda rng: None, _no_gradient_error,
        lambda rng: np.zeros((2, 2)), _options(c, point.get("safeguarded", False), eta2=0.8),
    )  # fmt: skip


def bowl(point: Point) -> Problem:
    """``|w|^2/2`` from |w| = 2 to |w| = 1 in steps of length delta0/mu: A = mu^2 I.

    The reported gradient is too large. L_H = 0, and eps_H is so large that the gradient phase
    limits the decrease.
    """
    mu, safeguarded, delta0 = point["mu"], point.get("safeguarded", False), 0.1
    c = _constants(mu=mu, eta=0.9, eps_g=1.0, eps_H=1.0, nu=0.5, L_g=1.0, L_H=0.0, delta0=delta0,
                   gamma_inc=1.0 + 1e-4, gamma_dec=1.5, gap=2.0)  # fmt: skip
    c["eps_H"] = 4.0 * mu**2 / (c["nu"] * delta0)
    c["delta_g"] = _permitted(c, safeguarded)[0]
    return Problem(
        lambda x: float(x @ x) / 2.0, lambda x: x.copy(), lambda x: np.eye(2), c,
        lambda rng: 2.0 * _direction(rng, 2), lambda rng: np.full(2, mu**2),
        lambda rng, gradient: c["delta_g"] * gradient / np.linalg.norm(gradient),
        lambda rng: np.zeros((2, 2)), _options(c, safeguarded),
    )  # fmt: skip


def tilt(point: Point) -> Problem:
    """A wave of length R whose gradient is misjudged along the first step, in A = diag(1/mu^2, mu^2).

    Reported gradient (1, mu^2) at the start; its error is `excess` times what is permitted, and
    points along the step. At ``excess = mu^2`` and mu = 3 every step there is rejected.
    """  # noqa: E501
    mu, R = point["mu"], 1000.0
    reported = np.array([1.0, mu**2])
    size = float(np.linalg.norm(reported))
    c = _constants(mu=mu, eta=0.1, eps_g=size * (1.0 - 1e-6), eps_H=1.0, nu=0.5, L_g=0.0, L_H=0.0,
                   delta0=50.0, gamma_inc=1.1, gamma_dec=2.0, cA=kantorovich(mu))  # fmt: skip
    c["delta_g"] = _permitted(c, False)[0]
    step = -np.array([mu**2, 1.0]) / math.hypot(mu**2, 1.0)
    error = point["excess"] * c["delta_g"] * step
    true = reported + error
    slope = float(np.linalg.norm(true))
    c |= {"L_g": slope / R, "L_H": slope / R**2, "gap": 2.0 * slope * R}
    wave = true / slope
    return Problem(
        lambda x: slope * R * math.sin(wave @ x / R), lambda x: true * math.cos(wave @ x / R),
        lambda x: -slope / R * math.sin(wave @ x / R) * np.outer(wave, wave), c,
        lambda rng: np.zeros(2), lambda rng: np.array([mu**-2, mu**2]),
        lambda rng, gradient: -error, lambda rng: np.zeros((2, 2)),
        _options(c, False, max_iter=14),
    )  # fmt: skip


# ---- a generic problem


def waves(point: Point) -> Problem:
    """``sum_i a_i (1 - cos q_i'w)``, three orthonormal q_i, from near its top; a = .6, .45, .3.

    Ellipsoids ``"random"``: a new rotation in every iteration, with the eigenvalues mu^2 and
    1/mu^2; ``"rmsprop"``: eps = .6 and power 1, for which mu^2 = 1/.6 serves while
    ``|g|^2 + .6 <= 1/.6``; ``"balls"``: mu^2 I and I/mu^2 in turn.
    """
    amplitudes, shape = np.array([0.6, 0.45, 0.3]), point["shape"]
    safeguarded = point.get("safeguarded", False)
    mu = 0.6**-0.5 if shape == "rmsprop" else point["mu"]
    round_ones = shape == "balls" or mu == 1.0
    c = _constants(mu=mu, eta=0.1, eps_g=point["eps"], eps_H=point["eps"], nu=0.5, L_g=0.6,
                   L_H=0.6, delta0=point["delta0"], gamma_inc=2.0, gamma_dec=2.0,
                   gap=2.0 * float(amplitudes.sum()),
                   cA=1.0 if round_ones else kantorovich(mu))  # fmt: skip
    _largest_errors(c, safeguarded)
    extra = {"power": 1.0, "eps": 0.6, "decay": 0.5} if shape == "rmsprop" else {}
    return Problem(
        lambda x: float(amplitudes @ (1.0 - np.cos(x @ _AXES))),
        lambda x: _AXES @ (amplitudes * np.sin(x @ _AXES)),
        lambda x: (_AXES * (amplitudes * np.cos(x @ _AXES))) @ _AXES.T, c,
        lambda rng: _AXES @ (np.pi + rng.uniform(-0.3, 0.3, 3)), _wave_ellipsoids(shape, mu),
        lambda rng, gradient: c["delta_g"] * _direction(rng, 3),
        lambda rng: c["delta_H"] * _reflection(rng), _options(c, safeguarded, **extra),
    )  # fmt: skip


PROBLEMS: dict[str, Callable[[Point], Problem]] = {
    "saddle": saddle, "leap": leap, "bowl": bowl, "tilt": tilt, "waves": waves,
}  # fmt: skip


def _wave_ellipsoids(shape: str, mu: float) -> Callable[[Generator], Any]:
    if shape == "rmsprop":
        return lambda rng: "rmsprop"
    if shape == "balls":
        return lambda rng: lambda k, x, g: np.full(3, mu ** (2.0 if k % 2 else -2.0))

    def draw(rng: Generator) -> Any:
        def of_iteration(k: int, x: Array, gradient: Array) -> Array:
            basis = np.linalg.qr(rng.standard_normal((3, 3)))[0]
            middle = mu ** rng.uniform(-2.0, 2.0)
            matrix = (basis * np.array([mu**2, middle, mu**-2])) @ basis.T
            return np.asarray((matrix + matrix.T) / 2.0)

        return of_iteration

    return draw


# ---- parts

_AXES = np.linalg.qr(np.array([[1.0, 2.0, 0.0], [1.0, -1.0, 1.0], [0.0, 1.0, 3.0]]))[0]


def _constants(**given: float) -> dict[str, Any]:
    return {"delta_g": 0.0, "delta_H": 0.0, "delta0": 1.0, "gap": 1.0, "cA": 1.0, **given}


def _permitted(c: Mapping[str, Any], safeguarded: bool) -> tuple[float, float]:
    own = {name: c[name] for name in ("mu", "eta", "eps_g", "eps_H", "nu")}
    return permitted_errors(**own, safeguarded=safeguarded)


def _largest_errors(c: dict[str, Any], safeguarded: bool) -> None:
    c["delta_g"], c["delta_H"] = _permitted(c, safeguarded)


def _options(c: Mapping[str, Any], safeguarded: bool, **others: Any) -> dict[str, Any]:
    return {"radius": c["delta0"], "max_radius": _LARGEST_RADIUS, "eta1": c["eta"], "eta2": 0.99,
            "gamma_inc": c["gamma_inc"], "gamma_dec": c["gamma_dec"], "eps_g": c["eps_g"],
            "eps_H": c["eps_H"], "nu": c["nu"], "safeguarded": safeguarded, "max_iter": 4000,
            **others}  # fmt: skip


def _cubic(h: float, L_H: float) -> tuple[Any, Any, Any]:
    """``-h |w|^2/2 + L_H |w|^3/6`` with gradient and Hessian, the latter L_H-Lipschitz."""

    def hess(x: Array) -> Array:
        size = float(np.linalg.norm(x))
        bend = (size * np.eye(x.size) + np.outer(x, x) / size) if size else 0.0
        return np.asarray(L_H / 2.0 * bend - h * np.eye(x.size))

    return (
        lambda x: -h * float(x @ x) / 2.0 + L_H * float(x @ x) ** 1.5 / 6.0,
        lambda x: (L_H * np.linalg.norm(x) / 2.0 - h) * x,
        hess,
    )


def _no_gradient_error(rng: Generator, gradient: Array) -> Array:
    return np.zeros_like(gradient)


def _direction(rng: Generator, d: int) -> Array:
    vector = rng.standard_normal(d)
    return np.asarray(vector / np.linalg.norm(vector))


def _reflection(rng: Generator) -> Array:
    """A random symmetric matrix with eigenvalues 1 and -1."""
    basis = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    signs = rng.choice([-1.0, 1.0], 3)
    return np.asarray((basis * signs) @ basis.T)
