"""Diagonal share of OLS Hessians H = X X' (X is d x n with i.i.d. entries): Proposition 2.

The share of the expectation is ``sum_i E|H_ii| / sum_ij E|H_ij|``. A diagonal entry is
``||x||^2`` and an off-diagonal one ``x'y``, with x and y independent rows of length n, so that
everything rests on ``e_n = E|x'y|`` for entries of unit variance; scaling H changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

from theory.adaptive_norms.product_laws import gamma_ratio, mean_absolute_sum, require_law
from theory.arrays import square_root
from theory.core import Claim, Mutant, Source

HALF_NORMAL_MEAN = math.sqrt(2 / math.pi)


def half_normal_mean(like: Any = 1.0) -> Any:
    """``E|Z| = sqrt(2/pi)``, Z standard normal, in the arithmetic of `like` (float, ball, symbol).

    >>> round(half_normal_mean(), 6)
    0.797885
    """
    if hasattr(like, "free_symbols"):
        import sympy

        return sympy.sqrt(2 / sympy.pi)
    return (2 / type(like).pi()).sqrt() if hasattr(like, "mid") else HALF_NORMAL_MEAN


def mean_absolute_inner_product(n: Any, law: str = "gaussian", degrees: float | None = None) -> Any:
    """``e_n = E|x'y|`` for independent x, y of length n with centred entries of unit variance.

    Gaussian: ``2 Gamma((n+1)/2) / (sqrt(pi) Gamma(n/2))``.
    Rademacher: ``n C(n-1, floor(n/2)) / 2^(n-1)``, the Gaussian value at ``2 ceil(n/2)``.
    Others: quadrature of the characteristic function (`product_laws.mean_absolute_sum`).

    Parameters
    ----------
    n : int
        Length, >= 1. The Gaussian and Rademacher forms also take SymPy expressions and, for
        Gaussian, Arb balls.
    law : str
        ``gaussian``, ``rademacher``, ``uniform``, ``laplace``, ``exponential`` (Exp(1) - 1),
        ``skewed`` (a smoothed two-point law) or ``student_t``.
    degrees : float, optional
        Degrees of freedom of ``student_t``, > 2.

    Raises
    ------
    ValueError
        If n < 1, the law is unknown, or `degrees` does not fit the law.

    >>> [round(mean_absolute_inner_product(n), 6) for n in (1, 2, 4)]
    [0.63662, 1.0, 1.5]
    """
    require_law(law, degrees)
    _require_at_least_one("n", n)
    if law == "gaussian":
        return _gaussian_mean(n)
    return _rademacher_mean(n) if law == "rademacher" else mean_absolute_sum(n, law, degrees)


def _gaussian_mean(n: Any) -> Any:
    if hasattr(n, "free_symbols"):
        import sympy

        return 2 * sympy.gamma((n + 1) / 2) / (sympy.sqrt(sympy.pi) * sympy.gamma(n / 2))
    if hasattr(n, "mid"):
        return 2 * ((n + 1) / 2).gamma() / (type(n).pi().sqrt() * (n / 2).gamma())
    return 2 / math.sqrt(math.pi) * gamma_ratio(n / 2)


def _rademacher_mean(n: Any) -> Any:
    if hasattr(n, "free_symbols"):
        import sympy

        return n * sympy.binomial(n - 1, sympy.floor(n / 2)) / 2 ** (n - 1)
    # C(2m, m) 2m/4^m is the Gaussian value at n = 2m, without large binomials.
    return _gaussian_mean(2 * math.ceil(n / 2))


def share_from_mean(d: Any, n: Any, mean: Any) -> Any:
    """Share of the expectation ``n / (n + (d-1) e)`` for ``E|x'y| = e`` and ``E||x||^2 = n``."""
    return n / (n + (d - 1) * mean)


def ols_share(d: Any, n: Any, law: str = "gaussian", degrees: float | None = None) -> Any:
    """Diagonal share of E|X X'| for every n: ``n / (n + (d-1) e_n)``.

    Parameters
    ----------
    d, n : int
        Rows and columns of X, both >= 1; symbols and balls as in `mean_absolute_inner_product`.
    law, degrees
        As in `mean_absolute_inner_product`. The share does not depend on the scale of the law.

    Raises
    ------
    ValueError
        If d < 1, n < 1, or the law is not known.

    >>> round(ols_share(20, 32), 6), round(ols_share_limit(20, 32), 6)
    (0.273295, 0.271746)
    """
    _require_at_least_one("d", d)
    return share_from_mean(d, n, mean_absolute_inner_product(n, law, degrees))


def ols_share_limit(d: Any, n: Any) -> Any:
    """Large-n diagonal share of E|X X'|: ``sqrt(n) / (sqrt(n) + (d-1) sqrt(2/pi))``.

    Source: Kohler, Adolphs, Lucchi (2019), Proposition 2, eq. (47); parameters as in `ols_share`.
    """
    _require_at_least_one("d", d)
    _require_at_least_one("n", n)
    return _limit_with(d, n, half_normal_mean(n))


def noncentred_share_limit(d: Any, mean: Any, sd: Any) -> Any:
    """Large-n diagonal share of E|X X'| for entries of mean m and variance s^2.

    ``1 / (1 + (d-1) m^2 / (s^2 + m^2))``: it does not grow with n unless m = 0. For entries
    that are nonnegative it is exact at every n.

    Parameters
    ----------
    d : int
        Number of rows, >= 1.
    mean, sd : float
        Mean and standard deviation of an entry, not both 0.

    >>> round(noncentred_share_limit(20, 1 / 2, 12 ** -0.5), 7)
    0.0655738
    """
    _require_at_least_one("d", d)
    return 1 / (1 + (d - 1) * mean**2 / (sd**2 + mean**2))


def _require_at_least_one(name: str, value: Any) -> None:
    if isinstance(value, int | float) and not value >= 1:
        raise ValueError(f"{name} is {value!r}; it must be >= 1")


def _limit_with(d: Any, n: Any, constant: Any) -> Any:
    return share_from_mean(d, n, constant * square_root(n))


def gaussian_share(d: Any, n: Any) -> Any:
    """`ols_share` for Gaussian entries; d, n as there."""
    return ols_share(d, n)


def rademacher_share(d: Any, n: Any) -> Any:
    """`ols_share` for sign entries; d, n as there."""
    return ols_share(d, n, "rademacher")


def _first_order_gaussian_mean(n: Any) -> Any:
    return half_normal_mean(n) * square_root(n) * (1 - 1 / (4 * n))


def _shifted_binomial_mean(n: Any) -> Any:
    # n C(n-1, k) / 2^(n-1) with k = floor((n+1)/2) for floor(n/2): differs at odd n.
    half = (n + 1) // 2
    return _rademacher_mean(n) * (n - half) / half if n % 2 else _rademacher_mean(n)


SOURCE = Source("kohler2019", item="Proposition 2 / 4", equations=("45", "46", "47"))
BEYOND = Source("kohler2019", item="beyond")

proposition_2 = Claim(
    id="adaptive-norms/proposition-2",
    title="Diagonal share of an OLS Hessian, large n",
    kind="limit",
    statement=r"Let $X\in\mathbb{R}^{d\times n}$ have i.i.d. entries with mean $0$ and variance "
    r"$\sigma^2\in(0,\infty)$, and $H=\frac1n XX^\top$. As $n\to\infty$ with $d$ fixed, "
    r"$\frac{\sum_i\mathbb{E}|H_{ii}|}{\sum_{ij}\mathbb{E}|H_{ij}|}\sim"
    r"\frac{\sqrt n}{\sqrt n+(d-1)\sqrt{2/\pi}}$, because "
    r"$\mathbb{E}|x^\top y|/(\sigma^2\sqrt n)\to\sqrt{2/\pi}$.",
    notes="The printed proof passes from convergence in law to convergence of means in one step; "
    "the line that is missing is uniform integrability, which a second moment gives. At finite n "
    "|E|x'y|/(s^2 sqrt n) - sqrt(2/pi)| <= (E|x/s|^3)^2/sqrt n where the third moment is finite "
    "(Goldstein 2010); the measurements are taken where the exact value is within a quarter of "
    "a standard error of the limit.",
    source=SOURCE,
    scope={"d": "d >= 1", "n": "n -> infinity", "law": "mean 0, finite variance > 0"},
    formula=ols_share_limit,
    mutants={
        "root mean square for mean": lambda d, n: _limit_with(d, n, 1),
        "median (about 27/40) for mean": lambda d, n: share_from_mean(
            d, n, square_root(n) * 27 / 40
        ),
        "sqrt(2/pi) two per cent larger": lambda d, n: _limit_with(
            d, n, half_normal_mean(n) * 51 / 50
        ),
        "d for d - 1": lambda d, n: ols_share_limit(d + 1, n),
        "n for sqrt(n)": lambda d, n: n / (n + (d - 1) * half_normal_mean(n)),
        "mean not zero": Mutant(given={"mean": 0.25}),
    },
)

gaussian_exact = Claim(
    id="adaptive-norms/proposition-2.gaussian-exact",
    title="Diagonal share of a Gaussian OLS Hessian at every n",
    kind="law",
    statement=r"For i.i.d. $\mathcal{N}(0,\sigma^2)$ entries and every $n\ge1$ the share of "
    r"$\mathbb{E}|XX^\top|$ is $\frac{n}{n+(d-1)e_n}$ with "
    r"$e_n=\frac{2\,\Gamma((n+1)/2)}{\sqrt\pi\,\Gamma(n/2)}$, and "
    r"$\sqrt{1-\frac1{2n}}<\frac{e_n}{\sqrt{2n/\pi}}<1$, so that it always exceeds the large-$n$ "
    r"formula.",
    notes="The finite-n result that the paper expects to exist for Gaussian data.",
    source=BEYOND,
    scope={"d": "d >= 1", "n": "n >= 1"},
    sharpens="adaptive-norms/proposition-2",
    formula=gaussian_share,
    mutants={
        "large-n formula": ols_share_limit,
        "one length later": lambda d, n: share_from_mean(d, n, _gaussian_mean(n + 1)),
        "1 - 1/(4n) for the Gamma ratio": lambda d, n: share_from_mean(
            d, n, _first_order_gaussian_mean(n)
        ),
        "d for d - 1": lambda d, n: ols_share(d + 1, n),
        "e_n two per cent larger": lambda d, n: share_from_mean(d, n, _gaussian_mean(n) * 51 / 50),
    },
)

rademacher_exact = Claim(
    id="adaptive-norms/proposition-2.rademacher-exact",
    title="Diagonal share of an OLS Hessian with sign entries at every n",
    kind="law",
    statement=r"For i.i.d. signs and every $n\ge1$ the share of $\mathbb{E}|XX^\top|$ is "
    r"$\frac{n}{n+(d-1)e_n}$ with $e_n=\frac{n}{2^{n-1}}\binom{n-1}{\lfloor n/2\rfloor}$; "
    r"$e_{2m}=e_{2m-1}=\frac{2m}{4^m}\binom{2m}{m}$ is the Gaussian value at $2m$. Even $n$ "
    r"exceeds the large-$n$ formula, odd $n$ lies below it.",
    source=BEYOND,
    scope={"d": "d >= 1", "n": "n >= 1"},
    sharpens="adaptive-norms/proposition-2",
    formula=rademacher_share,
    mutants={
        "large-n formula": ols_share_limit,
        "Gaussian value at every n": gaussian_share,
        "ceiling for floor": lambda d, n: share_from_mean(d, n, _shifted_binomial_mean(n)),
        "d for d - 1": lambda d, n: rademacher_share(d + 1, n),
        "e_n two per cent larger": lambda d, n: share_from_mean(
            d, n, _rademacher_mean(n) * 51 / 50
        ),
    },
)

non_centred = Claim(
    id="adaptive-norms/proposition-2.non-centred",
    title="Entries with a mean: the share stops growing",
    kind="limit",
    statement=r"If the entries of $X$ are i.i.d. with mean $m$ and variance $s^2$, $m^2+s^2>0$, "
    r"the share of $\mathbb{E}|XX^\top|$ tends to $\frac{1}{1+(d-1)\frac{m^2}{s^2+m^2}}$ as "
    r"$n\to\infty$; for nonnegative entries it has this value at every $n$.",
    notes="Proposition 2 needs mean zero: raw pixels, for instance, are nonnegative. U(0,1) with "
    "d = 20 gives 0.0655738 whatever the batch size. For every n "
    "m^2 <= E|x'y|/n <= sqrt(m^4 + s^2 (s^2 + 2 m^2)/n).",
    source=BEYOND,
    scope={"d": "d >= 1", "mean": "real", "sd": ">= 0, not both 0"},
    sharpens="adaptive-norms/proposition-2",
    formula=noncentred_share_limit,
    mutants={
        "variance for second moment": lambda d, mean, sd: 1 / (1 + (d - 1) * mean**2 / sd**2),
        "standard deviation for variance": lambda d, mean, sd: (
            1 / (1 + (d - 1) * mean**2 / (sd + mean**2))
        ),
        "mean for its square": lambda d, mean, sd: 1 / (1 + (d - 1) * mean / (sd**2 + mean**2)),
        "d for d - 1": lambda d, mean, sd: noncentred_share_limit(d + 1, mean, sd),
        "off-diagonal two per cent larger": lambda d, mean, sd: (
            1 / (1 + (d - 1) * mean**2 * 51 / (50 * (sd**2 + mean**2)))
        ),
        "as if centred, n = 1024": lambda d, mean, sd: 40 / (39 + d),
    },
)
