r"""The paper's spectra of EGOPs of convex objectives: decay, stable rank, density.

Problems as in `theory.egop.experiments_convex`: data with singular values
:math:`\sigma_k = k^{-decay}` and uniformly distributed singular vectors; the EGOP of 5d gradients
at standard normal points.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from theory.core import Claim, Source

Range = tuple[float, float]
Formula = Callable[[str, int, float], Range]


def root_decay(objective: str, d: int, decay: float) -> Range:
    r"""Range of the median of :math:`\log_{10}(\sqrt{\lambda_d/\lambda_1}\, d^{2 decay})`.

    Zero where the roots of the eigenvalues decay as the squares of the singular values; the
    range is a factor of three.
    """
    return -0.5, 0.5


def rank_ratio(objective: str, d: int, decay: float) -> Range:
    r"""Range of the median of :math:`\log_{10}(sr/\sum_k k^{-2 decay})`."""
    return -0.15, 0.1


def uniform_density(objective: str, d: int, decay: float) -> float:
    r"""Mean of :math:`\|v\|_1/\sqrt d` of a uniformly distributed unit vector.

    :math:`\sqrt{d/\pi}\, \Gamma(d/2)/\Gamma((d + 1)/2)`, near :math:`\sqrt{2/\pi}`: the mean of
    :math:`|g|/\|g\|` for Gaussian g, by independence of length and direction.

    >>> round(uniform_density("least squares", 30, 1.0), 4)
    0.8046
    """
    return math.sqrt(d / math.pi) * math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2))


def power_sum(d: int, exponent: float) -> float:
    """Return the sum of ``k^-exponent`` over k = 1..d.

    >>> power_sum(2, 1.0)
    1.5
    """
    return math.fsum(k**-exponent for k in range(1, d + 1))


def _shifted(formula: Formula, decades: Callable[[int, float], float]) -> Formula:
    """A false variant: the range is so many decades higher."""

    def shifted(objective: str, d: int, decay: float) -> Range:
        low, high = formula(objective, d, decay)
        return low + decades(d, decay), high + decades(d, decay)

    return shifted


_OBJECTIVES = "least squares (n = d), logistic (n = 4d), log-sum-exp of squared residuals (n = d)"
_SOURCE = Source("depavia2025", item="section 4, Figures 2 and 6 to 8")

spectral_decay = Claim(
    id="egop/experiment-spectral-decay",
    title="Spectra of EGOPs follow the data",
    kind="law",
    statement=r"The roots $\sqrt{\lambda_k/\lambda_1}$ of the EGOP's eigenvalues decay as "
    r"$(\sigma_k/\sigma_1)^2$: at $k = d$ the median ratio is within a factor of 3 for all three "
    r"convex objectives and decays $1/2$, $1$, $2$.",
    notes="For least squares Lemma 19 brackets the population's eigenvalues; here they come from "
    "5d gradients. The paper plots spectra of networks on images instead, with decay over several "
    "decades as well.",
    source=_SOURCE,
    scope={"objective": _OBJECTIVES, "d": "30; 100 at larger budgets", "decay": "1/2, 1, 2"},
    formula=root_decay,
    mutants={
        "as the singular values": _shifted(
            root_decay, lambda d, decay: decay * math.log10(d)
        ),
        "eigenvalues instead of roots": _shifted(
            root_decay, lambda d, decay: -2 * decay * math.log10(d)
        ),
        "no decay": _shifted(root_decay, lambda d, decay: 2 * decay * math.log10(d)),
        "half a decade more": _shifted(root_decay, lambda d, decay: -0.8),
    },
)  # fmt: skip

small_rank = Claim(
    id="egop/experiment-spectral-decay.stable-rank",
    title="Stable ranks of EGOPs follow the data",
    kind="law",
    statement=r"The median stable rank $\sum_k \sqrt{\lambda_k/\lambda_1}$ is within "
    r"$[0.7, 1.26]$ times $\sum_k (\sigma_k/\sigma_1)^2$: 1.6 of d for $\sigma_k = 1/k$.",
    notes="Slightly below for least squares, where A'y adds to the first eigenvalue most.",
    source=_SOURCE,
    scope={"objective": _OBJECTIVES, "d": "30; 100 at larger budgets", "decay": "1/2, 1, 2"},
    formula=rank_ratio,
    mutants={
        "eigenvalues instead of roots": _shifted(
            rank_ratio,
            lambda d, decay: math.log10(power_sum(d, 4 * decay) / power_sum(d, 2 * decay)),
        ),
        "singular values not squared": _shifted(
            rank_ratio, lambda d, decay: math.log10(power_sum(d, decay) / power_sum(d, 2 * decay))
        ),
        "full rank": _shifted(
            rank_ratio, lambda d, decay: math.log10(d / power_sum(d, 2 * decay))
        ),
    },
)  # fmt: skip

dense_eigenvectors = Claim(
    id="egop/experiment-spectral-decay.density",
    title="Leading eigenvectors are as dense as random ones",
    kind="law",
    statement=r"With uniformly distributed right singular vectors of the data, "
    r"$\mathbf{E}\,\beta(v_1) = \sqrt{d/\pi}\,\Gamma(d/2)/\Gamma((d+1)/2) \approx \sqrt{2/\pi}$: "
    r"the leading eigenvector of the EGOP is itself uniformly distributed.",
    notes="Exact: turning the data turns the EGOP, as the laws of minimiser and samples are "
    "rotation invariant. So the factor d beta^2/sr of the paper's gain is about 0.65 d/sr. On "
    "axis-aligned data there is no such law: the density is then near its least.",
    source=_SOURCE,
    scope={"objective": "least squares, log-sum-exp", "d": "16 to 30", "decay": "1"},
    formula=uniform_density,
    mutants={
        "limit for large d": lambda objective, d, decay: math.sqrt(2 / math.pi),
        "d + 1 for d": lambda objective, d, decay: uniform_density(objective, d, decay)
        * math.sqrt((d + 1) / d),
        "as dense as can be": lambda objective, d, decay: 1.0,
        "a coordinate vector": lambda objective, d, decay: d**-0.5,
    },
)  # fmt: skip
