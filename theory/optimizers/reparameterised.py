"""Any optimizer in another orthogonal basis: of a vector, of blocks, or of a matrix's two sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.optimizers.core import Optimizer, State, Tree, tree_map
from theory.orthogonal import require_orthogonal


@dataclass(frozen=True)
class Basis:
    r"""An orthogonal change of coordinates of one array, :math:`x = V'\theta`.

    Parameters
    ----------
    V : array (d, d)
        Acts on the last axis.
    left : array (p, p), optional
        Acts on the axis before it: a matrix parameter W becomes ``left' W V``, a Kronecker
        rotation of its entries.

    Raises
    ------
    ValueError
        If a factor is not a square orthogonal matrix.
    """

    V: np.ndarray
    left: np.ndarray | None = None

    def __post_init__(self) -> None:
        require_orthogonal("V", self.V)
        if self.left is not None:
            require_orthogonal("left", self.left)

    def inwards(self, theta: np.ndarray) -> np.ndarray:
        """The new coordinates ``V' theta`` (or ``left' W V``)."""
        return self._turn(theta, self.V, None if self.left is None else self.left.T)

    def outwards(self, x: np.ndarray) -> np.ndarray:
        """The original coordinates ``V x`` (or ``left X V'``)."""
        return self._turn(x, self.V.T, self.left)

    def _turn(self, array: np.ndarray, right: np.ndarray, left: np.ndarray | None) -> np.ndarray:
        rows = None if left is None else len(left)
        if array.shape[-1] != len(right) or (rows and array.shape[-2:-1] != (rows,)):
            wanted = f"(..., {len(right)})" if rows is None else f"(..., {rows}, {len(right)})"
            raise ValueError(f"parameter has shape {array.shape}; the basis needs {wanted}")
        turned = array @ right
        return np.asarray(turned if left is None else left @ turned)


@dataclass(frozen=True)
class BlockBasis:
    """Orthogonal changes of coordinates of consecutive blocks of the last axis.

    Parameters
    ----------
    blocks : tuple of array
        Square orthogonal matrices; their sizes sum to d. An identity leaves its block as it is.
    """

    blocks: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        for index, block in enumerate(self.blocks):
            require_orthogonal(f"blocks[{index}]", block)

    def inwards(self, theta: np.ndarray) -> np.ndarray:
        """The new coordinates, block by block."""
        return self._turn(theta, lambda V: V)

    def outwards(self, x: np.ndarray) -> np.ndarray:
        """The original coordinates, block by block."""
        return self._turn(x, lambda V: V.T)

    def _turn(self, array: np.ndarray, side: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        sizes = [len(block) for block in self.blocks]
        if array.shape[-1] != sum(sizes):
            raise ValueError(
                f"parameter has shape {array.shape}; the blocks need (..., {sum(sizes)})"
            )
        parts = np.split(array, np.cumsum(sizes)[:-1], axis=-1)
        turned = [part @ side(V) for part, V in zip(parts, self.blocks, strict=True)]
        return np.concatenate(turned, axis=-1)


@dataclass(frozen=True)
class Reparameterised:
    r"""An optimizer that runs on :math:`\tilde f(x) = f(Vx)` and reports :math:`\theta = Vx`.

    Gradients are turned inwards, :math:`\nabla \tilde f(x) = V' \nabla f(Vx)`, the optimizer
    moves x, and parameters are turned outwards. SGD with or without momentum is unchanged by
    any V up to rounding; optimizers that treat coordinates one by one are not.

    Parameters
    ----------
    optimizer : Optimizer
    bases : tree of Basis or BlockBasis
        One for each parameter array, in the same structure; None leaves an array as it is.
    """

    optimizer: Optimizer
    bases: Tree

    def init(self, params: Tree) -> State:
        """Return the state before the first step."""
        return self.optimizer.init(self._inwards(params))

    def update(self, gradient: Tree, state: State, params: Tree) -> tuple[Tree, State]:
        """Return parameters (original coordinates) and state after one step."""
        moved, following = self.optimizer.update(
            self._inwards(gradient), state, self._inwards(params)
        )
        return tree_map(lambda x, basis: x if basis is None else basis.outwards(x),
                        moved, self.bases), following  # fmt: skip

    def _inwards(self, tree: Tree) -> Tree:
        return tree_map(
            lambda theta, basis: theta if basis is None else basis.inwards(theta), tree, self.bases
        )
