"""Scaling: exponents, constants and limits fitted to the rows of a measurement.

All fits are weighted linear least squares with known standard errors, so that the estimates
are normal and the interval comes from the errors of the rows, not from the residuals. Where
the residuals are too large for those errors (a lack of fit at the level of the test), the grid
is not in the asymptotic range, and nothing is concluded unless a finite-size term is given.

Which finite-size term: that of the order which the claim's own asymptotics give for the next
term, stated with the claim and in the model whether the rows show it or not; none where the law
is exact or the next term lies below the errors at the smallest x. The rows never choose: a term
that is taken only when its absence is rejected leaves intervals for 95 % that cover in 25 % of
the cases where it is just too weak to be seen, while one that is always there costs some width
and no coverage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy
import numpy.typing as npt
import scipy

from simulations.engine.backend import FloatArray
from simulations.engine.intervals import Interval
from theory.core import Check, Claim, ClaimError, Evidence, Statement, Verdict, check_decorator

Fitter = TypeVar("Fitter", bound=Callable[..., Any])
Values = Sequence[float] | FloatArray

# Above this relative error the logarithm of an estimate is noticeably skewed.
_LARGEST_RELATIVE_ERROR = 0.2


def scaling(claim: Claim, *, of: str) -> Callable[[Fitter], Fitter]:
    """Register ``name(statement, rows) -> Comparison`` for the rows of the measurement `of`.

    Raises
    ------
    ClaimError
        If `of` is not the name of a function.
    """
    if not (isinstance(of, str) and of.isidentifier()):
        where = f"{claim.id}: scaling" if isinstance(claim, Claim) else "scaling"
        raise ClaimError(f"{where}: of is {of!r}; it must be the name of a measurement")
    return check_decorator("scaling", claim, of=of)


def require_independent(check: Check, measured: Check) -> None:
    """A fit takes the rows of a measurement as independent.

    Raises
    ------
    ClaimError
        If the measurement has common random numbers.
    """
    if measured.options["common"] is not None:
        raise ClaimError(f"{check.claim.id}: {check.name}: of is {measured.name!r}; it must be a "
                         "measurement without common random numbers")  # fmt: skip


@dataclass(frozen=True)
class LinearFit:
    """Weighted least squares with known errors.

    Attributes
    ----------
    names, values : tuple of str, (k,)
        Names and estimates of the coefficients.
    covariance : (k, k)
        From the standard errors of the data alone.
    chi_square : float
        Sum of squared residuals in units of the standard errors.
    degrees : int
        Number of rows less number of coefficients.
    rows : tuple of mappings
        For each row x, y, se, the fitted y, and the residual in standard errors of what was
        fitted (of log y for a power law).
    orders : tuple of float
        Exponents w of the finite-size terms x^-w in the model.
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    chi_square: float
    degrees: int
    rows: tuple[Mapping[str, float], ...] = ()
    orders: tuple[float, ...] = ()

    def estimate(self, name: str) -> tuple[float, float]:
        """Estimate and standard error of one coefficient."""
        index = self.names.index(name)
        return float(self.values[index]), float(numpy.sqrt(self.covariance[index, index]))

    def interval(self, name: str, alpha: float) -> Interval:
        """Normal interval at confidence 1 - alpha."""
        value, error = self.estimate(name)
        half = float(scipy.stats.norm.isf(alpha / 2.0)) * error
        return Interval(value - half, value + half)

    def p_value(self, name: str, claimed: float) -> float:
        """Two-sided p-value of a claimed coefficient."""
        value, error = self.estimate(name)
        return float(2.0 * scipy.stats.norm.sf(abs(value - claimed) / error))

    @property
    def lack_of_fit(self) -> float:
        """p-value of the model: small where the residuals exceed the errors (1 if no freedom)."""
        return float(scipy.stats.chi2.sf(self.chi_square, self.degrees)) if self.degrees else 1.0


def fit_power_law(
    x: Values, y: Values, se: Values, *, finite_size: float | None = None
) -> LinearFit:
    """Fit ``y = C x^a``: coefficients ``exponent`` a and ``log_constant`` log C.

    Weighted least squares of log y on log x with errors ``se / y``. With ``finite_size = w``
    the model is ``log y = log C + a log x + b x^(-w)``: the leading correction ``C x^a (1 +
    b x^(-w))`` to first order, with coefficient ``correction`` b.

    Parameters
    ----------
    x, y, se : (n,) positive; n >= 2 (3 with a finite-size term)
    finite_size : float > 0, optional

    Raises
    ------
    ClaimError
        If lengths differ, a value is not positive and finite, se / y exceeds 0.2, or there are
        too few distinct x.
    """
    x, y, se = _columns(x, y, se)
    for name, column in (("x", x), ("y", y)):
        _check(bool(numpy.all(column > 0.0)), name, column, "positive")
    errors = se / y
    _check(bool(numpy.all(errors <= _LARGEST_RELATIVE_ERROR)), "se / y", errors,
           f"at most {_LARGEST_RELATIVE_ERROR}; take more trials")  # fmt: skip
    columns = {"exponent": numpy.log(x), "log_constant": numpy.ones_like(x)}
    if finite_size is not None:
        _check(finite_size > 0.0, "finite_size", finite_size, "positive")
        columns["correction"] = x**-finite_size
    fit, fitted = _fit(columns, numpy.log(y), errors)
    orders = () if finite_size is None else (finite_size,)
    residuals = (numpy.log(y) - fitted) / errors
    return replace(fit, rows=_rows(x, y, se, numpy.exp(fitted), residuals), orders=orders)


def fit_limit(x: Values, y: Values, se: Values, *, orders: Sequence[float] = (1.0,)) -> LinearFit:
    """Fit ``y = c + sum_k b_k x^(-w_k)``: the limit c for large x as coefficient ``limit``.

    Parameters
    ----------
    x, y, se : (n,), x > 0, se > 0, n > len(orders)
    orders : positive exponents w_k; the coefficients b_k are called ``order_1``, ...

    Raises
    ------
    ClaimError
        As `fit_power_law`.
    """
    x, y, se = _columns(x, y, se)
    _check(bool(numpy.all(x > 0.0)), "x", x, "positive")
    _check(all(order > 0.0 for order in orders), "orders", orders, "positive")
    columns = {"limit": numpy.ones_like(x)}
    columns |= {f"order_{k}": x**-order for k, order in enumerate(orders, start=1)}
    fit, fitted = _fit(columns, y, se)
    rows = _rows(x, y, se, fitted, (y - fitted) / se)
    return replace(fit, rows=rows, orders=tuple(orders))


def _rows(*columns: FloatArray) -> tuple[Mapping[str, float], ...]:
    names = ("x", "y", "se", "fitted", "residual")
    return tuple(
        dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)
    )


def _columns(*values: Values) -> tuple[FloatArray, ...]:
    arrays = tuple(numpy.asarray(column, dtype=numpy.float64) for column in values)
    shapes = [array.shape for array in arrays]
    _check(len(set(shapes)) == 1 and len(shapes[0]) == 1, "shapes of (x, y, se)", shapes,
           "one-dimensional and equal")  # fmt: skip
    finite = all(bool(numpy.all(numpy.isfinite(array))) for array in arrays)
    _check(finite and bool(numpy.all(arrays[2] > 0.0)), "(x, y, se)", arrays,
           "finite, with positive standard errors")  # fmt: skip
    return arrays


def _fit(
    columns: Mapping[str, FloatArray], y: FloatArray, errors: FloatArray
) -> tuple[LinearFit, FloatArray]:
    design = numpy.stack(list(columns.values()), axis=1) / errors[:, None]
    scale = numpy.sqrt(numpy.sum(design**2, axis=0))
    u, singular, vt = numpy.linalg.svd(design / scale, full_matrices=False)
    enough = len(y) >= len(columns) and float(singular[-1]) > 1e-10 * float(singular[0])
    _check(enough, "number of distinct x", len(y), f"enough for {len(columns)} coefficients")
    target = y / errors
    inverse = (vt.T / singular) / scale[:, None]
    values = inverse @ (u.T @ target)
    residual = target - design @ values
    fit = LinearFit(tuple(columns), values, inverse @ inverse.T, float(residual @ residual),
                    len(y) - len(columns))  # fmt: skip
    return fit, y - residual * errors


def _check(condition: bool, name: str, value: object, allowed: str) -> None:
    if not condition:
        text = " ".join(str(value).split())
        raise ClaimError(f"scaling fit: {name} is {text}; it must be {allowed}")


@dataclass(frozen=True)
class Comparison:
    """A fitted coefficient against its claimed value.

    Parameters
    ----------
    fit : LinearFit
    name : str
        The coefficient (``"exponent"``, ``"log_constant"``, ``"limit"``, ...).
    claimed : float
    resolution : float
        Largest half-width (absolute) of an interval that supports; state it well below the
        distance to the nearest mutant.
    """

    fit: LinearFit
    name: str
    claimed: float
    resolution: float

    def __post_init__(self) -> None:
        _check(self.name in self.fit.names, "coefficient", self.name,
               f"one of {', '.join(self.fit.names)}")  # fmt: skip
        _check(math.isfinite(self.claimed), "claimed value", self.claimed, "finite")
        _check(math.isfinite(self.resolution) and self.resolution > 0.0, "resolution",
               self.resolution, "positive and finite")  # fmt: skip

    @property
    def p_value(self) -> float:
        """Two-sided p-value of the claimed value."""
        return self.fit.p_value(self.name, self.claimed)


def scaling_p_value(check: Check, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> float:
    """p-value of the claimed coefficient, for the correction over all tests of a run."""
    return _compare(check, statement, rows).p_value


def run_scaling(
    check: Check, statement: Statement, rows: Sequence[Mapping[str, Any]], *, alpha: float
) -> Evidence:
    """Evidence from the rows of a measurement.

    Refuted if the p-value of the claimed value is at most `alpha`; supported if it is not and
    the interval at 1 - alpha is no wider than the resolution; inconclusive otherwise, and
    where the model does not fit the rows at level `alpha`.
    """
    comparison = _compare(check, statement, rows)
    fit, name = comparison.fit, comparison.name
    interval = fit.interval(name, alpha)
    lack = fit.lack_of_fit
    if lack <= alpha:
        verdict = Verdict.INCONCLUSIVE
    elif comparison.p_value <= alpha:
        verdict = Verdict.REFUTED
    else:
        narrow = interval.half_width <= comparison.resolution
        verdict = Verdict.SUPPORTED if narrow else Verdict.INCONCLUSIVE
    estimate, error = fit.estimate(name)
    data: dict[str, Any] = {
        "n": len(rows), "level": alpha, "resolution": comparison.resolution, "of":
        check.options["of"], "quantity": name, "estimate": estimate, "standard_error": error,
        "low": interval.low, "high": interval.high, "claimed": comparison.claimed,
        "p_value": comparison.p_value, "lack_of_fit": lack, "orders": list(fit.orders),
        "coefficients":
        dict(zip(fit.names, (float(value) for value in fit.values), strict=True)),
        "rows": [dict(row) for row in fit.rows],
    }  # fmt: skip
    summary = (f"{name} {estimate:.5g} in [{interval.low:.5g}, {interval.high:.5g}], claimed "
               f"{comparison.claimed:.5g}, from {len(rows)} points")  # fmt: skip
    if lack <= alpha:
        summary += f"; the model does not fit (p = {lack:.2g}): smaller grid or finite-size term"
    return Evidence("scaling", check.name, verdict, summary, data)


def _compare(check: Check, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    where = f"{statement.label}: {check.name}"
    try:
        comparison = check.function(statement, rows)
    except (ClaimError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise ClaimError(f"{where}: {error}") from error
    if not isinstance(comparison, Comparison):
        raise ClaimError(f"{where}: it returned {comparison!r}; it must return a Comparison")
    return comparison


def column(rows: Sequence[Mapping[str, Any]], key: str) -> npt.NDArray[numpy.float64]:
    """One entry of every row as an array (n,); raises ClaimError where it is missing or None."""
    values = [row.get(key) for row in rows]
    _check(all(isinstance(value, (int, float)) for value in values), f"rows[{key!r}]", values,
           "a number in every row")  # fmt: skip
    return numpy.asarray(values, dtype=numpy.float64)
