r"""Weights that are nearly of rank one, and what they leave of R_med: Lemma 30 and eq. (4)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrays import total
from theory.core import Claim, Mutant, Source
from theory.scalars import own_method

Array = Any


def nearly_rank_one(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array
                    ) -> tuple[Array, Array]:  # fmt: skip
    r"""Weights :math:`w_i = c u_i (1 + \delta s_i)`, :math:`W_{ij} = u_iv_j (1 + \delta S_{ij})`.

    With entries of s and S in [-1, 1] these are all the weights of Lemmas 28 and 30:
    :math:`W = uv' + R_1`, :math:`w = cu + R_2`, :math:`|R_{1,ij}| \le \delta |u_iv_j|`,
    :math:`|R_{2,i}| \le \delta |c u_i|`.

    Parameters
    ----------
    u, second : (d,)
        Common left factor; relative errors s of w.
    v : (n,)
    c, delta : scalars
    first : (d, n)
        Relative errors S of W.

    Returns
    -------
    w (d,) and W (d, n)
    """
    return c * u * (1 + delta * second), u[:, None] * v[None, :] * (1 + delta * first)


def is_nearly_rank_one(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array,
                       **_: Any) -> bool:  # fmt: skip
    """Whether the errors are at most delta < 1, and no row of the weights vanishes."""
    errors = [*first.reshape(-1), *second.reshape(-1)]
    return (
        bool(0 <= delta < 1)
        and all(bool(-1 <= error <= 1) for error in errors)
        and all(bool(entry != 0) for entry in [*u.reshape(-1), c])
        and any(bool(entry != 0) for entry in v.reshape(-1))
    )


def midpoint_median(values: Any) -> Any:
    """The middle value, or the mean of the two middle ones, of numbers of any arithmetic."""
    ordered = sorted(values)
    middle, odd = divmod(len(ordered), 2)
    return ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2


def ratios_to_reference(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array,
                        middle: Callable[[Any], Any] = midpoint_median) -> list[Any]:  # fmt: skip
    r"""R_med of both layers over :math:`\max u_i^2/\mathrm{median}\,u_i^2`.

    A symbol with its own ``ratios_to_reference()`` in place of u answers for itself.
    """
    own = own_method(u, "ratios_to_reference")
    if own:
        return list(own())
    w, W = nearly_rank_one(u, v, c, delta, first, second)
    reference = max(u * u) / midpoint_median(u * u)
    diagonals = (w * w, total(W * W, axis=1))
    return [max(values) / middle(values) / reference for values in diagonals]


def lemma_30_sides(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array
                   ) -> tuple[Array, Array]:  # fmt: skip
    r"""Lemma 30: bounds of R_med of nearly rank-one weights.

    :math:`\left(\frac{1-\delta}{1+\delta}\right)^2 \le
    R_{med,k} \big/ \frac{\max u_i^2}{\mathrm{median}\,u_i^2} \le
    \left(\frac{1+\delta}{1-\delta}\right)^2` for both layers.

    Parameters
    ----------
    u, v, c, delta, first, second
        As in `nearly_rank_one`.

    Returns
    -------
    lhs, rhs : (4,)
        Upper bounds of the ratios of layers 1 and 2, then the lower ones.
    """
    return _sides(ratios_to_reference(u, v, c, delta, first, second), delta)


def _sides(ratios: list[Any], delta: Any, *, upper: Any = 1, lower: Any = 1, power: int = 2
           ) -> tuple[Array, Array]:  # fmt: skip
    spread = ((1 + delta) / (1 - delta)) ** power
    low, high = lower / spread, upper * spread
    lhs = np.asarray([*ratios, low, low], dtype=object)
    return lhs, np.asarray([high, high, *ratios], dtype=object)


def _mutant(middle: Callable[[Any], Any] = midpoint_median, **change: Any) -> Callable[..., Any]:
    def sides(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array) -> Any:
        found = ratios_to_reference(u, v, c, delta, first, second, middle)
        return _sides(found, delta, **change)

    return sides


def _arithmetic_mean(values: Any) -> Any:
    return sum(values) / len(values)


lemma_30 = Claim(
    id="local-geometry/lemma-30",
    title="R_med of nearly rank-one weights",
    kind="inequality",
    statement=r"Let $W=uv'+R_1$, $w=cu+R_2$ with $|R_{1,ij}|\le\delta|u_iv_j|$, "
    r"$|R_{2,i}|\le\delta|cu_i|$, $\delta<1$. Then for both layers "
    r"$\left(\frac{1-\delta}{1+\delta}\right)^2\le R_{\mathrm{med},k}\Big/"
    r"\frac{\max_iu_i^2}{\mathrm{median}_iu_i^2}\le\left(\frac{1+\delta}{1-\delta}\right)^2$.",
    notes="Both constants are attained for every d >= 3 (the proof shows it for d = 3, 4, 5). As "
    "delta tends to 0 this is eq. (4): R_med of both layers is max u^2/median u^2.",
    source=Source("jiang2022", item="Lemma 30", equations=("4",)),
    scope={"delta": "[0, 1)", "u": "d nonzero entries", "v": "not zero", "c": "not zero"},
    formula=lemma_30_sides,
    assumes=is_nearly_rank_one,
    mutants={
        "upper constant 2 % smaller": _mutant(upper=Fraction(49, 50)),
        "lower constant 2 % larger": _mutant(lower=Fraction(51, 50)),
        "first power": _mutant(power=1),
        "mean for median": _mutant(middle=_arithmetic_mean),
        "errors without bound": Mutant(drops_assumptions=True),
    },
)
