r"""Auxiliary lemmas: batch noise (31), truncated averages (32), perturbed quotients (33)."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrays import absolute, maximum, outer, square_root
from theory.core import Claim, Mutant, Source
from theory.scalars import own_method, scalar_power

Array = Any


def deviation_level(d: Any, steps: Any, sigma: Any) -> Any:
    r"""Level :math:`K = \sigma\sqrt{Td(d^2+d)}` that no entry of the batch noise passes.

    With probability at least 1 - 1/d, over T steps with d^2 + d entries of standard deviation at
    most sigma each: Chebyshev's inequality and the union bound.
    """
    return sigma * square_root(steps * d * (d * d + d))


def lemma_31_bounds(d: Any, steps: Any, sigma: Any, first: Any, second: Any) -> tuple[Any, Any]:
    r"""Bounds of the gradients' deviations, :math:`M_2(d^2M_1M_2+1)K` and
    :math:`dM_1(d^2M_1M_2+1)K`.

    Parameters
    ----------
    first, second : M1 = max |W_ij| and M2 = max |w_i|
    """  # noqa: D205
    noise = (d * d * first * second + 1) * deviation_level(d, steps, sigma)
    return second * noise, d * first * noise


def lemma_31_sides(d: Any, steps: Any, sigma: Any, w: Array, W: Array, covariance: Array,
                   target: Array) -> tuple[Array, Array]:  # fmt: skip
    r"""Largest deviations of both gradients from those of all data, and their bounds.

    The batch has covariance I + `covariance` and target A + `target`, so that the gradients
    deviate by :math:`w\,\delta` and :math:`W\delta'` with
    :math:`\delta = w'W\,\Delta\Lambda - \Delta A`.

    Parameters
    ----------
    d, steps : int
    sigma : standard deviation of an entry of the noise
    w : (d,)
    W, covariance : (d, d)
    target : (d,)
        A symbol with its own ``deviations()`` in place of w answers for itself.

    Returns
    -------
    lhs, rhs : (2,)
    """
    return _lemma_31(lemma_31_bounds, d, steps, sigma, w, W, covariance, target)


def _lemma_31(bounds: Callable[..., tuple[Any, Any]], d: Any, steps: Any, sigma: Any, w: Array,
              W: Array, covariance: Array, target: Array) -> tuple[Array, Array]:  # fmt: skip
    own = own_method(w, "deviations")
    if own:
        deviations, first, second = own()
    else:
        noise = (w @ W) @ covariance - target
        deviations = [_largest(outer(w, noise)), _largest(W @ noise)]
        first, second = _largest(W), _largest(w)
    rhs = bounds(d, steps, sigma, first, second)
    return np.asarray(deviations, dtype=object), np.asarray(rhs, dtype=object)


def _largest(array: Array) -> Any:
    return max(absolute(array).reshape(-1))


def _noise_within_level(d: Any, steps: Any, sigma: Any, w: Array, W: Array, covariance: Array,
                        target: Array) -> bool:  # fmt: skip
    """No entry beyond K, compared without the root."""
    square = sigma * sigma * steps * d * (d * d + d)
    return all(bool(entry * entry <= square)
               for entry in [*covariance.reshape(-1), *target.reshape(-1)])  # fmt: skip


def _other_bounds(change: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    def bounds(d: Any, steps: Any, sigma: Any, first: Any, second: Any) -> tuple[Any, Any]:
        return change(d, first, second, deviation_level(d, steps, sigma))

    def sides(d: Any, steps: Any, sigma: Any, w: Array, W: Array, covariance: Array,
              target: Array) -> tuple[Array, Array]:  # fmt: skip
        return _lemma_31(bounds, d, steps, sigma, w, W, covariance, target)

    return sides


def truncated_average_error(terms: Array, beta: Any, lag: int) -> Any:
    r"""Error :math:`|(1-\beta)\sum_{\tau=H+1}^t \beta^\tau a_{t-\tau}|` of keeping lags 0..H.

    Parameters
    ----------
    terms : (t + 1,)
        ``a_0, ..., a_t``; a symbol with its own ``truncated_average_error(beta, lag)`` answers
        for itself.
    """
    own = own_method(terms, "truncated_average_error")
    if own:
        return own(beta, lag)
    last = len(terms) - 1
    kept = range(lag + 1, last + 1)
    return abs(sum(((1 - beta) * beta**tau * terms[last - tau] for tau in kept), 0 * beta))


def sufficient_lag(beta: Any, bound: Any, eps: Any) -> Any:
    r"""Lags :math:`\log(G/\epsilon)/(1-\beta)` that suffice for an error of at most eps."""
    return _logarithm(bound / eps) / (1 - beta)


def _logarithm(x: Any) -> Any:
    if hasattr(x, "free_symbols"):
        import sympy

        return sympy.log(x)
    own = own_method(x, "log")
    return own() if own else math.log(x)


def lemma_32_sides(terms: Array, beta: Any, lag: Any, bound: Any, eps: Any) -> tuple[Array, Array]:
    r"""Lemma 32: the error is at most :math:`G\beta^{H+1}`, and eps after the stated lags.

    Parameters
    ----------
    terms : (t + 1,)
        With absolute values at most G.
    beta : in (0, 1)
    lag : int >= 0
        H.
    bound, eps : G and the error allowed, 0 < eps <= G

    Returns
    -------
    lhs, rhs : (2,)
    """
    return _lemma_32(terms, beta, lag, bound, eps)


def _lemma_32(terms: Array, beta: Any, lag: Any, bound: Any, eps: Any, *, factor: Any = 1,
              power: int = 1, lags: Callable[[Any, Any], Any] | None = None
              ) -> tuple[Array, Array]:  # fmt: skip
    enough = sufficient_lag(beta, bound, eps)
    enough = lags(enough, beta) if lags else enough
    left = [truncated_average_error(terms, beta, lag), bound * scalar_power(beta, enough + 1)]
    right = [factor * bound * scalar_power(beta, lag + power), eps]
    return np.asarray(left, dtype=object), np.asarray(right, dtype=object)


def _is_bounded(terms: Array, beta: Any, lag: Any, bound: Any, eps: Any) -> bool:
    return (bool(0 < beta < 1) and bool(0 < eps <= bound) and lag >= 0
            and all(bool(abs(term) <= bound) for term in terms))  # fmt: skip


def _lemma_32_mutant(**change: Any) -> Callable[..., Any]:
    def sides(terms: Array, beta: Any, lag: Any, bound: Any, eps: Any) -> tuple[Array, Array]:
        return _lemma_32(terms, beta, lag, bound, eps, **change)

    return sides


def quotient_bound(delta: Any) -> Any:
    r"""Largest change of a normalised quotient under relative errors delta, Lemma 33.

    :math:`\max\left\{\frac{1+\delta}{\sqrt{1-\delta}} - 1,\;
    1 - \frac{1-\delta}{\sqrt{1+\delta}+\delta}\right\}`; the second is larger up to 0.260, and
    the bound is at most 2.5 delta there. A symbol with its own ``quotient_bound()`` answers for
    itself.

    >>> round(quotient_bound(0.01), 5)
    0.02462
    """
    own = own_method(delta, "quotient_bound")
    return own() if own else maximum(*quotient_branches(delta))


def quotient_branches(delta: Any) -> tuple[Any, Any]:
    """Both branches of `quotient_bound`: denominators as small, and as large, as they can be."""
    smaller = (1 + delta) / square_root(1 - delta) - 1
    return smaller, 1 - (1 - delta) / (square_root(1 + delta) + delta)


def lemma_33_sides(a: Any, b: Any, e_a: Any, e_b: Any, xi: Any, delta: Any) -> tuple[Any, Any]:
    r"""Change :math:`\left|\frac{a+e_a}{\sqrt{b+e_b}+\xi} - \frac a{\sqrt b}\right|` and its bound.

    Parameters
    ----------
    a, b : numerator, :math:`|a| \le \sqrt b`, and squared denominator, b > 0
    e_a, e_b, xi : errors, :math:`|e_a| \le \delta\sqrt b`, :math:`|e_b| \le \delta b`,
        :math:`0 \le \xi \le \delta\sqrt b`
    delta : in [0, 1)
    """
    return _quotient_change(a, b, e_a, e_b, xi), quotient_bound(delta)


def _quotient_change(a: Any, b: Any, e_a: Any, e_b: Any, xi: Any) -> Any:
    return absolute((a + e_a) / (square_root(b + e_b) + xi) - a / square_root(b))


def _errors_are_small(a: Any, b: Any, e_a: Any, e_b: Any, xi: Any, delta: Any) -> bool:
    """The hypotheses, compared without roots."""
    return (bool(0 <= delta < 1) and bool(b > 0) and bool(a * a <= b)
            and bool(e_a * e_a <= delta * delta * b) and bool(abs(e_b) <= delta * b)
            and bool(xi >= 0) and bool(xi * xi <= delta * delta * b))  # fmt: skip


def _all_but_the_numerator(a: Any, b: Any, e_a: Any, e_b: Any, xi: Any, delta: Any) -> bool:
    """The hypotheses without |a| <= sqrt b."""
    return _errors_are_small(0 * a, b, e_a, e_b, xi, delta)


def _bounded_by(bound: Callable[[Any], Any]) -> Callable[..., tuple[Any, Any]]:
    def sides(a: Any, b: Any, e_a: Any, e_b: Any, xi: Any, delta: Any) -> tuple[Any, Any]:
        return _quotient_change(a, b, e_a, e_b, xi), bound(delta)

    return sides


lemma_31 = Claim(
    id="local-geometry/lemma-31",
    title="Deviation of the batch gradients",
    kind="inequality",
    statement=r"If every entry of $\tilde\Lambda_t$ and $\tilde A_t$ is unbiased with variance at "
    r"most $\sigma^2$, then with probability at least $1-\frac1d$ no entry deviates by more than "
    r"$K=\sigma\sqrt{Td(d^2+d)}$ in $T$ steps; then, with $M_1=\max|W_{ij}|$ and $M_2=\max|w_i|$, "
    r"$|\Delta g_1|\le M_2(d^2M_1M_2+1)K$ and $|\Delta g_2|\le dM_1(d^2M_1M_2+1)K$.",
    notes="The exponents were reconstructed. Given the level, both bounds are attained by equal "
    "weights and noise of one sign; the level itself is approached by two-point noise. Together "
    "they are very loose.",
    source=Source("jiang2022", item="Lemma 31"),
    scope={"d": "d >= 1", "steps": "T >= 1", "sigma": "> 0", "noise": "any law"},
    formula=lemma_31_sides,
    assumes=_noise_within_level,
    mutants={
        "d for d^2": _other_bounds(lambda d, m1, m2, k: (
            m2 * (d * m1 * m2 + 1) * k, d * m1 * (d * m1 * m2 + 1) * k)),
        "second bound without d": _other_bounds(lambda d, m1, m2, k: (
            m2 * (d * d * m1 * m2 + 1) * k, m1 * (d * d * m1 * m2 + 1) * k)),
        "noise of the target left out": _other_bounds(lambda d, m1, m2, k: (
            m2 * d * d * m1 * m2 * k, d * m1 * d * d * m1 * m2 * k)),
        "level 10 % lower": _other_bounds(lambda d, m1, m2, k: (
            Fraction(9, 10) * m2 * (d * d * m1 * m2 + 1) * k,
            Fraction(9, 10) * d * m1 * (d * d * m1 * m2 + 1) * k)),
        "any noise": Mutant(drops_assumptions=True),
    },
)  # fmt: skip

lemma_32 = Claim(
    id="local-geometry/lemma-32",
    title="Truncated exponential averages",
    kind="inequality",
    statement=r"If $|a_s|\le G$, then $\left|(1-\beta)\sum_{\tau=H+1}^t\beta^\tau a_{t-\tau}"
    r"\right|\le G\beta^{H+1}$, and $H\ge\frac{\log(G/\epsilon)}{1-\beta}$ makes this at most "
    r"$\epsilon$.",
    notes="For averages normalised by 1 - beta, as Adam's; otherwise G/(1 - beta) for G. The bound "
    "is approached by constant terms as t grows, the number of lags as beta tends to 1.",
    source=Source("jiang2022", item="Lemma 32"),
    scope={"beta": "(0, 1)", "lag": ">= 0", "terms": "at most G", "eps": "(0, G]"},
    formula=lemma_32_sides,
    assumes=_is_bounded,
    mutants={
        "one power too many": _lemma_32_mutant(power=2),
        "2 % smaller": _lemma_32_mutant(factor=Fraction(49, 50)),
        "2 % fewer lags": _lemma_32_mutant(lags=lambda lag, beta: lag * Fraction(49, 50)),
        "lags without 1/(1 - beta)": _lemma_32_mutant(lags=lambda lag, beta: lag * (1 - beta)),
        "terms without bound": Mutant(drops_assumptions=True),
    },
)

lemma_33 = Claim(
    id="local-geometry/lemma-33",
    title="Perturbed normalised quotients",
    kind="inequality",
    statement=r"For $b>0$, $0\le\delta<1$, $|a|\le\sqrt b$, $|e_a|\le\delta\sqrt b$, "
    r"$|e_b|\le\delta b$ and $0\le\xi\le\delta\sqrt b$: $\left|\frac{a+e_a}{\sqrt{b+e_b}+\xi}-"
    r"\frac a{\sqrt b}\right|\le\max\left\{\frac{1+\delta}{\sqrt{1-\delta}}-1,\;"
    r"1-\frac{1-\delta}{\sqrt{1+\delta}+\delta}\right\}$.",
    notes="Attained for every delta; the branches cross at 0.260, and the bound is 2.5 delta to "
    "leading order. A rate of root delta appears only where b + e_b may vanish. |a| <= sqrt b is "
    "not automatic for beta2 = beta1^2; for larger a the bound grows by |a|/sqrt b.",
    source=Source("jiang2022", item="Lemma 33"),
    scope={"delta": "[0, 1)", "b": "> 0", "a": "|a| <= sqrt b"},
    formula=lemma_33_sides,
    assumes=_errors_are_small,
    mutants={
        "first branch alone": _bounded_by(lambda delta: quotient_branches(delta)[0]),
        "second branch alone": _bounded_by(lambda delta: quotient_branches(delta)[1]),
        "2 % smaller": _bounded_by(lambda delta: quotient_bound(delta) * Fraction(49, 50)),
        "2 delta": _bounded_by(lambda delta: 2 * delta),
        "numerator of any size": Mutant(assumes=_all_but_the_numerator),
    },
)
