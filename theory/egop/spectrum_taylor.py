"""Lemma 11: the EGOP is that of the quadratic model at a stationary point, up to an error.

The six arguments of a *problem* are those of `theory.egop.gain_bounds`: a law of equally likely
points, the gradients there, Hessian and stationary point, c, and the Hessian's Lipschitz constant.
``A = Hess (c^2 I + theta* theta*') Hess`` at the stationary point ``theta*``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Source
from theory.egop.eigenvalues import eigenvalue
from theory.egop.gain_bounds import (
    bounds_norm,
    is_problem,
    moment_matrix,
    outer_product_error,
    quadratic_moment_matrix,
    root_error,
)

PAPER = "depavia2025"
Sides = tuple[tuple[Any, ...], tuple[Any, ...]]
Error = Callable[..., Any]

# ---- Lemma 11


def taylor_error(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, direction: Any,
    gradients: Any, hessian: Any,
) -> Sides:  # fmt: skip
    r"""``c^2 Hess^2 <= A <= kappa^2 Hess^2`` and ``-e_A I <= EGOP - A <= e_A I``, along w.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`); ``kappa^2 = c^2 + ||theta*||^2``.
    norm : number
        ``||Hess f(theta*)||``, or an upper bound of it.
    direction : array (d,)
        w; four inequalities between quadratic forms.

    Returns
    -------
    (lhs, rhs)
    """
    error = outer_product_error(points, minimizer, norm, lipschitz)
    return _taylor(error, gradients, hessian, minimizer, c, direction)


def _taylor(
    error: Any, gradients: Any, hessian: Any, minimizer: Any, c: Any, w: Any,
    low: Any = None, high: Any = None,
) -> Sides:  # fmt: skip
    model = quadratic_form(quadratic_moment_matrix(hessian, minimizer, c), w)
    excess = quadratic_form(moment_matrix(gradients), w) - model
    pushed = hessian @ w
    square, room = dot(pushed, pushed), error * dot(w, w)
    low = c * c if low is None else low
    high = c * c + dot(minimizer, minimizer) if high is None else high
    return (low * square, model, excess, -excess), (model, high * square, room, room)


def has_norm(*, norm: Any, direction: Any, **problem: Any) -> bool:
    """Assumptions 1 and 2, theta* stationary, and ``||Hess f(theta*)|| <= norm``."""
    return bounds_norm(norm, problem["hessian"]) and is_problem(**problem)


def _lemma_11_variant(error: Error = outer_product_error, ends: Error | None = None) -> Error:
    def sides(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, direction: Any,
        gradients: Any, hessian: Any,
    ) -> Sides:  # fmt: skip
        found = error(points, minimizer, norm, lipschitz)
        low, high = ends(minimizer, c) if ends else (None, None)
        return _taylor(found, gradients, hessian, minimizer, c, direction, low, high)

    return sides


def _parts(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> tuple[Any, Any]:
    fourth = root_error(points, minimizer, lipschitz) ** 2
    return outer_product_error(points, minimizer, norm, lipschitz) - fourth, fourth


def _shrunk(third_share: int, fourth_share: int) -> Error:
    def error(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> Any:
        third, fourth = _parts(points, minimizer, norm, lipschitz)
        return (third_share * third + fourth_share * fourth) / 25

    return error


def _second_moments(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> Any:
    squares = dot(points - minimizer, points - minimizer)
    return (lipschitz * norm + lipschitz * lipschitz / 4) * arrays.mean(squares)


def _variant_without_square(**arguments: Any) -> Sides:
    lhs, rhs = taylor_error(**arguments)
    pushed = quadratic_form(arguments["hessian"], arguments["direction"])
    return (arguments["c"] ** 2 * pushed, *lhs[1:]), rhs


lemma_11 = Claim(
    id="egop/lemma-11",
    title="The EGOP is that of the quadratic model, up to the Hessian's Lipschitz constant",
    kind="inequality",
    statement=(
        r"Let $\mathbb{E}\theta = 0$, $\mathbb{E}\theta\theta^\top = c^2 I$,"
        r" $\nabla f(\theta_*) = 0$, $H_* = \nabla^2 f(\theta_*)$, $\nabla^2 f$ be $H$-Lipschitz,"
        r" $M_k = \mathbb{E}\|\theta - \theta_*\|^k$ and"
        r" $A = H_*(c^2 I + \theta_*\theta_*^\top)H_*$. Then"
        r" $c^2 H_*^2 \preceq A \preceq (c^2 + \|\theta_*\|^2) H_*^2$ and"
        r" $\|\mathrm{EGOP} - A\| \le H\|H_*\| M_3 + \tfrac14 H^2 M_4$."
    ),
    source=Source(PAPER, item="Lemma 11"),
    scope={
        "d": ">= 1",
        "law": "centred, isotropic, with a fourth moment",
        "H": ">= 0",
        "w": "any direction",
    },
    formula=taylor_error,
    assumes=has_norm,
    notes=(
        "The constants are derived here; the paper leaves the fourth moment unsaid, which has to be"
        " finite. Attained in one dimension by a gradient h x + (H/2) x|x| at two points. Only"
        " EGOP - A <= e_A is tight: from below, EGOP - A >= -H ||H*|| M_3. Neither H* >= 0 nor"
        " ||theta*|| <= c is used."
    ),
    mutants={
        "third moment four per cent smaller": _lemma_11_variant(_shrunk(24, 25)),
        "fourth moment four per cent smaller": _lemma_11_variant(_shrunk(25, 24)),
        "second moments in place of third and fourth": _lemma_11_variant(_second_moments),
        "theta* forgotten in the upper end": _lemma_11_variant(
            ends=lambda minimizer, c: (c * c, c * c)
        ),
        "upper end four per cent smaller": _lemma_11_variant(
            ends=lambda minimizer, c: (c * c, 24 * (c * c + dot(minimizer, minimizer)) / 25)
        ),
        "c in place of its square": _lemma_11_variant(
            ends=lambda minimizer, c: (c, c * c + dot(minimizer, minimizer))
        ),
        "Hessian in place of its square": _variant_without_square,
    },
)


# ---- the same at the scale of roots


def root_scale_sides(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, gradients: Any, hessian: Any,
    direction: Any, slack: Any, least: Any, k: Any,
) -> Sides:  # fmt: skip
    r"""``|sqrt(lam_k(EGOP)) - sqrt(lam_k(A))| <= e_M``, and the EGOP between multiples of A.

    ``(1-e') A - (1/e' - 1) e_M^2 I <= EGOP <= (1+e) A + (1 + 1/e) e_M^2 I`` along w.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`); ``e_M = (H/2) sqrt(M_4)``.
    direction : array (d,)
        w.
    slack : number > 0
        e.
    least : number in (0, 1]
        e'.
    k : int
        Position of the eigenvalues, 1 <= k <= d.

    Returns
    -------
    (lhs, rhs)
        Four inequalities.
    """
    error = root_error(points, minimizer, lipschitz)
    return _root_scale(error, gradients, hessian, minimizer, c, direction, slack, least, k)


def _root_scale(
    error: Any, gradients: Any, hessian: Any, minimizer: Any, c: Any, w: Any, slack: Any,
    least: Any, k: Any, powers: Callable[[Any], Any] = arrays.square_root,
    above: Error | None = None, below: Error | None = None,
) -> Sides:  # fmt: skip
    egop = moment_matrix(gradients)
    model = quadratic_moment_matrix(hessian, minimizer, c)
    own, other = powers(eigenvalue(egop, k)), powers(eigenvalue(model, k))
    form, bare, length = quadratic_form(egop, w), quadratic_form(model, w), dot(w, w)
    upper = above or (lambda e: 1 + 1 / e)
    lower = below or (lambda e: 1 / e - 1)
    room, loss = upper(slack) * error * error, lower(least) * error * error
    return (own, other, form, (1 - least) * bare), (
        other + error, own + error, (1 + slack) * bare + room * length, form + loss * length
    )  # fmt: skip


def has_position(*, direction: Any, slack: Any, least: Any, k: Any, **problem: Any) -> bool:
    """Assumptions 1 and 2, theta* stationary, ``e > 0``, ``0 < e' <= 1`` and ``1 <= k <= d``."""
    return (
        bool(slack > 0 and 0 < least <= 1)
        and 1 <= k <= len(problem["hessian"])
        and is_problem(**problem)
    )


def _root_variant(error: Error = root_error, **changes: Any) -> Error:
    def sides(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, gradients: Any, hessian: Any,
        direction: Any, slack: Any, least: Any, k: Any,
    ) -> Sides:  # fmt: skip
        found = error(points, minimizer, lipschitz)
        return _root_scale(
            found, gradients, hessian, minimizer, c, direction, slack, least, k, **changes
        )

    return sides


lemma_11_root_scale = Claim(
    id="egop/lemma-11.root-scale",
    title="Roots of the EGOP's eigenvalues move by half the Lipschitz constant at most",
    kind="inequality",
    statement=(
        r"In the setting of Lemma 11 let $e_M = \tfrac12 H\sqrt{M_4}$. Then"
        r" $|\sqrt{\lambda_k(\mathrm{EGOP})} - \sqrt{\lambda_k(A)}| \le e_M$ for every $k$;"
        r" $\mathrm{EGOP} \preceq (1+e) A + (1 + 1/e) e_M^2 I$ for every $e > 0$ and"
        r" $(1-e) A - (1/e - 1) e_M^2 I \preceq \mathrm{EGOP}$ for $0 < e \le 1$."
    ),
    source=Source(PAPER, item="beyond"),
    scope={
        "d": ">= 1",
        "law": "centred, isotropic, with a fourth moment",
        "H": ">= 0",
        "e": "> 0, in (0, 1] below",
        "k": "1 <= k <= d",
        "w": "any direction",
    },
    formula=root_scale_sides,
    assumes=has_position,
    sharpens="egop/lemma-11",
    notes=(
        "||w'grad f|| in L2 of the law is a seminorm: no product of the Hessian with the error"
        " appears, and small eigenvalues keep their relative accuracy. All four are attained in"
        " one dimension, by h x +- (H/2) x|x| at two points and e = e_M/sqrt(A)."
    ),
    mutants={
        "error four per cent smaller": _root_variant(
            lambda points, minimizer, lipschitz: 24 * root_error(points, minimizer, lipschitz) / 25
        ),
        "H/4 in place of H/2": _root_variant(
            lambda points, minimizer, lipschitz: root_error(points, minimizer, lipschitz) / 2
        ),
        "eigenvalues in place of their roots": _root_variant(powers=lambda value: value),
        "1/e in place of 1 + 1/e above": _root_variant(above=lambda e: 1 / e),
        "1/e - 2 in place of 1/e - 1 below": _root_variant(below=lambda e: 1 / e - 2),
    },
)
