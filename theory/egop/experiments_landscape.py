"""The paper's first figure: Adagrad's path across a landscape of two coordinates."""

from __future__ import annotations

from theory.core import Claim, Source
from theory.egop.experiments_convex import LEAST_SQUARES, LOG_SUM_EXP, Range, at_least, at_most


def early_loss(objective: str, rate: float, decay: float) -> Range:
    """Range of the median of log10 of the ratio of excess losses after 20 steps of Adagrad."""
    return at_most(-2.0)


landscape = Claim(
    id="egop/experiment-convex.landscape",
    title="Adagrad's path in two coordinates",
    kind="law",
    statement=r"In two coordinates with $\sigma = (1, 1/4)$ and the rate 1, the median over "
    r"problems of $\log_{10}$ of the ratio of excess losses after 20 steps of Adagrad, EGOP over "
    r"original coordinates, is below $-2$ on log-sum-exp and least squares.",
    notes="The paths are about as long; they differ in that the rotated one does not creep along "
    "the valley. The figure shows a problem whose valley is far from the axes and whose start "
    "is far from the minimiser, chosen as the paper chose its own; the paper's rate of 30 belongs "
    "to data of another scale.",
    source=Source("depavia2025", item="Figure 1 (left)"),
    scope={"objective": "log-sum-exp of squared residuals, least squares; n = d = 2", "rate": "1",
           "decay": "2"},
    formula=early_loss,
    mutants={
        "the path does not matter": lambda objective, rate, decay: (-0.5, 0.5),
        "the original coordinates are better": lambda objective, rate, decay: at_least(0.0),
        "nine decades": lambda objective, rate, decay: at_most(-9.0),
    },
)  # fmt: skip

LANDSCAPES = (LOG_SUM_EXP, LEAST_SQUARES)
