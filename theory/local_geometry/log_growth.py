r"""Growth of R_med with log d under SGD with momentum: rate, window, and the lemma behind it.

Jiang, Malik, Li (2022), Theorem 1 (first part) and Lemma 34. The threshold of all statements is
:math:`\log d - \log\log(1/\delta)` plus a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from scipy import special

from theory.core import Claim, Mutant, Source
from theory.laws import MaxOverMedian, max_over_order_statistic
from theory.scalars import own_method, scalar_power

# Lemma 34 holds with every constant up to 0.03108 in place of 0.03, and with none above 0.03109.
SHIFT = Fraction(3, 100)
WINDOW_SHIFT = Fraction(-42, 100)
RATE = Fraction(716, 10000)


def apply(name: str, x: Any) -> Any:
    """``log``, ``exp``, ``erf`` or ``erfc`` of a float, ball or symbol."""
    if hasattr(x, "free_symbols"):
        import sympy

        return getattr(sympy, name)(x)
    own = own_method(x, name)
    return own() if own else getattr(math, name)(x)


def threshold(d: Any, delta: Any, shift: Any, leading: Any = 1) -> Any:
    r""":math:`c\log d - \log\log(1/\delta) + s`, with c `leading` and s `shift`."""
    return leading * apply("log", d) - apply("log", apply("log", 1 / delta)) + shift


def maximum_below(d: Any, x: Any) -> Any:
    r"""P(largest of d squared standard normals <= x) = :math:`\mathrm{erf}(\sqrt{x/2})^d`."""
    if not hasattr(x, "free_symbols") and not x > 0:
        return 0 * x
    return apply("erf", scalar_power(x / 2, Fraction(1, 2))) ** d


def half_exceed(d: int, x: Any) -> Any:
    """P(at least half of d squared standard normals exceed x): a binomial tail.

    For odd d that is P(median > x); for even d the midpoint median exceeds x with at most this
    probability. `x` is a float or a ball; d is an integer.
    """
    p = apply("erfc", scalar_power(x / 2, Fraction(1, 2)))
    if hasattr(d, "free_symbols"):
        return _binomial_sum(d, p)
    least = -(-d // 2)
    if isinstance(p, float):
        return float(special.bdtrc(least - 1, d, p))
    term = scalar_power(p, d)
    total = term
    for j in range(d - 1, least - 1, -1):
        term = term * (j + 1) / (d - j) * (1 - p) / p
        total = total + term
    return total


def _binomial_sum(d: Any, p: Any) -> Any:
    import sympy

    j = sympy.Symbol("j", integer=True, nonnegative=True)
    term = sympy.binomial(d, j) * p**j * (1 - p) ** (d - j)
    return sympy.Sum(term, (j, sympy.ceiling(d / 2), d))


def lemma_34(d: Any, delta: Any, part: str = "maximum", one: Any = 1.0) -> tuple[Any, Any]:
    r"""Exact probability and its bound, for d independent :math:`X_i \sim N(0, s^2)`.

    ``"maximum"``: :math:`P(\max X_i^2/s^2 \le \log d - \log\log(1/\delta) + 0.03) \le \delta`.
    ``"median"``: :math:`P(\mathrm{median}\,X_i^2 > s^2) \le e^{-0.0716 d}` (`delta` is not used).

    Parameters
    ----------
    d : int >= 1
    delta : in (0, 1)
    part : {"maximum", "median"}
    one : 1.0, a ball or a symbolic 1
        The arithmetic to be used.

    Raises
    ------
    ValueError
        If `part` is unknown.
    """
    return _lemma_34(d, delta, part, one, SHIFT, RATE)


def _lemma_34(d: Any, delta: Any, part: str, one: Any, shift: Fraction, rate: Fraction,
              leading: Fraction = Fraction(1), power: Fraction = Fraction(1),
              level: Fraction = Fraction(1)) -> tuple[Any, Any]:  # fmt: skip
    if part == "maximum":
        x = threshold(one * d, delta, _in(one, shift), _in(one, leading))
        return maximum_below(d, x), scalar_power(delta, power)
    if part == "median":
        bound = apply("exp", -_in(one, rate) * d)
        return half_exceed(d, _in(one, level)), bound
    raise ValueError(f"part is {part!r}; it must be 'maximum' or 'median'")


def _in(one: Any, value: Fraction) -> Any:
    return one * value.numerator / value.denominator


def _is_probability(d: Any, delta: Any, part: str = "maximum", one: Any = 1.0) -> bool:
    return bool(d >= 1) and (part == "median" or bool(0 < delta < 1))


def sgdm_rate(d: Any, **trajectory: Any) -> Any:
    r"""Median of :math:`R_{med}` under SGD with momentum: the median of the exact law.

    Between :math:`\log d - 0.3` (d >= 20) and :math:`20\log(4d)`; asymptotically
    :math:`2\log d/0.4549`. A symbolic d gives the symbol m(d).
    """
    if hasattr(d, "free_symbols"):
        import sympy

        return sympy.Symbol(f"m({d})", positive=True)
    return float(MaxOverMedian(d).ppf(0.5))


def _median_of(cdf: Callable[[Any], Any]) -> float:
    low, high = 0.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if cdf(math.exp(middle)) < 0.5 else (low, middle)
    return math.exp(high)


def _median_of_maximum(d: int) -> float:
    """Median of the largest of d squared normals: the ratio with 1, the mean, for the median."""
    return float(2.0 * special.erfinv(0.5 ** (1.0 / d)) ** 2)


def window_bound(d: Any, T: Any, delta: Any,
                 law: Callable[[Any, Any], Any] | None = None) -> tuple[Any, Any]:  # fmt: skip
    r"""Union bound and claimed bound of the probability of a low ratio within T steps.

    :math:`T\,F_d(\log d - \log\log(T/\delta) - 0.42) \le \delta + T e^{-0.0716 d}`: by the exact
    law the left side bounds :math:`P(\exists t \le T: R_{med,1}(t) \le \cdot)`.

    Parameters
    ----------
    d, T : int >= 1
    delta : in (0, 1)
    law : callable (d, r) -> P(R <= r), optional
        The exact law's distribution function, in another arithmetic.
    """
    return _window(d, T, delta, law)


def _window(d: Any, T: Any, delta: Any, law: Callable[[Any, Any], Any] | None = None,
            leading: int = 1) -> tuple[Any, Any]:  # fmt: skip
    unit = delta / delta
    shift, rate = _in(unit, WINDOW_SHIFT), _in(unit, RATE)
    distribution = law or (lambda d, r: MaxOverMedian(d).cdf(r))
    low = threshold(unit * d, delta / T, shift, leading)
    return T * distribution(d, low), delta + T * apply("exp", -rate * d)


def _window_is_valid(d: Any, T: Any, delta: Any, law: Any = None) -> bool:
    return bool(d >= 1) and bool(T >= 1) and bool(0 < delta < 1)


PAPER = Source("jiang2022", item="Theorem 1")
BEYOND = Source("jiang2022", item="beyond")

lemma_34_claim = Claim(
    id="local-geometry/lemma-34",
    title="Largest and median square of Gaussians, explicit constants",
    kind="inequality",
    statement=r"For $X_1,\dots,X_d$ independent $N(0,s^2)$ and $0<\delta<1$: "
    r"$P\big(\max_i X_i^2\le s^2(\log d-\log\log\tfrac1\delta+0.03)\big)\le\delta$, and "
    r"$P\big(\mathrm{median}_i X_i^2>s^2\big)\le e^{-0.0716d}$.",
    notes="The paper states the order, without constants. The constant 0.03 is sharp up to 0.0011 "
    "(the bound is exact at 0.031088); the elementary erfc(y) >= 0.78611 exp(-2y^2) "
    "gives -0.2407 in its place. The rate is 0.07166 rounded down. The true leading term of the "
    "largest square is 2 log d: loose by a factor of 2 for large d at fixed delta.",
    source=Source("jiang2022", item="Lemma 34"),
    scope={"d": "d >= 1", "delta": "0 < delta < 1", "part": "maximum or median"},
    formula=lemma_34,
    assumes=_is_probability,
    mutants={
        "0.032 for 0.03": lambda d, delta, part="maximum", one=1.0: _lemma_34(
            d, delta, part, one, Fraction(32, 1000), RATE
        ),
        "1.02 log d": lambda d, delta, part="maximum", one=1.0: _lemma_34(
            d, delta, part, one, SHIFT, RATE, leading=Fraction(102, 100)
        ),
        "delta^1.02": lambda d, delta, part="maximum", one=1.0: _lemma_34(
            d, delta, part, one, SHIFT, RATE, power=Fraction(51, 50)
        ),
        "rate 0.073 for 0.0716": lambda d, delta, part="maximum", one=1.0: _lemma_34(
            d, delta, part, one, SHIFT, Fraction(73, 1000)
        ),
        "median above 0.98 s^2": lambda d, delta, part="maximum", one=1.0: _lemma_34(
            d, delta, part, one, SHIFT, RATE, level=Fraction(49, 50)
        ),
    },
)

theorem_1_sgdm = Claim(
    id="local-geometry/theorem-1.sgdm",
    title="R_med grows like log d under SGD with momentum",
    kind="rate",
    statement=r"On the window of Theorem 1, $R_{\mathrm{med},1}$ and $R_{\mathrm{med},2}$ are "
    r"$\Omega(\log d)$ with high probability. Precisely: the median of $R_{\mathrm{med},1}(t)$ at "
    r"any step is the median $m_d$ of the law of "
    r"$\max_i g_i^2/\mathrm{median}_i\,g_i^2$; $\log d-0.3\le m_d\le 20\log(4d)$ for $d\ge 20$. "
    r"$R_{\mathrm{med},2}$ has the same median once $W$ is of rank one.",
    notes="Order as in the paper, value from the exact law; no condition on alpha, eta or sigma "
    "is needed for the first layer. R_med,2 is measured at alpha = 2, where W is of rank one up "
    "to 1e-4. For large d the median is about 2 log d / 0.4549.",
    source=PAPER,
    scope={"d": "d >= 2", "layer": "1 at any step and alpha; 2 at alpha = 2 after convergence"},
    formula=sgdm_rate,
    mutants={
        "sqrt(log d) for log d": lambda d, **trajectory: (
            sgdm_rate(64) * math.sqrt(math.log(d) / math.log(64))
        ),
        "log(d)^2 for log d": lambda d, **trajectory: (
            sgdm_rate(64) * (math.log(d) / math.log(64)) ** 2
        ),
        "upper median for the midpoint": lambda d, **trajectory: _median_of(
            max_over_order_statistic(d, d // 2 + 1)
        ),
        "median replaced by the mean": lambda d, **trajectory: _median_of_maximum(d),
        "wrong Gaussian median constant": lambda d, **trajectory: _median_of_maximum(d) / 0.6745,
        "one variable fewer": lambda d, **trajectory: sgdm_rate(d - 1),
        "2 % larger": lambda d, **trajectory: 1.02 * sgdm_rate(d),
    },
)

window = Claim(
    id="local-geometry/theorem-1.sgdm-window",
    title="No low R_med,1 in a whole window of steps",
    kind="inequality",
    statement=r"Under SGD with momentum, for $0<\delta<1$ and $T\ge 1$: "
    r"$P\big(\exists t\le T: R_{\mathrm{med},1}(t)\le\log d-\log\log\tfrac T\delta-0.42\big)\le "
    r"\delta+Te^{-0.0716d}$.",
    notes="The exact law is one at each step; this holds for all steps of the window at once. The "
    "threshold is loose: with 2 log d in place of log d it fails only for small delta.",
    source=BEYOND,
    scope={"d": "d >= 1", "T": "T >= 1", "delta": "0 < delta < 1"},
    sharpens="local-geometry/theorem-1.sgdm",
    formula=window_bound,
    assumes=_window_is_valid,
    mutants={
        "2 log d": lambda d, T, delta, law=None: _window(d, T, delta, law, leading=2),
        "4 log d": lambda d, T, delta, law=None: _window(d, T, delta, law, leading=4),
        "Adam as well": Mutant(given={"optimizer": "adam", "eta": 0.01}),
        "at least instead of at most": lambda d, T, delta, law=None: tuple(
            reversed(_window(d, T, delta, law))
        ),
    },
)
