"""Estimators: what is kept of each block, and what is concluded from all of them.

Each estimator names the sampled quantities that it reads, reduces a block to a small
dictionary of arrays, merges such dictionaries in block order, and gives an estimate, an
interval and a p-value that are dual: the p-value of a claimed value is at most alpha exactly
where the interval at 1 - alpha excludes it.

A heavy-tailed quantity goes through `quantile` or `law`: the estimators of means notice tails
that are too heavy for them, and then refuse to conclude.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy

from simulations.engine import intervals, laws_ks, moments, sequences
from simulations.engine.backend import FloatArray
from simulations.engine.intervals import Interval, Side
from simulations.engine.moments import Statistics, Summary
from theory.core import ClaimError


class Estimator(ABC):
    """Base of all estimators; the functions below make them.

    Parameters
    ----------
    reads : names of the sampled quantities that it needs
    side : ``"both"`` claims equality, ``"upper"`` "at most", ``"lower"`` "at least"
    """

    def __init__(self, *reads: str, side: Side = "both") -> None:
        for name in reads:
            if not (isinstance(name, str) and name):
                raise ClaimError(f"estimator: quantity is {name!r}; it must be the name of a "
                                 "sampled quantity")  # fmt: skip
        if side not in get_args(Side):
            raise ClaimError(f"estimator: side is {side!r}; it must be one of "
                             f"{', '.join(get_args(Side))}")  # fmt: skip
        self.reads = reads
        self.side: Side = side

    @abstractmethod
    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        """Statistics of one block; raises ValueError for samples out of range."""

    @abstractmethod
    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        """Statistics of consecutive blocks, folded from the left: same order, same bits."""

    @abstractmethod
    def count(self, stats: Statistics) -> int:
        """Number of trials."""

    @abstractmethod
    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        """Point estimate; only a law's distance needs the claimed distribution function."""

    @abstractmethod
    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        """Interval at confidence 1 - alpha (one-sided estimators: alpha in each tail)."""

    @abstractmethod
    def p_value(self, stats: Statistics, claimed: Any) -> float:
        """p-value of the claimed value."""

    def standard_error(self, stats: Statistics) -> float | None:
        """Standard error of the estimate, where there is one."""
        return None

    def caveat(self, stats: Statistics, alpha: float) -> str:
        """Why no conclusion may be drawn at level alpha; empty where it may."""
        return ""

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """JSON-ready entries for figures, beside estimate and interval; none by default."""
        return {}

    def claimed_number(self, claimed: Any) -> float:
        """The number that the estimate is compared with."""
        return float(claimed)


class _Moments(Estimator):
    """Base of estimators that keep means and central moments."""

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        return moments.merge_moments(parts)

    def count(self, stats: Statistics) -> int:
        return int(stats["central"].flat[0])


class _Mean(_Moments):
    """Studentised mean of a power of one quantity."""

    def __init__(self, name: str, power: int = 1, side: Side = "both") -> None:
        super().__init__(name, side=side)
        self._power = power

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        return moments.summarise_moments([samples[self.reads[0]] ** self._power], order=4)

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return self._summary(stats).mean

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        return intervals.studentised_interval(self._summary(stats), alpha, self.side)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        return intervals.studentised_p_value(self._summary(stats), float(claimed), self.side)

    def standard_error(self, stats: Statistics) -> float | None:
        return self._summary(stats).standard_error

    def caveat(self, stats: Statistics, alpha: float) -> str:
        return intervals.studentised_caveat(self._summary(stats), alpha)

    def _summary(self, stats: Statistics) -> Summary:
        return moments.mean_summary(stats)


class _Variance(_Mean):
    """Studentised sample variance."""

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        return moments.summarise_moments([samples[self.reads[0]]], order=8)

    def _summary(self, stats: Statistics) -> Summary:
        return moments.variance_summary(stats)


class _Ratio(_Moments):
    """Ratio of two means by Fieller's theorem."""

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        return moments.summarise_moments([samples[name] for name in self.reads], order=4)

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        numerator, denominator = (float(value) for value in stats["mean"])
        if denominator == 0.0:
            raise ValueError(f"mean of {self.reads[1]!r} is 0; a ratio needs another denominator")
        return numerator / denominator

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        error = self.standard_error(stats) or 0.0
        tail = intervals.tail_of(alpha, self.side)
        return intervals.ratio_interval(
            lambda ratio: moments.difference_summary(stats, ratio),
            self.estimate(stats), error, tail,
        )  # fmt: skip

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        difference = moments.difference_summary(stats, float(claimed))
        return intervals.studentised_p_value(difference, 0.0, self._side_of_difference(stats))

    def standard_error(self, stats: Statistics) -> float | None:
        """Of the delta method: ``sd(x - r y) / (|mean y| sqrt n)``."""
        residual = moments.difference_summary(stats, self.estimate(stats))
        return residual.standard_error / abs(float(stats["mean"][1]))

    def caveat(self, stats: Statistics, alpha: float) -> str:
        residual = moments.difference_summary(stats, self.estimate(stats))
        return intervals.studentised_caveat(residual, alpha)

    def _side_of_difference(self, stats: Statistics) -> Side:
        if self.side == "both" or stats["mean"][1] > 0.0:
            return self.side
        return "lower" if self.side == "upper" else "upper"


class _Proportion(Estimator):
    """Exact binomial inference."""

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        values = samples[self.reads[0]]
        if not bool(numpy.all((values == 0.0) | (values == 1.0))):
            raise ValueError(f"proportion: {self.reads[0]!r} must be 0 or 1 in every trial")
        return {"count": numpy.asarray([len(values), numpy.count_nonzero(values)])}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        return {"count": numpy.sum([part["count"] for part in parts], axis=0)}

    def count(self, stats: Statistics) -> int:
        return int(stats["count"][0])

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return float(stats["count"][1] / stats["count"][0])

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        n, successes = (int(value) for value in stats["count"])
        return intervals.binomial_interval(successes, n, alpha, self.side)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        n, successes = (int(value) for value in stats["count"])
        return intervals.binomial_p_value(successes, n, float(claimed), self.side)

    def standard_error(self, stats: Statistics) -> float | None:
        share = self.estimate(stats)
        return float(numpy.sqrt(share * (1.0 - share) / self.count(stats)))


class _Sampled(Estimator):
    """Base of estimators that keep every sample, in the order of drawing."""

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        return {"sample": numpy.asarray(samples[self.reads[0]], dtype=numpy.float64)}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        return {"sample": numpy.concatenate([part["sample"] for part in parts])}

    def count(self, stats: Statistics) -> int:
        return len(stats["sample"])


class _BoundedMean(_Sampled):
    """Anytime-valid inference by betting."""

    def __init__(self, name: str, low: float, high: float) -> None:
        super().__init__(name)
        if not (numpy.isfinite(low) and numpy.isfinite(high) and low < high):
            raise ClaimError(f"bounded_mean: (low, high) is ({low}, {high}); it must be finite "
                             "with low < high")  # fmt: skip
        self._low, self._width = float(low), float(high) - float(low)

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        values = samples[self.reads[0]]
        slack = intervals.ROUNDING * (abs(self._low) + self._width)
        outside = (values < self._low - slack) | (values > self._low + self._width + slack)
        if bool(numpy.any(outside)):
            raise ValueError(f"bounded_mean: {self.reads[0]!r} is {float(values[outside][0])}; it "
                             f"must be in [{self._low}, {self._low + self._width}]")  # fmt: skip
        return super().summarise(samples)

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return float(numpy.mean(stats["sample"]))

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        unit = sequences.betting_interval(self._unit(stats), alpha)
        return Interval(self._low + self._width * unit.low, self._low + self._width * unit.high)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        mean = (float(claimed) - self._low) / self._width
        return sequences.betting_p_value(self._unit(stats), mean)

    def standard_error(self, stats: Statistics) -> float | None:
        sample = stats["sample"]
        return (
            float(numpy.std(sample, ddof=1) / numpy.sqrt(len(sample))) if len(sample) > 1 else None
        )

    def _unit(self, stats: Statistics) -> FloatArray:
        return numpy.clip((stats["sample"] - self._low) / self._width, 0.0, 1.0)


class _Quantile(_Sampled):
    """Order-statistic inference."""

    def __init__(self, name: str, q: float, side: Side = "both") -> None:
        super().__init__(name, side=side)
        if not 0.0 < q < 1.0:
            raise ClaimError(f"quantile: q is {q}; it must be in (0, 1)")
        self._q = float(q)

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return float(numpy.quantile(stats["sample"], self._q))

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        return intervals.quantile_interval(numpy.sort(stats["sample"]), self._q, alpha, self.side)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        ordered = numpy.sort(stats["sample"])
        return intervals.quantile_p_value(ordered, self._q, float(claimed), self.side)


class _Law(_Sampled):
    """Kolmogorov-Smirnov distance from the claimed distribution function."""

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return laws_ks.ks_distance(numpy.sort(stats["sample"]), claimed)

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        """Where sup |true law - claimed law| lies, by the DKW band."""
        distance, band = self.estimate(stats, claimed), laws_ks.dkw_band(self.count(stats), alpha)
        return Interval(max(distance - band, 0.0), distance + band)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        return laws_ks.ks_p_value(self.estimate(stats, claimed), self.count(stats))

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Sample and claimed quantiles at 0.01, ..., 0.99, for a Q-Q plot."""
        sample = numpy.sort(stats["sample"])
        levels = numpy.linspace(0.01, 0.99, 99)
        # The claimed law is inverted on the sample itself; beyond it there is nothing to plot.
        law = numpy.maximum.accumulate(numpy.asarray(claimed(sample), dtype=numpy.float64))
        theory = numpy.interp(levels, law, sample)
        found = {"claimed": theory, "sample": numpy.quantile(sample, levels)}
        return {"quantiles": {name: column.tolist() for name, column in found.items()}}

    def claimed_number(self, claimed: Any) -> float:
        if not callable(claimed):
            raise ValueError(f"law: the claimed value is {claimed!r}; it must be a distribution "
                             "function")  # fmt: skip
        return 0.0


def mean(name: str) -> Estimator:
    """``E x``; Student t with Hall's skewness correction."""
    return _Mean(name)


def upper_mean(name: str) -> Estimator:
    """Claims ``E x <= value``; refuted when the lower confidence limit exceeds the value."""
    return _Mean(name, side="upper")


def lower_mean(name: str) -> Estimator:
    """Claims ``E x >= value``; refuted when the upper confidence limit is below the value."""
    return _Mean(name, side="lower")


def moment(name: str, k: int) -> Estimator:
    """Raw moment ``E x^k``, k >= 1; raises ClaimError for another k."""
    if not (isinstance(k, int) and k >= 1):
        raise ClaimError(f"moment: k is {k!r}; it must be an integer >= 1")
    return _Mean(name, power=k)


def variance(name: str) -> Estimator:
    """``E (x - E x)^2``; studentised with sample moments up to the eighth."""
    return _Variance(name)


def ratio_of_means(numerator: str, denominator: str, side: Side = "both") -> Estimator:
    """``E x / E y`` of paired quantities; Fieller's form of the delta method."""
    return _Ratio(numerator, denominator, side=side)


def proportion(name: str, side: Side = "both") -> Estimator:
    """``P(x = 1)`` of a quantity that is 0 or 1; Clopper-Pearson, valid at every n."""
    return _Proportion(name, side=side)


def bounded_mean(name: str, low: float, high: float) -> Estimator:
    """``E x`` of a quantity in [low, high]; anytime-valid betting sequence, valid at every n."""
    return _BoundedMean(name, low, high)


def quantile(name: str, q: float, side: Side = "both") -> Estimator:
    """The q-quantile of any law, heavy-tailed or discrete; order statistics, valid at every n."""
    return _Quantile(name, q, side=side)


def law(name: str) -> Estimator:
    """The whole law against a claimed distribution function; exact KS test, DKW band."""
    return _Law(name)
