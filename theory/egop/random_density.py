"""Density of a random direction: what an eigenvector without structure would have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from theory.core import Claim, Source


def random_density(d: Any) -> Any:
    r"""Return :math:`E\,\|v\|_1/\sqrt d` for v uniform on the unit sphere.

    .. math:: \frac{\sqrt d\;\Gamma(d/2)}{\sqrt\pi\;\Gamma((d+1)/2)}
              = \sqrt{2/\pi}\,\Big(1 + \frac{1}{4d} + O(d^{-2})\Big).

    Parameters
    ----------
    d : int >= 1, or a SymPy symbol
        For a symbol, the closed form.

    Raises
    ------
    ValueError
        If d < 1.

    >>> round(random_density(2), 12)
    0.900316316157
    """
    if hasattr(d, "free_symbols"):
        return _closed_form(d)
    if d < 1:
        raise ValueError(f"d is {d!r}; it must be an integer >= 1")
    ratio = float(np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)))
    return math.sqrt(d / math.pi) * ratio


def _closed_form(d: Any) -> Any:
    import sympy

    return sympy.sqrt(d / sympy.pi) * sympy.gamma(d / 2) / sympy.gamma((d + 1) / 2)


density_of_random_directions = Claim(
    id="egop/random-density",
    title="Density of a uniformly random direction",
    kind="law",
    statement=(
        r"For $v$ uniform on the unit sphere of $\mathbb{R}^d$: $\mathbb{E}\,\beta ="
        r" \mathbb{E}\|v\|_1/\sqrt d = \sqrt d\,\Gamma(d/2) / (\sqrt\pi\,\Gamma((d+1)/2))"
        r" \to \sqrt{2/\pi}$."
    ),
    source=Source("depavia2025", item="section 4.1"),
    scope={"d": ">= 1"},
    formula=random_density,
    notes=(
        "The paper calls a direction dense when beta is of order one; a random one has beta near"
        " 0.798, at most 1, and the smallest possible value is 1/sqrt(d). The exact value for"
        " every d is derived here. Its spread vanishes as d grows."
    ),
    mutants={
        "the limit at every d": lambda d: math.sqrt(2 / math.pi),
        "without the root of d": lambda d: random_density(d) / math.sqrt(d),
        "Gaussian entries over their expected length squared": lambda d: (
            math.sqrt(2 / math.pi) * (1 + 1 / (2 * d))
        ),
        "one dimension off": lambda d: random_density(d + 1),
    },
)
