"""How fast, and for which laws, the OLS share reaches its large-n formula; the expected share."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from theory.adaptive_norms.ols_share import (
    HALF_NORMAL_MEAN,
    half_normal_mean,
    mean_absolute_inner_product,
)
from theory.adaptive_norms.product_laws import entry_moments, gamma_ratio
from theory.core import Claim, Mutant, Source


def second_order_coefficient(third: Any, fourth: Any) -> Any:
    """``lim n (E|S_n| / sqrt(2n/pi) - 1) = (3 - m4^2 + m3^4) / 24``.

    ``S_n = x'y`` with entries of unit variance and raw moments m3, m4, so that a product has
    the cumulants ``m3^2`` and ``m4^2 - 3``. It holds where the product has a density (Cramér's
    condition) and a fourth moment.

    Parameters
    ----------
    third, fourth : number or symbol
        Third and fourth raw moment of an entry.

    >>> [round(second_order_coefficient(*m), 4) for m in ((0, 3), (0, 9 / 5), (0, 6), (2, 9))]
    [-0.25, -0.01, -1.375, -2.5833]
    """
    return (3 - fourth**2 + third**4) / 24


def third_order_coefficient(law: str, degrees: float | None = None) -> float:
    """Coefficient of 1/n^2 in ``E|S_n| / sqrt(2n/pi)``, from the next Edgeworth terms.

    With the cumulants k3..k6 of a product,
    ``k6/240 - 5 (k4^2/384 + k3 k5/240) + 35 k3^2 k4/576 - 35 k3^4/1152``; it needs a sixth moment.

    >>> third_order_coefficient("gaussian")
    0.03125
    """
    m3, m4, m5, m6 = (moment**2 for moment in entry_moments(law, degrees))
    k3, k4, k5, k6 = m3, m4 - 3, m5 - 10 * m3, m6 - 15 * m4 - 10 * m3**2 + 30
    quadratic = k4**2 / 384 + k3 * k5 / 240
    return k6 / 240 - 5 * quadratic + 35 * k3**2 * k4 / 576 - 35 * k3**4 / 1152


def heavy_tail_deficit(n: int, degrees: float) -> float:
    """``1 - e_n / sqrt(2n/pi)`` for Student t entries scaled to unit variance.

    Parameters
    ----------
    n : int >= 1
    degrees : float > 2

    Raises
    ------
    ValueError
        If n < 1 or degrees <= 2 (infinite variance).

    >>> round(heavy_tail_deficit(32, 3.0), 4)
    0.1566
    """
    e_n = mean_absolute_inner_product(n, "student_t", degrees)
    return float(1 - e_n / (HALF_NORMAL_MEAN * math.sqrt(n)))


class ShareMoments(NamedTuple):
    """First two moments of the diagonal sum D and the off-diagonal absolute sum O of X X'."""

    mean_diagonal: Any
    mean_off: Any
    variance_diagonal: Any
    covariance: Any
    variance_off: Any

    @property
    def mean_total(self) -> Any:
        """``E T``, T = D + O."""
        return self.mean_diagonal + self.mean_off

    @property
    def share_of_expectation(self) -> Any:
        """``R = E D / E T``."""
        return self.mean_diagonal / self.mean_total

    @property
    def share_covariance(self) -> Any:
        """``Cov(D/T, T)`` to second order: ``(Cov(D, T) - R Var T) / E T``."""
        diagonal_with_total = self.variance_diagonal + self.covariance
        variance_total = diagonal_with_total + self.covariance + self.variance_off
        spread = diagonal_with_total - self.share_of_expectation * variance_total
        return spread / self.mean_total

    @property
    def residual_variance(self) -> Any:
        """``Var(D - R T)``, which governs the error of an estimated share of the expectation."""
        r = self.share_of_expectation
        return ((1 - r) ** 2 * self.variance_diagonal - 2 * r * (1 - r) * self.covariance
                + r**2 * self.variance_off)  # fmt: skip


def gaussian_share_moments(d: Any, n: Any) -> ShareMoments:
    """Exact moments of D and O for standard Gaussian X (d x n) and H = X X'.

    With ``e = E|x'y|``: ``Var D = 2nd``, ``Cov(D, O) = 2d(d-1) e`` and
    ``Var O = 4 [ d(d-1)/2 (n - e^2) + d(d-1)(d-2) (2n/pi - e^2) ]``; O runs over ordered pairs
    i != j, and ``e^2 = (2/pi) (E||x||)^2``.

    Parameters
    ----------
    d, n : int >= 1, or symbols

    >>> round(gaussian_share_moments(2, 4).mean_total, 12)
    11.0
    """
    e = mean_absolute_inner_product(n)
    pairs = d * (d - 1)
    shared_row = half_normal_mean(n) ** 2 * n - e**2
    variance_off = 2 * pairs * (n - e**2) + 4 * pairs * (d - 2) * shared_row
    return ShareMoments(n * d, pairs * e, 2 * n * d, 2 * pairs * e, variance_off)


def expected_share(share: Any, mean_diagonal: Any, mean_total: Any, covariance: Any) -> Any:
    """``(E share, E D / E T - Cov(share, T) / E T)``, equal for every law of D and T > 0.

    Parameters
    ----------
    share : number or symbol
        ``E (D/T)``; it exists since ``0 <= D/T <= 1``.
    mean_diagonal, mean_total, covariance : number or symbol
        ``E D``, ``E T`` and ``Cov(D/T, T)``.
    """
    return share, mean_diagonal / mean_total - covariance / mean_total


def two_row_expected_share(n: int) -> float:
    """Exact expected share of Gaussian X X' with d = 2 rows.

    ``2 x'y / (||x||^2 + ||y||^2)`` is ``+-sqrt(B)`` with ``B ~ Beta(1/2, n/2)``, so that the mean
    of ``1/(1 + sqrt B)`` is ``(n-1)/(n-2) - 2/((n-2) Beta(1/2, n/2))``, and log 2 for n = 2.

    Parameters
    ----------
    n : int >= 1

    Raises
    ------
    ValueError
        If n < 1.

    >>> round(two_row_expected_share(4), 12), round(two_row_expected_share(2), 6)
    (0.75, 0.693147)
    """
    if not n >= 1:
        raise ValueError(f"n is {n!r}; it must be >= 1")
    if n == 2:
        return math.log(2)
    inverse_beta = gamma_ratio(n / 2) / math.sqrt(math.pi)
    return (n - 1 - 2 * inverse_beta) / (n - 2)


def _without_covariance(share: Any, mean_diagonal: Any, mean_total: Any, covariance: Any) -> Any:
    return share, mean_diagonal / mean_total


def _covariance_added(share: Any, mean_diagonal: Any, mean_total: Any, covariance: Any) -> Any:
    return share, (mean_diagonal + covariance) / mean_total


def _covariance_over_square(
    share: Any, mean_diagonal: Any, mean_total: Any, covariance: Any
) -> Any:
    return share, mean_diagonal / mean_total - covariance / mean_total**2


def _three_per_cent_larger(share: Any, mean_diagonal: Any, mean_total: Any, covariance: Any) -> Any:
    return share, (mean_diagonal - covariance) / mean_total * 103 / 100


BEYOND = Source("kohler2019", item="beyond")

second_order = Claim(
    id="adaptive-norms/proposition-2.second-order",
    title="First correction to the large-n OLS share",
    kind="rate",
    statement=r"Let the entries have mean $0$, variance $1$, raw moments $m_3,m_4$, and let $xy$ "
    r"satisfy Cramér's condition (a density suffices). Then $\mathbb{E}|x^\top y|="
    r"\sqrt{\tfrac{2n}{\pi}}\Bigl[1+\frac{3-m_4^2+m_3^4}{24\,n}+o\bigl(\tfrac1n\bigr)\Bigr]$.",
    notes="Gaussian -1/4, uniform -0.01, Laplace -1.375, Exp(1)-1 -2.583: for all of these the "
    "share exceeds the large-n formula from some n on. Convergence is slow for heavy tails "
    "(Laplace: -1.114 at n = 32); the measurements add the next Edgeworth term, of order 1/n^2.",
    source=BEYOND,
    scope={"third": "m3", "fourth": "m4 >= 1 + m3^2", "law": "no lattice"},
    sharpens="adaptive-norms/proposition-2",
    formula=second_order_coefficient,
    mutants={
        "third moment left out": lambda third, fourth: (3 - fourth**2) / 24,
        "third moment not squared in the product": lambda third, fourth: (
            (3 - fourth**2 + third**2) / 24
        ),
        "fourth moment not squared": lambda third, fourth: (3 - fourth + third**4) / 24,
        "sign of the excess": lambda third, fourth: (fourth**2 - 3 + third**4) / 24,
        "25 for 24": lambda third, fourth: (3 - fourth**2 + third**4) / 25,
        "entries on a lattice": Mutant(given={"law": "rademacher", "n": 16, "degrees": None}),
    },
)

heavy_tails = Claim(
    id="adaptive-norms/proposition-2.heavy-tails",
    title="Heavy tails: true in the limit, far from it in practice",
    kind="limit",
    statement=r"For Student $t_\nu$ entries with $\nu>2$, scaled to unit variance, Proposition 2 "
    r"holds, but with $\varphi(t)=\mathbb{E}e^{itxy}$ the deficit "
    r"$1-\frac{\mathbb{E}|x^\top y|}{\sqrt{2n/\pi}}=1-\sqrt{\tfrac{2}{\pi n}}\int_0^\infty"
    r"\frac{1-\mathrm{Re}\,\varphi(t)^n}{t^2}\,dt$ falls slowly: "
    r"$0.2555,\,0.1566,\,0.0937$ for $\nu=3$ and $0.680,\,0.605,\,0.539$ for $\nu=2.2$ at "
    r"$n=8,\,32,\,128$.",
    notes="phi is the characteristic function of a product of two entries. The off-diagonal is "
    "smaller than the formula says, hence the share larger.",
    source=BEYOND,
    scope={"n": "n >= 1", "degrees": "> 2"},
    sharpens="adaptive-norms/proposition-2",
    formula=heavy_tail_deficit,
    mutants={
        "limit reached": lambda n, degrees: 0.0,
        "Gaussian": lambda n, degrees: (
            1 - mean_absolute_inner_product(n) / math.sqrt(2 * n / math.pi)
        ),
        "falls like 1/n": lambda n, degrees: heavy_tail_deficit(8, degrees) * 8 / n,
        "twice the sample": lambda n, degrees: heavy_tail_deficit(2 * n, degrees),
        "one more degree of freedom": lambda n, degrees: heavy_tail_deficit(n, degrees + 1),
        "four per cent larger": lambda n, degrees: 1.04 * heavy_tail_deficit(n, degrees),
    },
)

share_expectation_exists = Claim(
    id="adaptive-norms/proposition-2.share-expectation-exists",
    title="The expected share exists, and how it differs from the share of the expectation",
    kind="identity",
    statement=r"Let $D=\sum_i|M_{ii}|$ and $T=\sum_{ij}|M_{ij}|>0$ almost surely. Then "
    r"$0\le D/T\le1$, so that $\mathbb{E}\frac DT$ exists for every law; "
    r"if $\mathbb{E}T<\infty$, $\mathbb{E}\frac DT=\frac{\mathbb{E}D}{\mathbb{E}T}-"
    r"\frac{\mathrm{Cov}(D/T,T)}{\mathbb{E}T}$. For Gaussian $H=XX^\top$, to second order, "
    r"$\mathbb{E}\frac DT\approx R+"
    r"\frac{R\,\mathrm{Var}T-\mathrm{Cov}(D,T)}{(\mathbb{E}T)^2}$ with $R=\frac{n}{n+(d-1)e_n}$, "
    r"$O=T-D$, $\mathrm{Var}D=2nd$, $\mathrm{Cov}(D,O)=2d(d-1)e_n$, $\mathrm{Var}O="
    r"2d(d-1)\bigl[n-e_n^2+2(d-2)(\tfrac{2n}\pi-e_n^2)\bigr]$; for $d=2$ the expected share is "
    r"exactly $\frac{n-1}{n-2}-\frac{2}{(n-2)\mathrm{B}(1/2,n/2)}$.",
    notes="The paper's appendix D says that the expected share cannot be computed because E[1/X] "
    "may not exist; a quotient that lies in [0, 1] always has an expectation. The "
    "remainder of the second-order value is below 0.5 % of its correction at d = 10, n = 40, but "
    "26 % at d = 2, n = 4.",
    source=Source("kohler2019", item="appendix D remark"),
    scope={"share": "E D/T", "mean_diagonal": ">= 0", "mean_total": "> 0", "covariance": "real"},
    formula=expected_share,
    mutants={
        "equals the share of the expectation": _without_covariance,
        "sign of the covariance": _covariance_added,
        "covariance over E T squared": _covariance_over_square,
        "three per cent larger": _three_per_cent_larger,
    },
)
