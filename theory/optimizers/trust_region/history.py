"""What a trust-region run leaves behind: one record per iteration, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["History", "Record", "Status", "TrustRegionResult"]

Array = NDArray[np.float64]


class Status(StrEnum):
    """Why a run ended."""

    FIRST_ORDER = "first-order"
    SECOND_ORDER = "second-order"
    ITERATIONS = "iterations"
    PRODUCTS = "products"
    NOT_FINITE = "not finite"
    STALLED = "stalled"
    STOPPED = "stopped"

    @property
    def converged(self) -> bool:
        """Whether a termination test was met."""
        return self in (Status.FIRST_ORDER, Status.SECOND_ORDER)


@dataclass(frozen=True, slots=True)
class Record:
    """One iteration.

    Attributes
    ----------
    fun, gradient_norm : float
        ``L(x)`` and ``||g||`` where the step was computed (on the iteration's batch, if any).
    radius : float
        Delta of this iteration, in units of ``||s||_A``.
    trial_fun : float
        ``L(x + s)``.
    step_norm : float
        ``||s||``, Euclidean.
    model_decrease, true_decrease : float
        ``m(0) - m(s)`` and ``fun - trial_fun``.
    rho : float
        Their ratio, true over predicted; -inf where the model predicts no decrease.
    accepted : bool
        Whether ``rho >= eta1``.
    phase : str
        ``"gradient"`` or ``"curvature"``.
    on_boundary : bool
        Whether the step ends on the boundary of the ellipsoid.
    products, fun_evaluations, grad_evaluations : int
        Spent so far, this iteration included.
    """

    fun: float
    gradient_norm: float
    radius: float
    trial_fun: float
    step_norm: float
    model_decrease: float
    true_decrease: float
    rho: float
    accepted: bool
    phase: str
    on_boundary: bool
    products: int
    fun_evaluations: int
    grad_evaluations: int


class History(Sequence[Record]):
    """The records of a run, oldest first; ``history.column("rho")`` is an array of one field."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> History: ...

    def __getitem__(self, index: int | slice) -> Record | History:
        if isinstance(index, slice):
            return History(self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def column(self, name: str) -> NDArray[Any]:
        """One field of every record, of shape (iterations,).

        Raises
        ------
        ValueError
            If there is no such field.
        """
        known = [field.name for field in fields(Record)]
        if name not in known:
            raise ValueError(f"name is {name!r}; it must be one of {', '.join(known)}")
        return np.array([getattr(record, name) for record in self._records])

    def __repr__(self) -> str:
        taken = sum(record.accepted for record in self._records)
        return f"<History of {len(self)} iterations, {taken} steps taken>"


@dataclass(frozen=True, eq=False)
class TrustRegionResult:
    """The outcome of `minimize`.

    Attributes
    ----------
    x : array (d,)
        The last iterate; every step that was taken decreased the function (on its batch).
    fun, gradient_norm : float
        ``L(x)`` and ``||g||`` there (on the last batch, if any); NaN where not known.
    history : History
    status : Status
    message : str
        The reason in words, with its numbers.
    radius : float
        What the next iteration would have used.
    products, fun_evaluations, grad_evaluations : int
        Spent in all, final tests included.
    """

    x: Array
    fun: float
    gradient_norm: float
    history: History
    status: Status
    message: str
    radius: float
    products: int
    fun_evaluations: int
    grad_evaluations: int
