"""PyTorch for case B, in single precision where that is the faster choice."""

from __future__ import annotations

import math

import torch

from benchmarks.contest import Entrant

_PART = 32_768


def wigner(d: int) -> list[Entrant]:
    """A GOE matrix in full in float64, and sums over parts of the upper triangle in float32."""
    torch.set_num_threads(1)

    def whole() -> float:
        G = torch.randn(d, d, dtype=torch.float64)
        absolute = ((G + G.T) / math.sqrt(2.0)).abs_()
        return float(absolute.diagonal().sum() / absolute.sum())

    def parts() -> float:
        on = math.sqrt(2.0) * float(torch.randn(d).abs_().sum())
        off, left = 0.0, d * (d - 1) // 2
        while left > 0:
            count = min(left, _PART)
            off += float(torch.randn(count).abs_().sum())
            left -= count
        return on / (on + 2.0 * off)

    return [
        Entrant("PyTorch, matrix in full", whole),
        Entrant("PyTorch, upper triangle in parts", parts, "float32", least=0.5),
    ]


def ols(d: int, n: int) -> list[Entrant]:
    """``X X'`` of a drawn X in full, float32."""
    torch.set_num_threads(1)

    def whole() -> float:
        X = torch.randn(d, n)
        absolute = (X @ X.T).abs_()
        return float(absolute.diagonal().sum() / absolute.sum())

    return [Entrant("PyTorch, X X' in full", whole, "float32", least=0.5)]
