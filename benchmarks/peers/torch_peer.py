"""PyTorch: by hand with bmm in place, and ``torch.optim`` with autograd."""

from __future__ import annotations

import math
from typing import Any

import torch

from benchmarks.workload import BETA, BETA1, BETA2, EPS, ETA, Array, Workload

_MODES: dict[str, dict[str, bool]] = {
    "loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True},
}  # fmt: skip


class TorchByHand:
    """Gradients by hand: a batched product of rank one goes straight into the moments.

    Parameters
    ----------
    blocked : bool
        Advance as many trials together as fit into the cache, instead of all of them.
    """

    def __init__(self, work: Workload, *, blocked: bool) -> None:
        self._work, self._chunk = work, work.chunk if blocked else work.trials
        self.name = "PyTorch, bmm in place" + (", cache-sized parts" if blocked else "")
        self.least = 32 if blocked else 1
        self._minus_target = -torch.from_numpy(work.target)
        self._temporary = torch.zeros((self._chunk, work.d, work.d), dtype=torch.float64)
        buffers = [work.buffers() for _ in range(1 + work.slots)]
        self._all = [(torch.from_numpy(x)[:, None, :], torch.from_numpy(X)) for x, X in buffers]

    def reset(self) -> None:
        """See `Contestant`."""
        (w, W), *moments = self._all
        w.copy_(torch.from_numpy(self._work.weights[0])[:, None, :])
        W.copy_(torch.from_numpy(self._work.weights[1]))
        for moment in moments:
            moment[0].zero_()
            moment[1].zero_()
        self._t = 0

    @torch.no_grad()
    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        for low in range(0, self._work.trials, self._chunk):
            (w, W), *moments = (
                (x[low : low + self._chunk], X[low : low + self._chunk]) for x, X in self._all
            )
            start = self._minus_target.expand(len(w), 1, -1)
            for t in range(self._t + 1, self._t + steps + 1):
                E = torch.baddbmm(start, w, W)
                g = torch.bmm(E, W.transpose(1, 2))
                if self._work.adam:
                    self._adam(w, W, moments, E, g, t)
                else:
                    self._momentum(w, W, moments, E, g)
        self._t += steps

    def _momentum(self, w: Any, W: Any, moments: Any, E: Any, g: Any) -> None:
        ((m, M),) = moments
        M.baddbmm_(w.transpose(1, 2), E, beta=BETA)
        W.add_(M, alpha=-ETA)
        m.mul_(BETA).add_(g)
        w.add_(m, alpha=-ETA)

    def _adam(self, w: Any, W: Any, moments: Any, E: Any, g: Any, t: int) -> None:
        (m, M), (v, V) = moments
        root = math.sqrt(1 - BETA2**t)
        rate, eps, column = ETA * root / (1 - BETA1**t), EPS * root, w.transpose(1, 2)
        M.baddbmm_(column, E, beta=BETA1, alpha=1 - BETA1)
        V.baddbmm_(column.square(), E.square(), beta=BETA2, alpha=1 - BETA2)
        denominator = torch.sqrt(V, out=self._temporary[: len(V)]).add_(eps)
        W.addcdiv_(M, denominator, value=-rate)
        m.lerp_(g, 1 - BETA1)
        v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
        w.addcdiv_(m, v.sqrt().add_(eps), value=-rate)

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        w, W = self._all[0]
        return w[:, 0, :].numpy(), W.numpy()


class TorchOptim:
    """``torch.optim`` with autograd.

    Parameters
    ----------
    mode : {"loop", "foreach", "fused"}
        The optimizer's implementation.
    blocked : bool
        Advance as many trials together as fit into the cache, instead of all of them.
    """

    def __init__(self, work: Workload, mode: str, *, blocked: bool) -> None:
        self._mode, chunk = mode, work.chunk if blocked else work.trials
        self.name = f"torch.optim {mode}" + (", cache-sized parts" if blocked else "")
        self.least = 32 if blocked else 1
        self._initial = [torch.from_numpy(x).split(chunk) for x in work.weights]
        self._target = torch.from_numpy(work.target)
        pairs = zip(*self._initial, strict=True)
        self._parts = [[x.clone().requires_grad_() for x in pair] for pair in pairs]
        self._optimizers = [self._optimizer(part, adam=work.adam) for part in self._parts]

    def _optimizer(self, parameters: list[Any], *, adam: bool) -> Any:
        options: dict[str, Any] = _MODES[self._mode]
        if adam:
            betas = BETA1, BETA2
            return torch.optim.Adam(parameters, lr=ETA, betas=betas, eps=EPS, **options)
        return torch.optim.SGD(parameters, lr=ETA, momentum=BETA, **options)

    @torch.no_grad()
    def reset(self) -> None:
        """See `Contestant`; the state of an optimizer is kept in place and zeroed."""
        for part, *initial in zip(self._parts, *self._initial, strict=True):
            for parameter, values in zip(part, initial, strict=True):
                parameter.copy_(values)
        for optimizer in self._optimizers:
            for state in optimizer.state.values():
                for value in state.values():
                    value.zero_()

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        for (w, W), optimizer in zip(self._parts, self._optimizers, strict=True):
            for _ in range(steps):
                optimizer.zero_grad()
                error = torch.bmm(w[:, None, :], W)[:, 0, :] - self._target
                (0.5 * error.square().sum()).backward()
                optimizer.step()

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        w, W = (torch.cat([part[k].detach() for part in self._parts]).numpy() for k in (0, 1))
        return w, W


def contestants(work: Workload) -> list[TorchByHand | TorchOptim]:
    """The PyTorch peers, limited to one thread."""
    torch.set_num_threads(1)
    by_hand = [TorchByHand(work, blocked=False), TorchByHand(work, blocked=True)]
    whole = [TorchOptim(work, mode, blocked=False) for mode in _MODES]
    return [*by_hand, *whole, TorchOptim(work, "fused", blocked=True)]
