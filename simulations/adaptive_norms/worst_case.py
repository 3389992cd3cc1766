"""Statements about every run: the worst run decides, and a run counts only where it must obey."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from simulations.engine.backend import FloatArray
from simulations.engine.estimators import Estimator
from simulations.engine.intervals import ROUNDING, Interval
from simulations.engine.moments import Statistics


class WorstCase(Estimator):
    """The extreme of a quantity over all runs that meet the hypotheses; no sampling error.

    Every run is a check of a deterministic statement, so that one run on the wrong side refutes
    it, beyond a relative rounding error of 2^-40. Runs whose hypotheses are not met are counted
    and left out. Without a run that both meets them and exercises the statement the interval is
    infinite, and the point inconclusive.

    Parameters
    ----------
    name : str
        The bounded quantity. The sampler also returns ``met`` (0 or 1) and ``exercised``, the
        number of instances of the statement in the run.
    side : str
        ``"upper"`` claims at most, ``"lower"`` at least.
    """

    def __init__(self, name: str, side: Any) -> None:
        super().__init__(name, "met", "exercised", side=side)

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        """Every sample; raises ValueError if ``met`` is neither 0 nor 1."""
        if not bool(numpy.isin(samples["met"], (0.0, 1.0)).all()):
            raise ValueError("worst case: 'met' must be 0 or 1 in every run")
        return {name: numpy.asarray(samples[name]) for name in self.reads}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        """The runs of all blocks."""
        return {name: numpy.concatenate([part[name] for part in parts]) for name in self.reads}

    def count(self, stats: Statistics) -> int:
        """Number of runs, those that do not count included."""
        return len(stats["met"])

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        """The extreme over the runs that count; over all where none does."""
        values = self._counting(stats)
        values = values if len(values) else stats[self.reads[0]]
        return float(values.max() if self.side == "upper" else values.min())

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        """The extreme itself."""
        if not self._exercised(stats):
            return Interval(-math.inf, math.inf)
        worst = self.estimate(stats)
        return Interval(worst, worst)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        """0 where a run that counts is on the wrong side, else 1."""
        if not len(self._counting(stats)):
            return 1.0
        excess = self.estimate(stats) - float(claimed)
        wrong = excess if self.side == "upper" else -excess
        return float(wrong <= ROUNDING * abs(float(claimed)))

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Instances exercised, runs without the hypotheses, and the median run."""
        values = self._counting(stats)
        return {"exercised": self._exercised(stats), "unmet": self.count(stats) - len(values),
                "median": float(numpy.median(values)) if len(values) else None}  # fmt: skip

    def _counting(self, stats: Statistics) -> FloatArray:
        return numpy.asarray(stats[self.reads[0]][stats["met"] == 1.0])

    def _exercised(self, stats: Statistics) -> int:
        return int(stats["exercised"][stats["met"] == 1.0].sum())
