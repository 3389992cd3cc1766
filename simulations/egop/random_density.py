"""Measurement: the density of uniformly random directions."""

from __future__ import annotations

import math
from typing import Any

from simulations.engine import estimators, measurement
from theory.egop.random_density import density_of_random_directions

_DIMENSIONS = (1, 2, 3, 5, 10, 30)
# Var beta < 0.1/d at d >= 2: a relative error 2e-4 separates the limit from the value at d = 30
# (0.8 %), and 1 + 1/(2d) from 1 + 1/(4d), by forty standard errors; at d = 1 beta is 1.
_ERRORS = {"quick": 4e-4, "standard": 1.5e-4, "deep": 5e-5}


def _trials(point: dict[str, Any], budget: str) -> int:
    return max(2_000, int(0.16 / point["d"] / _ERRORS[budget] ** 2))


@measurement(
    density_of_random_directions,
    points={"quick": [{"d": d} for d in _DIMENSIONS[1:]],
            "standard": [{"d": d} for d in (*_DIMENSIONS[1:], 100)]},
    trials=_trials,
    block=lambda point: max(1, 1_500_000 // point["d"]),
    estimate=estimators.mean("density"),
    resolution=0.004, divisible=True,
)  # fmt: skip
def densities(stream: Any, trials: int, d: int) -> dict[str, Any]:
    """||g||_1/(sqrt d ||g||_2) of Gaussian vectors g."""
    xp = stream.xp
    g = stream.normal((trials, d))
    return {"density": xp.sum(xp.abs(g), axis=1)
            / (math.sqrt(d) * xp.sqrt(xp.sum(g * g, axis=1)))}  # fmt: skip
