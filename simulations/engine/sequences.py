"""Anytime-valid inference for the mean of a bounded quantity, by betting.

A gambler who bets on "the mean is not m" has the capital ``K_t = prod (1 +- l_i (x_i - m))``.
With bets that depend on the past only, K_t is a nonnegative martingale if the mean is m, so
that by Ville's inequality the chance that it ever reaches 1/alpha is at most alpha: the
interval of means that are not rejected may be looked at after every block, and sampling may
stop whenever one likes.

Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by
betting, J. R. Statist. Soc. B 86, section 4 (hedged capital process, predictable plug-in bets).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
import scipy

from simulations.engine.backend import FloatArray
from simulations.engine.intervals import Interval

# The bets are tuned for this level; they are valid at every level.
_DESIGN_LEVEL = 1e-4
_TRUNCATION = 0.5
_EDGE = 1e-12


def predictable_bets(x: FloatArray) -> FloatArray:
    """Bets ``l_t = sqrt(2 log(2/a) / (s_{t-1}^2 t log(t + 1)))``, from the past only.

    ``s_t^2 = (1/4 + sum (x_i - m_i)^2) / (t + 1)``, ``m_t = (1/2 + sum x_i) / (t + 1)``.

    Parameters
    ----------
    x : (n,) in [0, 1]

    Returns
    -------
    (n,) positive
    """
    t = numpy.arange(1.0, len(x) + 1.0)
    means = (0.5 + numpy.cumsum(x)) / (t + 1.0)
    variances = (0.25 + numpy.cumsum((x - means) ** 2)) / (t + 1.0)
    past = numpy.concatenate(([0.25], variances[:-1]))
    strength = 2.0 * float(numpy.log(2.0 / _DESIGN_LEVEL))
    bets: FloatArray = numpy.sqrt(strength / (past * t * numpy.log1p(t)))
    return bets


def log_capital(x: FloatArray, bets: FloatArray, mean: float, sign: float) -> FloatArray:
    """Logarithm of the capital after each draw of a gambler against `mean`.

    Parameters
    ----------
    x, bets : (n,), x in [0, 1]
    mean : float in (0, 1)
    sign : +1.0 bets that the true mean is larger, -1.0 that it is smaller

    Returns
    -------
    (n,)
    """
    room = mean if sign > 0 else 1.0 - mean
    stakes = numpy.minimum(bets, _TRUNCATION / room)
    return numpy.cumsum(numpy.log1p(sign * stakes * (x - mean)))


def betting_p_value(x: FloatArray, mean: float) -> float:
    """Anytime-valid p-value of "the mean is `mean`": 1 over the largest capital so far.

    The two gamblers start with half a unit each. At any stopping time the chance of a value
    <= a is at most a if the mean is right.

    Parameters
    ----------
    x : (n,) in [0, 1], in the order of drawing
    """
    if not 0.0 <= mean <= 1.0:
        return 0.0
    bets, inside = predictable_bets(x), float(numpy.clip(mean, _EDGE, 1.0 - _EDGE))
    best = max(float(numpy.max(log_capital(x, bets, inside, sign))) for sign in (1.0, -1.0))
    return float(numpy.exp(min(0.0, numpy.log(2.0) - best)))


def betting_interval(x: FloatArray, alpha: float) -> Interval:
    """Means that no gambler has ever rejected at level alpha: the running intersection.

    Each capital is monotone in the mean, so that two root searches find the limits. With a
    chance of at most alpha no mean is left; the interval is then the one point at which both
    limits cross.

    Parameters
    ----------
    x : (n,) in [0, 1], in the order of drawing
    """
    bets = predictable_bets(x)

    def margin(mean: float, sign: float) -> float:
        best = float(numpy.max(log_capital(x, bets, mean, sign)))
        return best - float(numpy.log(2.0 / alpha))

    low = _root(lambda m: margin(m, 1.0))
    high = 1.0 - _root(lambda m: margin(1.0 - m, -1.0))
    middle = 0.5 * (low + high)
    return Interval(min(low, middle), max(high, middle))


def _root(margin: Callable[[float], float]) -> float:
    """Where the decreasing `margin` crosses 0 in [0, 1]; 0 where nothing is rejected."""
    if margin(_EDGE) < 0.0:
        return 0.0
    if margin(1.0 - _EDGE) >= 0.0:
        return 1.0
    return float(scipy.optimize.brentq(margin, _EDGE, 1.0 - _EDGE, xtol=1e-10))
