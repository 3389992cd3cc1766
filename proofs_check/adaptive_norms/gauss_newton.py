"""Proof and attack: the Hessian of a piecewise linear network less its Gauss-Newton part."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, proof, square
from proofs_check.structures import Draw
from theory.adaptive_norms.gauss_newton import (
    cross_terms,
    gauss_newton_form,
    relu_ggn_is_not_the_hessian,
    relu_slopes,
    stencil_weight,
)
from theory.core import Statement

_DEPTHS = (1, 2, 3)
_WIDTHS = ("d", "m", "n", "p")
ALL = "all widths, all slopes, every loss"
Network = dict[str, Any]


def _network(depth: int) -> Network:
    """Symbols for every argument of the formula: weights of layer a map widths a to a + 1."""
    widths = _WIDTHS[: depth + 1]
    layers = list(zip(widths[1:], widths[:-1], strict=True))
    return {
        "weights": [algebra.matrix(f"W{a}", *size) for a, size in enumerate(layers, 1)],
        "slopes": [algebra.diagonal(f"D{a}", size) for a, size in enumerate(widths[1:-1], 1)],
        "sample": algebra.vector("x", widths[0]),
        "directions": [algebra.matrix(f"V{a}", *size) for a, size in enumerate(layers, 1)],
        "gradient": algebra.vector("c", widths[-1]),
        "curvature": algebra.symmetric("C", widths[-1]),
    }


@proof(relu_ggn_is_not_the_hessian, scope="L <= 3, all widths, all slopes, every loss")
def exact_second_differences(statement: Statement, transcript: Transcript) -> None:
    """The loss along a line is a polynomial; its second difference is the split, layer by layer."""
    transcript.given("the slopes D are those of the point: the network is multilinear around it")
    for depth in _DEPTHS:
        _exactness(transcript, depth)
        lhs, rhs = statement.formula(**_network(depth))
        name = "one layer" if depth == 1 else f"{depth} layers"
        transcript.identity(
            f"{name}: Hessian = Gauss-Newton part + cross terms", lhs, rhs, scope=ALL,
            concludes=True, because="expand the loss at the nodes",
        )  # fmt: skip
    one = _network(1)
    transcript.identity(
        "one layer has no cross terms", cross_terms(**one), sympy.Integer(0), scope=ALL,
        because="f = W x is linear in all weights: the Gauss-Newton matrix is the Hessian",
    )  # fmt: skip
    _two_layers(transcript)


def _exactness(transcript: Transcript, depth: int) -> None:
    degree = 2 * depth
    a = sympy.symbols(f"a1:{degree + 1}", real=True)
    nodes = [t for t in range(-depth, depth + 1) if t]
    value = sum(stencil_weight(depth, t) * sum(a[k - 1] * t**k for k in range(1, degree + 1))
                for t in nodes)  # fmt: skip
    transcript.identity(
        f"the second difference on {degree + 1} nodes is exact to degree {degree}",
        value, 2 * a[1], scope=f"polynomials of degree <= {degree} that vanish at 0",
    )  # fmt: skip


def _two_layers(transcript: Transcript) -> None:
    net = _network(2)
    D, x, c, (V1, V2) = net["slopes"][0], net["sample"], net["gradient"], net["directions"]
    transcript.identity(
        "two layers: the cross terms", cross_terms(**net), 2 * c.dot(V2 @ D @ V1 @ x), scope=ALL,
    )  # fmt: skip
    for layer, (first, second) in enumerate(((V1, 0 * V2), (0 * V1, V2)), 1):
        transcript.identity(
            f"the diagonal block of layer {layer} coincides",
            cross_terms(**{**net, "directions": [first, second]}), sympy.Integer(0), scope=ALL,
            because="f is linear in the weights of one layer",
        )  # fmt: skip
    transcript.identity(
        "c = 0: they coincide", cross_terms(**{**net, "gradient": 0 * c}), sympy.Integer(0),
        scope=ALL, because="zero residual",
    )  # fmt: skip
    y = algebra.vector("y", "m")
    for sign, name in ((1, "positive"), (-1, "negative")):
        directions = [sign * y.outer(x), c.outer(D @ y)]
        value = sign * cross_terms(**{**net, "directions": directions})
        transcript.nonnegative(
            f"a direction of {name} difference, if c, D y and x are not 0",
            value, [2 * square(c) * square(D @ y) * square(x)], scope=ALL,
            because=f"V_1 = {'' if sign > 0 else '-'}y x', V_2 = c (D y)': the difference is"
            f" {'' if sign > 0 else '-'}2 ||c||^2 ||D y||^2 ||x||^2",
        )  # fmt: skip
    flat = {**net, "curvature": 0 * algebra.identity("n")}
    transcript.identity(
        "a loss without curvature has the Gauss-Newton matrix 0",
        gauss_newton_form(**flat), sympy.Integer(0), scope=ALL,
        because="while its Hessian is the cross terms",
    )  # fmt: skip


@attack(relu_ggn_is_not_the_hessian, examples={"quick": 60, "standard": 600, "deep": 6000})
def networks() -> SearchStrategy[dict[str, Any]]:
    """Square ReLU and linear networks with one to three layers, and directions in them."""
    return _networks()


@st.composite
def _networks(draw: Draw) -> dict[str, Any]:
    depth, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def matrices() -> Any:
        rows = [[draw(strategies.vectors(width)) for _ in range(width)] for _ in range(depth)]
        return np.array(rows).reshape(depth, width, width)

    weights, sample = matrices(), draw(strategies.vectors(width, nonzero=True))
    slopes = np.ones((depth - 1, width))
    if depth > 1 and draw(st.booleans()):
        slopes = np.array(relu_slopes(list(weights), sample))
    curvature = draw(strategies.positive_definite(width, max_condition=16.0))
    return {"weights": weights, "slopes": slopes, "sample": sample, "directions": matrices(),
            "gradient": draw(strategies.vectors(width)), "curvature": curvature}  # fmt: skip
