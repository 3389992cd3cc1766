"""The least smoothness constants of the logistic loss and of log-sum-exp."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Source

Sides = tuple[Any, Any]

# ---- the logistic loss


def logistic_slack(matrix: Any, sigmoids: Any, constants: Any, samples: Any) -> Sides:
    r"""Return :math:`\mathrm{diag}(L) - \nabla^2 f(\theta)`, and its two parts.

    For the mean logistic loss :math:`\nabla^2 f = A'(S - S^2)A/n`, S the diagonal matrix of the
    sigmoids of the margins, and :math:`S - S^2 = \frac14 I - (S - \frac12 I)^2`.

    Parameters
    ----------
    matrix : array (n, d)
        A.
    sigmoids : array (n, n)
        S, diagonal, with entries in (0, 1); I/2 at theta = 0.
    constants : array (d, d)
        diag(L).
    samples : number
        n.

    Returns
    -------
    (lhs, rhs)
        The slack, and the slack at 0 plus ``A'(S - I/2)^2 A/n``, which is nonnegative.
    """
    return _logistic_slack(matrix, sigmoids, constants, samples, 4)


def _logistic_slack(
    matrix: Any, sigmoids: Any, constants: Any, samples: Any, quarter: Any
) -> Sides:
    across = arrays.transpose(matrix)
    weights = sigmoids - sigmoids @ sigmoids
    centred = 2 * sigmoids - arrays.identity_matrix(sigmoids.shape[0], like=sigmoids)
    at_zero = constants - across @ matrix / (quarter * samples)
    return (
        constants - across @ weights @ matrix / samples,
        at_zero + across @ centred @ centred @ matrix / (4 * samples),
    )


def _samples_forgotten(matrix: Any, sigmoids: Any, constants: Any, samples: Any) -> Sides:
    lhs, _ = logistic_slack(matrix, sigmoids, constants, samples)
    return lhs, logistic_slack(matrix, sigmoids, constants, 1)[1]


def _without_the_square(matrix: Any, sigmoids: Any, constants: Any, samples: Any) -> Sides:
    lhs, _ = logistic_slack(matrix, sigmoids, constants, samples)
    return lhs, constants - arrays.transpose(matrix) @ matrix / (4 * samples)


logistic_smoothness = Claim(
    id="egop/logistic-smoothness",
    title="The logistic loss is least smooth at zero",
    kind="identity",
    statement=(
        r"For $f(\theta) = \frac1n \sum_i \log(1 + e^{-y_i a_i^\top \theta})$, $y_i = \pm 1$, on"
        r" an open convex set that contains 0: $\mathrm{diag}(L) - \nabla^2 f(\theta) ="
        r" \big(\mathrm{diag}(L) - \tfrac{1}{4n} A^\top A\big) + \tfrac1n A^\top (S - \tfrac12"
        r" I)^2 A$ with $S$ the sigmoids of the margins, $S = \tfrac12 I$ at 0. Hence $L$ is"
        r" feasible if and only if $\mathrm{diag}(L) \succeq \tfrac{1}{4n} A^\top A$, and the"
        r" least sum is that of the quadratic with this Hessian."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={"n, d": ">= 1", "A": "real (n, d)", "domain": "contains 0; no offset, no regulariser"},
    formula=logistic_slack,
    notes=(
        "The other inequality, -diag(L) <= Hess, is implied, as Hess >= 0 and L >= 0. On a ball"
        " that may miss 0, weights max sigma' over the ball give an upper bound only."
    ),
    mutants={
        "one fifth for one quarter": lambda matrix, sigmoids, constants, samples: _logistic_slack(
            matrix, sigmoids, constants, samples, 5
        ),
        "four per cent below one quarter": lambda matrix, sigmoids, constants, samples: (
            logistic_slack(matrix, sigmoids, constants, samples)[0],
            _logistic_slack(matrix, sigmoids, constants, samples, Fraction(25, 6))[1],
        ),
        "1/n forgotten": _samples_forgotten,
        "the same slack at every point": _without_the_square,
    },
)

# ---- log-sum-exp


def log_sum_exp_slacks(
    roots: Any, values: Any, centre: Any, half: Any, gap: Any, constants: Any
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    r"""Return both slacks that decide which constants log-sum-exp admits.

    With probabilities p, :math:`v'\nabla^2 f\,v` is the variance of the numbers
    :math:`z_i = a_i'v` under p. If they lie in [c - h, c + h], it is at most :math:`h^2`, and two
    equally likely ends have it. With :math:`g = a_i - a_j` and :math:`q = \sum_k g_k^2/L_k` the
    matrix :math:`\mathrm{diag}(L) - \frac14 gg'` is nonnegative if and only if q <= 4.

    Parameters
    ----------
    roots : array (n,)
        Square roots of the probabilities: a unit vector.
    values : array (n, n)
        diag(z).
    centre, half : number
        c and h.
    gap : array (d,)
        g.
    constants : array (d, d)
        diag(L), L > 0.

    Returns
    -------
    (lhs, rhs)
        ``h^2 - Var_p(z) = sum p_i (c + h - z_i)(z_i - c + h) + (mean - c)^2``; and
        ``y'diag(L)y - (g'y)^2/4 = q (1 - q/4)`` at ``y = diag(L)^{-1} g``.
    """
    one = arrays.identity_matrix(values.shape[0], like=values)
    mean, point = quadratic_form(values, roots), arrays.solve(constants, gap)
    image, ratio = values @ roots, dot(gap, arrays.solve(constants, gap))
    ends = ((centre + half) * one - values) @ ((half - centre) * one + values)
    slope = dot(gap, point)
    return (
        (
            half * half - (dot(image, image) - mean * mean),
            quadratic_form(constants, point) - slope * slope / 4,
        ),
        (quadratic_form(ends, roots) + (mean - centre) * (mean - centre), ratio - ratio**2 / 4),
    )


def are_probabilities(
    roots: Any, values: Any, centre: Any, half: Any, gap: Any, constants: Any
) -> bool:
    """Whether the probabilities add up to 1."""
    return bool(dot(roots, roots) == 1)


def _log_sum_exp_variant(first: Any = None, second: Any = None) -> Any:
    """`log_sum_exp_slacks` with a right side replaced by a function of all arguments."""

    def formula(
        roots: Any, values: Any, centre: Any, half: Any, gap: Any, constants: Any
    ) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        lhs, rhs = log_sum_exp_slacks(roots, values, centre, half, gap, constants)
        mean, ratio = quadratic_form(values, roots), dot(gap, arrays.solve(constants, gap))
        one = rhs[0] if first is None else first(rhs[0], mean - centre)
        two = rhs[1] if second is None else second(ratio)
        return lhs, (one, two)

    return formula


log_sum_exp_smoothness = Claim(
    id="egop/log-sum-exp-smoothness",
    title="Which smoothness constants log-sum-exp has on the whole space",
    kind="identity",
    statement=(
        r"Let $f(\theta) = \log \sum_i e^{a_i^\top \theta + b_i}$ on $\mathbb R^d$ have affinely"
        r" independent rows $a_i$. Then $L > 0$ is feasible if and only if $\sum_k (a_{ik} -"
        r" a_{jk})^2 / L_k \le 4$ for all $i, j$. For $z = Av$ in $[c - h, c + h]$: $h^2 -"
        r" \mathrm{Var}_p(z) = \sum_i p_i (c + h - z_i)(z_i - c + h) + (\bar z - c)^2$, and for $g"
        r" = a_i - a_j$, $q = g^\top \mathrm{diag}(L)^{-1} g$, $y = \mathrm{diag}(L)^{-1} g$:"
        r" $y^\top \mathrm{diag}(L)\, y - \tfrac14 (g^\top y)^2 = q (1 - \tfrac q4)$."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={"n, d": ">= 1", "a_i": "affinely independent (n <= d + 1)", "L": "> 0"},
    formula=log_sum_exp_slacks,
    assumes=are_probabilities,
    notes=(
        "Without affine independence the condition is sufficient only: for the rows -1, 0, 1 and"
        " b = 0 it asks L >= 1, but L = 2/3 is feasible."
    ),
    mutants={
        "without the square of the mean": _log_sum_exp_variant(
            first=lambda value, shift: value - shift * shift
        ),
        "square of the mean added twice": _log_sum_exp_variant(
            first=lambda value, shift: value + shift * shift
        ),
        "q <= 4 four per cent off": _log_sum_exp_variant(
            second=lambda ratio: ratio - 26 * ratio**2 / 100
        ),
        "q <= 2": _log_sum_exp_variant(second=lambda ratio: ratio - ratio**2 / 2),
    },
)
