"""Optimizers as pure pairs ``(init, update)`` with explicit state.

An optimizer never changes its arguments; parameters are an array, or a tuple, list or dict of
arrays (nested as deep as one likes), of any Array-API library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

Array = Any
Tree = Any
Slots = dict[str, Array]
# (gradient, parameters, slots, step counted from 1) -> (parameters, slots), for one array.
Rule = Callable[[Array, Array, Slots, int], tuple[Array, Slots]]


@dataclass(frozen=True)
class State:
    """Steps taken so far, and for each slot (``"momentum"``, ...) a tree like the parameters."""

    step: int
    slots: Mapping[str, Tree]


@dataclass(frozen=True)
class Optimizer:
    """An update rule with fixed hyperparameters.

    Attributes
    ----------
    name : str
    hyperparameters : mapping
    slots : tuple of str
        Names of the arrays that are kept for each parameter; they start at zero.
    rule : callable
        The update of one array.
    weight_decay : float
        L2 penalty: `weight_decay` times the parameters is added to the gradient first, as in
        PyTorch's classic optimizers.
    """

    name: str
    hyperparameters: Mapping[str, Any]
    slots: tuple[str, ...]
    rule: Rule
    weight_decay: float

    def init(self, params: Tree) -> State:
        """Return the state before the first step: zeros in every slot."""
        zeros = {slot: tree_map(lambda p: array_namespace(p).zeros_like(p), params)
                 for slot in self.slots}  # fmt: skip
        return State(0, zeros)

    def update(self, gradient: Tree, state: State, params: Tree) -> tuple[Tree, State]:
        """Return parameters and state after one step.

        Raises
        ------
        ValueError
            If `gradient` has not the structure and shapes of `params`.
        """
        step = state.step + 1

        def one(g: Array, p: Array, *slots: Array) -> tuple[Array, Slots]:
            if g.shape != p.shape:
                raise ValueError(f"gradient has shape {g.shape}; it must be {p.shape}")
            g = g + self.weight_decay * p if self.weight_decay else g
            return self.rule(g, p, dict(zip(self.slots, slots, strict=True)), step)

        both = tree_map(one, gradient, params, *(state.slots[slot] for slot in self.slots))
        moved = tree_map(lambda pair: pair[0], both)
        slots = {slot: tree_map(lambda pair, s=slot: pair[1][s], both) for slot in self.slots}
        return moved, State(step, slots)


@dataclass(frozen=True)
class _Leaf:
    """Keeps a result that is itself a tuple from being taken for a tree."""

    value: Any


def tree_map(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """Apply `function` to corresponding leaves of trees of equal structure.

    >>> tree_map(lambda a, b: a + b, (1, {"x": 2}), (10, {"x": 20}))
    (11, {'x': 22})

    Raises
    ------
    ValueError
        If the structures differ.
    """
    if isinstance(tree, dict):
        if any(not isinstance(o, dict) or o.keys() != tree.keys() for o in others):
            raise ValueError(f"trees differ: one has keys {sorted(tree)}")
        return {key: tree_map(function, tree[key], *(o[key] for o in others)) for key in tree}
    if isinstance(tree, tuple | list):
        if any(type(o) is not type(tree) or len(o) != len(tree) for o in others):
            raise ValueError(f"trees differ: one is a {type(tree).__name__} of {len(tree)}")
        return type(tree)(tree_map(function, *parts) for parts in zip(tree, *others, strict=True))
    leaves = [tree, *others]
    result = function(*(leaf.value if isinstance(leaf, _Leaf) else leaf for leaf in leaves))
    return _Leaf(result) if isinstance(result, tuple) else result


def require(name: str, value: float, low: float, high: float, *, open_low: bool = False) -> None:
    """Raise ValueError naming the argument unless low <= value < high (or low < value < high)."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or value < low or (open_low and value == low) or value >= high:
        left = "(" if open_low else "["
        raise ValueError(f"{name} is {value!r}; it must be a number in {left}{low:g}, {high:g})")
