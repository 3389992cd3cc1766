"""Optimizers on stacks of convex objectives, in the bases that the paper compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulations.egop.convex_problems import Problems, draw_problems, haar_stack
from simulations.egop.rotated_runs import Runs, descend, two_step_sweep
from theory.egop.estimators import random_completion, randomized_eigenbasis
from theory.egop.outer_product import egop, eigenbasis
from theory.optimizers import Optimizer, adagrad, adam, sgd, sgd_momentum

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

RULES: dict[str, Callable[[float], Optimizer]] = {
    "adagrad": adagrad, "adam": adam, "sgd": sgd, "momentum": partial(sgd_momentum, beta=0.9),
}  # fmt: skip
BASES = ("original", "egop", "randomized", "random")
RATES = ("tuned", "original's", "run's")
CURVE = 10  # losses are kept after each tenth of the steps
TUNING = 8  # other problems, on which rates are chosen
TOLERANCE = 1e-5  # of the norm of the gradient, as in the paper's stopping rule
# Excess losses relative to the start: below, a run has converged; above, it has diverged.
_FLOOR, _CEILING = 1e-10, 1e3
SAMPLES = 5  # gradients for each coordinate from which the EGOP is estimated
_KEPT, _OVERSAMPLING = 10, 5  # of the randomized basis
_DECADES = (-3, 2)
# Rates of the figure of losses against rates.
GRID = tuple(float(rate) for rate in 10.0 ** np.arange(-2.0, 2.1, 0.5))


@dataclass(frozen=True)
class Pair:
    """Two runs on the same problems from the same starts.

    Attributes
    ----------
    losses, others : array (trials, 10)
        Excess loss over that of the start after each tenth of the steps, in [1e-10, 1e3].
    steps, other_steps : array (trials,)
        First step with a gradient of norm 1e-5 at most; one more than all steps if none.
    """

    losses: Array
    others: Array
    steps: Array
    other_steps: Array


def paired_runs(
    stream: Stream, trials: int, objective: str, run: str, other: str, rate: str, d: int,
    decay: float,
) -> Pair:  # fmt: skip
    """Two runs of 10 d steps on problems drawn by `draw_problems`; rates chosen on 8 others.

    Parameters
    ----------
    run, other : str
        A key of `RULES` and one of `BASES`, with a space between.
    rate : str
        ``"tuned"`` for each run; ``"original's"``: that of the optimizer in the original
        coordinates; ``"run's"``: tuned for the run, the original's for the other.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    if rate not in RATES:
        raise ValueError(f"rate is {rate!r}; it must be one of {', '.join(RATES)}")
    drawn = [draw_problems(stream, count, objective, d, decay) for count in (TUNING, trials)]
    found: list[Array] = []
    for name in (run, other):
        rule, kind = _split(name)
        turned = [problems.rotated(bases(stream, kind, problems)) for problems in drawn]
        own = rate == "tuned" or (rate == "run's" and not found)
        chosen = tuned_rate(turned[0] if own else drawn[0], rule, 10 * d)
        runs = descend(turned[1].objective, RULES[rule], [chosen], turned[1].starts, 10 * d,
                       tolerance=TOLERANCE, recorded=CURVE)  # fmt: skip
        found += [relative_excess(turned[1], runs)[:, 0, 1:], steps_needed(runs)[:, 0]]
    return Pair(found[0], found[2], found[1], found[3])


def losses_by_rate(
    stream: Stream, trials: int, objective: str, rule: str, rate: float, d: int, decay: float
) -> tuple[Array, Array]:  # fmt: skip
    """Excess losses after 10 d steps at the rates of `GRID` and, last, at `rate` (trials, 10).

    Returns
    -------
    (array, array)
        In the eigenbasis of the EGOP and in the original coordinates.
    """
    problems = draw_problems(stream, trials, objective, d, decay)
    found = []
    for kind in ("egop", "original"):
        turned = problems.rotated(bases(stream, kind, problems))
        runs = descend(turned.objective, RULES[rule], [*GRID, rate], turned.starts, 10 * d,
                       recorded=1)  # fmt: skip
        found.append(relative_excess(turned, runs)[..., -1])
    return found[0], found[1]


def _split(name: str) -> tuple[str, str]:
    rule, _, kind = name.partition(" ")
    if rule not in RULES or kind not in BASES:
        raise ValueError(f"run is {name!r}; it must be one of {', '.join(RULES)}, a space, and one "
                         f"of {', '.join(BASES)}")  # fmt: skip
    return rule, kind


def tuned_rate(problems: Problems, rule: str, steps: int) -> float:
    """The rate with the least median excess loss at the end; the fastest of those that converge."""

    def score(runs: Runs) -> Array:
        last = np.log10(relative_excess(problems, runs)[..., -1])
        speed = steps_needed(runs) / steps
        return np.asarray(np.median(last, axis=0) + 1e-6 * np.median(speed, axis=0))

    return two_step_sweep(problems.objective, RULES[rule], problems.starts, steps,
                          decades=_DECADES, score=score, tolerance=TOLERANCE)[0]  # fmt: skip


def relative_excess(problems: Problems, runs: Runs) -> Array:
    """Excess losses over those of the start, in [1e-10, 1e3] (s, r, k)."""
    excess = runs.losses - problems.least[:, None, None]
    with np.errstate(over="ignore"):
        return np.asarray(np.clip(excess / excess[..., :1], _FLOOR, _CEILING))


def steps_needed(runs: Runs) -> Array:
    """Steps to the tolerance (s, r), one more than all of them where it was not reached."""
    return np.where(runs.reached < 0, runs.steps[-1] + 1, runs.reached).astype(np.float64)


def bases(stream: Stream, kind: str, problems: Problems) -> Array:
    """Bases (s, d, d) of one of `BASES` for each objective.

    ``egop`` is the eigenbasis of the EGOP of 5d gradients at standard normal points,
    ``randomized`` has ten of its vectors from a randomized SVD and a random completion,
    ``random`` is uniformly distributed.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    s, d = problems.starts.shape
    if kind not in BASES:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(BASES)}")
    if kind == "original":
        return np.broadcast_to(np.eye(d), (s, d, d))
    if kind == "random":
        return haar_stack(stream, s, d)
    gradients = gradient_samples(stream, problems)
    if kind == "egop":
        return np.stack([eigenbasis(egop(rows)).V for rows in gradients])
    return np.stack([_randomized(stream, rows) for rows in gradients])


def gradient_samples(stream: Stream, problems: Problems) -> Array:
    """Gradients (s, 5d, d) of every objective at standard normal points."""
    s, d = problems.starts.shape
    return problems.objective.gradient(np.asarray(stream.normal((s, SAMPLES * d, d))))


def _randomized(stream: Stream, rows: Array) -> Array:
    n, d = rows.shape
    kept = min(_KEPT, d)
    normals = np.asarray(stream.normal((n, min(kept + _OVERSAMPLING, d))))
    partial_basis = randomized_eigenbasis(rows, kept, normals).V
    return random_completion(partial_basis, np.asarray(stream.normal((d, d - kept))))
