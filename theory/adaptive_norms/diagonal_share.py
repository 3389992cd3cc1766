"""Diagonal share of a matrix, of a Wigner matrix, and of an average of matrices.

The share ``sum_i |M_ii| / sum_ij |M_ij|`` says how much of a matrix a diagonal preconditioner
sees (Kohler, Adolphs, Lucchi 2019, section 3.2 and appendix D).
"""

from __future__ import annotations

from typing import Any

from theory.adaptive_norms.ols_share import (
    mean_absolute_inner_product,
    ols_share,
    ols_share_limit,
)
from theory.adaptive_norms.wigner import wigner_expected_share
from theory.arrays import namespace
from theory.core import Claim, Mutant, Source
from theory.scalars import own_method

__all__ = [
    "average_not_dominated",
    "average_not_dominated_nonnegative",
    "diagonal_share",
    "mean_absolute_inner_product",
    "ols_share",
    "ols_share_limit",
    "proposition_1",
    "row_dominance_margin",
    "wigner_expected_share",
    "wigner_share",
]


def diagonal_share(matrix: Any) -> Any:
    """Diagonal share ``sum_i |M_ii| / sum_ij |M_ij|`` over the last two axes.

    Parameters
    ----------
    matrix : (..., d, d)
        Array of any Array-API namespace, or NumPy object array of exact numbers. An object with
        its own method ``diagonal_share()`` answers for itself.

    Returns
    -------
    (...) in [0, 1]
        1 for a nonzero diagonal matrix, 1/d if all entries have the same magnitude.

    Raises
    ------
    ValueError
        If the matrix is not square, is zero, or has an entry that is NaN or infinite.

    References
    ----------
    Kohler, Adolphs, Lucchi (2019), section 3.2 (the ratio of diagonal to overall mass).
    """
    own = own_method(matrix, "diagonal_share")
    if own:
        return own()
    xp, sizes = _magnitudes(matrix)
    diagonal, whole = xp.sum(_diagonal(sizes), axis=-1), xp.sum(sizes, axis=(-2, -1))
    if _any(xp, whole == 0):
        raise ValueError("matrix is zero; its diagonal share 0/0 is not defined")
    return diagonal / whole


def row_dominance_margin(matrix: Any) -> Any:
    """Margin ``min_i (|M_ii| - sum_{j != i} |M_ij|)`` over the last two axes.

    Positive iff the matrix is strictly diagonally dominant by rows; shape (...), errors as in
    `diagonal_share` except that zero is allowed.
    """
    xp, sizes = _magnitudes(matrix)
    margins = 2 * _diagonal(sizes) - xp.sum(sizes, axis=-1)
    return xp.min(margins, axis=-1)


def _magnitudes(matrix: Any) -> tuple[Any, Any]:
    xp = namespace(matrix)
    array = xp.asarray(matrix)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise ValueError(f"matrix has shape {array.shape}; it must be (..., d, d) with d >= 1")
    sizes = abs(array)
    if array.dtype != object and not bool(xp.all(xp.isfinite(sizes))):
        raise ValueError("matrix has an entry that is NaN or infinite; all must be finite")
    return xp, sizes


def _diagonal(array: Any) -> Any:
    # Every (d+1)-th entry of the flattened matrix: batches of floats and of exact numbers alike.
    d = array.shape[-1]
    return namespace(array).reshape(array, (*array.shape[:-2], d * d))[..., :: d + 1]


def _any(xp: Any, condition: Any) -> bool:
    return bool(xp.any(xp.asarray(condition)))


def wigner_share(d: Any, sigma_diagonal: Any = 1.0, sigma_off: Any = 1.0) -> Any:
    """Share of E|M| for a Gaussian Wigner matrix: ``1 / (1 + (d - 1) sigma_off / sigma_diagonal)``.

    The factor sqrt(2/pi) of ``E|N(0, sigma^2)|`` cancels. For independent entries of any law
    with finite means, put the mean magnitudes in place of the standard deviations.

    Parameters
    ----------
    d : int >= 1
    sigma_diagonal, sigma_off : > 0
        Standard deviations on and off the diagonal; numbers, arrays or symbols.

    References
    ----------
    Kohler, Adolphs, Lucchi (2019), Proposition 1 and appendix D, eqs. (42)-(44).

    >>> wigner_share(4)
    0.25
    """
    return sigma_diagonal / (sigma_diagonal + (d - 1) * sigma_off)


def _share_of_the_expectation(
    d: Any, sigma_diagonal: Any = 1.0, sigma_off: Any = 1.0, diagonal: str = "gaussian"
) -> Any:
    """`wigner_share`; `diagonal` names the law of the diagonal entries, which the claim fixes."""
    return wigner_share(d, sigma_diagonal, sigma_off)


proposition_1 = Claim(
    id="adaptive-norms/proposition-1",
    title="Diagonal share of a Gaussian Wigner matrix",
    kind="law",
    statement=r"Let $M\in\mathbb{R}^{d\times d}$ be symmetric with independent entries "
    r"$M_{ii}\sim N(0,\sigma_1^2)$ and $M_{ij}\sim N(0,\sigma_2^2)$, $i<j$. Then "
    r"$\frac{\sum_i\mathbb{E}|M_{ii}|}{\sum_{ij}\mathbb{E}|M_{ij}|}="
    r"\frac{1}{1+(d-1)\sigma_2/\sigma_1}$, which is $1/d$ for $\sigma_1=\sigma_2$.",
    notes="The share of the expectation. The footnote's extension to any law of the entries needs "
    "finite mean magnitudes, which then replace the standard deviations: 'we only exclude the "
    "Dirac delta' is too generous (Cauchy entries have none). It is the mean magnitude that "
    "matters, not the standard deviation, once diagonal and off-diagonal laws differ.",
    source=Source("kohler2019", item="Proposition 1", equations=("42", "43", "44")),
    scope={"d": "d >= 1", "sigma_diagonal": "> 0", "sigma_off": "> 0"},
    formula=_share_of_the_expectation,
    mutants={
        "d for d - 1": lambda d, sigma_diagonal=1.0, sigma_off=1.0: (
            1 / (1 + d * sigma_off / sigma_diagonal)
        ),
        "ratio inverted": lambda d, sigma_diagonal=1.0, sigma_off=1.0: wigner_share(
            d, sigma_off, sigma_diagonal
        ),
        "variance for standard deviation": lambda d, sigma_diagonal=1.0, sigma_off=1.0: (
            wigner_share(d, sigma_diagonal**2, sigma_off**2)
        ),
        "off-diagonal counted once": lambda d, sigma_diagonal=1.0, sigma_off=1.0: wigner_share(
            d, 2 * sigma_diagonal, sigma_off
        ),
        "off-diagonal 4 % larger": lambda d, sigma_diagonal=1.0, sigma_off=1.0: wigner_share(
            d, 25 * sigma_diagonal, 26 * sigma_off
        ),
        "any law of the diagonal": Mutant(given={"diagonal": "rademacher"}),
    },
)

READINGS = ("rowwise", "share")


def _average(matrices: Any) -> Any:
    return sum(matrices[1:], start=matrices[0]) / len(matrices)


def _not_dominated_average(matrices: Any, reading: str) -> tuple[Any, Any]:
    """Claims margin <= 0 (rowwise) or 2 share <= 1 (share) of the average."""
    if reading == "rowwise":
        return row_dominance_margin(_average(matrices)), 0
    return 2 * diagonal_share(_average(matrices)), 1


def _members_not_dominated(matrices: Any, reading: str) -> bool:
    if reading == "rowwise":
        positive = all(bool(entry > 0) for entry in matrices.ravel())
        return positive and all(bool(row_dominance_margin(m) <= 0) for m in matrices)
    return all(bool(2 * diagonal_share(m) <= 1) for m in matrices)


def _measures(matrices: Any, reading: str) -> tuple[Any, list[Any]]:
    measure = row_dominance_margin if reading == "rowwise" else diagonal_share
    return measure(_average(matrices)), [measure(matrix) for matrix in matrices]


def _at_most_best_member(matrices: Any, reading: str) -> tuple[Any, Any]:
    of_average, of_members = _measures(matrices, reading)
    return of_average, max(of_members)


def _at_most_mean_member(matrices: Any, reading: str) -> tuple[Any, Any]:
    of_average, of_members = _measures(matrices, reading)
    return of_average, sum(of_members) / len(of_members)


average_not_dominated = Claim(
    id="adaptive-norms/average-not-dominated",
    title="Averages of matrices that are not diagonally dominated",
    kind="inequality",
    statement=r"An average of matrices that are not diagonally dominated is not diagonally "
    r"dominated: (rowwise) for positive entries and dominance "
    r"$|M_{ii}|>\sum_{j\ne i}|M_{ij}|$ for every $i$; (share) for entries of any sign and "
    r"dominance $\mathrm{share}(M)>\tfrac12$.",
    notes="False in both readings: average [[1,2],[2,10]] and [[10,2],[2,1]] rowwise; average "
    "[[1,2],[2,1]] and [[1,-2],[-2,1]], both of share 1/3, to the identity, of share 1. It is true "
    "of the share of matrices with nonnegative entries.",
    source=Source("kohler2019", item="appendix D, first remark"),
    scope={"matrices": "(k, d, d)", "reading": "rowwise (positive entries) or share (any sign)"},
    expected="fails",
    corrected_by="adaptive-norms/average-not-dominated.nonnegative",
    formula=_not_dominated_average,
    assumes=_members_not_dominated,
    mutants={
        "no better than the best member": _at_most_best_member,
        "no better than the mean member": _at_most_mean_member,
        "average share at most 0.97": lambda matrices, reading: (
            (row_dominance_margin(_average(matrices)), 3)
            if reading == "rowwise"
            else (100 * diagonal_share(_average(matrices)), 97)
        ),
    },
)


def weighted_average_share(matrices: Any, weights: Any) -> Any:
    """Diagonal share of ``sum_k w_k M_k``; the weights need not sum to one (share is scale-free).

    matrices (k, d, d) and weights (k,): floats, exact numbers or symbols.
    """
    first, *others = (w * m for w, m in zip(weights, matrices, strict=True))
    return diagonal_share(sum(others, start=first))


def _share_of_average_bounded(
    matrices: Any, weights: Any, bound: Any, side: str
) -> tuple[Any, Any]:
    """Claims ``share <= bound`` (upper) or ``bound <= share`` (lower) of the average."""
    share = weighted_average_share(matrices, weights)
    return (share, bound) if side == "upper" else (bound, share)


def _entries_have_any_sign(matrices: Any, weights: Any, bound: Any, side: str) -> bool:
    if not all(bool(w > 0) for w in weights):
        return False
    if any(all(bool(entry == 0) for entry in m.ravel()) for m in matrices):
        return False
    shares = [diagonal_share(m) for m in matrices]
    return all(bool(s <= bound) if side == "upper" else bool(s >= bound) for s in shares)


def _entries_are_nonnegative(matrices: Any, weights: Any, bound: Any, side: str) -> bool:
    nonnegative = all(bool(entry >= 0) for entry in matrices.ravel())
    return nonnegative and _entries_have_any_sign(matrices, weights, bound, side)


def _scaled_bound(numerator: int, denominator: int) -> Any:
    """The bounds with share replaced by ``share * denominator / numerator`` on both sides."""

    def formula(matrices: Any, weights: Any, bound: Any, side: str) -> tuple[Any, Any]:
        share = weighted_average_share(matrices, weights)
        if side == "upper":
            return denominator * share, numerator * bound
        return denominator * bound, numerator * share

    return formula


def _against_mean_share(matrices: Any, weights: Any, bound: Any, side: str) -> tuple[Any, Any]:
    share = weighted_average_share(matrices, weights)
    shares = (w * diagonal_share(m) for w, m in zip(weights, matrices, strict=True))
    mean = sum(shares) / sum(weights)
    return (share, mean) if side == "upper" else (mean, share)


average_not_dominated_nonnegative = Claim(
    id="adaptive-norms/average-not-dominated.nonnegative",
    title="The share of an average of nonnegative matrices lies between their shares",
    kind="inequality",
    statement=r"Let $M_1,\dots,M_k\ne 0$ have nonnegative entries and $w_1,\dots,w_k>0$. If "
    r"$\mathrm{share}(M_j)\le s$ for all $j$, then $\mathrm{share}(\sum_j w_jM_j)\le s$; likewise "
    r"with $\ge$. With $s=\tfrac12$: an average of such matrices that are not dominated by their "
    r"diagonals is not, and an average of dominated ones is.",
    notes="What remains true of the paper's remark; averages of |M| are covered, since the "
    "share only sees magnitudes.",
    source=Source("kohler2019", item="appendix D, first remark"),
    scope={"matrices": "(k, d, d), entries >= 0, none zero", "weights": "> 0", "bound": "real",
           "side": "upper or lower"},
    formula=_share_of_average_bounded,
    assumes=_entries_are_nonnegative,
    mutants={
        "3 % inside the bound": _scaled_bound(97, 100),
        "bounded by the mean share": _against_mean_share,
        "entries of any sign": Mutant(assumes=_entries_have_any_sign),
    },
)  # fmt: skip
