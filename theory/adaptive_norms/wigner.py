"""Expected diagonal share of Wigner matrices: exact integral, asymptotics, exact special laws.

Throughout, M is symmetric d x d, its entries on and above the diagonal are i.i.d., and its
share is ``sum_i |M_ii| / sum_ij |M_ij|``. Proposition 1 of the paper gives the share of the
*expectation* E|M|, which is 1/d; here stands the *expectation of the share*.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing as npt
from scipy import special

from theory.core import Claim, Mutant, Source
from theory.scalars import own_method

FloatArray = npt.NDArray[numpy.float64]
Profile = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class MagnitudeLaw:
    """The law of a magnitude |X|, through its Laplace transform phi(l) = E exp(-l |X|).

    Attributes
    ----------
    name : str
    log_transform : callable
        l > 0 -> log phi(l), elementwise.
    slope : callable
        l > 0 -> -phi'(l) = E |X| exp(-l |X|), elementwise.
    relative_variance : float
        Var|X| / (E|X|)^2; infinite where the variance is.
    """

    name: str
    log_transform: Profile
    slope: Profile
    relative_variance: float


def _gaussian_log_transform(l: FloatArray) -> FloatArray:
    # erfcx keeps exp(l^2/2) erfc(l/sqrt 2) from overflowing.
    logarithm: FloatArray = numpy.log(special.erfcx(l / numpy.sqrt(2.0)))
    return logarithm


def _gaussian_slope(l: FloatArray) -> FloatArray:
    slope: FloatArray = numpy.sqrt(2.0 / numpy.pi) - l * special.erfcx(l / numpy.sqrt(2.0))
    return slope


LAWS: Mapping[str, MagnitudeLaw] = {
    law.name: law
    for law in (
        MagnitudeLaw("gaussian", _gaussian_log_transform, _gaussian_slope, numpy.pi / 2.0 - 1.0),
        MagnitudeLaw("laplace", lambda l: -numpy.log1p(l), lambda l: (1.0 + l) ** -2.0, 1.0),
        MagnitudeLaw("rademacher", lambda l: -l, lambda l: numpy.exp(-l), 0.0),
        # The regularised incomplete gamma function is 1 - exp(-l)(1 + l) without cancellation.
        MagnitudeLaw("uniform", lambda l: numpy.log(-numpy.expm1(-l) / l),
                     lambda l: special.gammainc(2.0, l) / l**2, 1.0 / 3.0),
    )
}  # fmt: skip


def positive_stable(alpha: float) -> MagnitudeLaw:
    """The one-sided stable law of index alpha in (0, 1): phi(l) = exp(-l^alpha).

    Its mean is infinite, so that Proposition 1 does not speak of it.

    Raises
    ------
    ValueError
        If alpha is not in (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must be in (0, 1)")
    return MagnitudeLaw(
        f"positive-stable({alpha})",
        lambda l: -(l**alpha),
        lambda l: alpha * l ** (alpha - 1.0) * numpy.exp(-(l**alpha)),
        numpy.inf,
    )


def wigner_expected_share(d: int, law: str | MagnitudeLaw = "gaussian") -> float:
    """Expected diagonal share of a d x d Wigner matrix, exact up to rounding.

    ``E share = int_0^inf d (-phi'(l)) phi(l)^(d-1) phi(2l)^(d(d-1)/2) dl``, from
    ``1/T = int_0^inf exp(-l T) dl`` with T the sum of all |entries|. It holds for every law
    of the entries with P(X = 0) = 0, whether or not a mean exists.

    Parameters
    ----------
    d : int >= 1
    law : str or MagnitudeLaw
        One of ``LAWS`` (any scale: the share is scale-free), or a law of your own.

    Returns
    -------
    float
        Relative error about d^2 times 1e-16, from the power d(d-1)/2 of a rounded phi.

    Raises
    ------
    ValueError
        If d < 1 or the law is unknown.

    Notes
    -----
    Exp-sinh quadrature ``l = exp(pi/2 sinh t)``, trapezoidal in t.

    >>> round(wigner_expected_share(2), 12)
    0.535008231375
    """
    profile = _law(law)
    if d < 1:
        raise ValueError(f"d is {d}; it must be at least 1")
    if d == 1:
        return 1.0
    step = 1.0 / 64.0
    t = numpy.arange(-6.0, 6.0 + step, step)
    l = numpy.exp(numpy.pi / 2.0 * numpy.sinh(t))
    jacobian = numpy.pi / 2.0 * numpy.cosh(t) * l
    # Far out the logarithm underflows to -inf, which is the right limit of the integrand.
    with numpy.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        power = (d - 1) * profile.log_transform(l)
        power = power + d * (d - 1) // 2 * profile.log_transform(2.0 * l)
        values = numpy.where(power > -700.0, profile.slope(l) * numpy.exp(power) * jacobian, 0.0)
    return float(d * step * numpy.sum(values))


def _law(law: str | MagnitudeLaw) -> MagnitudeLaw:
    if isinstance(law, MagnitudeLaw):
        return law
    if law not in LAWS:
        raise ValueError(f"law is {law!r}; it must be a MagnitudeLaw or one of {', '.join(LAWS)}")
    return LAWS[law]


def wigner_share_excess(d: Any, law: str | MagnitudeLaw = "gaussian") -> Any:
    """Leading term of ``E share - 1/d`` for large d: ``(Var|X| / (E|X|)^2) (d - 1) / d^4``."""
    return _law(law).relative_variance * (d - 1) / d**4


def stable_wigner_share(d: Any, alpha: Any) -> Any:
    """Expected share for positive alpha-stable |entries|: ``1 / (1 + 2^(alpha-1) (d - 1))``.

    Exact for every d >= 1 and 0 < alpha < 1, floats or symbols. The share stays above 1/d by
    a factor that tends to 2^(1-alpha).
    """
    return 1 / (1 + 2 ** (alpha - 1) * (d - 1))


def laplace_share_cdf(d: int) -> Callable[[Any], Any]:
    """Distribution function of the share for Laplace entries, d >= 2.

    ``share = B / (2 - B)`` with ``B ~ Beta(d, d(d-1)/2)``, hence
    ``P(share <= s) = I_{2s/(1+s)}(d, d(d-1)/2)`` with the regularised incomplete beta function.
    """
    return _beta_share_cdf(d, d * (d - 1) / 2)


def _beta_share_cdf(first: float, second: float) -> Callable[[Any], Any]:
    return lambda s: special.betainc(first, second, 2.0 * s / (1.0 + s))


def placements(d: int) -> list[tuple[int, ...]]:
    """Every choice of d of the d(d+1)/2 upper-triangular entries for the diagonal."""
    return list(itertools.combinations(range(d * (d + 1) // 2), d))


def mean_share_of_placements(d: Any, entries: Any) -> Any:
    """Mean diagonal share when the given |entries| are placed at random in the upper triangle.

    With S the sum of the entries and D that of the d entries on the diagonal, the share is
    ``D / (2S - D)``; the mean runs over all choices of the diagonal. Every exchangeable law
    (in particular every i.i.d. law) is a mixture of such placements.

    Parameters
    ----------
    d : int
    entries : (d(d+1)/2,) nonnegative, not all zero; exact numbers, balls, floats or symbols.
        An object with its own ``mean_share(d)`` answers for itself.
    """
    own = own_method(entries, "mean_share")
    if own:
        return own(d)
    values = list(entries)
    whole = sum(values)
    choices = placements(d)
    shares = (share_of_parts(sum(values[i] for i in choice), whole) for choice in choices)
    return sum(shares) / len(choices)


def share_of_parts(diagonal: Any, upper: Any) -> Any:
    """Share from the diagonal's sum D and the upper triangle's sum S: ``D / (2S - D)``."""
    return diagonal / (2 * upper - diagonal)


def _above_one_over_d(d: Any, entries: Any) -> tuple[Any, Any]:
    """Claims ``1 <= d E share``, the mean over all placements of the entries."""
    return 1, d * mean_share_of_placements(d, entries)


def _entries_are_magnitudes(d: Any, entries: Any) -> bool:
    values = list(entries)
    return (
        len(values) == d * (d + 1) // 2
        and all(bool(value >= 0) for value in values)
        and bool(sum(values) > 0)
    )


def _no_pole(d: Any, entries: Any) -> bool:
    """Entries of any sign for which every share is defined."""
    values = list(entries)
    whole = sum(values)
    return len(values) == d * (d + 1) // 2 and all(
        bool(2 * whole - sum(values[i] for i in choice) != 0) for choice in placements(d)
    )


def constant_magnitude_share(d: Any, magnitude: Any, signs: Any = None) -> Any:
    """Share of a d x d matrix with entries ``+-magnitude``.

    With `signs` (d x d of +-1) the absolute sums are formed entry by entry, else counted.
    """
    if signs is None:
        return d * magnitude / (d * magnitude + d * (d - 1) * magnitude)
    sizes = [[abs(magnitude * sign) for sign in row] for row in signs]
    return sum(sizes[i][i] for i in range(d)) / sum(sum(row) for row in sizes)


def _rademacher(d: Any, magnitude: Any, signs: Any = None) -> tuple[Any, Any]:
    """Claims ``d share = 1`` for entries ``magnitude * signs``."""
    return d * constant_magnitude_share(d, magnitude, signs), 1


def _is_sign_matrix(d: Any, magnitude: Any, signs: Any = None) -> bool:
    entries = [sign for row in signs for sign in row]
    square = len(signs) == d and len(entries) == d * d
    return square and bool(magnitude > 0) and all(bool(sign * sign == 1) for sign in entries)


SOURCE = Source("kohler2019", item="beyond")

expected_share = Claim(
    id="adaptive-norms/proposition-1.expected-share",
    title="Expected diagonal share of a Wigner matrix, exactly",
    kind="law",
    statement=r"Let $M\in\mathbb{R}^{d\times d}$ be symmetric with i.i.d. entries on and above "
    r"the diagonal, $P(X=0)=0$ and $\varphi(\ell)=\mathbb{E}e^{-\ell|X|}$. Then "
    r"$\mathbb{E}\frac{\sum_i|M_{ii}|}{\sum_{ij}|M_{ij}|}=\int_0^\infty d\,(-\varphi'(\ell))\,"
    r"\varphi(\ell)^{d-1}\varphi(2\ell)^{d(d-1)/2}\,d\ell$, and the excess over $1/d$ is "
    r"$\sim\frac{\mathrm{Var}|X|}{(\mathbb{E}|X|)^2}\frac{d-1}{d^4}$.",
    notes="The paper computes the share of the expectation, 1/d, because it doubts that the "
    "expected share exists; it does, and it is this integral.",
    source=SOURCE,
    scope={"d": "d >= 1", "law": "any with P(X = 0) = 0"},
    sharpens="adaptive-norms/proposition-1",
    formula=wigner_expected_share,
    mutants={
        "share of the expectation": lambda d, law="gaussian": 1.0 / d,
        "off-diagonal counted once": lambda d, law="gaussian": 2.0 / (d + 1),
        "leading term as exact": lambda d, law="gaussian": 1.0 / d + wigner_share_excess(d, law),
        "Gaussian value for every law": lambda d, law="gaussian": wigner_expected_share(d),
        "2 % larger": lambda d, law="gaussian": 1.02 * wigner_expected_share(d, law),
    },
)

above_one_over_d = Claim(
    id="adaptive-norms/proposition-1.above-one-over-d",
    title="The expected share is at least 1/d",
    kind="inequality",
    statement=r"For exchangeable nonnegative entries on and above the diagonal, not all zero, "
    r"$\frac1d\le\mathbb{E}\frac{D}{2S-D}$, where $D$ is the sum of the diagonal and $S$ that of "
    r"the upper triangle; equality iff $D=\tfrac{2}{d+1}S$ almost "
    r"surely. Equivalently, for given entries "
    r"$x_1,\dots,x_{d(d+1)/2}\ge 0$ the mean of the share over all placements is at least $1/d$.",
    notes="Stronger than for i.i.d. laws: exchangeability suffices. Two proofs: the exchange of a "
    "diagonal with an off-diagonal entry, and Jensen's inequality for D/(2S-D) given S, with the "
    "exact remainder E share - 1/d = (d+1)^2/(2 d^2) E (u - 2/(d+1))^2/(2 - u), u = D/S.",
    source=SOURCE,
    scope={"d": "d >= 1", "entries": "nonnegative, not all zero"},
    sharpens="adaptive-norms/proposition-1",
    formula=_above_one_over_d,
    assumes=_entries_are_magnitudes,
    mutants={
        "2 % above 1/d": lambda d, entries: (51, 50 * d * mean_share_of_placements(d, entries)),
        "at most 1/d": lambda d, entries: (d * mean_share_of_placements(d, entries), 1),
        "at least 2/(d+1)": lambda d, entries: (2, (d + 1) * mean_share_of_placements(d, entries)),
        "entries of any sign": Mutant(assumes=_no_pole),
    },
)

laplace = Claim(
    id="adaptive-norms/proposition-1.laplace",
    title="Law of the share of a Wigner matrix with Laplace entries",
    kind="law",
    statement=r"For i.i.d. Laplace entries the share is distributed as $\frac{B}{2-B}$ with "
    r"$B\sim\mathrm{Beta}(d,\tfrac{d(d-1)}{2})$.",
    notes="Sums of exponential magnitudes are Gamma variables, and their ratio is a Beta one.",
    source=SOURCE,
    scope={"d": "d >= 2"},
    sharpens="adaptive-norms/proposition-1",
    formula=laplace_share_cdf,
    mutants={
        "share = B": lambda d: lambda s: special.betainc(d, d * (d - 1) / 2, s),
        "off-diagonal counted twice": lambda d: _beta_share_cdf(d, d * (d - 1)),
        "first parameter 4 % larger": lambda d: _beta_share_cdf(1.04 * d, d * (d - 1) / 2),
        "magnitudes as chi-squared": lambda d: _beta_share_cdf(d / 2, d * (d - 1) / 4),
    },
)

rademacher = Claim(
    id="adaptive-norms/proposition-1.rademacher",
    title="Share of a sign matrix",
    kind="identity",
    statement=r"If $|M_{ij}|=c>0$ for all $i,j$ (Rademacher entries of any scale) the share is "
    r"exactly $1/d$, for every realisation.",
    notes="The case of equality in the bound E share >= 1/d.",
    source=SOURCE,
    scope={"d": "d >= 1", "magnitude": "> 0", "signs": "d x d of +-1"},
    sharpens="adaptive-norms/proposition-1",
    formula=_rademacher,
    assumes=_is_sign_matrix,
    mutants={
        "upper triangle only": lambda d, magnitude, signs=None: (
            (d + 1) * constant_magnitude_share(d, magnitude, signs),
            2,
        ),
        "1/(d+1)": lambda d, magnitude, signs=None: (
            (d + 1) * constant_magnitude_share(d, magnitude, signs),
            1,
        ),
        "2 % larger": lambda d, magnitude, signs=None: (
            50 * d * constant_magnitude_share(d, magnitude, signs),
            51,
        ),
        "depends on the scale": lambda d, magnitude, signs=None: (
            d * constant_magnitude_share(d, magnitude, signs),
            magnitude,
        ),
    },
)

stable = Claim(
    id="adaptive-norms/proposition-1.stable",
    title="Expected share for positive stable magnitudes",
    kind="law",
    statement=r"If $|X|$ is positive $\alpha$-stable, $\mathbb{E}e^{-\ell|X|}=e^{-\ell^\alpha}$ "
    r"with $0<\alpha<1$, then $\mathbb{E}\,\mathrm{share}=\frac{1}{1+2^{\alpha-1}(d-1)}$.",
    notes="No mean exists, so that Proposition 1 does not apply; the expected share stays above "
    "1/d by the factor 2^(1-alpha) for large d, and tends to 1/d as alpha tends to 1.",
    source=SOURCE,
    scope={"d": "d >= 1", "alpha": "0 < alpha < 1"},
    sharpens="adaptive-norms/proposition-1",
    formula=stable_wigner_share,
    mutants={
        "1/d": lambda d, alpha: 1 / (d + 0 * alpha),
        "2^alpha for 2^(alpha-1)": lambda d, alpha: 1 / (1 + 2**alpha * (d - 1)),
        "inverted power": lambda d, alpha: 1 / (1 + 2 ** (1 - alpha) * (d - 1)),
        "off-diagonal weight 3 % larger": lambda d, alpha: (
            1 / (1 + 2 ** (alpha - 1) * (d - 1) * 103 / 100)
        ),
    },
)
