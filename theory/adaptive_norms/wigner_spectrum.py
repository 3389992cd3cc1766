"""Moments of the spectrum of a Gaussian orthogonal matrix, exactly at every dimension.

A sanity check of the random matrices that the other claims use: as d grows the moments tend to
the Catalan numbers 1, 2, 5, 14, the moments of Wigner's semicircle law.
"""

from __future__ import annotations

import math
from typing import Any

from theory.core import Claim, Source

# Coefficients of d^0, d^-1, d^-2, ... in E tr W^order / d.
GOE_MOMENTS = {
    2: (1, 1),
    4: (2, 5, 5),
    6: (5, 22, 52, 41),
    8: (14, 93, 374, 690, 509),
}


def catalan(k: int) -> int:
    """The k-th Catalan number ``C(2k, k) / (k + 1)``: moment 2k of the semicircle law.

    >>> [catalan(k) for k in (1, 2, 3, 4)]
    [1, 2, 5, 14]
    """
    return math.comb(2 * k, k) // (k + 1)


def goe_moment(d: Any, order: int) -> Any:
    """Exact moment ``E tr W^order / d`` of the Gaussian orthogonal ensemble.

    W is symmetric d x d with independent centred Gaussian entries of variance 1/d off the
    diagonal and 2/d on it: ``E W_ij W_kl = (delta_ik delta_jl + delta_il delta_jk) / d``.

    Parameters
    ----------
    d : int, float, array or symbol, >= 1
    order : int
        2, 4, 6 or 8.

    Raises
    ------
    ValueError
        If the order is not one of these.

    >>> goe_moment(1, 4)  # a single N(0, 2) variable: 3 * 2^2
    12.0
    """
    if order not in GOE_MOMENTS:
        raise ValueError(f"order is {order}; it must be one of {', '.join(map(str, GOE_MOMENTS))}")
    return sum(coefficient / d**power for power, coefficient in enumerate(GOE_MOMENTS[order]))


def _gue_moment(d: Any, order: int) -> Any:
    coefficients = {2: (1,), 4: (2, 0, 1), 6: (5, 0, 10), 8: (14, 0, 70, 0, 21)}[order]
    return sum(coefficient / d**power for power, coefficient in enumerate(coefficients))


wigner_semicircle = Claim(
    id="adaptive-norms/wigner-semicircle",
    title="Spectral moments of a Wigner matrix and the semicircle law",
    kind="law",
    statement=r"For $W$ from the Gaussian orthogonal ensemble with off-diagonal variance $1/d$, "
    r"$\tfrac1d\mathbb{E}\,\mathrm{tr}W^2=1+\tfrac1d$, "
    r"$\tfrac1d\mathbb{E}\,\mathrm{tr}W^4=2+\tfrac5d+\tfrac5{d^2}$, "
    r"$\tfrac1d\mathbb{E}\,\mathrm{tr}W^6=5+\tfrac{22}d+\tfrac{52}{d^2}+\tfrac{41}{d^3}$; "
    r"as $d\to\infty$ they tend to the Catalan numbers $1,2,5$, the moments of the semicircle law.",
    notes="Not in the paper: it checks the ensembles that the share is measured on. The exact "
    "polynomials come from Wick's sum over pairings, so that the measurement is sharp at every d.",
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "order": "2, 4, 6, 8"},
    formula=goe_moment,
    mutants={
        "limit taken as exact": lambda d, order: catalan(order // 2) + 0 / d,
        "unitary ensemble": _gue_moment,
        "3 % larger": lambda d, order: 103 * goe_moment(d, order) / 100,
        "moments of the standard normal": lambda d, order: math.prod(range(1, order, 2)) + 0 / d,
    },
)
