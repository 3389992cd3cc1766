"""GPU kernels of the two-layer dynamics: ``advance`` as on the CPU, with records on the device.

Up to width 512 a trial stays on one multiprocessor, or on a cluster of them, for all steps of a
call (see `two_layer_gpu_layout`); beyond that, and where a device is too small for the optimizer's
slots, every step streams through device memory. Results are the same bits however a run is cut
into calls, and whatever is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulations.kernels.gpu_build import Kernel
from simulations.kernels.gpu_device import Device
from simulations.kernels.two_layer_gpu_layout import (
    DTYPES,
    RULES,
    STREAMED_ROWS,
    STREAMED_THREADS,
    Layout,
    choose,
    streamed,
)

Array = Any
# Columns of what a resident kernel records.
RECORDED = ("loss", "r_med_1", "r_med_2", "max_over_min_1", "max_over_min_2")
SLOTS = {name: slots for name, (_, slots) in RULES.items()}
_POINTERS = ("w", "W", "w_slots", "W_slots", "A", "lr", "eps", "chi", "normals", "target",
             "diverged", "at", "seen", "partial", "error", "sums")  # fmt: skip
_REALS = ("b1", "b2", "c1", "c2", "decay")
_INTEGERS = ("batch", "trials", "rows", "columns", "steps", "records", "step")


def task_dtype(dtype: str) -> np.dtype[Any]:
    """The kernels' argument, ``Task`` of two_layer_gpu_rules.cuh, as a structured dtype."""
    kinds = ((_POINTERS, "u8"), (("first",), "i8"), (_REALS, dtype), (_INTEGERS, "i4"))
    return np.dtype([(name, kind) for names, kind in kinds for name in names], align=True)


class Network:
    """Trials of one network on a device: weights, the optimizer's slots, the step of divergence.

    Parameters
    ----------
    device : Device
    optimizer : str
        A key of ``SLOTS``.
    w, W, A : (trials, d), (trials, d, n), (n,)
        Initial weights and target on the device, in float32 or float64; w and W are copied.

    Attributes
    ----------
    w, W : arrays
        Weights after the steps taken.
    diverged : (trials,)
        Step at which the squared residual passed 1e100 (or float32's range) or was NaN; -1 for
        a trial that did not. A trial that diverged keeps its weights.
    layout : Layout or None
        The resident kernel; None where steps are streamed.

    Raises
    ------
    ValueError
        If there is no kernel for the optimizer or the dtype, or the shapes do not fit.
    """

    def __init__(self, device: Device, optimizer: str, w: Array, W: Array, A: Array) -> None:
        self._dtype = str(w.dtype).rsplit(".", 1)[-1]
        if optimizer not in RULES:
            raise ValueError(f"optimizer is {optimizer!r}; it must be one of {', '.join(RULES)}")
        if self._dtype not in DTYPES or W.dtype != w.dtype or A.dtype != w.dtype:
            raise ValueError(f"dtype of w, W, A is {w.dtype}, {W.dtype}, {A.dtype}; it must be "
                             f"one of {', '.join(DTYPES)}, the same for all")  # fmt: skip
        if W.ndim != 3 or w.shape != W.shape[:2] or A.shape != W.shape[2:] or 0 in W.shape:
            raise ValueError(f"shapes of w, W, A are {w.shape}, {W.shape}, {A.shape}; they must "
                             "be (trials, d), (trials, d, n), (n,), none of them 0")  # fmt: skip
        self._device, self._optimizer = device, optimizer
        xp, slots = device.xp, SLOTS[optimizer]
        self.w, self.W, self._A = (_contiguous(xp, x, w.dtype) for x in (w, W, A))
        self._slots = [xp.zeros((slots, *x.shape), dtype=x.dtype) for x in (w, W)]
        self.diverged = xp.full((w.shape[0],), -1, dtype=xp.int64)
        limits = (device.shared_limit, device.cluster_limit)
        self.layout = choose(optimizer, self._dtype, max(W.shape[1:]), *limits)
        self._work = None if self.layout else _Streams(device, W.shape, w.dtype)

    def advance(
        self,
        lr: np.ndarray[Any, Any],
        b1: float,
        b2: float,
        eps: np.ndarray[Any, Any],
        weight_decay: float = 0.0,
        batch: int = 0,
        chi: Array | None = None,
        normals: Array | None = None,
        target: Array | None = None,
        first: int = 0,
        at: Sequence[int] = (),
    ) -> Array:
        """Take ``len(lr)`` steps of every trial that has not diverged.

        Parameters
        ----------
        lr, eps : (steps,)
            Learning rate and eps of each step, bias correction folded in, on the host.
        b1, b2, weight_decay : float
        batch : int
            With chi (trials, steps) and normals (trials, steps, n); 0 is all data.
        target : (trials, steps, n), optional
            Added to the batch's version of A.
        first : int
            Steps already taken.
        at : sequence of int
            Ascending numbers of steps of this call, 0 to ``len(lr)``, after which to record.

        Returns
        -------
        (trials, len(at), 5)
            ``RECORDED`` of every trial at every record, NaN once it has diverged.

        Raises
        ------
        ValueError
            If the noise does not fit the shapes, or `at` is not as said, or asks a streamed
            network to record.
        """
        xp, real, (trials, rows, columns) = self._device.xp, self.w.dtype, self.W.shape
        steps = len(lr)
        noise = {"chi": chi, "normals": normals, "target": target}
        shapes = {"chi": (trials, steps), "normals": (trials, steps, columns),
                  "target": (trials, steps, columns)}  # fmt: skip
        self._check(steps, batch, noise, shapes, at)
        seen = xp.full((trials, len(at), len(RECORDED)), xp.nan, dtype=real)
        arrays = {
            "w": self.w, "W": self.W, "w_slots": self._slots[0], "W_slots": self._slots[1],
            "A": self._A, "lr": xp.asarray(np.append(lr, 0.0), dtype=real),
            "eps": xp.asarray(np.append(eps, 0.0), dtype=real), "diverged": self.diverged,
            "at": xp.asarray(np.array(at, dtype=np.int32)), "seen": seen,
        }  # fmt: skip
        arrays |= {name: _contiguous(xp, values, real)
                   for name, values in noise.items() if values is not None}  # fmt: skip
        arrays |= self._work.arrays if self._work else {}
        task = np.zeros((), task_dtype(self._dtype))
        for name, values in arrays.items():
            task[name] = self._device.address(values) if values.size else 0
        numbers = {"b1": b1, "b2": b2, "c1": 1.0 - b1, "c2": 1.0 - b2, "decay": weight_decay,
                   "first": first, "batch": batch, "trials": trials, "rows": rows,
                   "columns": columns, "steps": steps, "records": len(at)}  # fmt: skip
        for name, value in numbers.items():
            task[name] = value
        if self.layout:
            self._resident(self.layout, task)
        elif self._work:
            self._work.run(self._optimizer, task)
        return seen

    def _resident(self, layout: Layout, task: Any) -> None:
        # More clusters than fit at once wait for their turn; each takes trials until none is left.
        room = self._device.multiprocessors * layout.blocks // layout.cluster
        clusters = min(self.W.shape[0], max(1, room))
        self._device.launch(layout.kernel, (clusters * layout.cluster, 1), task)

    def _check(
        self,
        steps: int,
        batch: int,
        noise: dict[str, Array | None],
        shapes: dict[str, tuple[int, ...]],
        at: Sequence[int],
    ) -> None:
        for name, values in noise.items():
            needed = bool(batch) and name != "target"
            if (values is None) == needed and name != "target":
                raise ValueError(f"{name} is {'missing' if values is None else 'given'} with "
                                 f"batch {batch}; it must be given if batch > 0")  # fmt: skip
            if values is not None and values.shape != shapes[name]:
                raise ValueError(f"{name} has shape {values.shape}; it must be {shapes[name]}")
        if list(at) != sorted({int(t) for t in at if 0 <= t <= steps}):
            raise ValueError(f"at is {list(at)}; it must be ascending steps in 0..{steps}")
        if len(at) and self.layout is None:
            raise ValueError(f"at is {list(at)}; it must be empty for a streamed network "
                             f"({max(self.W.shape[1:])} wide)")  # fmt: skip


def _contiguous(xp: Any, values: Array, dtype: Any) -> Array:
    copy = xp.empty(values.shape, dtype=dtype)
    copy[...] = values
    return copy


class _Streams:
    """What streamed steps keep beside the state: shares of w'W, the residual, its sums."""

    def __init__(self, device: Device, shape: tuple[int, int, int], real: Any) -> None:
        trials, rows, columns = shape
        xp, self._device = device.xp, device
        blocks, self._chunks = -(-rows // STREAMED_ROWS), -(-columns // STREAMED_THREADS)
        self.arrays = {
            "partial": xp.empty((trials, blocks, columns), dtype=real),
            "error": xp.empty((trials, columns), dtype=real),
            "sums": xp.empty((trials, self._chunks, 2), dtype=real),
        }
        self._blocks = blocks

    def run(self, optimizer: str, task: Any) -> None:
        """Take the steps of `task`: two launches each."""
        kernels: tuple[Kernel, Kernel, Kernel] = streamed(optimizer, self._real(task))
        product, residual, rows = kernels
        trials = int(task["trials"])
        self._device.launch(product, (self._blocks, trials), task)
        for step in range(int(task["steps"])):
            task["step"] = step
            self._device.launch(residual, (self._chunks, trials), task)
            self._device.launch(rows, (self._blocks, trials), task)

    @staticmethod
    def _real(task: Any) -> str:
        return str(task.dtype["b1"])
