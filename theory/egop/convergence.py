r"""Adagrad without noise: the l1 norm of its gradients, in any coordinates and in the EGOP basis.

Adagrad here: :math:`b_{t,i}^2 = b_0^2 + \sum_{s \le t} g_{s,i}^2` (the current gradient is
included, no further eps, :math:`b_0 > 0`) and :math:`x_{t+1,i} = x_{t,i} - \eta g_{t,i}/b_{t,i}`
for t = 0..T-1. Along a run on an f with smoothness constants L, eq. (1) of the paper gives

.. math:: f(x_0) - f(x_T) \ge \eta \sum_{t,i} \frac{g_{t,i}^2}{b_{t,i}}
          - \frac{\eta^2}{2} \sum_{t,i} L_i \frac{g_{t,i}^2}{b_{t,i}^2},

which is all that the bounds use of f.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from theory import arrays
from theory.arrays import dot, quadratic_form, trace
from theory.core import Claim, Mutant, Source
from theory.egop.basis import (
    is_egop,
    is_feasible,
    is_sign_vector,
    leads,
    radius_about_zero,
    stable_rank_of_roots,
)
from theory.scalars import own_method

Pair = tuple[Any, Any]


def accumulators(gradients: Any, b0: Any, *, delayed: bool = False) -> Any:
    """``b_t`` (T, d) of gradients (T, d); `delayed` leaves the current gradient out."""
    rows, total = [], gradients[0] * 0 + b0 * b0
    for gradient in gradients:
        following = total + gradient * gradient
        rows.append(arrays.square_root(total if delayed else following))
        total = following
    return np.array(rows)


def guaranteed_decrease(gradients: Any, constants: Any, eta: Any, b0: Any, *,
                        delayed: bool = False) -> Any:  # fmt: skip
    """``eta sum g^2/b - (eta^2/2) sum L g^2/b^2``: what f decreases by at least.

    Parameters
    ----------
    gradients : array (T, d)
    constants : array (d,)
        L.
    eta, b0 : number
    delayed : bool
        For the accumulator without the current gradient.
    """
    scaled = gradients / accumulators(gradients, b0, delayed=delayed)
    linear = arrays.total(gradients * scaled)
    return eta * linear - eta * eta * arrays.total(constants * scaled * scaled) / 2


def natural_log(x: Any) -> Any:
    """The logarithm of a positive number: float, exact, ball or symbol."""
    if hasattr(x, "free_symbols"):
        import sympy

        return sympy.log(x)
    own = own_method(x, "log")
    return own() if own else math.log(x)


def log_factor(constant: Any, eta: Any, b0: Any) -> Any:
    """``max(0, log(2 eta L/b0) - 1)`` of one constant L >= 0; 0 at L = 0."""
    ratio = arrays.maximum(2 * eta * constant / b0, b0 / b0)
    return arrays.maximum(natural_log(ratio) - 1, b0 * 0)


def smoothness_cost(constants: Any, eta: Any, b0: Any) -> Any:
    """``sum_i L_i max(0, log(2 eta L_i/b0) - 1)`` for constants (d,)."""
    own = own_method(constants, "smoothness_cost")
    if own:
        return own(eta, b0)
    return sum(constant * log_factor(constant, eta, b0) for constant in constants)


def _average(gradients: Any) -> Any:
    return arrays.total(arrays.absolute(gradients)) / gradients.shape[0]


def _rate(gradients: Any, b0: Any, exponent: Any = Fraction(1, 2)) -> Any:
    # as a number of the arithmetic of b0: a root of a plain int would be a rounded float
    return (b0 / b0) / arrays.power(gradients.shape[0] * (b0 / b0), exponent)


# ---- eq. (8)


def adagrad_bound(gradients: Any, constants: Any, eta: Any, b0: Any, decrease: Any) -> Pair:
    r"""The average l1 norm of the gradients, and its bound.

    .. math:: \frac1T \sum_t \|g_t\|_1 \le \frac{2}{\sqrt T} \Big[ d\,b_0 + \frac\Delta\eta
              + \eta \sum_i L_i \max(0, \log\tfrac{2 \eta L_i}{b_0} - 1) \Big]

    Parameters
    ----------
    gradients : array (T, d)
        Oldest first, along a run.
    constants : array (d,)
        L, valid on the hull of the iterates.
    eta, b0 : number
    decrease : number
        Delta, at least ``f(x_0) - f(x_T)``; ``f(x_0) - inf f`` for instance.

    Returns
    -------
    (lhs, rhs)
    """
    inside = _start(gradients, eta, b0, decrease) + eta * smoothness_cost(constants, eta, b0)
    return _average(gradients), 2 * _rate(gradients, b0) * inside


def _start(gradients: Any, eta: Any, b0: Any, decrease: Any) -> Any:
    return gradients.shape[1] * b0 + decrease / eta


def is_run(gradients: Any, constants: Any, eta: Any, b0: Any, decrease: Any) -> bool:
    """L >= 0, eta, b0 > 0, and Delta at least the guaranteed decrease."""
    return _parameters(constants, eta, b0) and bool(
        decrease >= guaranteed_decrease(gradients, constants, eta, b0)
    )


def _is_delayed_run(gradients: Any, constants: Any, eta: Any, b0: Any, decrease: Any) -> bool:
    least = guaranteed_decrease(gradients, constants, eta, b0, delayed=True)
    return _parameters(constants, eta, b0) and bool(decrease >= least)


def _parameters(constants: Any, eta: Any, b0: Any) -> bool:
    return bool(eta > 0 and b0 > 0 and (constants >= 0).all())


def _bound_variant(start: Any = _start, cost: Any = smoothness_cost, factor: Any = 1,
                   exponent: Any = Fraction(1, 2)) -> Any:  # fmt: skip
    """`adagrad_bound` with one of its parts replaced."""

    def sides(gradients: Any, constants: Any, eta: Any, b0: Any, decrease: Any) -> Pair:
        inside = start(gradients, eta, b0, decrease) + eta * cost(constants, eta, b0)
        return _average(gradients), 2 * factor * _rate(gradients, b0, exponent) * inside

    return sides


equation_8 = Claim(
    id="egop/equation-8",
    title="Noiseless Adagrad, with every constant",
    kind="inequality",
    statement=(
        r"Let $f$ satisfy (1) with constants $L$ on the hull of $x_0, \dots, x_T$, and let Adagrad"
        r" run on exact gradients: $b_{t,i}^2 = b_0^2 + \sum_{s \le t} g_{s,i}^2$, $x_{t+1,i} ="
        r" x_{t,i} - \eta g_{t,i}/b_{t,i}$, $b_0, \eta > 0$. With $\Delta = f(x_0) - \inf f$:"
        r" $\frac1T \sum_{t<T} \|g_t\|_1 \le \frac{2}{\sqrt T} \left[ d\,b_0 + \frac\Delta\eta +"
        r" \eta \sum_i L_i \max\left(0, \log\frac{2 \eta L_i}{b_0} - 1\right) \right]$."
    ),
    source=Source("depavia2025", item="eq. (8)", equations=("8",)),
    scope={"d": "d >= 1", "T": "T >= 1", "eta, b0": "> 0", "L": ">= 0"},
    formula=adagrad_bound,
    assumes=is_run,
    notes=(
        "The paper quotes the bound up to factors polynomial in logarithms; these constants are"
        " derived here. Of f only the decrease f(x_0) - f(x_T) along the run is used, so that Delta"
        " may be that. Loose by a factor of two: one step with a gradient far above b0 and eta L"
        " reaches 1/2 of the bound, and nothing above was found. The accumulator must include the"
        " current gradient: without it one step can end anywhere."
    ),
    mutants={
        "1/T for the root": _bound_variant(exponent=Fraction(1)),
        "0.98 for the constant 2": _bound_variant(factor=Fraction(49, 100)),
        "b0 dropped": _bound_variant(lambda gradients, eta, b0, decrease: decrease / eta),
        "Delta without 1/eta": _bound_variant(
            lambda gradients, eta, b0, decrease: gradients.shape[1] * b0 + decrease
        ),
        "smoothness dropped": _bound_variant(cost=lambda constants, eta, b0: 0 * b0),
        "delayed accumulator": Mutant(assumes=_is_delayed_run),
    },
)

# ---- Theorem 4 for quadratics


def reparameterised_bound(
    gradients: Any, basis: Any, roots: Any, axis: Any, hessian: Any, minimizer: Any, c: Any,
    constants: Any, signs: Any, eta: Any, b0: Any, decrease: Any,
) -> Pair:  # fmt: skip
    r"""Average l1 norm in the EGOP basis against the constants of the original coordinates.

    .. math:: \frac1T \sum_t \|\tilde g_t\|_1 \le \frac{2}{\sqrt T} \Big[ d\,b_0 + \frac\Delta\eta
              + \eta \frac{\kappa}{c} \frac{sr}{d \beta^2} (1^\top L)
              \max(0, \log\tfrac{2 \eta \sqrt{\lambda_1}}{c\,b_0} - 1) \Big]

    with :math:`(r^\top v_1)^2` for :math:`d \beta^2`, which it is at r = sign(v_1).

    Parameters
    ----------
    gradients : array (T, d)
        Of ``f(V .)`` along its run.
    basis, roots : array (d, d)
        V and M with ``V M^2 V' = EGOP``.
    axis : array (d,)
        e, with ``v_1 = V e``.
    hessian : array (d, d)
    minimizer : array (d,)
    c : number
    constants : array (d, d)
        diag(L), feasible for f.
    signs : array (d,)
        r, with ``r'v_1 != 0``.
    eta, b0, decrease : number

    Returns
    -------
    (lhs, rhs)
    """
    scale = (
        radius_about_zero(minimizer, c) / c * stable_rank_of_roots(roots, axis)
        / dot(signs, basis @ axis) ** 2
    )  # fmt: skip
    largest = quadratic_form(roots, axis) / c
    cost = scale * trace(constants) * log_factor(largest, eta, b0)
    inside = _start(gradients, eta, b0, decrease) + eta * cost
    return _average(gradients), 2 * _rate(gradients, b0) * inside


def is_reparameterised_run(
    gradients: Any, basis: Any, roots: Any, axis: Any, hessian: Any, minimizer: Any, c: Any,
    constants: Any, signs: Any, eta: Any, b0: Any, decrease: Any,
) -> bool:  # fmt: skip
    """A quadratic with H >= 0, its EGOP, feasible constants, and a run with ``L~ = M/c``."""
    return (
        is_egop(basis, roots, hessian, minimizer, c)
        and arrays.is_positive_semidefinite(hessian)
        and leads(roots, axis)
        and is_sign_vector(signs)
        and bool(dot(signs, basis @ axis) != 0)
        and is_feasible(constants, hessian)
        and is_run(gradients, arrays.diagonal(roots) / c, eta, b0, decrease)
    )


def _reparameterised_variant(change: Any, exponent: Any = Fraction(1, 2)) -> Any:
    """`reparameterised_bound` with other roots, Delta or power of T."""

    def sides(
        gradients: Any, basis: Any, roots: Any, axis: Any, hessian: Any, minimizer: Any, c: Any,
        constants: Any, signs: Any, eta: Any, b0: Any, decrease: Any,
    ) -> Pair:  # fmt: skip
        constants, decrease = change(constants, eta, decrease)
        lhs, rhs = reparameterised_bound(
            gradients, basis, roots, axis, hessian, minimizer, c, constants, signs, eta, b0,
            decrease,
        )  # fmt: skip
        return lhs, rhs * _rate(gradients, b0, exponent) / _rate(gradients, b0)

    return sides


theorem_4 = Claim(
    id="egop/theorem-4",
    title="Reparameterised Adagrad on quadratics, with every constant",
    kind="inequality",
    statement=(
        r"Let $f$ be a quadratic with $H \succeq 0$, $H \ne 0$, $L_f$ its least sum of smoothness"
        r" constants, $V$ its EGOP eigenbasis, and let Adagrad as in (8) run on $\tilde f ="
        r" f(V \cdot)$ with $\Delta = f(x_0) - \inf f$. Then $\frac1T \sum_{t<T} \|\nabla \tilde"
        r" f(x_t)\|_1 \le \frac{2}{\sqrt T} \left[ d\,b_0 + \frac\Delta\eta + \eta\,"
        r" \frac{\kappa}{c}\, \frac{\mathrm{sr}}{d \beta^2}\, L_f \max\left(0, \log\frac{2 \eta"
        r" \sqrt{\lambda_1}}{c\,b_0} - 1\right) \right]$, $\kappa = \sqrt{c^2 +"
        r" \|\theta_*\|^2} \le \sqrt2\,c$ under Assumption 1."
    ),
    source=Source("depavia2025", item="Theorem 4"),
    scope={
        "d": "d >= 1",
        "H": "symmetric positive semidefinite, not 0",
        "theta*": "any",
        "T": "T >= 1",
        "eta, b0, c": "> 0",
    },
    formula=reparameterised_bound,
    assumes=is_reparameterised_run,
    notes=(
        "The shape T^(-1/2) [Delta/eta + eta L_f sr/(d beta^2)] is the paper's; the constants, the"
        " logarithm and the term d b0 are derived here and need not be the printed ones. The paper"
        " allows any f with a small Lipschitz constant of the Hessian: there (8) holds with any"
        " constants that Theorem 5 provides, and its factor stands for kappa/c. Optimal eta in the"
        " last two terms: a gain sqrt(sr/d)/beta, up to sqrt(kappa/c) and logarithms, at a rate"
        " beta sqrt(d/sr) times larger. As loose as (8)."
    ),
    mutants={
        "1/T for the root": _reparameterised_variant(
            lambda constants, eta, decrease: (constants, decrease), Fraction(1)
        ),
        "Delta without 1/eta": _reparameterised_variant(
            lambda constants, eta, decrease: (constants, decrease * eta)
        ),
        "smoothness dropped": _reparameterised_variant(
            lambda constants, eta, decrease: (0 * constants, decrease)
        ),
        "f need not decrease along the run": Mutant(drops_assumptions=True),
    },
)
