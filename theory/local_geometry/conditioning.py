r"""Spectrum of the Hessian at the minima that SGD with momentum and Adam find."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory.core import Claim, Source

Array = Any
QUANTITIES = ("largest eigenvalue", "condition number")


def minimum_spectrum(square: Any, norm: Any) -> tuple[Any, Any]:
    r"""Largest eigenvalue and non-zero condition number at a minimum of rank one.

    At :math:`W = wb`, :math:`b = A/\|w\|^2`, the non-zero eigenvalues of the Hessian are
    :math:`\|w\|^2 + \|A\|^2/\|w\|^2` once and :math:`\|w\|^2`, n - 1 times.

    Parameters
    ----------
    square : :math:`\|w\|^2`
    norm : :math:`\|A\|`
    """
    top = square + norm * norm / square
    return top, top / square


def spectrum_limit(optimizer: str, quantity: str, norm: Any, largest: Any) -> Any:
    r"""Largest eigenvalue or non-zero condition number at the limit of training.

    From a vanishing initialisation SGD+M ends with :math:`\|w\|^2 = \|A\|`, hence
    :math:`2\|A\|` and 2: no minimum has a smaller largest eigenvalue. Adam (eta to 0) ends with
    :math:`\|w\|^2 = A_{max}`, hence :math:`A_{max} + \|A\|^2/A_{max}` and
    :math:`1 + \|A\|^2/A_{max}^2`, of order d.

    Parameters
    ----------
    optimizer : {"sgd", "adam"}
    quantity : {"largest eigenvalue", "condition number"}
    norm, largest : :math:`\|A\|` and :math:`A_{max}`

    Raises
    ------
    ValueError
        If the optimizer or the quantity is unknown.

    Examples
    --------
    >>> spectrum_limit("adam", "condition number", 4.0, 1.0)
    17.0
    """
    return _limit(optimizer, quantity, norm, largest, minimum_spectrum)


def _limit(optimizer: str, quantity: str, norm: Any, largest: Any,
           spectrum: Callable[[Any, Any], tuple[Any, Any]]) -> Any:  # fmt: skip
    if optimizer not in ("sgd", "adam"):
        raise ValueError(f"optimizer is {optimizer!r}; it must be 'sgd' or 'adam'")
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; it must be one of {', '.join(QUANTITIES)}")
    square = norm if optimizer == "sgd" else largest
    return spectrum(square, norm)[QUANTITIES.index(quantity)]


def _changed(chosen: str, change: Callable[[str, Any, Any, Any], Any]) -> Callable[..., Any]:
    """The limits of one optimizer replaced by ``change(quantity, value, norm, largest)``."""

    def limit(optimizer: str, quantity: str, norm: Any, largest: Any) -> Any:
        value = spectrum_limit(optimizer, quantity, norm, largest)
        return change(quantity, value, norm, largest) if optimizer == chosen else value

    return limit


uniform_is_not_better_conditioned = Claim(
    id="local-geometry/uniform-is-not-better-conditioned",
    title="The uniform minimum of Adam is worse conditioned",
    kind="limit",
    statement=r"At every minimum of $\frac12\|w'W-A\|^2$ the largest eigenvalue of the Hessian is "
    r"$\|w\|^2+\sigma_1(W)^2\ge2\|A\|$. From a vanishing initialisation SGD+M ends at $2\|A\|$, "
    r"the flattest possible, with non-zero condition number $2$; Adam, as $\eta\to0$, at "
    r"$A_{\max}+\frac{\|A\|^2}{A_{\max}}$ with condition number "
    r"$1+\frac{\|A\|^2}{A_{\max}^2}=\Theta(d)$.",
    notes="In the paper's own model the uniform diagonal that Adam finds goes with a larger "
    "largest eigenvalue and a condition number of order d. Trained with Adam at a finite eta the "
    "values are above the limit by a relative amount of order eta.",
    source=Source("jiang2022", item="beyond"),
    scope={"A": "positive", "initialisation": "alpha to infinity", "eta": "to 0 for Adam"},
    formula=spectrum_limit,
    mutants={
        "Adam as flat as SGD+M": _changed("adam", lambda quantity, value, norm, largest:
                                          spectrum_limit("sgd", quantity, norm, largest)),
        "SGD+M: 1 % larger": _changed("sgd", lambda quantity, value, norm, largest:
                                      value * Fraction(101, 100)),
        "SGD+M: largest eigenvalue |A|": _changed("sgd", lambda quantity, value, norm, largest:
                                                  value / 2),
        "Adam: 5 % larger": _changed("adam", lambda quantity, value, norm, largest:
                                     value * Fraction(21, 20)),
        "Adam: 5 % smaller": _changed("adam", lambda quantity, value, norm, largest:
                                      value * Fraction(19, 20)),
        "Adam: without the first term": _changed("adam", lambda quantity, value, norm, largest:
                                                 norm * norm / largest
                                                 / (largest if quantity != QUANTITIES[0] else 1)),
    },
)  # fmt: skip
