"""Algorithm 1: a trust-region method in ellipsoids that evolve with the gradients.

Kohler, Adolphs, Lucchi (2019), section 4.2 and appendix F. In each iteration the model
``m(s) = L(x) + g's + 1/2 s'Bs`` is minimised approximately over ``||s||_{A_t} <= Delta_t``, and
`RadiusRule` decides from the ratio of true and predicted decrease.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import Record, TrustRegionResult
from theory.optimizers.trust_region.oracle import Oracle
from theory.optimizers.trust_region.run import Run
from theory.optimizers.trust_region.settings import Settings, flag, function, number, whole
from theory.optimizers.trust_region.shapes import make_shape

__all__ = ["minimize"]

Array = NDArray[np.float64]


def minimize(
    fun: Callable[..., Any], grad: Callable[..., Any], hvp: Callable[..., Any], x0: Any, *,
    ellipsoid: Any = "rmsprop", power: float = 0.5, diagonal: bool = True, decay: float = 0.9,
    eps: float = 1e-8, scale_determinant: bool = False, solver: Any = "steihaug",
    radius: float = 1.0, max_radius: float = 10.0, eta1: float = 1e-4, eta2: float = 0.95,
    gamma_inc: float = 1.1, gamma_dec: float = 1.5, krylov_tolerance: float = 0.1,
    theta: float = 0.5, eps_g: float = 1e-5, eps_H: float | None = None, nu: float = 0.5,
    safeguarded: bool | float = False, max_iter: int = 200, max_products: int | None = None,
    batches: Callable[[int], Any] | None = None,
    callback: Callable[[Array, Record, Ellipsoid], Any] | None = None,
) -> TrustRegionResult:  # fmt: skip
    r"""Minimise a function by trust regions in ellipsoids, through Hessian-vector products alone.

    While ``||g|| > eps_g`` (gradient phase) `solver` minimises the model until
    ``||grad m||_{A^-1} <= ||g||_{A^-1} min{krylov_tolerance, ||g||^theta}`` (eq. 52, in the norm
    that preconditioned conjugate gradients reduce). Where ``||g|| <= eps_g`` the run ends, or, if
    `eps_H` is given, Lanczos looks for a u with ``u'Bu <= nu lam_min ||u||^2``: the run ends if
    ``u'Bu >= -nu eps_H ||u||^2``, which says that ``lam_min >= -eps_H``, and else u is tried in
    both directions without the gradient in the model (curvature phase; the repaired Lemma 9), the
    second only if the first is rejected.

    Parameters
    ----------
    fun, grad, hvp : callable
        ``fun(x)`` a number, ``grad(x)`` (d,), ``hvp(x, v)`` (d,), exact or approximate. With
        `batches`, each takes the batch as its last argument.
    x0 : array (d,)
    ellipsoid : str, None, array (d,), array (d, d), Ellipsoid, or callable
        ``"rmsprop"`` or ``"adagrad"`` (see `GradientShape`), updated with every gradient;
        ``"spherical"`` or None; a fixed diagonal or positive definite matrix A; or a function
        ``(iteration, x, gradient)`` that returns one.
    power, diagonal, decay, eps, scale_determinant
        Of Adagrad and RMSProp: ``A = (V + eps I)^power``, divided by ``det(A)^(1/d)`` or not.
    solver : str or callable
        ``"steihaug"`` (preconditioned conjugate gradients), ``"gltr"``, ``"cauchy"``, or a
        function with the keywords ellipsoid, tol and max_iter.
    radius, max_radius : float
        Delta_0 and its limit, in units of ``||s||_A``.
    eta1, eta2, gamma_inc, gamma_dec : float
        See `RadiusRule`.
    krylov_tolerance, theta : float
        Of the inner stopping test (52).
    eps_g, eps_H : float
        Termination; `eps_H` None means the gradient's test alone.
    nu : float in (0, 1)
        Quality asked of the curvature direction.
    safeguarded : bool or float
        A share c in (0, 1], True for c = 1: in the gradient phase take the solver's step only if
        its predicted decrease is at least that of the Cauchy point along ``-g`` and
        ``c/2 ||g|| ||s||``, else the Cauchy point; one more product. The permitted errors of g and
        B then carry no power of mu, but the factor c. A step inside that solves ``Bs = -g`` has
        the predicted decrease ``1/2 |g's|``: c = 1 refuses it unless it is parallel to g, and so
        turns the method into steepest descent there; a small c does not.
    max_iter : int
    max_products : int, optional
        Hessian-vector products that are never exceeded. A product is computed once at each point:
        after a rejected step the solver's path costs nothing as far as it is known.
    batches : callable, optional
        ``k -> batch`` for iteration k = 0, 1, ...: function values, gradient and products of one
        iteration use one batch, and the tests of termination its gradient.
    callback : callable, optional
        ``(x, record, ellipsoid)`` after every iteration, x the next iterate; the run ends where
        it returns True.

    Returns
    -------
    TrustRegionResult
        A function value, gradient or product that is NaN or infinite ends the run with what it
        has; `status` and `message` say so.

    Raises
    ------
    ValueError
        If an argument is outside its range, or a function returns another shape; the message
        names it, its value and what it must be.

    >>> result = minimize(lambda x: float(x @ x), lambda x: 2 * x, lambda x, v: 2 * v, [3.0, -4.0])
    >>> result.status.value, float(result.fun) < 1e-10
    ('first-order', True)
    """
    settings = Settings.of(
        solver=solver, radius=radius, max_radius=max_radius, eta1=eta1, eta2=eta2,
        gamma_inc=gamma_inc, gamma_dec=gamma_dec, krylov_tolerance=krylov_tolerance, theta=theta,
        eps_g=eps_g, eps_H=eps_H, nu=nu, safeguarded=safeguarded, max_iter=max_iter,
    )  # fmt: skip
    start = checks.vector("x0", x0)
    shape = make_shape(
        ellipsoid, start.size,
        power=number("power", power, "in (0, 1]", lambda value: 0 < value <= 1),
        diagonal=flag("diagonal", diagonal),
        decay=number("decay", decay, "in [0, 1)", lambda value: 0 <= value < 1),
        eps=checks.positive("eps", eps),
        scale_determinant=flag("scale_determinant", scale_determinant),
    )  # fmt: skip
    oracle = Oracle(
        function("fun", fun), function("grad", grad), function("hvp", hvp),
        None if batches is None else function("batches", batches),
        None if max_products is None else whole("max_products", max_products),
    )  # fmt: skip
    follow = None if callback is None else function("callback", callback)
    return Run(oracle, shape, settings, start, follow).result()
