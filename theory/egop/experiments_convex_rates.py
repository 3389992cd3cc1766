"""Losses of the convex experiments at one and the same learning rate in either coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from theory.core import Claim, Source
from theory.egop.experiments_convex import (
    LEAST_SQUARES,
    LOG_SUM_EXP,
    LOGISTIC,
    Range,
    at_least,
    at_most,
)


class Rate(NamedTuple):
    """An optimizer at one learning rate, in EGOP and original coordinates."""

    objective: str
    rule: str
    rate: float
    d: int = 30
    decay: float = 1.0


AT_ONE_RATE: Mapping[Rate, Range] = MappingProxyType({
    Rate(LEAST_SQUARES, "adagrad", 100.0): at_most(-5.0),
    Rate(LEAST_SQUARES, "adam", 10.0): at_most(-1.0),
    Rate(LOGISTIC, "adagrad", 10.0): at_most(-1.0),
    Rate(LOGISTIC, "adam", 10.0): at_most(-0.5),
    Rate(LOG_SUM_EXP, "adagrad", 10.0): at_most(-1.5),
    Rate(LOG_SUM_EXP, "adam", 100.0): at_most(-3.0),
    Rate(LEAST_SQUARES, "adagrad", 0.01): at_least(0.1),
    Rate(LOG_SUM_EXP, "adagrad", 0.01): at_least(0.1),
})  # fmt: skip


def range_at(objective: str, rule: str, rate: float, d: int, decay: float) -> Range:
    """Range of the median of log10 of the ratio of losses; ValueError if not measured."""
    setting = Rate(objective, rule, rate, d, decay)
    if setting not in AT_ONE_RATE:
        raise ValueError(f"setting is {setting}; it must be one of the {len(AT_ONE_RATE)} measured")
    return AT_ONE_RATE[setting]


def _where(said_of: Callable[[float], bool], found: Range) -> Callable[..., Range]:
    """A false variant: another range at the rates of which `said_of` is true."""

    def changed(objective: str, rule: str, rate: float, d: int, decay: float) -> Range:
        return found if said_of(rate) else range_at(objective, rule, rate, d, decay)

    return changed


at_one_rate = Claim(
    id="egop/experiment-convex.rates",
    title="Reparameterisation at the same learning rate",
    kind="law",
    statement=r"At one and the same large rate (10 or 100) the median of $\log_{10}$ of the ratio "
    r"of losses after $10d$ steps, EGOP over original coordinates, is below $-5$ for Adagrad on "
    r"least squares, $-1$ on logistic regression, $-3/2$ on log-sum-exp, and below $-1/2$ for Adam "
    r"on all three; at the rate $0.01$, too small for either, EGOP costs Adagrad a fourth of the "
    r"progress: above $+0.1$ on least squares and log-sum-exp.",
    notes="The paper finds that large steps profit most. Small ones lose: far from convergence "
    "Adagrad moves every coordinate alike, and in the eigenbasis few coordinates matter.",
    source=Source("depavia2025", item="section 3 and Figure 12"),
    scope={"objective": "least squares, logistic, log-sum-exp", "rule": "Adagrad, Adam",
           "rate": "0.01, 10, 100", "d": "30", "decay": "1"},
    formula=range_at,
    mutants={
        "large rates profit as little as small ones": _where(lambda rate: rate > 1, at_least(0.1)),
        "large rates lose their gain": _where(lambda rate: rate > 1, (-0.3, 0.3)),
        "ahead at every rate": _where(lambda rate: rate < 1, at_most(-0.02)),
        "ten decades at large rates": _where(lambda rate: rate > 1, at_most(-10.0)),
    },
)  # fmt: skip
