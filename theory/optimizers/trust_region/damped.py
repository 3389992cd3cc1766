"""Damped Newton and Gauss-Newton methods: the step is penalised, not confined.

Kohler, Adolphs, Lucchi (2019), appendix G: the Levenberg-Marquardt step ``-(B + lam I)^-1 g`` (53),
here ``-(B + lam A)^-1 g`` for any ellipsoid, with the Hessian or the Gauss-Newton matrix as B (54).
It is the global minimiser of the model over ``||s||_A <= ||s_lam||_A`` wherever B + lam A is
positive definite, so that lam takes the place of the inverse radius, and is updated as such.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import History, Record, Status
from theory.optimizers.trust_region.model import NotFiniteError, SubproblemStep, as_product
from theory.optimizers.trust_region.oracle import Ended, Oracle, Products
from theory.optimizers.trust_region.radius import RadiusRule
from theory.optimizers.trust_region.settings import flag, function, number, whole
from theory.optimizers.trust_region.shapes import Shape, make_shape
from theory.optimizers.trust_region.steihaug import steihaug_toint

__all__ = ["DampedResult", "gauss_newton_hvp", "levenberg_marquardt_step", "minimize_damped"]

Array = NDArray[np.float64]
# Beyond every step of a definite system: reaching it tells that B + lam A is not definite.
_FAR = 1e100
_LARGEST_DAMPING = 1e150
# Half the distance of 1.0 to the next number: a smaller relative decrease cannot be seen.
_UNIT = 2.0**-53


def levenberg_marquardt_step(
    hvp: Any,
    gradient: Any,
    damping: float,
    *,
    ellipsoid: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
) -> SubproblemStep:
    """``s = -(B + lam A)^-1 g`` by conjugate gradients preconditioned by A (eq. 53 for A = I).

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
        The Hessian, or a Gauss-Newton matrix.
    gradient : array (d,)
    damping : float > 0
        lam.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the identity, a positive diagonal, or a symmetric positive definite matrix.
    tol : float in [0, 1)
        Relative residual ``||g + (B + lam A)s||_{A^-1} / ||g||_{A^-1}``.
    max_iter : int, optional
        Products allowed; ``2 d`` when omitted.

    Returns
    -------
    SubproblemStep
        `model_decrease` is that of the model without the penalty, `multiplier` is lam,
        `curvature` the least ``p'Bp/p'Ap`` that was met. Where it is ``-lam`` or less, B + lam A
        is not positive definite: the step is 0 and `converged` is False.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is not symmetric or positive as it
        must be; NotFiniteError if a product is not finite.

    >>> levenberg_marquardt_step(np.diag([1.0, -1.0]), [4.0, 1.0], 3.0).step.tolist()
    [-1.0, -0.5]
    """
    g = checks.vector("gradient", gradient)
    lam = checks.positive("damping", damping)
    shape, multiply = Ellipsoid.of(ellipsoid, g.size), as_product(hvp, g.size)
    found = steihaug_toint(lambda v: multiply(v) + lam * shape.apply(v), g, _FAR,
                           ellipsoid=shape, tol=tol, max_iter=max_iter)  # fmt: skip
    definite = not found.on_boundary
    step = found.step if definite else np.zeros(g.size)
    penalty = lam * shape.norm(step) ** 2 / 2
    return SubproblemStep(
        step, found.model_decrease + penalty if definite else 0.0, found.products,
        on_boundary=False, multiplier=lam, converged=found.converged and definite,
        residual=found.residual if definite else shape.dual_norm(g),
        curvature=found.curvature - lam,
    )  # fmt: skip


def gauss_newton_hvp(
    jvp: Callable[[Array, Array], Any],
    vjp: Callable[[Array, Any], Any],
    loss_curvature: Callable[[Array, Any], Any] | None = None,
) -> Callable[[Array, Array], Any]:
    """Products with the generalized Gauss-Newton matrix ``J'CJ`` (first term of eq. 54).

    Parameters
    ----------
    jvp : callable (x, v) -> J v
        J is the Jacobian of the outputs at x.
    vjp : callable (x, u) -> J' u
    loss_curvature : callable (x, u) -> C u, optional
        The Hessian of the loss at the outputs; the identity (squared error) when omitted.

    Returns
    -------
    callable (x, v) -> J'CJ v, positive semidefinite where C is.
    """
    if loss_curvature is None:
        return lambda x, v: vjp(x, jvp(x, v))
    return lambda x, v: vjp(x, loss_curvature(x, jvp(x, v)))


@dataclass(frozen=True, eq=False)
class DampedResult:
    """The outcome of `minimize_damped`; fields as in `TrustRegionResult`, and `dampings`.

    Attributes
    ----------
    x : array (d,)
    fun, gradient_norm : float
    history : History
        `radius` of a record is ``||s||_A``: the step minimises the model over that region.
    dampings : array (iterations,)
        lam of every iteration.
    damping : float
        What the next iteration would have used.
    status : Status
    message : str
    products, fun_evaluations, grad_evaluations : int
    """

    x: Array
    fun: float
    gradient_norm: float
    history: History
    dampings: Array
    damping: float
    status: Status
    message: str
    products: int
    fun_evaluations: int
    grad_evaluations: int


def minimize_damped(
    fun: Callable[..., Any], grad: Callable[..., Any], hvp: Callable[..., Any], x0: Any, *,
    ellipsoid: Any = None, power: float = 0.5, diagonal: bool = True, decay: float = 0.9,
    eps: float = 1e-8, scale_determinant: bool = False, damping: float = 1.0,
    min_damping: float = 1e-12, eta1: float = 1e-4, eta2: float = 0.75, gamma_inc: float = 2.0,
    gamma_dec: float = 2.0, krylov_tolerance: float = 0.1, theta: float = 0.5,
    eps_g: float = 1e-5, max_iter: int = 200, max_products: int | None = None,
) -> DampedResult:  # fmt: skip
    """Minimise a function by Levenberg-Marquardt steps, with the radius rule for 1/lam.

    A step is taken if ``rho >= eta1``; lam is divided by `gamma_inc` (down to `min_damping`) if
    ``rho > eta2`` and multiplied by `gamma_dec` if ``rho < eta1``. Where conjugate gradients meet
    curvature of ``-lam`` or less, the step is rejected unseen, and lam exceeds that curvature by
    `gamma_dec` at least. Exact values and gradients; the run ends where ``||g|| <= eps_g``.

    Parameters
    ----------
    fun, grad, hvp : callable
        ``fun(x)`` a number, ``grad(x)`` (d,), ``hvp(x, v)`` (d,): products with the Hessian, or
        with the Gauss-Newton matrix (`gauss_newton_hvp`).
    x0 : array (d,)
    ellipsoid, power, diagonal, decay, eps, scale_determinant
        The norm of the penalty, as in `minimize`; the Euclidean norm when omitted.
    damping, min_damping : float
        lam of the first step and its lower limit, 0 < min_damping <= damping.
    eta1, eta2, gamma_inc, gamma_dec : float
        See `RadiusRule`.
    krylov_tolerance, theta : float
        Conjugate gradients end at a relative residual of ``min{krylov_tolerance, ||g||^theta}``.
    eps_g : float
    max_iter : int
    max_products : int, optional
        Hessian-vector products that are never exceeded.

    Returns
    -------
    DampedResult
        A value, gradient or product that is not finite ends the run; `status` and `message` say so.

    Raises
    ------
    ValueError
        If an argument is outside its range, or a function returns another shape.

    >>> result = minimize_damped(lambda x: float(x @ x), lambda x: 2 * x, lambda x, v: 2 * v, [3.0])
    >>> result.status.value
    'first-order'
    """
    start = checks.vector("x0", x0)
    shape = make_shape(
        ellipsoid, start.size,
        power=number("power", power, "in (0, 1]", lambda value: 0 < value <= 1),
        diagonal=flag("diagonal", diagonal),
        decay=number("decay", decay, "in [0, 1)", lambda value: 0 <= value < 1),
        eps=checks.positive("eps", eps),
        scale_determinant=flag("scale_determinant", scale_determinant),
    )  # fmt: skip
    least = checks.positive("min_damping", min_damping)
    first = number("damping", damping, f"finite and >= min_damping = {least:g}",
                   lambda value: value >= least)  # fmt: skip
    low = number("eta1", eta1, "in (0, 1)", lambda value: 0 < value < 1)
    rule = RadiusRule(
        low, number("eta2", eta2, f"in [eta1, 1) = [{low:g}, 1)", lambda value: low <= value < 1),
        number("gamma_inc", gamma_inc, "finite and > 1", lambda value: value > 1),
        number("gamma_dec", gamma_dec, "finite and > 1", lambda value: value > 1), 1.0 / least,
    )  # fmt: skip
    tolerance = number("krylov_tolerance", krylov_tolerance, "in (0, 1)", lambda v: 0 < v < 1)
    exponent = number("theta", theta, "finite and >= 0", lambda value: value >= 0)
    products = None if max_products is None else whole("max_products", max_products)
    oracle = Oracle(
        function("fun", fun), function("grad", grad), function("hvp", hvp), None, products
    )
    run = _Run(oracle, shape, rule, start, first,
               lambda norm: min(tolerance, norm**exponent),
               number("eps_g", eps_g, "finite and >= 0", lambda value: value >= 0))  # fmt: skip
    return run.result(whole("max_iter", max_iter))


class _Run:
    """The state of one run; `radius` of the rule is 1/lam."""

    def __init__(self, oracle: Oracle, shape: Shape, rule: RadiusRule, start: Array, damping: float,
                 tolerance: Callable[[float], float], eps_g: float) -> None:  # fmt: skip
        self._oracle, self._shape, self._rule = oracle, shape, rule
        self._tolerance, self._eps_g = tolerance, eps_g
        self._x, self._fun, self._norm = start.copy(), math.nan, math.nan
        self._damping, self._state = damping, shape.init()
        self._records: list[Record] = []
        self._dampings: list[float] = []

    def result(self, most: int) -> DampedResult:
        """Iterate until something ends the run."""
        status, message = Status.ITERATIONS, f"{most} iterations are done"
        try:
            self._fun = self._oracle.value(self._x, "at x0")
            self._arrive()
            for _ in range(most):
                self._iterate()
        except Ended as end:
            status, message = end.status, end.message
        except NotFiniteError as error:
            status, message = Status.NOT_FINITE, f"{error} ({self._where})"
        return DampedResult(
            self._x, self._fun, self._norm, History(self._records), np.array(self._dampings),
            self._damping, status, message, self._oracle.products, self._oracle.fun_evaluations,
            self._oracle.grad_evaluations,
        )  # fmt: skip

    @property
    def _where(self) -> str:
        return f"iteration {len(self._records)}"

    def _arrive(self) -> None:
        """Evaluate the present point, and end the run if it passes the test."""
        self._gradient, self._norm = self._oracle.gradient(self._x, f"({self._where})")
        if self._norm <= self._eps_g:
            raise Ended(Status.FIRST_ORDER, f"||g|| = {self._norm:.3g} <= eps_g = {self._eps_g:g}")
        try:
            self._state, self._ellipsoid = self._shape.update(
                self._state, self._gradient, self._x, len(self._records)
            )
        except OverflowError as error:
            raise Ended(Status.NOT_FINITE, f"{error} ({self._where})") from None
        self._products = Products(self._oracle, self._x)

    def _iterate(self) -> None:
        affordable = max(1, min(2 * self._x.size, self._oracle.remaining))
        step = levenberg_marquardt_step(
            self._products, self._gradient, self._damping, ellipsoid=self._ellipsoid,
            tol=self._tolerance(self._norm), max_iter=int(affordable),
        )  # fmt: skip
        if step.curvature <= -self._damping:
            self._record(step, self._fun, -math.inf)
            self._damping = self._rule.gamma_dec * -step.curvature
        else:
            self._try(step)
        if self._damping > _LARGEST_DAMPING:
            raise Ended(Status.STALLED, f"the damping has grown to {self._damping:.3g}")

    def _try(self, step: SubproblemStep) -> None:
        x = self._x + step.step
        if step.model_decrease <= _UNIT * abs(self._fun) or np.array_equal(x, self._x):
            raise Ended(Status.STALLED, f"the model promises a decrease of "
                        f"{step.model_decrease:.3g}, below rounding ({self._where})")  # fmt: skip
        fun = self._oracle.value(x, f"at the trial point ({self._where})")
        rho = (self._fun - fun) / step.model_decrease
        self._record(step, fun, rho)
        self._damping = 1.0 / self._rule.next_radius(1.0 / self._damping, rho)
        if self._rule.accepts(rho):
            self._x, self._fun = x, fun
            self._arrive()

    def _record(self, step: SubproblemStep, trial_fun: float, rho: float) -> None:
        oracle = self._oracle
        self._dampings.append(self._damping)
        self._records.append(Record(
            fun=self._fun, gradient_norm=self._norm, radius=self._ellipsoid.norm(step.step),
            trial_fun=trial_fun, step_norm=checks.length(step.step),
            model_decrease=step.model_decrease, true_decrease=self._fun - trial_fun, rho=rho,
            accepted=self._rule.accepts(rho), phase="gradient", on_boundary=True,
            products=oracle.products, fun_evaluations=oracle.fun_evaluations,
            grad_evaluations=oracle.grad_evaluations,
        ))  # fmt: skip
