r"""The Hessian of a piecewise linear network and its Gauss-Newton part: where they differ.

On the linear piece of a point the network is :math:`f = W_L D_{L-1} W_{L-1} \cdots D_1 W_1 x` with
diagonal slopes D: ReLU has :math:`D = \mathrm{diag}(1[\cdot > 0])`, a linear activation D = I. The
loss enters through its gradient and Hessian at the output (Kohler et al. 2019, appendix G,
eq. 54).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from theory.arrays import dot, quadratic_form
from theory.core import Claim, Source

Layers = Sequence[Any]


def output(weights: Layers, slopes: Layers, sample: Any) -> Any:
    """``W_L D_{L-1} W_{L-1} ... D_1 W_1 x``.

    Parameters
    ----------
    weights : sequence of L arrays (d_a, d_{a-1})
    slopes : sequence of at least L - 1 arrays (d_a,)
        Diagonals of D_a; on symbols, diagonal matrices.
    sample : array (d_0,)

    Returns
    -------
    array (d_L,)
    """
    values = weights[0] @ sample
    for matrix, slope in zip(weights[1:], slopes, strict=False):
        values = matrix @ _scaled(slope, values)
    return values


def relu_slopes(weights: Layers, sample: Any) -> list[Any]:
    """The slopes D_1, ..., D_{L-1} of a ReLU network at x: 1 where the unit is active, else 0.

    Parameters
    ----------
    weights : sequence of L float arrays (d_a, d_{a-1})
    sample : array (d_0,)

    Returns
    -------
    list of L - 1 arrays (d_a,)
    """
    slopes: list[Any] = []
    for depth in range(1, len(weights)):
        slopes.append(1.0 * (output(weights[:depth], slopes, sample) > 0))
    return slopes


def second_derivative(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> Any:
    """``v'Hv``: second derivative at t = 0 of the loss along ``W_a + t V_a``, slopes fixed.

    The loss is ``l(f) = c'(f - f_0) + (f - f_0)'C(f - f_0)/2``, so that the function of t is a
    polynomial of degree 2L, and its second difference on 2L + 1 nodes is exact.

    Parameters
    ----------
    weights, slopes, sample
        As in `output`.
    directions : sequence of L arrays (d_a, d_{a-1})
        V_a, the components of v.
    gradient : array (d_L,)
        c, the gradient of the loss at the output.
    curvature : array (d_L, d_L)
        C, the Hessian of the loss at the output.

    Returns
    -------
    number
    """
    base = output(weights, slopes, sample)

    def loss(t: int) -> Any:
        moved = [W + t * V for W, V in zip(weights, directions, strict=True)]
        change = output(moved, slopes, sample) - base
        return dot(gradient, change) + quadratic_form(curvature, change) / 2

    # the node t = 0, where the loss is 0, has no term
    nodes = [t for t in range(-len(weights), len(weights) + 1) if t]
    return sum(stencil_weight(len(weights), t) * loss(t) for t in nodes)


def stencil_weight(order: int, node: int) -> Fraction:
    """Weight of the node t != 0 in the second difference on ``-L, ..., L``, exact to degree 2L.

    ``2 (-1)^(t+1) (L!)^2 / (t^2 (L-t)! (L+t)!)``.

    >>> [str(stencil_weight(2, t)) for t in (1, 2)]
    ['4/3', '-1/12']
    """
    t = abs(node)
    sign = 1 if t % 2 else -1
    below = t * t * math.factorial(order - t) * math.factorial(order + t)
    return Fraction(2 * sign * math.factorial(order) ** 2, below)


def gauss_newton_form(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> Any:
    """``v'J'CJv``, the form of the generalized Gauss-Newton matrix (first term of eq. 54).

    Parameters as in `second_derivative`; the gradient of the loss has no part in it.
    """
    tangents = [
        output(_replaced(weights, directions, (a,)), slopes, sample) for a in range(len(weights))
    ]
    return quadratic_form(curvature, sum(tangents[1:], tangents[0]))


def cross_terms(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> Any:
    """``2 sum_{a<b} c'f_ab``, f_ab the output with V_a, V_b for W_a, W_b (second term of eq. 54).

    Parameters as in `second_derivative`; the curvature of the loss has no part in it. 0 for L = 1.
    """
    pairs = combinations(range(len(weights)), 2)
    return 2 * _pair_sum(pairs, weights, slopes, sample, directions, gradient)


def _pair_sum(
    pairs: Any, weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any
) -> Any:
    outputs = (output(_replaced(weights, directions, pair), slopes, sample) for pair in pairs)
    return sum(dot(gradient, each) for each in outputs)


def _replaced(weights: Layers, directions: Layers, layers: Sequence[int]) -> list[Any]:
    return [directions[a] if a in layers else weights[a] for a in range(len(weights))]


def _scaled(slope: Any, values: Any) -> Any:
    return slope * values if getattr(slope, "ndim", None) == 1 else slope @ values


def curvature_split(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> tuple[Any, Any]:
    """``v'Hv = v'J'CJv + 2 sum_{a<b} c'f_ab``; parameters as in `second_derivative`.

    Returns
    -------
    (lhs, rhs)
    """
    arguments = (weights, slopes, sample, directions, gradient, curvature)
    return second_derivative(*arguments), gauss_newton_form(*arguments) + cross_terms(*arguments)


def _with_cross_terms(cross: Any) -> Any:
    """The split with other cross terms."""

    def split(weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any,
              curvature: Any) -> tuple[Any, Any]:  # fmt: skip
        arguments = (weights, slopes, sample, directions, gradient, curvature)
        return second_derivative(*arguments), gauss_newton_form(*arguments) + cross(*arguments)

    return split


def _neighbours_only(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> Any:
    pairs = ((a, a + 1) for a in range(len(weights) - 1))
    return 2 * _pair_sum(pairs, weights, slopes, sample, directions, gradient)


def _every_unit_active(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> Any:
    ones = [slope * 0 + 1 if hasattr(slope, "ndim") else slope.identity() for slope in slopes]
    return cross_terms(weights, ones, sample, directions, gradient, curvature)


def _without_loss_curvature(
    weights: Layers, slopes: Layers, sample: Any, directions: Layers, gradient: Any, curvature: Any
) -> tuple[Any, Any]:
    arguments = (weights, slopes, sample, directions, gradient)
    plain = gauss_newton_form(*arguments, curvature.identity() if hasattr(curvature, "identity")
                              else curvature[0] * 0 + 1)  # fmt: skip
    return second_derivative(*arguments, curvature), plain + cross_terms(*arguments, curvature)


relu_ggn_is_not_the_hessian = Claim(
    id="adaptive-norms/relu-ggn-is-not-the-hessian",
    title="With ReLU or linear activations the Gauss-Newton matrix is not the Hessian",
    kind="identity",
    statement=(
        r"Let $f = W_L D_{L-1} \cdots D_1 W_1 x$ on the linear piece of a point ($L \le 3$, $D_a$"
        r" the diagonal slopes: ReLU, leaky ReLU, linear), $c$ and $C$ gradient and Hessian of the"
        r" loss at the output, $J$ the Jacobian of $f$ in all weights. For every direction"
        r" $v = (V_1, \dots, V_L)$:"
        r" $v^\top H v = v^\top J^\top C J v + 2 \sum_{a<b} c^\top f_{ab}$, where $f_{ab}$ is the"
        r" output with $V_a, V_b$ in the places of $W_a, W_b$; for $L = 2$ the last term is"
        r" $2 c^\top V_2 D_1 V_1 x$. So one linear layer has $H = J^\top C J$ for every loss, and"
        r" two layers have it only if $c = 0$, $D_1 = 0$ or $x = 0$: else $H - J^\top C J$ is"
        r" indefinite."
    ),
    source=Source("kohler2019", item="appendix G remark", equations=("54",)),
    scope={
        "L": "1, 2, 3 layers of any widths, any number of outputs",
        "D": "any diagonal slopes (ReLU: 0 or 1; linear: 1)",
        "loss": "any, by its gradient c and Hessian C at the output",
    },
    formula=curvature_split,
    notes=(
        "The paper says that both matrices coincide for linear and ReLU activations 'or non-curved"
        " loss functions'. Piecewise linear in each layer is not linear in all of them: two layers"
        " leave cross terms. A loss without curvature (C = 0) has the Gauss-Newton matrix 0, not"
        " the Hessian. What is true: the diagonal blocks (one layer's weights, the others fixed)"
        " coincide; all of it coincides for one layer, and where c = 0 (zero residual)."
    ),
    mutants={
        "the remark: no cross terms": _with_cross_terms(lambda *arguments: 0),
        "cross terms once": _with_cross_terms(lambda *arguments: cross_terms(*arguments) / 2),
        "cross terms subtracted": _with_cross_terms(lambda *arguments: -cross_terms(*arguments)),
        "neighbouring layers only": _with_cross_terms(_neighbours_only),
        "cross terms as if every unit were active": _with_cross_terms(_every_unit_active),
        "Gauss-Newton matrix without the loss's curvature": _without_loss_curvature,
    },
)
