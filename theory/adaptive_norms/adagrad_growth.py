"""Adagrad's ellipsoids are not uniformly equivalent: an explicit sequence of bounded gradients."""

from __future__ import annotations

from typing import Any

from theory.adaptive_norms.preconditioners import accumulated_products, adagrad_form, rmsprop_form
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Source


def sampled_gradient(position: Any, sample: Any) -> Any:
    """Gradient at w of the term ``(w - a)^2/2`` of ``f(w) = (1/2)[(w-1)^2/2 + (w+1)^2/2]``.

    The two terms have a = 1 and a = -1; at the minimiser w = 0 their gradients are -1 and +1.
    """
    return position - sample


def full_objective(position: Any) -> Any:
    """``f(w) = (1/2)[(w-1)^2/2 + (w+1)^2/2]``, smallest at w = 0."""
    return ((position - 1) ** 2 / 2 + (position + 1) ** 2 / 2) / 2


def adagrad_growth(gradients: Any, eps: Any) -> tuple[Any, Any]:
    """``g'A_t g = ((t+1) ||g||^2 + eps) ||g||^2`` for Adagrad's matrix of gradients +-g.

    Parameters
    ----------
    gradients : array (t+1, d)
        Each is g or -g.
    eps : number

    Returns
    -------
    (lhs, rhs)
    """
    return _growth(adagrad_form(gradients, eps), gradients, gradients.shape[0], eps)


def equal_up_to_sign(gradients: Any, eps: Any) -> bool:
    """Every gradient is g or -g, and eps > 0."""
    last = gradients[-1]
    return bool(eps > 0) and all(
        bool((row == last).all() or (row == -last).all()) for row in gradients
    )


def _growth(matrix: Any, gradients: Any, count: Any, eps: Any) -> tuple[Any, Any]:
    last = gradients[-1]
    square = dot(last, last)
    return quadratic_form(matrix, last), (count * square + eps) * square


def _averaged(gradients: Any, eps: Any) -> tuple[Any, Any]:
    count, last = gradients.shape[0], gradients[-1]
    form = quadratic_form(accumulated_products(gradients, 1, 1), last) / count
    square = dot(last, last)
    return form + eps * square, (count * square + eps) * square


adagrad_not_equivalent = Claim(
    id="adaptive-norms/adagrad-not-equivalent",
    title="Adagrad's ellipsoids are not uniformly equivalent",
    kind="identity",
    statement=(
        r"If every gradient is $g$ or $-g$, Adagrad's matrix satisfies $g^\top A_t g = ((t+1)"
        r" \|g\|^2 + \varepsilon) \|g\|^2$ for every $t$. So for $f(w) = \tfrac12"
        r" [\tfrac12 (w-1)^2 + \tfrac12 (w+1)^2]$ at its minimiser $w_t = 0$, with one term sampled"
        r" in each step, $A_t = t + 1 + \varepsilon$: the gradients are bounded by 1, and"
        r" Definition 1 fails for every $\mu$ once $t \ge \mu^2$."
    ),
    source=Source("kohler2019", item="remark after Lemma 2"),
    scope={"d": "d >= 1", "t": "t >= 0", "eps": "> 0"},
    formula=adagrad_growth,
    assumes=equal_up_to_sign,
    notes=(
        "The paper says that similar results cannot be established for Adagrad; this is an explicit"
        " sequence. It is an effect of sampling noise that does not vanish: the gradient of f is 0."
        " With exact function values a trust-region method stays at w = 0, since every step is"
        " rejected. Wherever the iterates go instead, E (w_t - a_t)^2 = 1 + E w_t^2, so that the"
        " expectation of A_t grows at least as fast."
    ),
    mutants={
        "t for t + 1": lambda gradients, eps: _growth(
            adagrad_form(gradients, eps), gradients, gradients.shape[0] - 1, eps
        ),
        "growth two per cent slower": lambda gradients, eps: _growth(
            adagrad_form(99 * gradients / 100, eps), gradients, gradients.shape[0], eps
        ),
        "averaged in place of summed": _averaged,
        "RMSProp's matrix": lambda gradients, eps: _growth(
            rmsprop_form(gradients, eps / (1 + eps), eps), gradients, gradients.shape[0], eps
        ),
    },
)
