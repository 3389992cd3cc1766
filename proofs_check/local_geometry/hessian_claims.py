"""Proofs of eq. (2), of the Hessian's blocks and of Lemma 29 for all sizes, and searches."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, proof
from theory.core import Statement
from theory.local_geometry.hessian_claims import equation_2, hessian_blocks, lemma_29

Array = Any


@proof(equation_2, scope="all widths, dimensions and numbers of samples")
def completed_square(statement: Statement, transcript: Transcript) -> None:
    """The cross term of the square is w'WXY' = m w'WA'."""
    transcript.given("XX' = m I: X = sqrt(m) Q' with orthonormal columns Q")
    m = sympy.Symbol("m", positive=True)
    basis = algebra.orthonormal("Q", "m", "d")
    X = sympy.sqrt(m) * basis.T
    w, W = algebra.vector("w", "h"), algebra.matrix("W", "h", "d")
    Y = algebra.vector("y", "m")
    transcript.identity("whitened data", X @ X.T, m * algebra.identity("d"), scope="all d, m")
    network = w @ W
    transcript.identity(
        "cross term", (network @ X) @ Y, m * (network @ (X @ Y / m)), scope="all sizes",
        because="A = YX'/m",
    )  # fmt: skip
    transcript.identity(
        "square of the prediction", (network @ X) @ (network @ X), m * (network @ network),
        scope="all sizes", because="XX' = m I",
    )  # fmt: skip
    lhs, rhs = statement.formula(w, W, X, Y, m)
    transcript.identity("both sides", lhs, rhs, scope="all sizes", concludes=True)


@proof(hessian_blocks, scope="all d and n; entry by entry by differentiation at d, n <= 2")
def expansion_along_directions(statement: Statement, transcript: Transcript) -> None:
    """The loss along two directions is a polynomial; its mixed coefficient is the block form."""
    w, a, c = (algebra.vector(name) for name in "wac")
    W, B, D = (algebra.matrix(name, "d", "n") for name in ("W", "B", "D"))
    A = algebra.vector("A", "n")
    s, t = sympy.symbols("s t", real=True)
    error = (w + s * a + t * c) @ (W + s * B + t * D) - A
    polynomial = sympy.expand(error @ error / 2)
    derivative = sympy.diff(polynomial, s, t).subs({s: 0, t: 0})
    lhs, rhs = statement.formula(w, W, A, a, B, c, D)
    transcript.identity(
        "differences of the loss are its derivative", lhs, derivative, scope="all d, n",
        because="a polynomial of degree 4 in the two steps",
    )  # fmt: skip
    transcript.identity(
        "the derivative is the block form", lhs, rhs, scope="all d, n", concludes=True,
        because="directions e_i f_j' and e_k give the entries of the blocks",
    )  # fmt: skip
    _with_covariance(transcript, w, W, a, B, c, D)
    for d, n in ((1, 1), (2, 1), (1, 2), (2, 2)):
        _by_differentiation(statement, transcript, d, n)


def _with_covariance(transcript: Transcript, w: Any, W: Any, a: Any, B: Any, c: Any,
                     D: Any) -> None:  # fmt: skip
    """Inputs with covariance Lam: L = w'W Lam W'w/2 - w'W A' up to a constant."""
    lam = algebra.symmetric("Lam", "n", positive_semidefinite=True)
    A = algebra.vector("A", "n")
    s, t = sympy.symbols("s t", real=True)
    network = (w + s * a + t * c) @ (W + s * B + t * D)
    loss = sympy.expand(lam.quadratic_form(network) / 2 - network @ A)
    derivative = sympy.diff(loss, s, t).subs({s: 0, t: 0})
    error = lam @ (w @ W) - A
    blocks = (
        (w @ B) @ lam @ (w @ D) + (a @ W) @ lam @ (c @ W) + (w @ B) @ lam @ (c @ W)
        + (w @ D) @ lam @ (a @ W) + c @ (B @ error) + a @ (D @ error)
    )  # fmt: skip
    transcript.identity(
        "inputs with any covariance", derivative, blocks, scope="all d, n",
        because="w_i w_k Lam_jl, (W Lam W')_ik and w_i (W Lam)_kj + delta_ik E_j",
    )  # fmt: skip


def _by_differentiation(statement: Statement, transcript: Transcript, d: int, n: int) -> None:
    """Every entry of the Hessian against symbolic differentiation."""
    w, W, A = _symbols("w", d), _symbols("W", d, n), _symbols("A", n)
    parameters = [*W.reshape(-1).tolist(), *w.tolist()]
    error = w @ W - A
    hessian = sympy.hessian(sum(error * error) / 2, parameters)
    found, expected = [], []
    for p, q in product(range(len(parameters)), repeat=2):
        _, blocks = statement.formula(w, W, A, *_direction(p, d, n), *_direction(q, d, n))
        found.append(np.asarray(blocks, dtype=object).reshape(-1)[0])
        expected.append(hessian[p, q])
    transcript.identity(f"entries, d = {d}, n = {n}", found, expected, scope=f"d = {d}, n = {n}",
                        concludes=True, shown=f"{len(found)} entries of the Hessian")  # fmt: skip


def _symbols(name: str, *shape: int) -> Array:
    entries = [sympy.Symbol(f"{name}{k}", real=True) for k in range(int(np.prod(shape)))]
    return np.array(entries, dtype=object).reshape(shape)


def _direction(position: int, d: int, n: int) -> tuple[Array, Array]:
    flat = np.zeros(d * n + d, dtype=int)
    flat[position] = 1
    return flat[d * n :], flat[: d * n].reshape(d, n)


@proof(lemma_29, scope="all depths, widths and data")
def quadratic_in_one_entry(statement: Statement, transcript: Transcript) -> None:
    """One layer enters linearly; the factors around it stand for any number of layers."""
    m = sympy.Symbol("m", positive=True)
    M, W, N = (algebra.matrix(name, *shape) for name, shape in (
        ("M", ("p", "a")), ("W", ("a", "b")), ("N", ("b", "q"))))  # fmt: skip
    X, Y = algebra.matrix("X", "q", "m"), algebra.matrix("Y", "p", "m")
    e, f = algebra.vector("e", "a", unit=True), algebra.vector("f", "b", unit=True)
    step = M @ e.outer(f) @ N @ X
    transcript.identity(
        "square of one step", (step.T @ step).trace(), (e.T @ M.T @ M @ e)
        * (f.T @ N @ X @ X.T @ N.T @ f), scope="all sizes",
        because="(M e)(f'NX) is an outer product, and e_i'(M'M)e_i is a diagonal entry",
    )  # fmt: skip
    inner = algebra.matrix("Y", "a", "m")
    first = algebra.matrix("X", "b", "m")
    cases = (
        ("a layer in the middle", [N, W, M], X, Y, 2),
        ("the first layer", [W, M], first, Y, 1),
        ("the last layer", [N, W], X, inner, 2),
        ("a single layer", [W], first, inner, 1),
    )
    for name, weights, inputs, target, layer in cases:
        lhs, rhs = statement.formula(weights, inputs, target, layer, e, f, m)
        transcript.identity(
            name, lhs, rhs, scope="all depths: M and N are products of any number of layers",
            because="L(s) = L(0) + s L'(0) + s^2 (M'M)_ii (NN')_jj/(2m)", concludes=True,
        )  # fmt: skip
    layers = [algebra.matrix(f"W{k}", f"d{k}", f"d{k - 1}") for k in range(1, 6)]
    data, target = algebra.matrix("X", "d0", "m"), algebra.matrix("Y", "d5", "m")
    for k in range(1, 6):
        row, column = (algebra.vector("e", f"d{k}", unit=True),
                       algebra.vector("f", f"d{k - 1}", unit=True))  # fmt: skip
        lhs, rhs = statement.formula(layers, data, target, k, row, column, m)
        transcript.identity(f"layer {k} of five", lhs, rhs, scope="five layers, all widths",
                            concludes=True)  # fmt: skip


def _array(draw: Any, *shape: int) -> Array:
    """Small whole numbers from one drawn seed, or all ones; short to shrink, exact to multiply."""
    seed = draw(st.integers(0, 255))
    drawn = np.random.default_rng(seed).integers(-4, 5, size=shape)
    return np.ones(shape) if seed == 0 else drawn.astype(float)


@st.composite
def _whitened(draw: Any) -> dict[str, Any]:
    m, width = draw(st.sampled_from([1, 4])), draw(st.integers(1, 2))
    d = draw(st.integers(1, min(m, 2)))
    # sqrt(m) times a rotation has XX' = m I exactly; other scales break the hypothesis.
    scale = draw(st.sampled_from([1, 1, 1, 2])) * (1 if m == 1 else 2)
    basis = draw(strategies.rational_orthogonal(m))[:d] * scale
    return {"w": _array(draw, width), "W": _array(draw, width, d), "X": basis,
            "Y": _array(draw, m), "m": m}  # fmt: skip


@attack(equation_2, examples={"quick": 100, "standard": 1000, "deep": 5000})
def whitened_data() -> st.SearchStrategy[dict[str, Any]]:
    """Exactly whitened data from rational rotations, and some of another scale."""
    return _whitened()


@st.composite
def _directions(draw: Any) -> dict[str, Any]:
    d, n = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    pairs = []
    for _ in range(2):
        if draw(st.booleans()):
            a, B = _direction(draw(st.integers(0, d * n + d - 1)), d, n)
            pairs += [a.astype(float), B.astype(float)]
        else:
            pairs += [_array(draw, d), _array(draw, d, n)]
    return {"w": _array(draw, d), "W": _array(draw, d, n), "A": _array(draw, n),
            **dict(zip("aBcD", pairs, strict=True))}  # fmt: skip


@attack(hessian_blocks, examples={"quick": 100, "standard": 1000, "deep": 5000})
def networks_and_directions() -> st.SearchStrategy[dict[str, Any]]:
    """Networks up to 2 x 2 and pairs of directions: single coordinates, and free ones."""
    return _directions()


@st.composite
def _deep(draw: Any) -> dict[str, Any]:
    depth, m = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    sizes = [draw(st.integers(1, 2)) for _ in range(depth + 1)]
    weights = [_array(draw, after, before) for before, after in pairwise(sizes)]
    layer = draw(st.integers(1, depth))
    rows, columns = weights[layer - 1].shape
    return {"weights": weights, "X": _array(draw, sizes[0], m), "Y": _array(draw, sizes[-1], m),
            "layer": layer, "i": draw(st.integers(0, rows - 1)),
            "j": draw(st.integers(0, columns - 1)), "m": m}  # fmt: skip


@attack(lemma_29, examples={"quick": 150, "standard": 1500, "deep": 5000})
def deep_networks() -> st.SearchStrategy[dict[str, Any]]:
    """Depth 1 to 3, widths 1 and 2, any layer and entry."""
    return _deep()
