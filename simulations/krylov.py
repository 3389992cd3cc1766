r"""Full-batch SGD with momentum on the two-layer linear network, in a Krylov subspace.

Gradients of :math:`\tfrac12\|w'W - A\|^2` are :math:`WE'` and :math:`wE`, :math:`E = w'W - A`.
So all that moves is :math:`w` and a matrix of low rank: with orthonormal columns Q that span A
and Krylov vectors of :math:`W_0'W_0`, and P that span :math:`w_0` and :math:`W_0Q`,

.. math:: w_t = P a_t, \qquad W_t = P V_t Q' + c_t R_0, \qquad R_0 = W_0 (I - QQ'),

where (a, V) is a network of p + p q weights trained by the same optimizer towards
:math:`Q'A`, and :math:`c_t` shrinks by weight decay only. The one thing that is neglected is the
part of the residual outside Q, the **defect**
:math:`\delta_t = c_t a_t'P'R_0`. P and Q are built in blocks (Golub and Kahan's
bidiagonalisation), so that only the last two columns of P have :math:`P'R_0 \neq 0`: the norm of
the defect costs O(1) a step, and a step O(p q) whatever d.

**Error.** The reduced trajectory is an exact one whose gradient is disturbed by
:math:`d_t = (W\delta', w\delta)`. With e the error of (w, W), :math:`m_t = e_t - e_{t-1}`,
:math:`n = \sqrt\beta\, m/(1-\beta)` and :math:`y = e + \sqrt\beta\, n`, the mean :math:`\bar H` of
the Hessian between both trajectories and :math:`S = \tfrac{\eta}{1-\beta}\bar H` give

.. math:: \begin{pmatrix} y \\ n \end{pmatrix}_{t+1} = \begin{pmatrix} I - S & \sqrt\beta S \\
    -\sqrt\beta S & \beta (I + S) \end{pmatrix} \begin{pmatrix} y \\ n \end{pmatrix}_t
    + \tfrac{\eta}{1-\beta} \begin{pmatrix} d_t \\ \sqrt\beta\, d_t \end{pmatrix}.

The norm of the matrix is convex in the eigenvalues of S, hence attained at an end of their
range; curvature is at least :math:`-\|E\|` and at most :math:`\|w\|^2 + \|W\|^2 + \|E\|` (weight
decay is added to both). Where the upper end does not expand, which is so for heaviest curvature
times eta up to :math:`2(1-\beta)^2/(1+\beta)`, the recursion for the norm of (y, n) **bounds**
the error, :math:`\|e\| \le \sqrt{1+\beta}\,\|(y, n)\|`, rigorously but for rounding. No
quadratic norm does it for larger steps (circle criterion); there it is an **estimate**, which
takes the heaviest curvature to be constant in time, and `Reduced.proved` is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from simulations.krylov_networks import Direct, Setting, Small
from simulations.two_layer import make_optimizer
from simulations.two_layer_problem import Problem, records, require, whole
from theory.local_geometry.hessian_diagonal import quantile_ratio
from theory.optimizers import Optimizer

Array = Any

# Levels that the first trial starts with.
_PILOT = 2
# Trials of one block of `run`.
_BLOCK_TRIALS = 32


@dataclass(frozen=True)
class Reduced:
    r"""Trajectories of the reduced dynamics.

    Attributes
    ----------
    step : (records,)
        Steps taken at each record.
    loss, r_med_1, r_med_2, max_over_min_1, max_over_min_2 : (trials, records)
        As in `simulations.two_layer.Trajectories`.
    error : (trials, records)
        Bound or estimate of the error of (w, W) in the Frobenius norm, rounding apart.
    proved : (trials,)
        Whether `error` is a bound; otherwise it is an estimate.
    levels : (trials,)
        Blocks of the Krylov space: p = 2 levels + 1; 0 where the direct kernel was used.
    diverged_at : (trials,)
    w : (trials, d)
    """

    step: Array
    loss: Array
    r_med_1: Array
    r_med_2: Array
    max_over_min_1: Array
    max_over_min_2: Array
    error: Array
    proved: Array
    levels: Array
    diverged_at: Array
    w: Array
    _hidden: tuple[Callable[[], Array], ...]

    def hidden(self, trial: int) -> Array:
        """The final W of one trial, (d, n), put together on demand."""
        return self._hidden[trial]()

    @property
    def W(self) -> Array:  # noqa: N802
        """The final W of all trials, (trials, d, n)."""
        return np.stack([self.hidden(trial) for trial in range(len(self._hidden))])


def simulate(
    stream: Stream,
    trials: int,
    *,
    d: int,
    steps: int,
    alpha: float,
    eta: float,
    target: str | Sequence[float] = "ones",
    initial: str = "gaussian",
    **options: Any,
) -> Reduced:
    """Run `trials` trajectories with initial weights from `stream`.

    They are those of `simulations.two_layer.simulate` with ``optimizer="sgd_momentum"``, to
    rounding and within the tolerance. `options` are those of `evolve`.
    """
    problem = Problem(d, alpha, target, initial)
    w, W = problem.initial_weights(stream, trials)
    return evolve(w, W, problem.targets(), eta=eta, steps=steps, **options)


def run(
    d: int, trials: int, steps: int, *, alpha: float, eta: float, seed: int = 0, **options: Any
) -> Reduced:
    """Run trajectories from a seed, those of `simulations.two_layer.run` with the same seed.

    Examples
    --------
    >>> found = run(48, 2, 100, alpha=1.0, eta=3e-4, beta=0.9, record=50)
    >>> found.step.tolist(), found.loss.shape, bool(found.proved.all())
    ([50, 100], (2, 2), True)
    """
    chosen = select_backend("numpy")
    require(whole(trials) and trials >= 1, "trials", trials, "an integer >= 1")
    key = stream_key(seed, "two-layer", "run", {"d": d, "alpha": alpha})
    sizes = [min(_BLOCK_TRIALS, trials - i) for i in range(0, trials, _BLOCK_TRIALS)]
    parts = [
        simulate(
            Stream(chosen, key, index), size, d=d, steps=steps, alpha=alpha, eta=eta, **options
        )
        for index, size in enumerate(sizes)
    ]
    return _joined(parts, np.arange(trials))


def evolve(
    w: Array,
    W: Array,
    A: Array,
    *,
    eta: float,
    steps: int,
    beta: float = 0.0,
    weight_decay: float = 0.0,
    record: int | Sequence[int] | None = None,
    tolerance: float = 1e-12,
    levels: int | None = None,
    largest: float = 1.0 / 3.0,
) -> Reduced:
    r"""Run SGD with momentum (`theory.optimizers.sgd_momentum`) from given weights.

    The subspace grows until the error is within the tolerance at every step: that of (w, W)
    against `tolerance` times the smaller of :math:`\|w\|` and :math:`\|W\|_F`, that of the
    residual against `tolerance` times :math:`\|E\|` plus one unit of rounding of
    :math:`\|A\|`. A trial for which the subspace
    would fill more than the part `largest` of the network, or which diverges, is run by the
    direct kernel.

    Parameters
    ----------
    w, W, A : (trials, d), (trials, d, n), (n,)
        Initial weights and target; they are not changed.
    record : int or sequence of int, optional
        Every so many steps, or at these steps; the last step alone by default.
    tolerance : float in (0, 1)
    levels : int >= 1, optional
        Fixes the subspace, whatever the error.
    largest : float in [0, 1]

    Returns
    -------
    Reduced

    Raises
    ------
    ValueError
        If an argument is out of its range; the text names it.
    """
    method = make_optimizer("sgd_momentum", eta, {"beta": beta, "weight_decay": weight_decay})
    setting = _setting(w, W, A, steps, records(steps, record), tolerance, method)
    smaller = min(setting.W.shape[1:])
    require(levels is None or (whole(levels) and levels >= 1), "levels", levels, "an int >= 1")
    require(0.0 <= largest <= 1.0, "largest", largest, "in [0, 1]")
    if levels is not None:
        return _recorded(Small(setting, setting.basis(levels), math.inf), setting)
    limit = int((largest * smaller - 1) // 2)
    pending, lost = np.arange(len(setting.w)), np.zeros(len(setting.w), dtype=bool)
    parts, places = [], []
    chosen = _pilot(setting.some(pending[:1]), limit)
    while len(pending) and 1 <= chosen <= limit:
        rest = setting.some(pending)
        small = Small(rest, rest.basis(chosen), 1.0)
        found = _recorded(small, setting)
        gone = found.diverged_at >= 0
        good = (small.worst <= 1.0) & ~gone
        parts.append(_selected(found, np.flatnonzero(good)))
        places.append(pending[good])
        lost[pending[gone]] = True
        pending, chosen = pending[~good & ~gone], chosen + max(1, chosen // 4)
    lost[pending] = True
    if lost.any():
        places.append(np.flatnonzero(lost))
        parts.append(_recorded(Direct(setting.some(places[-1])), setting))
    return _joined(parts, np.argsort(np.concatenate(places)))


def _pilot(setting: Setting, limit: int) -> int:
    """Levels that a trial needs; its error falls about geometrically in them."""
    before, basis = (0, math.inf), setting.basis(1)
    level = min(_PILOT, limit)
    while 1 <= level < limit:
        small = Small(setting, basis.extend(level), math.inf)
        small.advance(0, setting.steps)
        worst = float(np.clip(small.worst[0], 1e-300, 1e300))
        if worst <= 1.0 or small.diverged[0] >= 0:
            break
        level, before = min(limit, _next_level(before, (level, worst))), (level, worst)
    return level


def _next_level(before: tuple[int, float], now: tuple[int, float]) -> int:
    """Where the line through two logarithms of the error meets 0, at most twice as far."""
    level, worst = now
    gain = (math.log(before[1]) - math.log(worst)) / (level - before[0]) if before[0] else 0.0
    needed = math.ceil(math.log(worst) / gain) if gain > 0.0 else level
    return level + max(1, min(needed, level))


def _recorded(mover: Small | Direct, setting: Setting) -> Reduced:
    """Run to the end, with a row of statistics at every record."""
    rows, done = [], 0
    for at in setting.at:
        mover.advance(done, at - done)
        rows.append(_statistics(mover))
        done = at
    mover.advance(done, setting.steps - done)
    columns = {name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]}
    hidden = tuple(partial(mover.hidden, trial) for trial in range(len(mover.diverged)))
    return Reduced(step=np.asarray(setting.at), **columns, **mover.facts,
                   diverged_at=mover.diverged, w=mover.units(), _hidden=hidden)  # fmt: skip


def _statistics(mover: Small | Direct) -> dict[str, Array]:
    """Statistics of every trial; NaN for those that diverged."""
    seen, alive = mover.observe(), mover.diverged < 0
    squares = {name: np.where(alive[:, None], seen[name], 1.0) for name in ("first", "second")}
    values = {
        "loss": seen["loss"],
        "r_med_1": quantile_ratio(squares["first"], 1.0, 0.5),
        "r_med_2": quantile_ratio(squares["second"], 1.0, 0.5),
        "max_over_min_1": quantile_ratio(squares["first"], 1.0, 0.0),
        "max_over_min_2": quantile_ratio(squares["second"], 1.0, 0.0),
        "error": seen["error"],
    }
    return {name: np.where(alive, value, np.nan) for name, value in values.items()}


def _selected(found: Reduced, which: Array) -> Reduced:
    """The same for some trials, in the order given."""
    columns = {field.name: getattr(found, field.name)[which] for field in fields(found)
               if field.name not in ("step", "_hidden")}  # fmt: skip
    return replace(found, **columns, _hidden=tuple(found._hidden[i] for i in which))


def _joined(parts: Sequence[Reduced], order: Array) -> Reduced:
    """The trials of all parts, in the order given."""
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts])
               for field in fields(Reduced) if field.name not in ("step", "_hidden")}  # fmt: skip
    hidden = tuple(one for part in parts for one in part._hidden)
    return _selected(Reduced(step=parts[0].step, **columns, _hidden=hidden), order)


def _setting(
    w: Array, W: Array, A: Array, steps: int, at: list[int], tolerance: float, method: Optimizer
) -> Setting:
    w, W, A = (np.ascontiguousarray(value, dtype=np.float64) for value in (w, W, A))
    fits = w.ndim == 2 and W.ndim == 3 and W.shape == (*w.shape, *A.shape) and w.size and A.size
    if not fits:
        raise ValueError(f"w has shape {w.shape}, W {W.shape}, A {A.shape}; "
                         "they must be (trials, d), (trials, d, n), (n,)")  # fmt: skip
    for name, value in (("w", w), ("W", W), ("A", A)):
        require(bool(np.all(np.isfinite(value))), name, "not finite", "finite")
    require(0.0 < tolerance < 1.0, "tolerance", tolerance, "in (0, 1)")
    values = method.hyperparameters
    return Setting(w, W, A, steps, at, tolerance, values["lr"], values["beta"], method.weight_decay)
