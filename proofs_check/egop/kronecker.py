"""Proof, certificate and attack: rotations of a matrix from its two sides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, certificate, proof
from proofs_check.engine.expressions import Expression
from proofs_check.structures import Array, Draw
from theory import arrays
from theory.core import Statement
from theory.egop.kronecker import kronecker, lemma_20, orthogonal_sides, plane_rotation

_PLANES = ((3, 4, 5), (-4, 3, 5), (5, 12, 13))


class Factor(Expression):
    """A symbol that may enter Kronecker products and be stacked into a vector."""

    __slots__ = ()

    def kronecker(self, other: Expression) -> Product:
        """The Kronecker product of two symbols."""
        return Product(self, other)

    def vec(self) -> Stacked:
        """The columns in one vector."""
        return Stacked(self)


@dataclass(frozen=True)
class Stacked:
    """``vec(W)``."""

    matrix: Expression


@dataclass(frozen=True)
class Product:
    """``A (x) B``; products of such are formed factor by factor."""

    first: Expression
    second: Expression

    def __matmul__(self, other: Product) -> Product:
        return Product(self.first @ other.first, self.second @ other.second)

    def dot(self, other: Product | Stacked) -> sympy.Expr:
        """``<b (x) a, d (x) c> = b'd a'c`` and ``<b (x) a, vec W> = a'Wb``."""
        if isinstance(other, Stacked):
            return self.second.dot(other.matrix @ self.first)
        return self.first.dot(other.first) * self.second.dot(other.second)


def _factor(symbol: Expression) -> Factor:
    return Factor(symbol.rows, symbol.cols, symbol.terms)


# ---- proof


@proof(lemma_20, scope="all p, q; all p, q >= 2 for the converse")
def ranks_differ(statement: Statement, transcript: Transcript) -> None:
    """Both sides keep the rank of a gradient; the rotation U does not."""
    p, q = ("p", "q")
    left, right = (_factor(algebra.orthogonal(*pair)) for pair in (("V1", p), ("V2", q)))
    W = _factor(algebra.matrix("W", p, q))
    x, z, a = (_factor(algebra.vector(name, p)) for name in ("x", "z", "a"))
    y, t, b = (_factor(algebra.vector(name, q)) for name in ("y", "t", "b"))
    cosine, sine = sympy.symbols("c s", real=True, nonzero=True)
    transcript.given("V1, V2 are orthogonal, c^2 + s^2 = 1 and c s != 0")
    transcript.cited(
        "mixed products", "Horn and Johnson, Topics in Matrix Analysis, Lemma 4.2.10",
        "(A (x) B)(b (x) a) = (Ab) (x) (Ba), and <b (x) a, vec W> = a'Wb", scope="all shapes",
    )  # fmt: skip
    _rotation(transcript, cosine, sine)
    lhs, rhs = statement.formula(left=left, right=right, matrix=W, factors=(a, b), rows=(x, z),
                                 columns=(y, t), cosine=cosine, sine=sine)  # fmt: skip
    names = (
        ("the rule of both sides", "tested with all y (x) x, which span"),
        ("lengths do not change", "(V2 (x) V1)'(V2 (x) V1) = I (x) I"),
        ("both sides keep rank one", "grad f(V1 Theta V2') = V1' e1 e1' V2 for f = Theta_11"),
        ("U does not: the gradient has a minor c s, which is not 0",
         "grad f(U vec Theta) = U' vec(e1 e1'); the other entries of a p x q matrix are 0"),
    )  # fmt: skip
    for index, (name, because) in enumerate(names):
        transcript.identity(name, lhs[index], rhs[index], concludes=True, because=because,
                            scope="all p, q >= 2" if index == 3 else "all p, q")  # fmt: skip


def _rotation(transcript: Transcript, cosine: Any, sine: Any) -> None:
    U = plane_rotation(cosine, sine)
    gram = (arrays.transpose(U) @ U).reshape(-1)
    one = sympy.eye(4)
    for index, entry in enumerate(gram):
        reduced = sympy.expand(entry).subs(sine**2, 1 - cosine**2)
        if index % 4 <= index // 4:
            transcript.identity(
                f"U'U = I, entry {index // 4 + 1}, {index % 4 + 1}", sympy.expand(reduced),
                one[index // 4, index % 4], scope="s^2 = 1 - c^2; U is the identity elsewhere",
            )  # fmt: skip


# ---- certificate


@certificate(lemma_20, scope="p = 3, q = 2, and q = 1, in exact rationals")
def sides_of_a_small_matrix(statement: Statement, transcript: Transcript) -> None:
    """One pair of rational sides, and the case q = 1 where every rotation is a side."""
    left = _rows([[1, -2, 2], [2, -1, -2], [2, 2, 1]], 3)
    right = _rows([[3, -4], [4, 3]], 5)
    instance = {
        "left": left, "right": right, "matrix": _rows([[1, 2], [0, -1], [3, 5]]),
        "factors": (_rows([1, 0, 0]), _rows([1, 0])), "rows": (_rows([1, 0, 0]), _rows([0, 1, 0])),
        "columns": (_rows([1, 0]), _rows([0, 1])), "cosine": sympy.Rational(3, 5),
        "sine": sympy.Rational(4, 5),
    }  # fmt: skip
    transcript.exact("the hypotheses hold", int(orthogonal_sides(**instance)), "==", 1,
                     scope="the instance")  # fmt: skip
    sides = statement.formula(**instance)
    for name, lhs, rhs in zip(("rule", "lengths", "rank kept", "rank not kept"), *sides,
                              strict=True):  # fmt: skip
        transcript.exact(name, lhs, "==", rhs, scope="the instance", concludes=True)
    one = _rows([[1]])
    transcript.identity("q = 1: V1 alone is any rotation", kronecker(one, left).tolist(),
                        left.tolist(), scope="p = 3, q = 1",
                        because="V2 = 1: the converse needs p, q >= 2")  # fmt: skip


def _rows(entries: Any, denominator: int = 1) -> Any:
    exact = np.vectorize(lambda n: sympy.Rational(int(n), denominator), otypes=[object])
    return exact(np.array(entries))


# ---- search


@attack(lemma_20)
def rational_sides() -> SearchStrategy[dict[str, Any]]:
    """Rational orthogonal sides up to 2 x 2, multiples of them, vectors of every kind."""
    return _rational_sides()


@st.composite
def _rational_sides(draw: Draw) -> dict[str, Any]:
    p, q = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    scale = draw(st.sampled_from([1, 1, 1, 2]))
    left, right = (draw(strategies.rational_orthogonal(size)) * scale for size in (p, q))
    a, x, z = (_exact(draw(strategies.vectors(p, nonzero=True))) for _ in range(3))
    b, y, t = (_exact(draw(strategies.vectors(q, nonzero=True))) for _ in range(3))
    matrix = np.array([_exact(draw(strategies.vectors(q, nonzero=True))) for _ in range(p)])
    cosine, sine, hypotenuse = draw(st.sampled_from(_PLANES))
    return {"left": left, "right": right, "matrix": matrix, "factors": (a, b), "rows": (x, z),
            "columns": (y, t), "cosine": Fraction(cosine, hypotenuse),
            "sine": Fraction(sine, hypotenuse)}  # fmt: skip


def _exact(values: Array) -> Array:
    return np.array([Fraction(value) for value in values.tolist()], dtype=object)
