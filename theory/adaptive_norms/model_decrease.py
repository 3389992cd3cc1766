"""Model decrease of the Cauchy point and of the eigenpoint in an ellipsoid (Lemmas 5 and 6).

The model is ``m(s) = L + g's + 1/2 s'Bs`` on ``||s||_A <= Delta``, ``||s||_A = sqrt(s'As)``; the
decrease of a step is ``m(0) - m(s)``. The functions are closed forms of decreases, written for
floats, exact rationals, balls and symbols alike; the steps themselves are computed, from products
with B only, in `theory.optimizers.trust_region`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.arrays import absolute, dot, maximum, minimum, quadratic_form, square_root
from theory.core import Claim, Mutant, Source

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]

# ---- decrease along a line


def line_length(slope: Any, curvature: Any, longest: Any) -> Any:
    """The minimiser of ``-t a + t^2 q/2`` over ``0 <= t <= T``: ``T / max(1, T q/a)``.

    Parameters
    ----------
    slope : number > 0
        a, the rate of decrease at the start.
    curvature : number
        q, of any sign.
    longest : number > 0
        T.

    >>> line_length(2.0, 1.0, 8.0), line_length(2.0, -1.0, 8.0)
    (2.0, 8.0)
    """
    ratio = longest * curvature / slope
    if hasattr(ratio, "free_symbols"):
        return longest / maximum(1, ratio)
    # numbers decide the maximum, so that rational arguments keep the quotient a/q rational
    return slope / curvature if ratio > 1 else longest


def line_decrease(slope: Any, curvature: Any, longest: Any) -> Any:
    """The largest decrease ``t a - t^2 q/2`` over ``0 <= t <= T``; arguments of `line_length`.

    >>> line_decrease(2.0, 1.0, 8.0), line_decrease(2.0, -1.0, 8.0)
    (2.0, 48.0)
    """
    length = line_length(slope, curvature, longest)
    return length * slope - length * length * curvature / 2


def is_dominated(matrix: Any, bound: Any) -> bool:
    """Whether ``x'Mx <= x'Nx`` for all x, for symmetric M and N of shape (d, d)."""
    return arrays.is_positive_semidefinite(bound - matrix)


def bounded_by_multiple(matrix: Any, factor: Any) -> bool:
    """Whether every eigenvalue of a symmetric matrix (d, d) is at most `factor`."""
    one = arrays.identity_matrix(matrix.shape[0], like=matrix)
    return is_dominated(matrix, factor * one)


# ---- Lemma 5


def cauchy_decrease(gradient: Any, hessian: Any, ellipsoid: Any, radius: Any) -> Any:
    """Model decrease of the Cauchy point, the minimiser along -g within the ellipsoid.

    With ``a = g'g``, ``q = g'Bg`` and ``T = Delta/||g||_A`` it is ``a^2/(2q)`` where ``T q >= a``,
    and ``T a - T^2 q/2`` otherwise (Kohler et al. 2019, eq. 28).

    Parameters
    ----------
    gradient : array (d,), nonzero
    hessian : array (d, d), symmetric
    ellipsoid : array (d, d), symmetric positive definite
    radius : number > 0

    >>> import numpy as np
    >>> float(cauchy_decrease(np.array([3.0, 0.0]), np.eye(2), np.diag([4.0, 1.0]), 1.0))
    1.375
    """
    longest = radius / square_root(quadratic_form(ellipsoid, gradient))
    return line_decrease(dot(gradient, gradient), quadratic_form(hessian, gradient), longest)


def cauchy_bound(gradient: Any, ellipsoid: Any, radius: Any, beta: Any) -> Any:
    """Lemma 5: ``1/2 ||g|| min{||g||/beta, (||g||/||g||_A) Delta}``; beta bounds B from above."""
    norm = square_root(dot(gradient, gradient))
    along = radius * norm / square_root(quadratic_form(ellipsoid, gradient))
    return norm * minimum(norm / beta, along) / 2


def cauchy_chain(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, beta: Any, mu: Any
) -> Sides:
    """``1/2 ||g|| min{||g||/beta, Delta/mu} <= cauchy_bound <= cauchy_decrease``.

    Parameters
    ----------
    gradient : array (d,), nonzero
    hessian, ellipsoid : array (d, d)
    radius, beta, mu : number > 0

    Returns
    -------
    (lhs, rhs)
        Two numbers each: the links of the chain.
    """
    bound = cauchy_bound(gradient, ellipsoid, radius, beta)
    return _chain(gradient, hessian, ellipsoid, radius, bound, beta, mu)


def _chain(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, bound: Any, beta: Any, mu: Any
) -> Sides:
    norm = square_root(dot(gradient, gradient))
    uniform = norm * minimum(norm / beta, radius / mu) / 2
    return (uniform, bound), (bound, cauchy_decrease(gradient, hessian, ellipsoid, radius))


def curvature_bounded(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, beta: Any, mu: Any
) -> bool:
    """Delta, beta > 0, every eigenvalue of B at most beta, and `in_equivalent_norm` for g."""
    return bool(beta > 0) and bounded_by_multiple(hessian, beta) and in_equivalent_norm(
        gradient, ellipsoid, radius, mu
    )  # fmt: skip


def in_equivalent_norm(vector: Any, ellipsoid: Any, radius: Any, mu: Any) -> bool:
    """Nonzero vector, Delta, mu > 0, A symmetric positive definite, its eigenvalues <= mu^2."""
    positive = bool(radius > 0 and mu > 0 and dot(vector, vector) > 0)
    return (
        positive
        and arrays.is_positive_definite(ellipsoid)
        and bounded_by_multiple(ellipsoid, mu * mu)
    )


def _cauchy_variant(bound: Callable[..., Any] = cauchy_bound, mu_of: Any = None) -> Any:
    """`cauchy_chain` with another bound, or with another function of mu."""

    def chain(
        gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, beta: Any, mu: Any
    ) -> Sides:
        changed = mu if mu_of is None else mu_of(mu)
        value = bound(gradient, ellipsoid, radius, beta)
        return _chain(gradient, hessian, ellipsoid, radius, value, beta, changed)

    return chain


def _radius_times(factor: Callable[[Any, Any], Any]) -> Any:
    """A bound whose radius is multiplied by a function of ||g|| and ||g||_A."""

    def bound(gradient: Any, ellipsoid: Any, radius: Any, beta: Any) -> Any:
        norm = square_root(dot(gradient, gradient))
        length = square_root(quadratic_form(ellipsoid, gradient))
        return norm * minimum(norm / beta, radius * factor(norm, length)) / 2

    return _cauchy_variant(bound)


def _diagonal_bounded(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, beta: Any, mu: Any
) -> bool:
    largest = arrays.largest(arrays.diagonal(hessian))
    return bool(beta > 0 and largest <= beta) and in_equivalent_norm(
        gradient, ellipsoid, radius, mu
    )


lemma_5 = Claim(
    id="adaptive-norms/lemma-5",
    title="Model decrease of the Cauchy point",
    kind="inequality",
    statement=(
        r"Let $A$ be symmetric positive definite, $g \ne 0$, $\Delta > 0$ and $\beta > 0$ with"
        r" $\lambda_{\max}(B) \le \beta$ (so for $\beta = \|B\|$ and for $\beta = 1 + \|B\|$). The"
        r" minimiser $s^C$ of the model along $-g$ within $\|s\|_A \le \Delta$ satisfies"
        r" $m(0) - m(s^C) \ge \tfrac12 \|g\| \min\{ \|g\|/\beta, \tfrac{\|g\|}{\|g\|_A} \Delta \}$,"
        r" and this is at least $\tfrac12 \|g\| \min\{\|g\|/\beta, \Delta/\mu\}$ where"
        r" $\|w\|_A \le \mu \|w\|$ for all $w$."
    ),
    source=Source("kohler2019", item="Lemma 5", equations=("28", "29")),
    scope={"d": "d >= 1", "B": "symmetric", "A": "symmetric positive definite", "Delta": "> 0",
           "beta": ">= largest eigenvalue of B, > 0", "mu": ">= sqrt of the largest eigenvalue"},
    formula=cauchy_chain,
    assumes=curvature_bounded,
    notes=(
        "Conn, Gould and Toint's Theorem 6.3.1. The constants are sharp: equality for Bg = beta g"
        " at every Delta >= ||g||_A/beta, and at Delta = ||g||_A/beta with A = mu^2 I in both"
        " links. Only the largest eigenvalue of B and only the upper half of Definition 1 are"
        " used. The step is along -g; the solver of the paper's experiments starts along -A^-1 g:"
        " lemma-5.pcg."
    ),
    mutants={
        "1/2 five per cent larger": _cauchy_variant(
            lambda gradient, ellipsoid, radius, beta: (
                21 * cauchy_bound(gradient, ellipsoid, radius, beta) / 20
            )
        ),
        "beta five per cent smaller": _cauchy_variant(
            lambda gradient, ellipsoid, radius, beta: cauchy_bound(
                gradient, ellipsoid, radius, 19 * beta / 20
            )
        ),
        "radius five per cent larger": _radius_times(lambda norm, length: 21 * norm / length / 20),
        "radius in the Euclidean norm": _radius_times(lambda norm, length: 1),
        "ratio of the norms inverted": _radius_times(lambda norm, length: length / norm),
        "ratio of the norms squared": _radius_times(lambda norm, length: norm**2 / length**2),
        "root of mu": _cauchy_variant(mu_of=square_root),
        "mu five per cent smaller": _cauchy_variant(mu_of=lambda mu: 19 * mu / 20),
        "beta bounds the diagonal of B alone": Mutant(assumes=_diagonal_bounded),
    },
)  # fmt: skip

# ---- Lemma 6


def eigenpoint_decrease(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any
) -> Any:
    """Model decrease of the eigenpoint, the minimiser along a direction u with ``u'Bu <= 0``.

    It lies on the boundary, ``s = -+T u`` with ``T = Delta/||u||_A`` and the sign for which
    ``g's <= 0``: the decrease is ``T |g'u| - T^2 u'Bu/2`` (Kohler et al. 2019, eq. 28).

    Parameters
    ----------
    gradient, direction : array (d,)
    hessian, ellipsoid : array (d, d)
    radius : number > 0

    >>> import numpy as np
    >>> g, u = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> float(eigenpoint_decrease(g, np.diag([1.0, -1.0]), np.eye(2), 2.0, u))
    2.0
    """
    return _along(gradient, hessian, ellipsoid, radius, direction, absolute)


def _along(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any,
    descent: Callable[[Any], Any],
) -> Any:  # fmt: skip
    square = quadratic_form(ellipsoid, direction)
    linear = descent(dot(gradient, direction)) * radius / square_root(square)
    return linear - radius * radius * quadratic_form(hessian, direction) / (2 * square)


def eigenpoint_chain(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any, nu: Any,
    smallest: Any, mu: Any,
) -> Sides:  # fmt: skip
    """``1/2 nu |lam| Delta^2/mu^2 <= 1/2 nu |lam| (||u||/||u||_A)^2 Delta^2 <= decrease``.

    Parameters
    ----------
    gradient, direction : array (d,)
        g and u.
    hessian, ellipsoid : array (d, d)
    radius, nu, mu : number > 0
    smallest : number < 0
        lam, the smallest eigenvalue of B.

    Returns
    -------
    (lhs, rhs)
        Two numbers each: the links of the chain.
    """
    return _EIGENPOINT(gradient, hessian, ellipsoid, radius, direction, nu, smallest, mu)


def _eigenpoint_variant(
    quality: Any = lambda nu: nu, size: Any = lambda mu: mu * mu, half: Any = lambda x: x / 2,
    ratio: Any = lambda x: x, area: Any = lambda radius: radius * radius, descent: Any = absolute,
) -> Callable[..., Sides]:  # fmt: skip
    """`eigenpoint_chain` with parts of the bound, or the choice of the sign, replaced."""

    def chain(
        gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any, nu: Any,
        smallest: Any, mu: Any,
    ) -> Sides:  # fmt: skip
        common = half(quality(nu) * absolute(smallest)) * area(radius)
        quotient = dot(direction, direction) / quadratic_form(ellipsoid, direction)
        bound = common * ratio(quotient)
        decrease = _along(gradient, hessian, ellipsoid, radius, direction, descent)
        return (common / size(mu), bound), (bound, decrease)

    return chain


_EIGENPOINT = _eigenpoint_variant()


def negative_curvature(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any, nu: Any,
    smallest: Any, mu: Any,
) -> bool:  # fmt: skip
    """Signs ``lam < 0 < nu <= 1``, ``u'Bu <= nu lam ||u||^2``, and `in_equivalent_norm` for u."""
    curved = quadratic_form(hessian, direction) <= nu * smallest * dot(direction, direction)
    return bool(0 < nu <= 1 and smallest < 0 and curved) and in_equivalent_norm(
        direction, ellipsoid, radius, mu
    )


def _curvature_of_any_quality(
    gradient: Any, hessian: Any, ellipsoid: Any, radius: Any, direction: Any, nu: Any,
    smallest: Any, mu: Any,
) -> bool:  # fmt: skip
    curved = quadratic_form(hessian, direction) <= 0
    return bool(0 < nu <= 1 and smallest < 0 and curved) and in_equivalent_norm(
        direction, ellipsoid, radius, mu
    )


lemma_6 = Claim(
    id="adaptive-norms/lemma-6",
    title="Model decrease of the eigenpoint",
    kind="inequality",
    statement=(
        r"Let $\lambda_{\min}(B) < 0$, $\nu \in (0, 1]$ and $u \ne 0$ with $u^\top B u \le \nu"
        r" \lambda_{\min}(B) \|u\|^2$. The minimiser $s^E$ of the model along $\pm u$ within"
        r" $\|s\|_A \le \Delta$ satisfies $m(0) - m(s^E) \ge \tfrac12 \nu |\lambda_{\min}(B)|"
        r" \big(\tfrac{\|u\|}{\|u\|_A}\big)^2 \Delta^2$, and this is at least"
        r" $\tfrac12 \nu |\lambda_{\min}(B)| \Delta^2/\mu^2$ where $\|w\|_A \le \mu \|w\|$."
    ),
    source=Source("kohler2019", item="Lemma 6", equations=("28", "30")),
    scope={"d": "d >= 1", "B": "symmetric", "A": "symmetric positive definite", "Delta": "> 0",
           "nu": "(0, 1]", "lambda": "< 0", "mu": ">= sqrt of the largest eigenvalue of A"},
    formula=eigenpoint_chain,
    assumes=negative_curvature,
    notes=(
        "Conn, Gould and Toint's Theorem 6.6.1. Sharp: equality in the second link for g'u = 0 and"
        " u'Bu = nu lam ||u||^2, and in the first where u is an eigenvector of A to mu^2. The sign"
        " of s must be chosen so that g's <= 0; any negative number serves in place of the"
        " smallest eigenvalue."
    ),
    mutants={
        "1/2 five per cent larger": _eigenpoint_variant(half=lambda x: 21 * x / 40),
        "nu dropped": _eigenpoint_variant(quality=lambda nu: 1),
        "root of nu": _eigenpoint_variant(quality=square_root),
        "mu for mu squared": _eigenpoint_variant(size=lambda mu: mu),
        "mu five per cent smaller": _eigenpoint_variant(size=lambda mu: 361 * mu * mu / 400),
        "ratio of the norms not squared": _eigenpoint_variant(ratio=square_root),
        "ratio of the norms dropped": _eigenpoint_variant(ratio=lambda x: 1),
        "Delta for Delta squared": _eigenpoint_variant(area=lambda radius: radius),
        "sign of the step not chosen": _eigenpoint_variant(descent=lambda slope: -slope),
        "curvature of any quality": Mutant(assumes=_curvature_of_any_quality),
    },
)  # fmt: skip

# ---- Yao et al., Lemma 10


def root_bound(a: Any, b: Any) -> tuple[Any, Any]:
    """``(sqrt 2 - 1) min{sqrt b, b/a} <= sqrt(a^2 + b) - a`` for a, b > 0, as (lhs, rhs).

    >>> lhs, rhs = root_bound(3.0, 16.0)
    >>> round(lhs, 12), rhs
    (1.656854249492, 2.0)
    """
    return _root_bound(a, b)


def _root_bound(a: Any, b: Any, constant: Any = None, choose: Any = minimum) -> tuple[Any, Any]:
    two = 0 * a + 2
    factor = square_root(two) - 1 if constant is None else constant
    return factor * choose(square_root(b), b / a), square_root(a * a + b) - a


yao_lemma_10 = Claim(
    id="adaptive-norms/yao-lemma-10",
    title="A lower bound of the positive root of a quadratic",
    kind="inequality",
    statement=(
        r"For $a, b > 0$: $\sqrt{a^2 + b} - a \ge (\sqrt 2 - 1) \min\{\sqrt b, b/a\}$, with"
        r" equality where $b = a^2$."
    ),
    source=Source("kohler2019", item="Lemma 10 of Yao et al. (2018), cited in Lemma 8"),
    scope={"a": "> 0", "b": "> 0"},
    formula=root_bound,
    assumes=lambda a, b: bool(a > 0 and b > 0),
    notes="The paper uses it to turn the root of its quadratic in Delta into a minimum of powers.",
    mutants={
        "0.42 for sqrt 2 - 1": lambda a, b: _root_bound(a, b, (0 * a + 21) / 50),
        "root of b alone": lambda a, b: _root_bound(a, b, choose=lambda x, y: x),
        "b/a alone": lambda a, b: _root_bound(a, b, choose=lambda x, y: y),
        "maximum for minimum": lambda a, b: _root_bound(a, b, choose=maximum),
        "mean for minimum": lambda a, b: _root_bound(a, b, choose=lambda x, y: (x + y) / 2),
    },
)
