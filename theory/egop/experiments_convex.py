r"""The paper's experiments with convex objectives, as ranges of one measurable number each.

Two runs on the same problems from the same starts are compared by medians over problems of
:math:`\log_{10}(\ell/\ell')`, :math:`\ell` the excess loss at the end or the steps to a small
gradient. Problems: ``A = U diag(sigma) W'`` with uniformly distributed singular vectors and
:math:`\sigma_k = k^{-decay}`; a run takes 10 d steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from theory.core import Claim, Source

Range = tuple[float, float]


class Setting(NamedTuple):
    """Two runs and the problems on which they are compared.

    Attributes
    ----------
    objective : str
        ``least squares``, ``logistic`` or ``log-sum-exp`` (of squared residuals), or
        ``axis-aligned`` and one of them: W is then the identity.
    run, other : str
        Optimizer (``adagrad``, ``adam``, ``sgd``, ``momentum``) and basis (``original``,
        ``egop``, ``randomized``, ``random``), with a space between.
    rate : str
        ``tuned``: for each run; ``original's``: that of the optimizer in original coordinates;
        ``run's``: tuned for `run`, the original's for `other`. Chosen on other problems.
    d : int
    decay : float
    """

    objective: str
    run: str
    other: str
    rate: str = "tuned"
    d: int = 30
    decay: float = 1.0


Ranges = Mapping[Setting, Range]
Formula = Callable[..., Range]

LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP = "least squares", "logistic", "log-sum-exp"
_AXES = "axis-aligned "
_RATES = ("tuned", "original's")
_EXACT: Range = (-1e-6, 1e-6)  # rounding, amplified over the run
_ALIKE: Range = (-0.5, 0.5)  # within a factor of three


def at_most(end: float) -> Range:
    """The range of numbers up to `end`."""
    return -math.inf, end


def at_least(end: float) -> Range:
    """The range of numbers from `end`."""
    return end, math.inf


def _gains(objective: str, rule: str, end: float, decay: float = 1.0) -> dict[Setting, Range]:
    """EGOP against original coordinates, at both choices of the rate."""
    pair = f"{rule} egop", f"{rule} original"
    return {Setting(objective, *pair, rate, decay=decay): at_most(end) for rate in _RATES}


def _each(objectives: tuple[str, ...], rules: tuple[str, ...], bases: tuple[str, str], found: Range,
          rate: str = "tuned") -> dict[Setting, Range]:  # fmt: skip
    return {Setting(objective, f"{rule} {bases[0]}", f"{rule} {bases[1]}", rate): found
            for objective in objectives for rule in rules}  # fmt: skip


_ALL = (LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP)
LOSSES: Ranges = MappingProxyType({
    **_gains(LEAST_SQUARES, "adagrad", -5.0), **_gains(LEAST_SQUARES, "adam", -1.0),
    **_gains(LOG_SUM_EXP, "adagrad", -5.0), **_gains(LOG_SUM_EXP, "adam", -1.0),
    **_gains(LOGISTIC, "adagrad", -3.0),
    **_each(_ALL, ("adagrad", "adam"), ("randomized", "egop"), _ALIKE, "original's"),
    **_each(_ALL, ("adagrad",), ("random", "original"), _ALIKE, "original's"),
    **_each((LEAST_SQUARES, LOG_SUM_EXP), ("adam",), ("random", "original"), (-1.0, 1.0),
            "original's"),
    **_each(_ALL, ("sgd", "momentum"), ("egop", "original"), _EXACT),
    **_each((_AXES + LEAST_SQUARES,), ("adagrad",), ("random", "original"), at_least(5.0)),
})  # fmt: skip
# What the larger budgets add: other decays, and the paper's dimension and number of steps.
MORE_LOSSES: Ranges = MappingProxyType({
    **_gains(LEAST_SQUARES, "adagrad", -3.0, 2.0), **_gains(LEAST_SQUARES, "adam", -4.0, 2.0),
    **_gains(LOG_SUM_EXP, "adagrad", -3.0, 2.0), **_gains(LOG_SUM_EXP, "adam", -4.0, 2.0),
    **_gains(LOGISTIC, "adagrad", -0.3, 2.0), **_gains(LOGISTIC, "adam", -3.0, 2.0),
    **{setting._replace(d=100): found for setting, found in LOSSES.items()
       if setting.objective in (LEAST_SQUARES, LOG_SUM_EXP) and setting.run != "adam randomized"},
})  # fmt: skip

STEPS: Ranges = MappingProxyType({
    **_each((LEAST_SQUARES, LOG_SUM_EXP), ("adagrad",), ("egop", "original"), at_most(-0.5)),
    **_each(_ALL, ("adam",), ("egop", "original"), at_most(-0.1)),
    **_each((LEAST_SQUARES, LOG_SUM_EXP), ("adagrad",), ("egop", "egop"), at_most(0.05), "run's"),
    **_each((_AXES + LEAST_SQUARES,), ("adagrad",), ("egop", "original"), at_least(0.5)),
    **_each((_AXES + LOG_SUM_EXP, _AXES + LOGISTIC), ("adagrad",), ("egop", "original"),
            at_least(0.05)),
    **_each(tuple(_AXES + objective for objective in _ALL), ("adam",), ("egop", "original"),
            (-0.15, 0.15)),
    **_each(_ALL, ("momentum",), ("egop", "original"), (-0.01, 0.01)),
    Setting(LOGISTIC, "adagrad egop", "momentum original"): at_most(0.3),
})  # fmt: skip
MORE_STEPS: Ranges = MappingProxyType({
    setting._replace(d=100): found for setting, found in STEPS.items()
    if setting.objective.removeprefix(_AXES) != LOGISTIC and setting.rate != "run's"
})  # fmt: skip


def _range_of(table: Ranges) -> Formula:
    """The range of a setting in a table; raises ValueError if it has none."""

    def found(
        objective: str, run: str, other: str, rate: str, d: int, decay: float
    ) -> Range:  # fmt: skip
        """Return the claimed range of a comparison; raises ValueError if none is claimed."""
        setting = Setting(objective, run, other, rate, d, decay)
        if setting not in table:
            raise ValueError(f"setting is {setting}; it must be one of the {len(table)} measured")
        return table[setting]

    return found


def _changed(table: Ranges, said_of: Callable[[Setting], bool], value: Range) -> Formula:
    """A false variant: another range where `said_of` is true."""
    other = {setting: value if said_of(setting) else found for setting, found in table.items()}
    return _range_of(other)


def _more(table: Ranges, decades: float) -> Formula:
    """A false variant: every gain is larger by so many decades."""
    return _range_of({setting: (low, high - decades) if low == -math.inf else (low, high)
                      for setting, (low, high) in table.items()})  # fmt: skip


def _compares(run: str, other: str) -> Callable[[Setting], bool]:
    return lambda s: s.run.endswith(f" {run}") and s.other.endswith(f" {other}")


def _adaptive(setting: Setting) -> bool:
    return setting.run.startswith("ada")


_SCOPE = {
    "objective": "least squares (n = d), logistic (n = 4d), log-sum-exp of squared residuals "
    "(n = d); random or axis-aligned",
    "run": "Adagrad, Adam, SGD, momentum .9, full gradients; original, EGOP (5d gradients), ten "
    "randomized eigenvectors completed at random, random basis",
    "other": "as run",
    "rate": "tuned for each, or that of the original coordinates",
    "d": "30 (100 at larger budgets); 10 d steps",
    "decay": "1/2, 1, 2",
}
_HOW = (
    "Rates from the paper's two-step grid on 8 other problems, by the median final loss, then by "
    "speed. Losses below 1e-10 of the start count as converged. The "
    "ranges were set after exploratory runs."
)
_ALL_LOSSES = {**LOSSES, **MORE_LOSSES}
_ALL_STEPS = {**STEPS, **MORE_STEPS}

convex = Claim(
    id="egop/experiment-convex",
    title="Reparameterised Adagrad and Adam on convex objectives",
    kind="law",
    statement=r"With $\sigma_k = 1/k$, the median over problems of $\log_{10}$ of the ratio of "
    r"excess losses after $10d$ steps, EGOP over original coordinates, is below $-5$ for Adagrad "
    r"on least squares and log-sum-exp and below $-3$ on logistic regression, and for Adam below "
    r"$-1$ on the first two, with the rate of the original coordinates and with tuned ones. Ten "
    r"randomized eigenvectors with a random completion do as well to a factor of 3; a random basis "
    r"neither helps nor hurts; SGD and momentum do not change beyond rounding. On axis-aligned "
    r"least squares a random basis costs Adagrad five decades.",
    notes=_HOW + " The decay of the paper's Figure 5 is not known, its log-sum-exp is read as that "
    "of squared residuals, and its 5 trials are 48 or more here. Larger budgets add the decay 2 "
    "and the paper's d = 100 with 1000 steps, except for Adam in the randomized basis, where the "
    "median is 0 but its interval at 96 problems reaches over three decades. For Adam on logistic "
    "regression 1/k is at the edge of what 10 d steps resolve: the gain shows in steps, and in "
    "losses at the decay 2.",
    source=Source("depavia2025", item="Figures 5 and 12"),
    scope=_SCOPE,
    formula=_range_of(_ALL_LOSSES),
    mutants={
        "no basis matters": _changed(_ALL_LOSSES, _adaptive, _ALIKE),
        "the original coordinates are the best": _changed(
            _ALL_LOSSES, _compares("egop", "original"), at_least(0.0)
        ),
        "four decades more": _more(_ALL_LOSSES, 4.0),
        "a random basis helps": _changed(
            _ALL_LOSSES, _compares("random", "original"), at_most(-1.0)
        ),
        "a random basis is harmless on the axes": _changed(
            _ALL_LOSSES, lambda s: s.objective.startswith(_AXES), _ALIKE
        ),
        "a random completion spoils the basis": _changed(
            _ALL_LOSSES, _compares("randomized", "egop"), at_least(1.0)
        ),
        "SGD gains too": _changed(_ALL_LOSSES, lambda s: not _adaptive(s), at_most(-0.01)),
    },
)  # fmt: skip

steps_to_tolerance = Claim(
    id="egop/experiment-convex.steps",
    title="Steps to a small gradient on convex objectives",
    kind="law",
    statement=r"With $\sigma_k = 1/k$ and tuned rates, the median of $\log_{10}$ of the ratio of "
    r"steps until $\|\nabla f\| \le 10^{-5}$, EGOP over original coordinates, is below $-1/2$ for "
    r"Adagrad on least squares and log-sum-exp and below $-0.1$ for Adam on all three objectives; "
    r"a rate of its own costs Adagrad at most a tenth. On axis-aligned data "
    r"EGOP hurts Adagrad: above $+1/2$ on least squares, $+0.05$ on the others, and leaves Adam "
    r"as it is. Momentum takes the same steps in both; on logistic regression reparameterised "
    r"Adagrad takes at most twice those of momentum.",
    notes=_HOW + " Runs that never arrive count one step more than all, so that gains are lower "
    "bounds. Where the two tunings pick different rates, as the paper's do, Adagrad's "
    "own saves up to half of its steps after EGOP. On axis-aligned least squares tuned Adagrad "
    "needs 4 steps, and about 35 after EGOP: "
    "the eigenvectors mix coordinates through A'y and the finite sample.",
    source=Source("depavia2025", item="Figures 5 and 12"),
    scope=_SCOPE,
    formula=_range_of(_ALL_STEPS),
    mutants={
        "no basis matters": _changed(_ALL_STEPS, _adaptive, (-0.05, 0.05)),
        "ten times fewer again": _more(_ALL_STEPS, 1.0),
        "EGOP saves steps on the axes too": _changed(
            _ALL_STEPS, lambda s: s.objective.startswith(_AXES), at_most(-0.3)
        ),
        "EGOP costs Adam as much on the axes": _changed(
            _ALL_STEPS,
            lambda s: s.objective.startswith(_AXES) and s.run.startswith("adam "),
            at_least(0.3),
        ),
        "momentum gains": _changed(_ALL_STEPS, lambda s: not _adaptive(s), at_most(-0.05)),
    },
)  # fmt: skip

PAPER: Ranges = MappingProxyType({
    **{Setting(LOG_SUM_EXP, "adagrad egop", "adagrad original", "original's", decay=decay): _ALIKE
       for decay in (1.0, 2.0)},
    **{Setting(LOGISTIC, "adam egop", "adam original", rate, decay=2.0): _ALIKE
       for rate in _RATES},
    **{Setting(LOGISTIC, "momentum original", other, decay=2.0): at_most(0.0)
       for other in ("adagrad egop", "adam egop")},
})  # fmt: skip


def settings_of(objective: str, run: str) -> list[Setting]:
    """The settings of `PAPER` with this objective and run."""
    return [setting for setting in PAPER if (setting.objective, setting.run) == (objective, run)]


def _said(name: str, title: str, statement: str, notes: str, mutants: dict[str, Range]) -> Claim:
    """A finding of the paper that other spectra contradict; mutants say it with other ranges."""
    return Claim(
        id=f"egop/experiment-convex.{name}", title=title, kind="law", statement=statement,
        notes=f"{notes} {_HOW} The paper's decay is not known: its data may well differ from "
        "these.",
        source=Source("depavia2025", item="section 6, Figure 5"), scope=_SCOPE, expected="fails",
        corrected_by="egop/experiment-convex", formula=_range_of(PAPER),
        mutants={key: _changed(PAPER, lambda s: True, found) for key, found in mutants.items()},
    )  # fmt: skip


adagrad_unchanged = _said(
    "log-sum-exp-adagrad",
    "Reparameterisation has no impact on Adagrad's log-sum-exp",
    r"With the rate of the original coordinates, the losses of Adagrad on log-sum-exp in EGOP and "
    r"original coordinates agree to a factor of 3, for $\sigma_k = 1/k$ and $1/k^2$.",
    "Its losses fall by seven decades. At the decay 1/2 both runs converge within 10 d steps, so "
    "that only the number of steps tells them apart.",
    {"to a factor of ten": (-1.0, 1.0), "it never helps": at_least(0.0)},
)
adam_unchanged = _said(
    "logistic-adam",
    "Adam does as well on logistic regression in either coordinates",
    r"The losses of Adam on logistic regression in EGOP and original coordinates agree to a "
    r"factor of 3, for $\sigma_k = 1/k^2$, with the original's rate and with tuned ones.",
    "They fall by eight decades there. The decay was chosen for that: at 1/2 they were "
    "within a factor of ten when tried, at 1 the difference depends on the rates that the tuning "
    "picks.",
    {"to a factor of ten": (-1.0, 1.0), "it never helps": at_least(0.0)},
)
momentum_wins = _said(
    "logistic-momentum",
    "Gradient descent with momentum is the best on logistic regression",
    r"On logistic regression with $\sigma_k = 1/k^2$ and tuned rates the loss of gradient descent "
    r"with momentum .9 is at most that of reparameterised Adagrad and Adam.",
    "It is two decades above Adagrad's and nine above Adam's there. The decay was chosen for that: "
    "at 1/2 momentum did win when tried, at 1 it was behind by amounts that depend on the tuning.",
    {"at most ten times that": at_most(1.0), "a tenth": at_most(-1.0)},
)
