"""PyTorch for case C: svd and eigh of the gradients, and its Adagrad in rotated coordinates."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.contest import Entrant, entrant
from benchmarks.workload import Array


def svd(rows: Any) -> float:
    """The largest eigenvalue by the singular values and vectors of the bundle."""
    return float(torch.linalg.svd(rows, full_matrices=False)[1][0] ** 2 / len(rows))


def gram(rows: Any) -> float:
    """The largest eigenvalue by the Gram matrix."""
    return float(torch.linalg.eigh(rows.T @ rows / len(rows))[0][-1])


def entrants(gradients: Array) -> list[Entrant]:
    """The eigenbasis by svd of the bundle, and by eigh of the Gram matrix."""
    torch.set_num_threads(1)
    rows = torch.from_numpy(gradients)
    sizes = (rows,), (rows[:8, :4],)
    return [
        entrant("PyTorch, svd of the bundle", svd, *sizes),
        entrant("PyTorch, Gram matrix + eigh", gram, *sizes),
    ]


def runs(
    matrix: Array, labels: Array, basis: Array, start: Array, steps: int, rate: float
) -> list[Entrant]:
    """``torch.optim.Adagrad`` on the logistic loss of the rotated point."""
    torch.set_num_threads(1)
    A, y, V = (torch.from_numpy(x) for x in (matrix, labels, basis))
    folded = A @ V

    def descend(apart: bool, steps: int) -> float:
        X = torch.from_numpy(start.copy()).requires_grad_()
        optimizer = torch.optim.Adagrad([X], lr=rate, eps=1e-8, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            margins = y * _margins(X, A, V) if apart else y * (X @ folded.T)
            torch.nn.functional.softplus(-margins).mean(dim=-1).sum().backward()
            optimizer.step()
        with torch.no_grad():
            last = torch.nn.functional.softplus(-y * (X @ folded.T)).mean(dim=-1)
        return float(last[0])

    once, always = (False, steps), (True, steps)
    return [
        entrant("torch.optim.Adagrad fused, data rotated once", descend, once, (False, 1)),
        entrant("torch.optim.Adagrad fused, point rotated at each step", descend, always,
                (True, 1)),
    ]  # fmt: skip


def _margins(X: Any, A: Any, V: Any) -> Any:
    return (X @ V.T) @ A.T
