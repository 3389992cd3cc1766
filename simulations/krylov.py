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

The bases grow while the network is trained: where the defect is too large, the next block of
:math:`R_0` moves to V, two products with :math:`W_0`.

**Error.** The reduced trajectory is an exact one whose gradient is disturbed by
:math:`d_t = (W\delta', w\delta)`. With H the Hessian at the reduced trajectory (weight decay
included) the error e of (w, W) follows, to first order,
:math:`e_{t+1} = (1 + \beta - \eta H_t) e_t - \beta e_{t-1} - \eta d_t`. Its curvature is at
least :math:`-\ell`, :math:`\ell = \max(0, \|E\| - \lambda)`, and at most
:math:`L = \|w\|^2 + \|W\|_F^2 + \|E\| + \lambda`. No quadratic norm that is constant in time
bounds e beyond :math:`\eta L = 2(1-\beta)^2/(1+\beta)` (circle criterion), so that the norm
follows the Hessian:

.. math:: N_t^2 = \|e_t\|^2 + \beta \|e_{t-1}\|^2
    - 2\sqrt\beta\, e_t'(I - D_t) e_{t-1}, \qquad D_t = c_0 + c_1 \eta H_t,

.. math:: \rho = \tfrac12\big(1 + \beta + \eta\ell
    + \sqrt{(1 + \beta + \eta\ell)^2 - 4\beta}\big), \quad c_1 = \frac{\sqrt\beta}{\rho^2 + \beta},
    \quad c_0 = \frac{(\rho - \sqrt\beta)^2}{\rho^2 + \beta} + c_1 \eta\ell.

*A step.* :math:`\rho` is the growth of the most unstable direction. In :math:`e_t/\rho^t` the
recursion is one of momentum :math:`b = \beta/\rho^2` and curvature K,
:math:`0 \le K` and :math:`K \le 2` where :math:`\eta L \le 1 + \beta + \rho - \beta/\rho`, and
for each eigenvalue k, with :math:`f = e_t/\rho^t` and :math:`g = f - e_{t-1}/\rho^{t-1}`,

.. math:: N^2 \propto V = ((1-b) f + b g)^2 + b g^2 + 2 b k f (f - g), \quad
    V_{t+1} - V_t = -(1-b) k (2-k) f^2 - b (1-b^2) g^2 \le 0,

so that the norm of a step is at most :math:`\rho`, and that of a kick :math:`\eta\|d_t\|`.

*The Hessian changes.* In :math:`(e_t \pm \sqrt\beta\, e_{t-1})/\sqrt2` the form is diagonal, D
and 2 - D, with D between :math:`\underline{D} = c_0 - c_1\eta\ell > 0` and
:math:`\overline{D} = c_0 + c_1\eta L \le 1`. H is :math:`J'J` plus a matrix of norm
:math:`\|E\|` (plus decay), and J is linear in (w, W), of norm 1. When (w, W) moves by s and E by
:math:`\tau`, :math:`2\|Jx\|s\|x\| + (s^2 + \tau)\|x\|^2` bounds the change of :math:`x'Hx`, so
that :math:`N^2` grows at most by the larger of (primes: after the change)

.. math:: \frac{c_1'}{c_1}\Big(1 + s\sqrt{c_1\eta/\underline{D}}
    + \big[c_1\eta(s^2 + \tau) + c_0' c_1/c_1' - c_0\big]/\underline{D}\Big), \quad
    1 + \frac{\|D' - D\|}{2 - \overline{D}},

where the bracket is divided by :math:`\overline{D}` if it is negative.

*Dropped remainders.* Where a Krylov space is exhausted but for a remainder of relative size 1e-14
or less, that is dropped; it is rounding, mostly. With r the sum of the lengths of all that was
dropped, :math:`\|R_0Q\| \le r` and :math:`P'R_0` is known to 2 r, so that
:math:`2 |c_t| r \|w\|` is added to the residual, and that times :math:`\|(w, W)\|` plus
:math:`|c_t| r \|E\|` to :math:`\|d_t\|`.

*Beyond first order.* The mean of the Hessian between both trajectories is within
:math:`3\|e\|\sqrt{\|w\|^2 + \|W\|^2} + \tfrac32\|e\|^2` of H. Thus the recursion
for N **bounds** the error by :math:`\|e\| \le N / \sqrt{\underline{D}(2 - \underline{D})}`,
whatever the momentum, for steps up to :math:`\eta L = 2` and more: rigorously in exact
arithmetic, and with its own rounding turned upwards. Rounding of the bases and of the trajectory,
some units of the last digit of (w, W), is not in the bound; a saddle amplifies it like any other
error, as it does in the direct kernel. Where a larger curvature was met it is an
**estimate**, which takes the heaviest curvature to be constant in time, and `Reduced.proved` is
false.
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

# Amplification of a defect that the first attempt reckons with; the next one with its square.
_RESERVE = 1e4
# Blocks that there is room for at first.
_ROOM = 7
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
        Bound or estimate of the error of (w, W) in the Frobenius norm, against exact arithmetic;
        0 where the direct kernel was used: rounding is in neither.
    proved : (trials,)
        Whether `error` is a bound; otherwise it is an estimate.
    levels : (trials,)
        Blocks of the Krylov space at the end: p = 2 levels + 1; 0 where the direct kernel was used.
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
    would fill more than the part `largest` of the network, which diverges, or of which w, W or
    A gets so small, 1e-140, that squares underflow, is run by the direct kernel.

    Parameters
    ----------
    w, W, A : (trials, d), (trials, d, n), (n,)
        Initial weights and target; they are not changed.
    record : int or sequence of int, optional
        Every so many steps, or at these steps; the last step alone by default.
    tolerance : float in (0, 1)
    levels : int >= 1, optional
        Fixes the subspace, whatever the error; trials that get that small are not proved.
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
    parts, places, reserve = [], [], _RESERVE
    while len(pending) and limit >= 1 and reserve < math.inf:
        rest = setting.some(pending)
        small = Small(rest, rest.basis(1, min(limit, _ROOM)), 1.0, reserve, limit)
        found = _recorded(small, setting)
        gone = found.diverged_at >= 0
        good = (small.worst <= 1.0) & ~gone
        parts.append(_selected(found, np.flatnonzero(good)))
        places.append(pending[good])
        # Nothing is left to be tried where the subspace is as large as it may be.
        hopeless = ~good & (gone | (found.levels == limit))
        lost[pending[hopeless]] = True
        pending, reserve = pending[~good & ~hopeless], reserve * reserve
    lost[pending] = True
    if lost.any():
        places.append(np.flatnonzero(lost))
        parts.append(_recorded(Direct(setting.some(places[-1])), setting))
    return _joined(parts, np.argsort(np.concatenate(places)))


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
    numbers = (float(x) for x in (values["lr"], values["beta"], method.weight_decay))
    return Setting(w, W, A, steps, at, tolerance, *numbers)
