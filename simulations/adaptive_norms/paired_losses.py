"""What is concluded from losses of two methods on the same starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from simulations.engine import estimators
from simulations.engine.backend import FloatArray
from simulations.engine.estimators import Estimator
from simulations.engine.intervals import Interval, Side
from simulations.engine.moments import Statistics


class PairedLosses(Estimator):
    """Median of log10(loss/other loss) at the end of the budget, against (value, tolerance).

    The claimed pair says that the median is at most `tolerance` from `value` (from above only, if
    `side` is ``"upper"``).

    Parameters
    ----------
    points : int
        Number k of points of the curves. It reads ``loss_1``, ..., ``loss_k`` and ``other_1``,
        ..., ``other_k``, all positive.
    side : ``"both"`` or ``"upper"``

    A row has ``quantiles``: the quartiles (3, k) of the curves ``loss`` and ``other``, and the
    shares of trials ``won`` and ``lost`` at the end.
    """

    def __init__(self, points: int, side: Side = "both") -> None:
        names = [f"{name}_{k}" for name in ("loss", "other") for k in range(1, points + 1)]
        super().__init__(*names, side=side)
        self._points = points
        self._median = estimators.quantile("ratio", 0.5, side=side)

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        """Logarithms of both curves, (trials, 2k); raises ValueError unless all are positive."""
        curves = numpy.stack([samples[name] for name in self.reads], axis=-1)
        if not bool(numpy.all(curves > 0.0)):
            raise ValueError("paired losses must be positive in every trial")
        return {"curves": numpy.log10(curves)}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        """Curves of consecutive blocks."""
        return {"curves": numpy.concatenate([part["curves"] for part in parts])}

    def count(self, stats: Statistics) -> int:
        """Number of trials."""
        return len(stats["curves"])

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        """Sample median."""
        return self._median.estimate(self._ratio(stats))

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        """From order statistics, valid for every law."""
        return self._median.interval(self._ratio(stats), alpha)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        """Of the value within the tolerance that is nearest to the sample median."""
        value, tolerance = claimed
        low = -numpy.inf if self.side == "upper" else value - tolerance
        nearest = min(max(self.estimate(stats), low), value + tolerance)
        return self._median.p_value(self._ratio(stats), nearest)

    def claimed_number(self, claimed: Any) -> float:
        """The value of the claimed pair."""
        return float(claimed[0])

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Quartiles of the curves and shares won and lost."""
        quartiles = 10.0 ** numpy.quantile(stats["curves"], [0.25, 0.5, 0.75], axis=0)
        ratio = self._ratio(stats)["sample"]
        found = {
            "loss": quartiles[:, : self._points].tolist(),
            "other": quartiles[:, self._points :].tolist(),
            "won": float(numpy.mean(ratio < 0.0)),
            "lost": float(numpy.mean(ratio > 0.0)),
        }
        return {"quantiles": found}

    def _ratio(self, stats: Statistics) -> Statistics:
        curves = stats["curves"]
        return {"sample": curves[:, self._points - 1] - curves[:, -1]}
