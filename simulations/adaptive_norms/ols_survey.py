"""Where Proposition 2's limit stops: widths, lengths and tails of the entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulations.engine import estimators, measurement
from theory.adaptive_norms.ols_share import proposition_2
from theory.core import Statement

# A limit is off at every finite length: it counts as broken where the share is 10 % larger.
TOLERANCE = 0.1
_MEMORY = 2_000_000


def _allowed(statement: Statement, point: Mapping[str, Any]) -> float:
    return (1.0 + TOLERANCE) * float(statement.formula(d=point["d"], n=point["n"]))


@measurement(
    proposition_2,
    points={"quick": [{"d": 16, "n": 256, "tail": 3.0}]},
    # At a level of 1e-5 the interval of the median of 500 shares reaches 0.1 in probability on
    # both sides: a twelfth of the share at tail 3, n = 256.
    trials=500, block=lambda point: max(1, _MEMORY // (point["d"] * max(point["n"], point["d"]))),
    estimate=estimators.quantile("share", 0.5, side="upper"), claimed=_allowed, resolution=0.1,
    divisible=True, survey=True,
)  # fmt: skip
def share_with_tails(stream: Any, trials: int, *, d: int, n: int, tail: float) -> Any:
    """Share of the diagonal of X X' for entries with ``P(|x| > t) ~ t^-tail`` (Student's t).

    The median of the shares exists whatever the tail; for more than two moments it has the limit
    of the ratio of means.
    """
    xp = stream.xp
    # A scale moves no share, and keeps squares of entries with hardly any tail index finite.
    x = stream.student_t(tail, (trials, d, n))
    x = x / xp.max(xp.abs(x), axis=(1, 2), keepdims=True)
    hessian = xp.matmul(x, xp.matrix_transpose(x))
    return {"share": xp.sum(x * x, axis=(1, 2)) / xp.sum(xp.abs(hessian), axis=(1, 2))}
