"""The median ratio of losses of two runs from the same starts; the claimed form is a subclass's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from simulations.engine import estimators
from simulations.engine.backend import FloatArray
from simulations.engine.estimators import Estimator
from simulations.engine.intervals import Interval, Side
from simulations.engine.moments import Statistics


class PairedRuns(Estimator):
    """Median over trials of log10(loss/other loss) at the end of two curves.

    A row has ``quantiles``: the quartiles (3, k) of the curves ``loss`` and ``other``, and the
    shares of trials ``won`` and ``lost`` at the end. A subclass says what is claimed of the
    median: `range_of`, `claimed_number`.

    Parameters
    ----------
    points : int
        Number k of points of the curves. It reads ``loss_1``, ..., ``loss_k`` and ``other_1``,
        ..., ``other_k``, all positive.
    side : ``"upper"``, ``"lower"`` or ``"both"``
        Which end of the claimed range a supporting interval must respect.
    tested : Side
        Side of the median's own interval and p-value.
    """

    def __init__(self, points: int, side: Side, tested: Side) -> None:
        names = [f"{name}_{k}" for name in ("loss", "other") for k in range(1, points + 1)]
        super().__init__(*names, side=side)
        self._points = points
        self._median = estimators.quantile("ratio", 0.5, side=tested)

    def range_of(self, claimed: Any) -> tuple[float, float]:
        """The range (low, high) in which the median is claimed to be."""
        raise NotImplementedError

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        """Logarithms of both curves, (trials, 2k); raises ValueError unless all are positive."""
        curves = numpy.stack([samples[name] for name in self.reads], axis=-1)
        if not bool(numpy.all(curves > 0.0)):
            raise ValueError("losses must be positive in every trial")
        return {"curves": numpy.log10(curves)}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        """All trials, in the order of the blocks."""
        return {"curves": numpy.concatenate([part["curves"] for part in parts])}

    def count(self, stats: Statistics) -> int:
        """Number of trials."""
        return len(stats["curves"])

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        """Median of the log ratios at the end."""
        return self._median.estimate(self._ratio(stats))

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        """Order-statistic interval of that median, valid for every law."""
        return self._median.interval(self._ratio(stats), alpha)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        """p-value of the value in the claimed range that is nearest to the estimate."""
        low, high = self.range_of(claimed)
        nearest = min(max(self.estimate(stats), low), high)
        return self._median.p_value(self._ratio(stats), nearest)

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Quartiles of the curves, shares of trials won and lost, and the claimed range."""
        quartiles = 10.0 ** numpy.quantile(stats["curves"], [0.25, 0.5, 0.75], axis=0)
        ratio = self._ratio(stats)["sample"]
        ends = self.range_of(claimed)
        return {"quantiles": {
            "loss": quartiles[:, : self._points].tolist(),
            "other": quartiles[:, self._points :].tolist(),
            "won": float(numpy.mean(ratio < 0.0)),
            "lost": float(numpy.mean(ratio > 0.0)),
            "range": [float(end) if numpy.isfinite(end) else None for end in ends],
        }}  # fmt: skip

    def _ratio(self, stats: Statistics) -> Statistics:
        curves = stats["curves"]
        return {"sample": curves[:, self._points - 1] - curves[:, -1]}


class PairedCurves(PairedRuns):
    """The claimed pair is the range (low, high) itself, one end of which may be infinite.

    The p-value is two-sided; parameters as in `PairedRuns`.
    """

    def __init__(self, points: int, side: Side = "both") -> None:
        super().__init__(points, side, "both")

    def range_of(self, claimed: Any) -> tuple[float, float]:
        """The claimed range."""
        low, high = claimed
        return low, high

    def claimed_number(self, claimed: Any) -> float:
        """The finite end of the range that is nearer to 0."""
        return float(min(claimed, key=abs))


class PairedLosses(PairedRuns):
    """The claimed pair is (value, tolerance): the median is at most `tolerance` from `value`.

    From above only, if `side` is ``"upper"``; parameters as in `PairedRuns`.
    """

    def __init__(self, points: int, side: Side = "both") -> None:
        super().__init__(points, side, side)

    def range_of(self, claimed: Any) -> tuple[float, float]:
        """Within the tolerance of the value."""
        value, tolerance = claimed
        low = -numpy.inf if self.side == "upper" else value - tolerance
        return float(low), float(value + tolerance)

    def claimed_number(self, claimed: Any) -> float:
        """The value of the claimed pair."""
        return float(claimed[0])
