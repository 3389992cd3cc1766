"""What is concluded from training curves of two runs from the same starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from simulations.engine import estimators
from simulations.engine.backend import FloatArray
from simulations.engine.estimators import Estimator
from simulations.engine.intervals import Interval, Side
from simulations.engine.moments import Statistics


class PairedCurves(Estimator):
    """Median over trials of log10(loss/other loss) at the end, claimed to be in a range.

    The claimed pair (low, high) may have one infinite end; the p-value is two-sided, and `side`
    says which end a supporting interval must respect. A row has ``quantiles``: the quartiles
    (3, k) of the curves ``loss`` and ``other``, the share of trials ``won``, and the range.

    Parameters
    ----------
    points : int
        Number k of points of the curves. It reads ``loss_1``, ..., ``loss_k`` and ``other_1``,
        ..., ``other_k``, all positive.
    side : ``"upper"``, ``"lower"`` or ``"both"``
        Of ranges that are infinite below, infinite above, finite.
    """

    def __init__(self, points: int, side: Side = "both") -> None:
        names = [f"{name}_{k}" for name in ("loss", "other") for k in range(1, points + 1)]
        super().__init__(*names, side=side)
        self._points = points
        self._median = estimators.quantile("ratio", 0.5)

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        """Logarithms of all curves."""
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
        """Order-statistic interval of that median."""
        return self._median.interval(self._ratio(stats), alpha)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        """p-value of the value in the claimed range that is nearest to the estimate."""
        low, high = claimed
        nearest = min(max(self.estimate(stats), low), high)
        return self._median.p_value(self._ratio(stats), nearest)

    def claimed_number(self, claimed: Any) -> float:
        """The finite end of the range that is nearer to 0."""
        return float(min(claimed, key=abs))

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Quartiles of the curves, the share of trials won, and the claimed range."""
        quartiles = 10.0 ** numpy.quantile(stats["curves"], [0.25, 0.5, 0.75], axis=0)
        found = {
            "loss": quartiles[:, : self._points].tolist(),
            "other": quartiles[:, self._points :].tolist(),
            "won": float(numpy.mean(self._ratio(stats)["sample"] < 0.0)),
            "range": [float(end) if numpy.isfinite(end) else None for end in claimed],
        }
        return {"quantiles": found}

    def _ratio(self, stats: Statistics) -> Statistics:
        curves = stats["curves"]
        return {"sample": curves[:, self._points - 1] - curves[:, -1]}
