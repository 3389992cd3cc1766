r"""Multilayer perceptrons and autoencoders with exact first and second derivatives.

A `Network` maps samples in rows, X (m, n_0), to outputs ``z_L`` (m, n_L):

.. math:: z_l = a_{l-1} W_l' + b_l, \qquad a_l = \varphi_l(z_l), \qquad a_0 = X,

with a linear last layer. The loss of a batch is the mean over samples of :math:`\ell(z_L, y)`:

* ``"cross-entropy"``: :math:`-\sum_j y_j \log \mathrm{softmax}(z)_j`; Y (m, n_L) of probabilities,
  or integer classes (m,);
* ``"binary-cross-entropy"``: :math:`\sum_j \log(1+e^{z_j}) - y_j z_j`; outputs are logits, Y
  (m, n_L) in [0, 1];
* ``"squared"``: :math:`\tfrac12 \|z - y\|^2`, Y (m, n_L).

Parameters are one flat vector (..., p): ``W_1`` (n_1, n_0) by rows, ``b_1``, ``W_2``, ``b_2``, ...
Leading axes are trials: parameters, vectors, X (..., m, n_0) and Y broadcast against each other.

==========================================  ====================================================
``Network(widths, activation, objective)``  also ``bias=True``; ``.size`` is p
``autoencoder(widths)``                     mirrored sigmoid, linear code, binary cross-entropy
``net.initialise(normals)``                 parameters from (..., p) standard normals
``net.outputs(params, X)``                  (..., m, n_L)
``net.loss(params, X, Y)``                  (...)
``net.gradient(params, X, Y)``              (..., p)
``net.hvp(params, X, Y, v)``                H v, (..., p)
``net.ggn_product(params, X, Y, v)``        G v, generalised Gauss-Newton matrix, (..., p)
``net.hessian(params, X, Y)``               H, (..., p, p), for small nets; ``net.ggn`` is G
``net.at(params, X, Y)``                    one point for many of these; see `linearised`
``net.on(X, Y).at(params)``                 the same, for many points with the same samples
``net.accuracy(params, X, labels)``         share of samples whose largest output is their class
==========================================  ====================================================

Not-finite parameters are not refused: they give a loss or product that is not finite.

References
----------
Pearlmutter (1994) for H v, Schraudolph (2002) for G v; Kohler, Adolphs, Lucchi (2019), section 5
and appendix G, use both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from theory.models.activations import ACTIVATIONS, LOSSES
from theory.models.buffered import Samples, suits
from theory.models.linearised import Linearised, is_integer

Array = Any
Layer = tuple[Array, Array | None]

# Variance of a weight of a layer with n inputs and k outputs.
SCHEMES: Mapping[str, Callable[[int, int], float]] = MappingProxyType(
    {
        "glorot": lambda n, k: 2 / (n + k),
        "he": lambda n, k: 2 / n,
        "lecun": lambda n, k: 1 / n,
    }
)
_CHUNK = 200_000  # numbers in the largest array of one stack of products; fits a core's cache


@dataclass(frozen=True)
class Network:
    """A fully connected network with its loss.

    Parameters
    ----------
    widths : sequence of int
        ``(n_0, ..., n_L)``, at least two, all >= 1.
    activation : str or sequence of str
        ``tanh``, ``sigmoid``, ``relu`` or ``linear``: one for all hidden layers, or one each.
    objective : str
        ``cross-entropy``, ``binary-cross-entropy`` or ``squared``.
    bias : bool
        Whether layers have biases.

    Raises
    ------
    ValueError
        If an argument is out of range; the text names it, its value and the range.

    Examples
    --------
    The Hessian of ``(w_2 w_1 - 5)^2 / 2`` at (2, 3):

    >>> import numpy as np
    >>> net = Network((1, 1, 1), "linear", "squared", bias=False)
    >>> net.hessian(np.array([2.0, 3.0]), np.array([[1.0]]), np.array([[5.0]])).tolist()
    [[9.0, 7.0], [7.0, 4.0]]
    """

    widths: Sequence[int]
    activation: str | Sequence[str] = "tanh"
    objective: str = "cross-entropy"
    bias: bool = True

    def __post_init__(self) -> None:
        widths = tuple(self.widths)
        if len(widths) < 2 or not all(isinstance(n, int) and n >= 1 for n in widths):
            raise ValueError(f"widths is {self.widths!r}; it must be two or more integers >= 1")
        hidden = len(widths) - 2
        one = isinstance(self.activation, str)
        names = (self.activation,) * hidden if one else tuple(self.activation)
        if len(names) != hidden or any(name not in ACTIVATIONS for name in names):
            raise ValueError(f"activation is {self.activation!r}; it must be one of "
                             f"{', '.join(ACTIVATIONS)}, or {hidden} of them")  # fmt: skip
        if self.objective not in LOSSES:
            raise ValueError(f"objective is {self.objective!r}; it must be one of "
                             f"{', '.join(LOSSES)}")  # fmt: skip
        object.__setattr__(self, "widths", widths)
        object.__setattr__(self, "activation", names)

    @cached_property
    def size(self) -> int:
        """Number p of parameters."""
        return sum((n + self.bias) * k for n, k in pairwise(self.widths))

    @cached_property
    def _places(self) -> list[tuple[tuple[int, int], int, int, int]]:
        """By layer the shape (k, n) of the weights, their start and end, and the biases' end."""
        start, found = 0, []
        for n, k in pairwise(self.widths):
            middle = start + n * k
            end = middle + k * self.bias
            found.append(((k, n), start, middle, end))
            start = end
        return found

    def initialise(self, normals: Array, scheme: str = "glorot", gain: float = 1.0) -> Array:
        r"""Parameters from standard normals: weights of sd ``gain sqrt(variance)``, biases 0.

        Parameters
        ----------
        normals : (..., p)
            Those at the places of biases are not used.
        scheme : str
            Variance of a weight of a layer with n inputs and k outputs: ``glorot`` 2/(n+k),
            ``he`` 2/n, ``lecun`` 1/n.
        gain : float
            4 with ``glorot`` is the usual choice for sigmoids.

        Raises
        ------
        ValueError
            If the shape does not fit or the scheme is unknown.
        """
        if scheme not in SCHEMES:
            raise ValueError(f"scheme is {scheme!r}; it must be one of {', '.join(SCHEMES)}")
        scaled: list[Layer] = []
        for (n, k), (weight, offset) in zip(
            pairwise(self.widths), self.layers(normals), strict=True
        ):
            sd = gain * math.sqrt(SCHEMES[scheme](n, k))
            scaled.append((sd * weight, None if offset is None else 0 * offset))
        return self.flatten(scaled)

    def layers(self, params: Array) -> list[Layer]:
        """Weights (..., k, n) and biases (..., k), or None, by layer; views of `params`.

        Raises
        ------
        ValueError
            If the last axis of `params` is not p.
        """
        if params.ndim < 1 or params.shape[-1] != self.size:
            raise ValueError(f"params has shape {tuple(params.shape)}; its last axis must be the "
                             f"number of parameters, {self.size}")  # fmt: skip
        numpy = type(params) is np.ndarray
        reshape = np.ndarray.reshape if numpy else array_namespace(params).reshape
        lead, found = params.shape[:-1], list[Layer]()
        for (k, n), start, middle, end in self._places:
            weight = reshape(params[..., start:middle], (*lead, k, n))
            found.append((weight, params[..., middle:end] if self.bias else None))
        return found

    def flatten(self, layers: Sequence[Layer]) -> Array:
        """The flat vector (..., p) of layers, whose leading axes broadcast; inverse of `layers`."""
        xp, parts = array_namespace(layers[0][0]), []
        for weight, offset in layers:
            flat = (*weight.shape[:-2], weight.shape[-2] * weight.shape[-1])
            parts += [xp.reshape(weight, flat)] + ([] if offset is None else [offset])
        leads = {part.shape[:-1] for part in parts}
        if len(leads) > 1:
            lead = np.broadcast_shapes(*leads)
            parts = [xp.broadcast_to(part, (*lead, part.shape[-1])) for part in parts]
        return xp.concat(parts, axis=-1)

    def at(self, params: Array, X: Array, Y: Array = None) -> Linearised:
        """The network at one point, for several evaluations there (see `Linearised`)."""
        if suits(params, X, Y):
            return Samples(self, X, Y).at(params)
        return Linearised(self, params, X, Y)

    def on(self, X: Array, Y: Any = None) -> Samples:
        """Samples for many points: ``net.on(X, Y).at(params)`` is `at` that need not prepare them.

        Float64 NumPy arrays X (m, n_0) and params (p,) only; Y may be integer classes.

        Raises
        ------
        ValueError
            If X is another kind of array, or its shape does not fit.
        """
        return Samples(self, X, Y)

    def outputs(self, params: Array, X: Array) -> Array:
        """Outputs of the last layer, before any softmax or sigmoid; shape (..., m, n_L)."""
        return self.at(params, X).output

    def accuracy(self, params: Array, X: Array, labels: Array) -> Array:
        """Share of samples whose largest output is that of their class; labels (..., m)."""
        output = self.outputs(params, X)
        xp = array_namespace(output)
        right = xp.argmax(output, axis=-1) == labels
        return xp.mean(xp.astype(right, xp.float64), axis=-1)

    def loss(self, params: Array, X: Array, Y: Array) -> Array:
        """Mean loss of the samples, shape (...); X (..., m, n_0), Y as the module says."""
        return self.at(params, X, Y).loss()

    def gradient(self, params: Array, X: Array, Y: Array) -> Array:
        """Gradient of `loss`, shape (..., p), by backpropagation."""
        return self.at(params, X, Y).gradient()

    def ggn_product(self, params: Array, X: Array, Y: Array, v: Array) -> Array:
        r"""Product ``G v`` with :math:`G = \frac1m \sum_i J_i' (\partial_z^2\ell)_i J_i`, (..., p).

        ``J_i`` (n_L, p) is the Jacobian of the outputs at sample i; G is positive semidefinite.
        """
        return self.at(params, X, Y).ggn_product(v)

    def hvp(self, params: Array, X: Array, Y: Array, v: Array) -> Array:
        """Product ``H v`` with the Hessian of `loss`, shape (..., p); exact (R-operator)."""
        return self.at(params, X, Y).hvp(v)

    def hessian(self, params: Array, X: Array, Y: Array) -> Array:
        """Hessian of `loss`, shape (..., p, p), symmetric up to rounding.

        For one point of float64 NumPy arrays from the motion of its units (see `hessians`), else
        from p Hessian-vector products in stacks. Memory (..., p, p) and time grow with p^2.
        """
        if suits(params, X, Y):
            return Samples(self, X, Y).at(params).hessian()
        return self._matrix(Linearised.hvp, params, X, Y)

    def ggn(self, params: Array, X: Array, Y: Array) -> Array:
        """Generalised Gauss-Newton matrix, shape (..., p, p); see `ggn_product`."""
        return self._matrix(Linearised.ggn_product, params, X, Y)

    def _matrix(self, product: Callable[..., Array], params: Array, X: Array, Y: Array) -> Array:
        xp = array_namespace(params)
        unit = xp.eye(self.size, dtype=params.dtype, device=device(params))
        # One more axis for the columns, before the vector and before the samples.
        classes = self.objective == "cross-entropy" and is_integer(Y)
        wide_y = _insert_axis(Y, -2 if classes else -3)
        wide_x, wide_params = _insert_axis(X, -3), params[..., None, :]
        trials = math.prod(np.broadcast_shapes(params.shape[:-1], X.shape[:-2]))
        held = max(max(self.widths) * X.shape[-2], self.size) * trials
        step = max(1, _CHUNK // held)
        point = self.at(wide_params, wide_x, wide_y)
        rows = [product(point, unit[start : min(start + step, self.size), :])
                for start in range(0, self.size, step)]  # fmt: skip
        return xp.concat(rows, axis=-2)


def autoencoder(
    widths: Sequence[int],
    activation: str = "sigmoid",
    objective: str = "binary-cross-entropy",
) -> Network:
    """The network with `widths` from input to code, and mirrored from the code to the output.

    The code layer is linear; targets are the inputs.

    Parameters
    ----------
    widths : sequence of int
        ``(n_0, ..., code)``, at least two.
    activation, objective : str
        As for `Network`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    >>> autoencoder((64, 24, 4)).widths
    (64, 24, 4, 24, 64)
    """
    inner = [activation] * (len(widths) - 2)
    return Network((*widths, *reversed(widths[:-1])), (*inner, "linear", *inner), objective)


def _insert_axis(array: Array, axis: int) -> Array:
    """A new axis at `axis`; a shared array without trials broadcasts as it is."""
    return array if array.ndim < -axis else array_namespace(array).expand_dims(array, axis=axis)
