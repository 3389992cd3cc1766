"""Lemma 2 with the best scaling, with Adam's bias correction, and for diagonal matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.adaptive_norms.preconditioners import accumulated_squares, adam_form, rmsprop_form
from theory.adaptive_norms.uniform_equivalence import (
    Sides,
    entries_bounded,
    norm_bounds,
    norms_bounded,
)
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source

# ---- the best scaling


def scaled_bounds(
    gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any, scale: Any, constant: Any
) -> Sides:
    """Definition 1, squared, for ``c A_t`` with ``c = (eps (G^2 + eps))^(-1/2)``; its optimality.

    ``||w||^2 <= mu^2 w'(c A_t)w``, ``w'(c A_t)w <= mu^2 ||w||^2`` with ``mu^4 = 1 + G^2/eps``, and
    ``mu^4 <= constant^4`` for every constant that serves ``scale A`` for A with the eigenvalues
    eps and ``G^2 + eps``.

    Parameters
    ----------
    gradients : array (t+1, d)
    beta, eps, bound : number
    vector : array (d,)
    scale, constant : number
        Another scaling and a constant for it.

    Returns
    -------
    (lhs, rhs)
        Three numbers each.
    """
    return _scaled(gradients, beta, eps, vector, constant, best_scale(bound, eps),
                   _condition(bound, eps))  # fmt: skip


def best_scale(bound: Any, eps: Any) -> Any:
    """``c = (eps (G^2 + eps))^(-1/2)``: the spectrum of c A_t lies in [1/mu^2, mu^2]."""
    return 1 / arrays.square_root(eps * (bound * bound + eps))


def _condition(bound: Any, eps: Any) -> Any:
    return 1 + bound * bound / eps


def _scaled(gradients: Any, beta: Any, eps: Any, vector: Any, constant: Any, scale: Any,
            fourth_power: Any) -> Sides:  # fmt: skip
    matrix = scale * rmsprop_form(gradients, beta, eps)
    lhs, rhs = norm_bounds(matrix, arrays.square_root(fourth_power), vector)
    return (*lhs, fourth_power), (*rhs, constant**4)


def serves_the_extremal_matrix(
    gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any, scale: Any, constant: Any
) -> bool:
    """`norms_bounded`, scale > 0, and 1/constant^2 <= scale eps, scale (G^2 + eps) <= constant^2.

    The extremal matrix has exactly the eigenvalues eps and G^2 + eps: beta = 0, d >= 2 and a
    gradient of norm G.
    """
    square = constant * constant
    serves = bool(
        scale > 0 and scale * (bound * bound + eps) <= square and square * scale * eps >= 1
    )
    return serves and norms_bounded(gradients, beta, eps, bound, vector)


def _scaled_variant(scale: Any = best_scale, fourth_power: Any = _condition) -> Any:
    def bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any, constant: Any,
               **other: Any) -> Sides:  # fmt: skip
        return _scaled(gradients, beta, eps, vector, constant, scale(bound, eps),
                       fourth_power(bound, eps))  # fmt: skip

    return bounds


optimal_scaling = Claim(
    id="adaptive-norms/lemma-2.optimal-scaling",
    title="After the best scaling the constant is the fourth root of the condition number",
    kind="inequality",
    statement=(
        r"Let $\|g_t\| \le G$ for all $t$, $0 \le \beta < 1$, $\varepsilon > 0$,"
        r" $c = (\varepsilon (G^2 + \varepsilon))^{-1/2}$ and $\mu = (1 + G^2/\varepsilon)^{1/4}$."
        r" Then $\|w\|^2 \le \mu^2 \|w\|_{cA_t}^2$ and $\|w\|_{cA_t}^2 \le \mu^2 \|w\|^2$ for all"
        r" $t$ and $w$. No other scaling has a smaller constant: for $d \ge 2$ some $A_t$ has the"
        r" eigenvalues $\varepsilon$ and $G^2 + \varepsilon$, and a constant that serves"
        r" $c' A_t$, $c' > 0$, is at least $\mu$."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1 (optimality: d >= 2, or one scale for all t)", "t": "t >= 0",
           "beta": "[0, 1) (optimality attained at beta = 0)", "G": ">= 0", "eps": "> 0"},
    formula=scaled_bounds,
    assumes=serves_the_extremal_matrix,
    notes=(
        "(A, Delta) and (cA, sqrt(c) Delta) are the same trust region, so that only the condition"
        " number counts. eps = 1e-8 and G = 1: mu = 100 in place of 1e4. For the matrix A^{1/2} of"
        " Corollary 1 every eigenvalue is replaced by its root, and mu by its root."
    ),
    sharpens="adaptive-norms/lemma-2",
    mutants={
        "not scaled": _scaled_variant(scale=lambda bound, eps: 1),
        "scaled by the largest eigenvalue": _scaled_variant(
            scale=lambda bound, eps: 1 / (bound * bound + eps)
        ),
        "constant one per cent smaller": _scaled_variant(
            fourth_power=lambda bound, eps: 96 * _condition(bound, eps) / 100
        ),
        "constant one per cent larger claimed optimal": _scaled_variant(
            fourth_power=lambda bound, eps: 104 * _condition(bound, eps) / 100
        ),
        "exponent 1/8 for 1/4": _scaled_variant(
            fourth_power=lambda bound, eps: arrays.square_root(_condition(bound, eps))
        ),
        "G for G squared": _scaled_variant(fourth_power=lambda bound, eps: 1 + bound / eps),
    },
)  # fmt: skip

# ---- Adam's bias correction


def bias_corrected_bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
    """``eps ||w||^2 <= w'(V_t/(1 - beta^(t+1)) + eps I)w <= (G^2 + eps) ||w||^2``.

    Parameters
    ----------
    gradients : array (t+1, d)
    beta, eps, bound : number
    vector : array (d,)

    Returns
    -------
    (lhs, rhs)
        Two numbers each.
    """
    matrix = adam_form(gradients, beta, eps)
    return _between(quadratic_form(matrix, vector), eps, bound * bound + eps, vector)


def _between(form: Any, low: Any, high: Any, vector: Any) -> Sides:
    square = dot(vector, vector)
    return (low * square, form), (form, high * square)


def _bias_variant(low: Any = lambda eps: eps, high: Any = None, correction: Any = None) -> Any:
    def bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
        count = gradients.shape[0]
        divisor = None if correction is None else correction(beta, count)
        form = quadratic_form(adam_form(gradients, beta, eps, divisor), vector)
        largest = bound * bound if high is None else high(beta, bound, count)
        return _between(form, low(eps), largest + eps, vector)

    return bounds


bias_corrected = Claim(
    id="adaptive-norms/lemma-2.bias-corrected",
    title="Adam's bias correction keeps the bound on the spectrum",
    kind="inequality",
    statement=(
        r"Let $\|g_t\| \le G$ for all $t$, $0 \le \beta < 1$, $\varepsilon > 0$. Then"
        r" $\hat A_t = V_t/(1 - \beta^{t+1}) + \varepsilon I$ satisfies $\varepsilon \|w\|^2 \le"
        r" w^\top \hat A_t w \le (G^2 + \varepsilon) \|w\|^2$ for all $t$ and $w$, so that every"
        r" constant of Lemma 2 holds for it."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "t": "t >= 0", "beta": "[0, 1)", "G": ">= 0", "eps": "> 0"},
    formula=bias_corrected_bounds,
    assumes=norms_bounded,
    notes=(
        "Both ends are attained at every t, for every beta: by the constant sequence of gradients"
        " of norm G, along it and across it."
    ),
    sharpens="adaptive-norms/lemma-2",
    mutants={
        "corrected by 1 - beta": _bias_variant(correction=lambda beta, count: 1 - beta),
        "corrected by 1 - beta^t": _bias_variant(
            correction=lambda beta, count: 1 - beta ** (count - 1)
        ),
        "bound of the uncorrected matrix": _bias_variant(
            high=lambda beta, bound, count: (1 - beta**count) * bound * bound
        ),
        "upper end two per cent smaller": _bias_variant(
            high=lambda beta, bound, count: 49 * bound * bound / 50
        ),
        "lower end two per cent larger": _bias_variant(low=lambda eps: 51 * eps / 50),
        "gradients bounded entrywise": Mutant(assumes=entries_bounded),
    },
)

# ---- the diagonal variant


def diagonal_bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
    """Spectral bounds of the diagonal matrix of RMSProp.

    ``eps ||w||^2 <= sum_i (v_i + eps) w_i^2 <= ((1 - beta^(t+1)) G_inf^2 + eps) ||w||^2``.

    Parameters
    ----------
    gradients : array (t+1, d)
    beta, eps : number
    bound : number
        G_inf, a bound on the absolute entries of the gradients.
    vector : array (d,)

    Returns
    -------
    (lhs, rhs)
        Two numbers each.
    """
    return _diagonal_variant()(gradients, beta, eps, bound, vector)


def _diagonal_variant(
    low: Any = lambda eps: eps, high: Any = None, full: bool = False
) -> Callable[..., Sides]:
    def bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
        count = gradients.shape[0]
        squares = accumulated_squares(gradients, beta, 1 - beta)
        form = quadratic_form(squares, vector) + eps * dot(vector, vector)
        if full:
            form = quadratic_form(rmsprop_form(gradients, beta, eps), vector)
        largest = (1 - beta**count) * bound * bound if high is None else high(beta, bound, count)
        return _between(form, low(eps), largest + eps, vector)

    return bounds


diagonal_variant = Claim(
    id="adaptive-norms/lemma-2.diagonal",
    title="The diagonal matrix of RMSProp needs only a bound on the entries",
    kind="inequality",
    statement=(
        r"Let $|g_{t,i}| \le G_\infty$ for all $t$ and $i$, $0 \le \beta < 1$, $\varepsilon > 0$."
        r" Then the diagonal $v_t + \varepsilon$ of RMSProp's matrix satisfies $\varepsilon \|w\|^2"
        r" \le \sum_i (v_{t,i} + \varepsilon) w_i^2 \le ((1 - \beta^{t+1}) G_\infty^2 +"
        r" \varepsilon) \|w\|^2$ for all $t$ and $w$."
    ),
    source=Source("kohler2019", item="Lemma 2 / 4"),
    scope={"d": "d >= 1", "t": "t >= 0", "beta": "[0, 1)", "G_inf": ">= 0", "eps": "> 0"},
    formula=diagonal_bounds,
    assumes=entries_bounded,
    notes=(
        "The paper says that its proof extends to the diagonal. The entry bound replaces the norm"
        " bound, which gains up to a factor d in G^2; the full matrix does not obey it."
    ),
    sharpens="adaptive-norms/lemma-2",
    mutants={
        "G for G squared": _diagonal_variant(
            high=lambda beta, bound, count: (1 - beta**count) * bound
        ),
        "b^t for b^(t+1)": _diagonal_variant(
            high=lambda beta, bound, count: (1 - beta ** (count - 1)) * bound * bound
        ),
        "upper end two per cent smaller": _diagonal_variant(
            high=lambda beta, bound, count: 49 * (1 - beta**count) * bound * bound / 50
        ),
        "lower end two per cent larger": _diagonal_variant(low=lambda eps: 51 * eps / 50),
        "the full matrix": _diagonal_variant(full=True),
    },
)
