r"""Simulation of optimizers on the two-layer linear network.

:func:`simulate` draws initialisation and noise from a counter-based stream and serves
measurements; :func:`run` is the same from a seed, for use by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from types import FunctionType
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_cupy_array

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from simulations.kernels import gpu_device
from simulations.kernels import two_layer_reference as reference
from simulations.kernels.two_layer_gpu_mover import OnDevice
from simulations.two_layer_problem import Problem, records, require, whole
from theory import optimizers
from theory.local_geometry.hessian_diagonal import quantile_ratio
from theory.models.two_layer import loss, residual
from theory.optimizers import Optimizer

__all__ = ["OPTIMIZERS", "Problem", "Trajectories", "make_optimizer", "run", "simulate"]

Array = Any
# Noise is drawn for this many steps at once, whatever is recorded, so that records never
# change a trajectory.
_NOISE_STEPS = 32
_BLOCK_TRIALS = 32
DIVERGED = reference.DIVERGED
PRECISIONS = ("float64", "float32")
# Overflow is how a trial diverges; what it computes from then on is not used.
_OVERFLOWS = np.errstate(over="ignore", invalid="ignore")

OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    "sgd": optimizers.sgd, "sgd_momentum": optimizers.sgd_momentum,
    "nesterov": optimizers.nesterov, "sign_descent": optimizers.sign_descent,
    "adagrad": optimizers.adagrad, "rmsprop": optimizers.rmsprop, "adam": optimizers.adam,
    "amsgrad": optimizers.amsgrad,
}  # fmt: skip


@dataclass(frozen=True)
class Trajectories:
    r"""What a simulation recorded.

    Attributes
    ----------
    step : (records,)
        Steps taken at each record.
    loss, r_med_1, r_med_2, max_over_min_1, max_over_min_2 : (trials, records)
        Loss; largest over median, and over smallest, of :math:`w_i^2` (layer 1) and of
        :math:`\|W_i\|^2` (layer 2). NaN once a trial has diverged.
    diverged_at : (trials,)
        Step at which the squared residual passed 1e100 or was NaN; -1 for a trial that did not.
    w, W : (trials, d) and (trials, d, d)
        Weights at the end (of a trial that diverged: where it was stopped).
    """

    step: Array
    loss: Array
    r_med_1: Array
    r_med_2: Array
    max_over_min_1: Array
    max_over_min_2: Array
    diverged_at: Array
    w: Array
    W: Array


def simulate(
    stream: Stream,
    trials: int,
    *,
    optimizer: str | Optimizer,
    d: int,
    steps: int,
    alpha: float,
    eta: float | None = None,
    record: int | Sequence[int] | None = None,
    target: str | Sequence[float] = "ones",
    initial: str = "gaussian",
    batch: int = 0,
    noise: float = 0.0,
    precision: str = "float64",
    **hyperparameters: Any,
) -> Trajectories:
    """Run `trials` independent trajectories with all randomness from `stream`.

    Parameters
    ----------
    optimizer : str or Optimizer
        A name of ``OPTIMIZERS`` with learning rate `eta` and `hyperparameters`, or an optimizer;
        one of your own runs without a fused kernel.
    steps : int >= 1
    record : int or sequence of int, optional
        Record every so many steps, or at these steps (0 is the initialisation); the last step
        alone by default.
    d, alpha, target, initial, batch, noise
        See `Problem`.
    precision : {"float64", "float32"}
        Of the dynamics; draws and statistics are float64, except in resident GPU kernels, which
        use the precision of the dynamics. float32 takes about half the time. A step then adds a
        relative error of up to about ``(d + 8) 2^-24`` of the largest term of each sum, so that
        it is enough for laws over many trials of a few thousand steps, until the loss is some
        ``(d 2^-24)^2`` of that of the target; trials diverge at 3e38.

    Raises
    ------
    ValueError
        If an argument is out of its range; the text names it.
    """
    problem = Problem(d, alpha, target, initial, batch, noise)
    require(whole(trials) and trials >= 1, "trials", trials, "an integer >= 1")
    at = records(steps, record)
    method = make_optimizer(optimizer, eta, hyperparameters)
    require(precision in PRECISIONS, "precision", precision, f"one of {PRECISIONS}")
    kind = getattr(stream.xp, precision)
    w, W = (stream.xp.astype(x, kind) for x in problem.initial_weights(stream, trials))
    A = stream.xp.astype(stream.xp.asarray(problem.targets()), kind)
    mover = _mover(method, problem, w, W, A)
    seen: list[dict[str, Array]] = []
    for start, length, drawn in _noise(stream, problem, trials, steps):
        end = start + length
        inside = [t for t in at if start <= t < end or t == end == steps]
        seen += _trace(mover, A, start, length, inside, drawn)
    xp = stream.xp
    columns = {name: xp.stack([row[name] for row in seen], axis=1) for name in seen[0]}
    return Trajectories(xp.asarray(at), **columns, diverged_at=mover.diverged, w=mover.w, W=mover.W)


def run(
    optimizer: str | Optimizer,
    d: int,
    trials: int,
    steps: int,
    *,
    alpha: float,
    eta: float | None = None,
    seed: int = 0,
    threads: int = 1,
    backend: str = "numpy",
    **options: Any,
) -> Trajectories:
    """Run trajectories from a seed; the result does not depend on `threads`.

    Parameters
    ----------
    options
        Further arguments of `simulate`: record, target, initial, batch, noise, precision, and the
        optimizer's hyperparameters (``beta=0.9`` or ``beta1=..., beta2=...``).

    Returns
    -------
    Trajectories

    Examples
    --------
    >>> found = run("sgd_momentum", 8, 4, 10, alpha=1.0, eta=0.01, beta=0.9, record=5)
    >>> found.step.tolist(), found.r_med_1.shape
    ([5, 10], (4, 2))
    """
    require(whole(trials) and trials >= 1, "trials", trials, "an integer >= 1")
    require(whole(threads) and threads >= 1, "threads", threads, "an integer >= 1")
    require(whole(seed) and seed >= 0, "seed", seed, "an integer >= 0")
    chosen = select_backend(backend)
    key = stream_key(seed, "two-layer", "run", {"d": d, "alpha": alpha})
    sizes = [min(_BLOCK_TRIALS, trials - i) for i in range(0, trials, _BLOCK_TRIALS)]

    def block(index: int) -> Trajectories:
        return simulate(
            Stream(chosen, key, index), sizes[index], optimizer=optimizer, d=d, steps=steps,
            alpha=alpha, eta=eta, **options,
        )  # fmt: skip

    if threads == 1:
        parts = [block(index) for index in range(len(sizes))]
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(block, range(len(sizes))))
    xp = chosen.xp
    joined = {
        f.name: xp.concat([getattr(part, f.name) for part in parts], axis=0)
        for f in fields(Trajectories)
        if f.name != "step"
    }
    return Trajectories(step=parts[0].step, **joined)


def make_optimizer(
    optimizer: str | Optimizer, eta: float | None, hyperparameters: Mapping[str, Any]
) -> Optimizer:
    """Return the optimizer of that name with learning rate `eta`, or the one given.

    Raises
    ------
    ValueError
        If the name or a hyperparameter is unknown or out of range.
    """
    if isinstance(optimizer, Optimizer):
        require(eta is None and not hyperparameters, "optimizer", optimizer.name,
                 "a name where eta or hyperparameters are given")  # fmt: skip
        return optimizer
    require(optimizer in OPTIMIZERS, "optimizer", optimizer, f"one of {', '.join(OPTIMIZERS)}")
    require(eta is not None, "eta", eta, "a number > 0")
    try:
        return OPTIMIZERS[optimizer](eta, **hyperparameters)
    except ValueError as error:
        raise ValueError(str(error).replace("lr is", "eta is")) from None
    except TypeError as error:
        raise ValueError(f"{optimizer}: {error}") from None


def _mover(method: Optimizer, problem: Problem, w: Array, W: Array, A: Array) -> Mover:
    """The state that steps are taken on: fused on the host and on a GPU, else the reference."""
    # An optimizer of somebody's own has no kernel; the reference runs on any device.
    if not _is_built_in(method):
        return _Plain(method, problem, w, W, A)
    if isinstance(w, np.ndarray):
        return _Fused(method, problem, w, W, A)
    if is_cupy_array(w):
        device = gpu_device.current_device()
        return OnDevice(device, method, problem.batch, (w, W, A), _step_scalars)
    return _Plain(method, problem, w, W, A)


def _is_built_in(method: Optimizer) -> bool:
    """Whether it is an optimizer of ``OPTIMIZERS``: its rule, not its name alone."""
    if type(method) is not Optimizer or method.name not in OPTIMIZERS:
        return False
    try:
        ours = OPTIMIZERS[method.name](**method.hyperparameters, weight_decay=method.weight_decay)
    except (TypeError, ValueError):
        return False
    return ours.slots == method.slots and _contents(ours.rule) == _contents(method.rule)


def _contents(rule: Callable[..., Any]) -> tuple[Any, ...]:
    """Code of a function and what it closes over; the object itself if it is none."""
    if not isinstance(rule, FunctionType):
        return (rule,)
    return rule.__code__, *(cell.cell_contents for cell in rule.__closure__ or ())


def _trace(
    mover: Mover, A: Array, start: int, steps: int, at: Sequence[int], drawn: Mapping[str, Array]
) -> list[dict[str, Array]]:
    """Take `steps` steps and return the statistics after those of `at`, counted from the run's."""
    if isinstance(mover, OnDevice) and mover.records:
        return mover.trace(start, steps, at, drawn)
    seen, done = [], start
    for t in at:
        mover.advance(done, t - done, _part(drawn, done - start, t - start))
        seen.append(_observe(mover, A, t))
        done = t
    mover.advance(done, start + steps - done, _part(drawn, done - start, steps))
    return seen


class _Fused:
    """State of the fused CPU kernel."""

    def __init__(self, method: Optimizer, problem: Problem, w: Array, W: Array, A: Array) -> None:
        from simulations.kernels.two_layer_layout import Network

        self._method, self._batch = method, problem.batch
        least_eps = float(_step_scalars(method, 0, 1)[3][0])  # bias correction only raises it
        self._network = Network(
            method.name, w, W, A, precision=w.dtype.name, least_eps=least_eps
        )  # fmt: skip

    @property
    def w(self) -> Array:
        """First layer."""
        return self._network.w

    @property
    def W(self) -> Array:  # noqa: N802
        """Second layer."""
        return self._network.W

    @property
    def diverged(self) -> Array:
        """Step of divergence, or -1."""
        return self._network.diverged

    @diverged.setter
    def diverged(self, values: Array) -> None:
        self._network.diverged[...] = values

    def advance(self, first: int, steps: int, drawn: Mapping[str, Array]) -> None:
        """Take `steps` steps of every trial that has not diverged."""
        if steps:
            rates, b1, b2, epsilons = _step_scalars(self._method, first, steps)
            self._network.advance(
                first, rates, epsilons, b1, b2, decay=float(self._method.weight_decay),
                batch=self._batch, noise=drawn,
            )  # fmt: skip


class _Plain:
    """State of the reference, in any namespace."""

    def __init__(self, method: Optimizer, problem: Problem, w: Array, W: Array, A: Array) -> None:
        self._method, self._batch = method, problem.batch
        self.w, self.W, self._A = w, W, A
        self._state = method.init((w, W))
        xp = array_namespace(w)
        self.diverged = xp.full((w.shape[0],), -1, dtype=xp.int64)

    @_OVERFLOWS
    def advance(self, first: int, steps: int, drawn: Mapping[str, Array]) -> None:
        """Take `steps` steps; a trial that diverged keeps its weights."""
        xp = array_namespace(self.w)
        for t in range(steps):
            drawn_now = {
                name: xp.astype(values[:, t, ...], self.w.dtype) for name, values in drawn.items()
            }
            error = residual(self.w, self.W, self._A)
            fine = xp.sum(error * error, axis=-1) < DIVERGED
            self.diverged = xp.where(~fine & (self.diverged < 0), first + t, self.diverged)
            w, W, self._state = reference.step(
                self._method, self._state, self.w, self.W, self._A, batch=self._batch,
                chi_square=drawn_now.get("chi"), batch_normals=drawn_now.get("normals"),
                target_noise=drawn_now.get("target"),
            )  # fmt: skip
            going = self.diverged < 0
            self.w = xp.where(going[:, None], w, self.w)
            self.W = xp.where(going[:, None, None], W, self.W)


Mover = _Fused | _Plain | OnDevice


def _step_scalars(method: Optimizer, first: int, steps: int) -> tuple[Array, float, float, Array]:
    """Learning rate and eps of each step, with bias correction folded in, and the betas."""
    h = method.hyperparameters
    lr, eps = np.full(steps, float(h["lr"])), np.full(steps, float(h.get("eps", 0.0)))
    if method.name == "rmsprop":
        return lr, h["momentum"], h["alpha"], eps
    if method.name not in ("adam", "amsgrad"):
        return lr, h.get("beta", 0.0), 0.0, eps
    t = np.arange(first + 1, first + steps + 1)
    root = np.sqrt(1.0 - h["beta2"] ** t)
    lr = lr * root / (1.0 - h["beta1"] ** t)
    return lr, h["beta1"], h["beta2"], eps * root if h["convention"] == "pytorch" else eps


def _noise(
    stream: Stream, problem: Problem, trials: int, steps: int
) -> Iterator[tuple[int, int, dict[str, Array]]]:
    """Yield (first step, number of steps, noise of these steps)."""
    if not problem.batch and not problem.noise:
        yield 0, steps, {}
        return
    for start in range(0, steps, _NOISE_STEPS):
        length = min(_NOISE_STEPS, steps - start)
        drawn = {}
        if problem.batch:
            drawn["chi"] = stream.chisquare(problem.batch, (trials, _NOISE_STEPS))
            drawn["normals"] = stream.normal((trials, _NOISE_STEPS, problem.d))
        if problem.noise:
            drawn["target"] = problem.noise * stream.normal((trials, _NOISE_STEPS, problem.d))
        yield start, length, drawn


def _part(drawn: Mapping[str, Array], low: int, high: int) -> dict[str, Array]:
    xp = array_namespace(*drawn.values()) if drawn else np
    # A copy: the kernel is compiled for contiguous arrays, and rounds as it is compiled.
    return {name: xp.asarray(values[:, low:high, ...], copy=True) for name, values in drawn.items()}


@_OVERFLOWS
def _observe(mover: Mover, A: Array, step: int) -> dict[str, Array]:
    """Statistics of every trial after `step` steps; NaN for those that diverged."""
    xp = array_namespace(A)
    w, W = (xp.astype(x, xp.float64) for x in (mover.w, mover.W))
    A = xp.astype(A, xp.float64)
    error = residual(w, W, A)
    fine = xp.sum(error * error, axis=-1) < DIVERGED
    mover.diverged = xp.where(~fine & (mover.diverged < 0), step, mover.diverged)
    alive = mover.diverged < 0
    w = xp.where(alive[:, None], w, xp.ones_like(w))
    W = xp.where(alive[:, None, None], W, xp.ones_like(W))
    first, second = w * w, xp.sum(W * W, axis=-1)
    values = {
        "loss": loss(w, W, A),
        "r_med_1": quantile_ratio(first, 1.0, 0.5),
        "r_med_2": quantile_ratio(second, 1.0, 0.5),
        "max_over_min_1": quantile_ratio(first, 1.0, 0.0),
        "max_over_min_2": quantile_ratio(second, 1.0, 0.0),
    }
    return {name: xp.where(alive, value, xp.nan) for name, value in values.items()}
