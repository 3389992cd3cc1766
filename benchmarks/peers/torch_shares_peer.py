"""PyTorch for case B, in single precision where that is the faster choice."""

from __future__ import annotations

import math

import torch

from benchmarks.contest import Entrant, entrant

_PART = 32_768
_SMALL = 8


def goe_in_full(d: int) -> float:
    """The share of one GOE matrix in float64."""
    G = torch.randn(d, d, dtype=torch.float64)
    absolute = ((G + G.T) / math.sqrt(2.0)).abs_()
    return float(absolute.diagonal().sum() / absolute.sum())


def goe_in_parts(d: int) -> float:
    """The same from sums over parts of the upper triangle in float32."""
    on = math.sqrt(2.0) * float(torch.randn(d).abs_().sum())
    off, left = 0.0, d * (d - 1) // 2
    while left > 0:
        count = min(left, _PART)
        off += float(torch.randn(count).abs_().sum())
        left -= count
    return on / (on + 2.0 * off)


def products(d: int, n: int) -> float:
    """The share of ``X X'`` in float32."""
    X = torch.randn(d, n)
    absolute = (X @ X.T).abs_()
    return float(absolute.diagonal().sum() / absolute.sum())


def wigner(d: int) -> list[Entrant]:
    """A GOE matrix in full in float64, and sums over parts of the upper triangle in float32."""
    torch.set_num_threads(1)
    return [
        entrant("PyTorch, matrix in full", goe_in_full, (d,), (_SMALL,)),
        entrant("PyTorch, upper triangle in parts", goe_in_parts, (d,), (_SMALL,),
                note="float32", least=0.5),
    ]  # fmt: skip


def ols(d: int, n: int) -> list[Entrant]:
    """``X X'`` of a drawn X in full, float32."""
    torch.set_num_threads(1)
    return [entrant("PyTorch, X X' in full", products, (d, n), (_SMALL, _SMALL), note="float32",
                    least=0.5)]  # fmt: skip
