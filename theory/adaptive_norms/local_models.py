r"""An objective around a point, the quadratic model of it, and what the two may differ by.

An objective is given around w by its gradient, its Hessian and the rest, :math:`T(s)/6`; the model
by reported derivatives: :math:`m(s) = L(w) + g^\top s + \tfrac12 s^\top B s` (Kohler, Adolphs,
Lucchi 2019, appendix C). Norms are :math:`\|s\|_A^2 = s^\top A s`. Formulas run on floats, exact
rationals, balls and the symbols of a proof; lengths have the unit of w.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.scalars import own_method

Slacks = Callable[..., tuple[Any, ...]]


def third_order(cubic: Any, step: Any) -> Any:
    r"""``T(s) = c_1 (a's)_+^3 + c_2 (a's)_-^3``: the part of L beyond its quadratic, times 6.

    Its second derivative :math:`6\,(c_1 (a^\top s)_+ + c_2 (a^\top s)_-)\, a a^\top` has the
    Lipschitz constant :math:`6 \max(|c_1|, |c_2|)\,\|a\|^3`.

    Parameters
    ----------
    cubic : (coefficients (2,), direction (d,))
        c and a; or a symbol with a method of this function's name.
    step : array (d,)
    """
    own = own_method(cubic, "third_order")
    if own:
        return own(step)
    (up, down), direction = cubic
    along = dot(direction, step)
    zero = along * 0
    return up * arrays.maximum(along, zero) ** 3 + down * arrays.maximum(-along, zero) ** 3


def increase(gradient: Any, hessian: Any, cubic: Any, step: Any) -> Any:
    """``L(w+s) - L(w) = G's + s'Hs/2 + T(s)/6``; arrays (d,), (d, d), `third_order`, (d,)."""
    return dot(gradient, step) + quadratic_form(hessian, step) / 2 + third_order(cubic, step) / 6


def predicted_decrease(gradient: Any, hessian: Any, step: Any) -> Any:
    """``m(0) - m(s) = -(g's + s'Bs/2)``; arrays (d,), (d, d), (d,)."""
    return -dot(gradient, step) - quadratic_form(hessian, step) / 2


def hessian_within(hessian: Any, other: Any, bound: Any) -> bool:
    """``||H - B|| <= bound``, both symmetric (d, d): ``bound I +- (H - B)`` are semidefinite."""
    difference = hessian - other
    room = bound * arrays.identity_matrix(difference.shape[0], like=difference)
    return arrays.is_positive_semidefinite(room - difference) and arrays.is_positive_semidefinite(
        room + difference
    )


def lipschitz_within(cubic: Any, bound: Any) -> bool:
    """``|c_i| <= bound`` and ``||a|| <= 1``: the Hessian of T/6 is Lipschitz with `bound`."""
    coefficients, direction = cubic
    small = all(bool(abs(value) <= bound) for value in coefficients)
    return small and bool(dot(direction, direction) <= 1)


def equivalent(matrix: Any, mu: Any) -> bool:
    """``||w||_A/mu <= ||w|| <= mu ||w||_A`` for all w; A (d, d) symmetric, mu >= 1."""
    one = arrays.identity_matrix(matrix.shape[0], like=matrix)
    return bool(mu >= 1) and arrays.is_positive_semidefinite(mu * mu * matrix - one) and (
        arrays.is_positive_semidefinite(mu * mu * one - matrix)
    )  # fmt: skip


def feasible(step: Any, matrix: Any, radius: Any) -> bool:
    """``radius > 0`` and ``||s||_A <= radius``."""
    return bool(radius > 0 and quadratic_form(matrix, step) <= radius * radius)


def errors_within(
    gradient: Any, hessian: Any, cubic: Any, reported_gradient: Any, reported_hessian: Any,
    delta_g: Any, delta_H: Any, L_H: Any, **other: Any,
) -> bool:  # fmt: skip
    """``||grad L - g|| <= delta_g``, ``||H - B|| <= delta_H``, and T has L_H."""
    error = gradient - reported_gradient
    return (
        bool(delta_g >= 0 and dot(error, error) <= delta_g * delta_g)
        and lipschitz_within(cubic, L_H)
        and hessian_within(hessian, reported_hessian, delta_H)
    )


def reported_within(hessian: Any, L_g: Any, **other: Any) -> bool:
    """`errors_within`, and ``||H|| <= L_g``."""
    return errors_within(hessian=hessian, **other) and hessian_within(hessian, 0 * hessian, L_g)


def scaled_gradient_slacks(
    scale: Sequence[Any] = (1, 1, 1, 1),
    powers: Sequence[int] = (2, 1, 3, 4),
) -> Slacks:
    """What Lemma 8 permits less what is used, with its limits scaled or other powers of mu."""

    def slacks(radius: Any, mu: Any, eta: Any, eps_g: Any, L_g: Any, L_H: Any, delta_g: Any,
               delta_H: Any, cA: Any, **other: Any) -> tuple[Any, ...]:  # fmt: skip
        room = (1 - eta) * eps_g
        return (
            scale[0] * room - 4 * mu ** powers[0] * delta_g,
            scale[1] * mu ** powers[1] * cA * eps_g - (L_g + delta_H) * radius,
            scale[2] * room - 4 * mu ** powers[2] * delta_H * radius,
            3 * scale[3] * room - 4 * mu ** powers[3] * L_H * radius**2,
        )

    return slacks


def gradient_slacks(**arguments: Any) -> tuple[Any, ...]:
    r"""The four limits of Lemma 8 as numbers that must be >= 0, free of quotients and roots.

    :math:`(1-\eta)\epsilon_g - 4\mu^2\delta_g`, :math:`\mu c_A\epsilon_g - (L_g+\delta_H)\Delta`,
    :math:`(1-\eta)\epsilon_g - 4\mu^3\delta_H\Delta`,
    :math:`3(1-\eta)\epsilon_g - 4\mu^4 L_H\Delta^2`. All are >= 0 exactly where
    delta_g is permitted and the radius at most the D_g of `success_thresholds` in
    `theory.optimizers.trust_region.bounds`.

    Parameters
    ----------
    radius, mu, eta, eps_g, L_g, L_H, delta_g, delta_H, cA : number
        By keyword; others are ignored.
    """
    return scaled_gradient_slacks()(**arguments)


def cauchy_decrease(
    reported_gradient: Any, reported_hessian: Any, step: Any, radius: Any, mu: Any, L_g: Any,
    delta_H: Any, cA: Any, **other: Any,
) -> bool:  # fmt: skip
    r"""``m(0) - m(s) >= ||g||/2 min{ cA ||g||/(L_g + delta_H), Delta/mu }``, without roots."""
    decrease = predicted_decrease(reported_gradient, reported_hessian, step)
    square = dot(reported_gradient, reported_gradient)
    inside = 2 * (L_g + delta_H) * decrease >= cA * square
    return bool(decrease >= 0 and (inside or 4 * mu**2 * decrease**2 >= square * radius**2))


def scaled_sign_slacks(
    scale: Sequence[Any] = (1, 1), powers: Sequence[int] = (4, 5), quality: bool = True
) -> Slacks:
    """`sign_slacks` with its limits scaled, other powers of mu, or without nu."""

    def slacks(radius: Any, mu: Any, eta: Any, eps_H: Any, nu: Any, delta_H: Any, L_H: Any,
               **other: Any) -> tuple[Any, ...]:  # fmt: skip
        room = (1 - eta) * (nu if quality else 1) * eps_H
        return (
            scale[0] * room - 2 * mu ** powers[0] * delta_H,
            3 * scale[1] * room - 2 * mu ** powers[1] * L_H * radius,
        )

    return slacks


def sign_slacks(**arguments: Any) -> tuple[Any, ...]:
    r"""Limits of Lemma 9 with both signs tried, as numbers that must be >= 0.

    :math:`(1-\eta)\nu\epsilon_H - 2\mu^4\delta_H` and
    :math:`3(1-\eta)\nu\epsilon_H - 2\mu^5 L_H\Delta`: >= 0 exactly where delta_H is permitted and
    the radius at most the D_H of `success_thresholds` in
    `theory.optimizers.trust_region.bounds`.

    Parameters
    ----------
    radius, mu, eta, eps_H, nu, delta_H, L_H : number
        By keyword; others are ignored.
    """
    return scaled_sign_slacks()(**arguments)


def scaled_kept_slacks(
    scale: Sequence[Any] = (1, 1, 1), powers: Sequence[int] = (3, 4, 5), quality: bool = True
) -> Slacks:
    """`kept_slacks` with its limits scaled, other powers of mu, or without nu."""

    def slacks(radius: Any, least_radius: Any, mu: Any, eta: Any, eps_H: Any, nu: Any, delta_g: Any,
               delta_H: Any, L_H: Any, **other: Any) -> tuple[Any, ...]:  # fmt: skip
        room = (1 - eta) * (nu if quality else 1) * eps_H
        return (
            scale[0] * room * least_radius - 6 * mu ** powers[0] * delta_g,
            scale[1] * room - 3 * mu ** powers[1] * delta_H,
            scale[2] * room - mu ** powers[2] * L_H * radius,
        )

    return slacks


def kept_slacks(**arguments: Any) -> tuple[Any, ...]:
    r"""Limits of Lemma 9 with the gradient kept, as numbers that must be >= 0.

    :math:`(1-\eta)\nu\epsilon_H D_{\min} - 6\mu^3\delta_g`,
    :math:`(1-\eta)\nu\epsilon_H - 3\mu^4\delta_H`,
    :math:`(1-\eta)\nu\epsilon_H - \mu^5 L_H\Delta`.

    Parameters
    ----------
    radius, least_radius, mu, eta, eps_H, nu, delta_g, delta_H, L_H : number
        By keyword; others are ignored. `least_radius` is D_min.
    """
    return scaled_kept_slacks()(**arguments)
