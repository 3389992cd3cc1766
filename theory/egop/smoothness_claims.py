"""Coordinate-wise smoothness and Hessians: Lemmas 9 and 10, and the nuclear norm.

Constants stand in a diagonal matrix D = diag(L), so that both their sum and the order of matrices
are read off it. Lengths enter squared, or as numbers of their own, so that they stay rational.
"""

from __future__ import annotations

from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]


def _is_between(matrix: Any, bound: Any) -> bool:
    """``-bound <= matrix <= bound`` in the order of symmetric matrices."""
    return arrays.is_positive_semidefinite(bound - matrix) and arrays.is_positive_semidefinite(
        bound + matrix
    )


def _is_diagonal(matrix: Any) -> bool:
    return bool((matrix == arrays.diagonal_matrix(arrays.diagonal(matrix))).all())


def _ball(radius: Any, like: Any) -> Any:
    return radius * arrays.identity_matrix(like.shape[0], like=like)


# ---- the nuclear norm


def nuclear_norm_bound(hessian: Any, sign: Any, constants: Any, probe: Any) -> Sides:
    r"""Compare :math:`\|H\|_*` with :math:`1'L`, and H with :math:`|H|`.

    With J the sign of H, :math:`|H| = HJ` and :math:`\|H\|_* = \mathrm{tr}(HJ)`.

    Parameters
    ----------
    hessian : array (d, d)
        H, symmetric.
    sign : array (d, d)
        J: symmetric, ``J^2 = I``, ``HJ >= 0``.
    constants : array (d, d)
        diag(L).
    probe : array (d,)
        x.

    Returns
    -------
    (lhs, rhs)
        ``tr(HJ) <= tr diag(L)``; ``x'Hx <= x'|H|x`` and ``-x'Hx <= x'|H|x``.
    """
    absolute, form = hessian @ sign, quadratic_form(hessian, probe)
    above = quadratic_form(absolute, probe)
    return (arrays.trace(absolute), form, -form), (arrays.trace(constants), above, above)


def is_feasible_with_sign(hessian: Any, sign: Any, constants: Any, probe: Any) -> bool:
    """J is the sign of H, and L >= 0 is diagonal with ``-diag(L) <= H <= diag(L)``."""
    return _is_sign(hessian, sign) and _is_diagonal(constants) and _is_between(hessian, constants)


def _is_sign(hessian: Any, sign: Any) -> bool:
    involution = sign @ sign == _ball(1, sign)
    return (
        arrays.is_symmetric(sign)
        and bool(involution.all())
        and arrays.is_positive_semidefinite(hessian @ sign)
    )


def _scaled_nuclear(factors: tuple[Any, Any]) -> Any:
    """`nuclear_norm_bound` with the nuclear norm and |H| multiplied by two factors."""

    def formula(hessian: Any, sign: Any, constants: Any, probe: Any) -> Sides:
        lhs, rhs = nuclear_norm_bound(hessian, sign, constants, probe)
        norm, above = factors
        return (norm * lhs[0] / 25, *lhs[1:]), (rhs[0], above * rhs[1] / 25, above * rhs[2] / 25)

    return formula


def _sum_of_entries(hessian: Any, sign: Any, constants: Any, probe: Any) -> Sides:
    lhs, rhs = nuclear_norm_bound(hessian, sign, constants, probe)
    return (arrays.total(arrays.absolute(hessian)), *lhs[1:]), rhs


def _bounded_above_only(hessian: Any, sign: Any, constants: Any, probe: Any) -> bool:
    return (
        _is_sign(hessian, sign)
        and _is_diagonal(constants)
        and arrays.is_positive_semidefinite(constants - hessian)
    )


def _diagonal_bounded_only(hessian: Any, sign: Any, constants: Any, probe: Any) -> bool:
    slack = arrays.diagonal(constants) - arrays.absolute(arrays.diagonal(hessian))
    return _is_sign(hessian, sign) and _is_diagonal(constants) and bool(arrays.smallest(slack) >= 0)


nuclear_norm = Claim(
    id="egop/nuclear-norm-bound",
    title="The sum of smoothness constants is at least the nuclear norm of every Hessian",
    kind="inequality",
    statement=(
        r"Let $-\mathrm{diag}(L) \preceq H \preceq \mathrm{diag}(L)$. Then $\mathbf 1^\top L \ge"
        r" \|H\|_*$, for the Hessian $H$ at every point of the domain. For a quadratic the least"
        r" sum equals $\|H\|_*$ in an eigenbasis of $H$: there $|H|$ is diagonal, and"
        r" $-|H| \preceq H \preceq |H|$."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={"d": "d >= 1", "H": "symmetric, indefinite too", "L": "feasible"},
    formula=nuclear_norm_bound,
    assumes=is_feasible_with_sign,
    notes=(
        "The bound holds in every basis, equality in an eigenbasis; a symmetric orthogonal H has"
        " equality in every basis (L = 1). With tr(HJ), J the sign of H, in place of eigenvalues"
        " both sides are rational."
    ),
    mutants={
        "nuclear norm four per cent larger": _scaled_nuclear((26, 25)),
        "96 per cent of |H| suffice": _scaled_nuclear((25, 24)),
        "sum of the entries' moduli": _sum_of_entries,
        "bounded above only": Mutant(assumes=_bounded_above_only),
        "bounded on the diagonal only": Mutant(assumes=_diagonal_bounded_only),
    },
)

# ---- Lemma 9


def third_derivative_bounds(
    difference: Any, step: Any, direction: Any, length: Any, lipschitz: Any, probe: Any
) -> Sides:
    r"""Compare the difference M of two Hessians with their distance (Lemma 9).

    :math:`M = \nabla^2 f(\theta + tv) - \nabla^2 f(\theta)`; the quotient :math:`Mv/t` tends to
    :math:`D^3 f(\theta)[v, v]` as t falls to 0, and equals it for a cubic f.

    Parameters
    ----------
    difference : array (d, d)
        M, symmetric.
    step : number
        t > 0.
    direction : array (d,)
        v.
    length : number
        :math:`\|v\|`.
    lipschitz : number
        H >= 0, the Lipschitz constant of the Hessian in the spectral norm.
    probe : array (d,)
        x.

    Returns
    -------
    (lhs, rhs)
        ``||Mv/t||^2 <= H^2 ||v||^4``; ``x'Mx`` and ``-x'Mx`` at most ``H ||tv|| x'x``.
    """
    quotient, form = difference @ direction / step, quadratic_form(difference, probe)
    radius = lipschitz * step * length * dot(probe, probe)
    bound = lipschitz * lipschitz * length**4
    return (dot(quotient, quotient), form, -form), (bound, radius, radius)


def hessian_is_lipschitz(
    difference: Any, step: Any, direction: Any, length: Any, lipschitz: Any, probe: Any
) -> bool:
    """Whether t > 0, ``||v|| = length`` and ``||M|| <= H ||tv||`` in the spectral norm."""
    radius = lipschitz * step * length
    return _is_segment(step, direction, length, lipschitz) and _is_between(
        difference, _ball(radius, difference)
    )


def _is_segment(step: Any, direction: Any, length: Any, lipschitz: Any) -> bool:
    measured = bool(dot(direction, direction) == length * length)
    return measured and bool(step > 0 and length >= 0 and lipschitz >= 0)


def _entries_lipschitz(
    difference: Any, step: Any, direction: Any, length: Any, lipschitz: Any, probe: Any
) -> bool:
    size = arrays.largest(arrays.absolute(difference))
    return (
        _is_segment(step, direction, length, lipschitz)
        and arrays.is_symmetric(difference)
        and bool(size <= lipschitz * step * length)
    )


def _hessian_bounded(
    difference: Any, step: Any, direction: Any, length: Any, lipschitz: Any, probe: Any
) -> bool:
    return _is_segment(step, direction, length, lipschitz) and _is_between(
        difference, _ball(lipschitz, difference)
    )


def _third_derivative_variant(quotient_bound: Any, order_bound: Any) -> Any:
    """`third_derivative_bounds` with both bounds replaced."""

    def formula(
        difference: Any, step: Any, direction: Any, length: Any, lipschitz: Any, probe: Any
    ) -> Sides:
        lhs, rhs = third_derivative_bounds(difference, step, direction, length, lipschitz, probe)
        radius = order_bound(rhs[1])
        return lhs, (quotient_bound(rhs[0], lipschitz, length), radius, radius)

    return formula


def _same(bound: Any, *_: Any) -> Any:
    return bound


lemma_9 = Claim(
    id="egop/lemma-9",
    title="A Lipschitz Hessian bounds the third derivative and differences of Hessians",
    kind="inequality",
    statement=(
        r"Let $\nabla^2 f$ be $H$-Lipschitz in the spectral norm. Then $\|D^3 f(\theta)[v, v]\| \le"
        r" H \|v\|^2$ for every $v$ wherever the third derivative exists, and"
        r" $-H \|\theta_1 - \theta_2\| I \preceq \nabla^2 f(\theta_1) - \nabla^2 f(\theta_2)"
        r" \preceq H \|\theta_1 - \theta_2\| I$."
    ),
    source=Source("depavia2025", item="Lemma 9"),
    scope={"d": "d >= 1", "theta": "interior points of the domain", "v": "real"},
    formula=third_derivative_bounds,
    assumes=hessian_is_lipschitz,
    notes=(
        "The first bound is stated for the difference quotient Mv/t at every step t; its limit is"
        " the third derivative. Both bounds are attained by f = H theta_1^3/6."
    ),
    mutants={
        "third derivative four per cent smaller": _third_derivative_variant(
            lambda bound, lipschitz, length: 576 * bound / 625, _same
        ),
        "difference four per cent smaller": _third_derivative_variant(
            _same, lambda radius: 24 * radius / 25
        ),
        "length of v once": _third_derivative_variant(
            lambda bound, lipschitz, length: lipschitz * lipschitz * length**2, _same
        ),
        "entries of the Hessian Lipschitz": Mutant(assumes=_entries_lipschitz),
        "Hessian bounded, not Lipschitz": Mutant(assumes=_hessian_bounded),
    },
)

# ---- Lemma 10


def second_order_slacks(
    hessian: Any, drift: Any, drift_bound: Any, constants: Any, direction: Any
) -> Sides:
    r"""Compare the remainder of eq. (1) and the Hessian with diag(L) (Lemma 10).

    Let b and a = b + tx be points of the domain and
    :math:`r = f(a) - f(b) - \langle \nabla f(b), a - b \rangle`. By Lagrange's form of the
    remainder :math:`2r/t^2 = x'(H + K)x`, where H is the Hessian at b and H + K that at a point of
    the segment. For a twice-differentiable f the number :math:`|x'Kx|` that so belongs to t tends
    to 0 with t.

    Parameters
    ----------
    hessian, drift : array (d, d)
        H and K, symmetric.
    drift_bound : number
        k with :math:`-kI \preceq K \preceq kI`.
    constants : array (d, d)
        diag(L).
    direction : array (d,)
        x.

    Returns
    -------
    (lhs, rhs)
        Eq. (1): ``+-2r/t^2 <= sum L_i x_i^2``; and the order of matrices in the direction x, up to
        the drift: ``+-x'Hx <= sum L_i x_i^2 + k x'x``.
    """
    remainder = quadratic_form(hessian + drift, direction)
    form, bound = quadratic_form(hessian, direction), quadratic_form(constants, direction)
    relaxed = bound + drift_bound * dot(direction, direction)
    return (remainder, -remainder, form, -form), (bound, bound, relaxed, relaxed)


def is_bounded_on_the_segment(
    hessian: Any, drift: Any, drift_bound: Any, constants: Any, direction: Any
) -> bool:
    """diag(L) is diagonal, ``-diag(L) <= H + K <= diag(L)`` and ``-k I <= K <= k I``."""
    return _drift_is_bounded(drift, drift_bound, constants) and _is_between(
        hessian + drift, constants
    )


def _drift_is_bounded(drift: Any, drift_bound: Any, constants: Any) -> bool:
    return _is_diagonal(constants) and _is_between(drift, _ball(drift_bound, drift))


def _convex_side_only(
    hessian: Any, drift: Any, drift_bound: Any, constants: Any, direction: Any
) -> bool:
    return _drift_is_bounded(drift, drift_bound, constants) and arrays.is_positive_semidefinite(
        constants - hessian - drift
    )


def _diagonals_compared(
    hessian: Any, drift: Any, drift_bound: Any, constants: Any, direction: Any
) -> bool:
    total = hessian + drift
    slack = arrays.diagonal(constants) - arrays.absolute(arrays.diagonal(total))
    return (
        _drift_is_bounded(drift, drift_bound, constants)
        and arrays.is_symmetric(total)
        and bool(arrays.smallest(slack) >= 0)
    )


def _second_order_variant(remainder_bound: Any, form_bound: Any) -> Any:
    """`second_order_slacks` with both bounds replaced."""

    def formula(
        hessian: Any, drift: Any, drift_bound: Any, constants: Any, direction: Any
    ) -> Sides:
        lhs, rhs = second_order_slacks(hessian, drift, drift_bound, constants, direction)
        first, second = remainder_bound(rhs[0]), form_bound(rhs[0], rhs[2])
        return lhs, (first, first, second, second)

    return formula


lemma_10 = Claim(
    id="egop/lemma-10",
    title="Coordinate-wise smoothness is a two-sided bound on the Hessian",
    kind="inequality",
    statement=(
        r"Let $f$ be twice differentiable on an open convex set. Constants $L$ satisfy"
        r" eq. (1), $|f(a) - f(b) - \langle \nabla f(b), a - b \rangle| \le \tfrac12 \sum_i L_i"
        r" (a_i - b_i)^2$ for all $a, b$, if and only if $-\mathrm{diag}(L) \preceq \nabla^2"
        r" f(\theta) \preceq \mathrm{diag}(L)$ for all $\theta$ in the set."
    ),
    source=Source("depavia2025", item="Lemma 10", equations=("1", "9")),
    scope={"d": "d >= 1", "f": "twice differentiable", "L": "real (then >= 0)"},
    formula=second_order_slacks,
    assumes=is_bounded_on_the_segment,
    notes=(
        "The printed statement names no domain. Convexity serves the first direction (segments lie"
        " in the set), openness the second (every direction can be taken); a continuous Hessian"
        " extends it to the closure. The first two inequalities are eq. (1), from the order of"
        " matrices. The last two follow from eq. (1) alone, and without their drift, which vanishes"
        " with the step, they are that order."
    ),
    mutants={
        "constants four per cent smaller": _second_order_variant(
            lambda bound: 24 * bound / 25, lambda bound, relaxed: relaxed
        ),
        "one quarter for one half": _second_order_variant(
            lambda bound: bound / 2, lambda bound, relaxed: relaxed
        ),
        "one finite step is enough": _second_order_variant(_same, lambda bound, relaxed: bound),
        "Hessian bounded above only": Mutant(assumes=_convex_side_only),
        "diagonals compared": Mutant(assumes=_diagonals_compared),
    },
)
