"""Measures the diagonal share of exact Hessians of small networks, initial and trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from simulations.adaptive_norms.network_hessian import has_blocks, share_from_blocks
from simulations.digits import load_digits
from simulations.engine import estimators, figure, measurement
from simulations.engine.figures import PALETTE
from theory.adaptive_norms.diagonal_share import diagonal_share
from theory.adaptive_norms.network_share import (
    CLASSES,
    MODELS,
    baseline_share,
    batch_size,
    digit_network,
    experiment_network_share,
)
from theory.core import Statement
from theory.models.multilayer import Network
from theory.optimizers import rmsprop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results
    from simulations.engine.streams import Stream

Array = Any
Point = dict[str, Any]

# Order statistics at level 7e-7: of 40 seeds, 35 on one side of a value exclude it as the median.
TRIALS = {"quick": 40, "standard": 100, "deep": 400}
BLOCK = 20
SMALL, LARGE = 8, 128  # the two batches of the growth exponent
RANDOM_SAMPLES = 512
BATCH, RATE, DECAY = 32, 0.01, 0.9  # of the training by RMSprop
CHECK, LIMIT = 10, 3_000  # steps between two looks at the accuracy, and before giving up


@dataclass(frozen=True)
class Pool:
    """Samples to draw batches from.

    Attributes
    ----------
    inputs, labels : (rows, pixels) and (rows,)
        The samples of all pools, one after the other.
    offset : (trials, 1)
        Where the pool of each trial starts; zeros if all share one.
    size : int
        Samples of one pool.
    """

    inputs: Array
    labels: Array
    offset: Array
    size: int

    def take(self, xp: Any, index: Array) -> tuple[Array, Array]:
        """Inputs (trials, n, pixels) and labels (trials, n) at `index` (trials, n)."""
        rows = xp.reshape(index + self.offset, (-1,))
        return (xp.reshape(xp.take(self.inputs, rows, axis=0), (*index.shape, -1)),
                xp.reshape(xp.take(self.labels, rows, axis=0), index.shape))  # fmt: skip


def draw_pool(stream: Stream, trials: int, inputs: str, pixels: int) -> Pool:
    """The digits for all trials (``digits``), or Gaussian inputs and random classes (``random``).

    Raises
    ------
    ValueError
        If `inputs` is neither.
    """
    xp = stream.xp
    if inputs == "digits":
        data = load_digits(side=math.isqrt(pixels))
        return Pool(xp.asarray(data.train), xp.asarray(data.train_labels),
                    xp.zeros((trials, 1), dtype=xp.int64), len(data.train))  # fmt: skip
    if inputs != "random":
        raise ValueError(f"inputs is {inputs!r}; it must be digits or random")
    rows = trials * RANDOM_SAMPLES
    return Pool(stream.normal((rows, pixels)), stream.integers(0, CLASSES, rows),
                RANDOM_SAMPLES * xp.arange(trials)[:, None], RANDOM_SAMPLES)  # fmt: skip


def train(stream: Stream, net: Network, params: Array, pool: Pool, reached: float) -> Array:
    """Parameters (trials, p) when the accuracy on the pool first reaches `reached`, by RMSprop.

    Each trial keeps its own parameters of that moment; looked at every ten steps.

    Raises
    ------
    ValueError
        If a trial does not get there within 3,000 steps.
    """
    xp, trials = stream.xp, params.shape[0]
    method = rmsprop(RATE, DECAY)
    state, kept = method.init(params), params
    everything = xp.broadcast_to(xp.arange(pool.size), (trials, pool.size))
    whole, labels = pool.take(xp, everything)
    there = net.accuracy(params, whole, labels) >= reached
    for step in range(1, LIMIT + 1):
        if bool(xp.all(there)):
            return kept
        batch = pool.take(xp, stream.integers(0, pool.size, (trials, BATCH)))
        params, state = method.update(net.gradient(params, *batch), state, params)
        if step % CHECK == 0:
            kept = xp.where(there[:, None], kept, params)
            there = there | (net.accuracy(params, whole, labels) >= reached)
    raise ValueError(f"a network did not reach an accuracy of {reached} within {LIMIT} steps")


def hessian_shares(
    stream: Stream, trials: int, sizes: Sequence[int], *, inputs: str, pixels: int, hidden: int,
    depth: int, model: str, reached: float,
) -> list[Array]:  # fmt: skip
    """Diagonal shares (trials,) of the Hessians on nested batches of the given sizes."""
    xp, net = stream.xp, digit_network(pixels, hidden, depth, model)
    pool = draw_pool(stream, trials, inputs, pixels)
    # Sigmoids have slope at most 1/4, which four times larger weights make up for.
    gain = 4.0 if model == "sigmoid" else 1.0
    params = net.initialise(stream.normal((trials, net.size)), gain=gain)
    params = train(stream, net, params, pool, reached)
    order = xp.argsort(stream.uniform((trials, pool.size)), axis=1)
    found = []
    for n in sizes:
        X, labels = pool.take(xp, order[:, :n])
        # One Hessian at a time: a stack of all trials would not fit the cache.
        shares = [_share(net, params[k, :], X[k, ...], labels[k, ...]) for k in range(trials)]
        found.append(xp.asarray(shares))
    return found


def _share(net: Network, params: Array, X: Array, labels: Array) -> float:
    """Diagonal share of the Hessian of one batch."""
    if has_blocks(net):
        return share_from_blocks(net, params, X, labels)
    # The Hessian of the squared loss does not depend on its targets.
    Y = np.zeros((len(X), CLASSES)) if net.objective == "squared" else labels
    return float(diagonal_share(net.hessian(params, X, Y)))


def network(
    model: str, pixels: int, hidden: int, reached: float = 0.0, inputs: str = "digits"
) -> Point:
    """The parameters of a network with one hidden layer."""
    return {"inputs": inputs, "pixels": pixels, "hidden": hidden, "depth": 1, "model": model,
            "reached": reached}  # fmt: skip


_SIZES = [network("tanh", *size) for size in ((16, 8), (16, 16), (64, 8), (64, 16))]
_TRAINED = [network("tanh", 16, 16, 0.5), network("tanh", 16, 16, 0.9), network("tanh", 64, 8, 0.9),
            network("relu", 16, 16, 0.9), network("relu", 64, 16, 0.9)]  # fmt: skip
_OTHERS = [network("relu", 16, 16), network("relu", 64, 8), network("sigmoid", 16, 16),
           *(network("tanh", 16, hidden, inputs="random") for hidden in (8, 16)),
           *(network(model, 64, 8, inputs="random") for model in ("tanh", "relu"))]  # fmt: skip
_LARGE = [network("tanh", 64, 16, 0.9), network("relu", 64, 16),
          *(network(model, 64, 16, inputs="random") for model in ("tanh", "relu")),
          *(network("tanh", 64, 32, reached) for reached in (0.0, 0.9)),
          *(network("relu", 64, 32, reached) for reached in (0.0, 0.9)),
          ]  # fmt: skip
_FOLLOWED = [network("tanh", 16, 16), network("tanh", 16, 16, 0.9),
             network("relu", 16, 16, inputs="random")]  # fmt: skip
_QUICK = [
    *({**chosen, "n": 32, "baseline": "ols"} for chosen in (*_SIZES, *_TRAINED, *_OTHERS)),
    {**network("tanh", 16, 16), "n": 8, "baseline": "ols"},
    *({**chosen, "n": n, "baseline": "wigner"} for chosen in _FOLLOWED for n in (8, 32, 64, 256)),
]
_STANDARD = [*_QUICK, *({**chosen, "n": 32, "baseline": "ols"} for chosen in _LARGE),
             *({**chosen, "n": 512, "baseline": "wigner"} for chosen in _FOLLOWED)]  # fmt: skip


def _baseline(statement: Statement, point: Point) -> Any:
    return statement.formula(_size(point), point["n"], point["baseline"])


def _size(point: Mapping[str, Any]) -> int:
    return digit_network(point["pixels"], point["hidden"], point["depth"], point["model"]).size


@measurement(
    experiment_network_share,
    points={"quick": _QUICK, "standard": _STANDARD},
    trials=TRIALS, block=BLOCK, estimate=estimators.quantile("share", 0.5, side="lower"),
    claimed=_baseline, resolution=0.05, host=True,
)  # fmt: skip
def share_of_networks(
    stream: Stream, trials: int, *, n: int, baseline: str, **chosen: Any
) -> dict[str, Any]:
    """One network, one batch and one exact Hessian in each trial."""
    return {"share": hessian_shares(stream, trials, (n,), **chosen)[0]}


@measurement(
    batch_size,
    points={"quick": [
        network("tanh", 16, 16), network("tanh", 16, 16, 0.9), network("relu", 16, 16),
        network("tanh", 64, 8), network("tanh", 16, 16, inputs="random"),
        network("relu", 64, 8, inputs="random"),
    ]},
    trials=TRIALS, block=BLOCK, estimate=estimators.quantile("exponent", 0.5, side="upper"),
    claimed=lambda statement, point: statement.formula(point["inputs"]), resolution=0.05,
    host=True,
)  # fmt: skip
def growth_with_the_batch(stream: Stream, trials: int, **chosen: Any) -> dict[str, Any]:
    """The same network on two nested batches: exponent of n between their shares."""
    small, large = hessian_shares(stream, trials, (SMALL, LARGE), **chosen)
    return {"exponent": growth_exponent(small, large)}


def growth_exponent(small: Array, large: Array) -> Array:
    """The a of ``share ~ n^a`` through the shares (...) at both batch sizes."""
    return array_namespace(small, large).log(large / small) / math.log(LARGE / SMALL)


# Colour, marker and name of each kind of network in the figures.
_KINDS = {
    ("digits", 0.0): ("blue", "o", "digits, initial"),
    ("digits", 0.5): ("purple", "s", "digits, accuracy 50 %"),
    ("digits", 0.9): ("vermilion", "s", "digits, accuracy 90 %"),
    ("random", 0.0): ("green", "^", "Gaussian inputs, initial"),
}


def _draw_rows(
    axes: Any, rows: Sequence[Mapping[str, Any]], x: Callable[[Mapping[str, Any]], int], *,
    lines: str, apart: float,
) -> None:  # fmt: skip
    """Medians and their lower limits by kind of network, side by side; ReLU hollow."""
    kinds = [(kind, model) for kind in _KINDS for model in MODELS]
    present = [pair for pair in kinds if _of_kind(rows, *pair)]
    for place, (kind, model) in enumerate(present):
        colour, marker, label = _KINDS[kind]
        same = sorted(_of_kind(rows, kind, model), key=x)
        middle = np.asarray([row["estimate"] for row in same])
        low = np.asarray([row["low"] for row in same])
        shift = apart ** (place - (len(present) - 1) / 2)
        axes.errorbar([shift * x(row) for row in same], middle, yerr=[middle - low, 0 * middle],
                      fmt="D" if model == "sigmoid" else marker, linestyle=lines, capsize=2,
                      color=PALETTE[colour], label=f"{model}, {label}",
                      markerfacecolor="white" if model == "relu" else PALETTE[colour])  # fmt: skip


def _of_kind(
    rows: Sequence[Mapping[str, Any]], kind: tuple[str, float], model: str
) -> list[Mapping[str, Any]]:
    return [row for row in rows if (row["inputs"], row["reached"], row["model"]) == (*kind, model)]


def _draw_baselines(axes: Any, x: Any, wigner: list[float], ols: list[float]) -> None:
    axes.plot(x, wigner, color=PALETTE["grey"], linestyle=":", label="Wigner, 1/d")
    axes.plot(x, ols, color=PALETTE["black"], label="least squares, exact")


def _plain_ticks(axes: Any, x: Sequence[int], y: Sequence[float]) -> None:
    axes.set(xscale="log", yscale="log", ylabel="diagonal share of the Hessian (median)")
    axes.set_xticks(x, [str(tick) for tick in x])
    axes.set_yticks(y, [f"{tick:g}" for tick in y])
    axes.minorticks_off()


@figure(experiment_network_share)
def share_against_size(figure: Figure, results: Results) -> None:
    """Share of network Hessians against the number of parameters, at n = 32."""
    axes = figure.subplots()
    rows = [row for row in results.rows("share_of_networks")
            if row["n"] == 32 and row["baseline"] == "ols"]  # fmt: skip
    sizes = np.unique(np.geomspace(180, 2_700, 40).astype(int))
    _draw_baselines(axes, sizes, [baseline_share(int(d), 32, "wigner") for d in sizes],
                    [baseline_share(int(d), 32, "ols") for d in sizes])  # fmt: skip
    _draw_rows(axes, rows, _size, lines="none", apart=1.018)
    _plain_ticks(axes, (200, 500, 1000, 2000), (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05))
    axes.set(xlabel="parameters d", title="Batches of 32: above both baselines at every size",
             ylim=(7e-5, 0.06))  # fmt: skip
    axes.legend(fontsize=8, ncols=2, loc="lower left")


@figure(experiment_network_share)
def share_against_batch_size(figure: Figure, results: Results) -> None:
    """Share of the Hessian of networks with 442 parameters against the batch size."""
    axes = figure.subplots()
    rows = [row for row in results.rows("share_of_networks") if row["baseline"] == "wigner"]
    d = _size(rows[0])
    lengths = np.unique(np.geomspace(6, 600, 40).astype(int))
    _draw_baselines(axes, lengths, [baseline_share(d, int(n), "wigner") for n in lengths],
                    [baseline_share(d, int(n), "ols") for n in lengths])  # fmt: skip
    _draw_rows(axes, rows, lambda row: int(row["n"]), lines="-", apart=1.02)
    _plain_ticks(axes, (8, 32, 64, 256), (0.002, 0.005, 0.01, 0.02, 0.05))
    axes.set(xlabel="batch size n", title=f"Least squares overtakes the networks (d = {d})")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.08))


@figure(batch_size)
def exponents(figure: Figure, results: Results) -> None:
    """Exponent of the batch size in the share between n = 8 and n = 128, by network."""
    axes = figure.subplots()
    rows = results.rows("growth_with_the_batch")
    names = []
    for place, row in enumerate(rows):
        colour, marker, label = _KINDS[row["inputs"], row["reached"]]
        d = _size(row)
        names.append(f"{row['model']}, d = {d},\n{label}")
        high = max(row["high"] - row["estimate"], 0.0)
        axes.errorbar(row["estimate"], place, xerr=[[0.0], [high]], fmt=marker, capsize=3,
                      color=PALETTE[colour])  # fmt: skip
        axes.plot(row["claimed"], place, "|", color=PALETTE["black"], markersize=16)
        least = (np.asarray(baseline_share(d, n, "ols")) for n in (SMALL, LARGE))
        axes.plot(growth_exponent(*least), place, "x", color=PALETTE["grey"])
    axes.plot([], [], "|", color=PALETTE["black"], markersize=12, label="claimed: at most")
    axes.plot([], [], "x", color=PALETTE["grey"], label="least squares of the same size")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(-0.05, 0.6)
    axes.set(xlabel="exponent of n in the share", title="Growth of the share with the batch")
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2)
