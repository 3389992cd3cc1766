r"""Rotations of a matrix parameter from its two sides, and rotations of its entries beyond them.

``vec`` stacks columns: ``vec(Theta)_{(j - 1) p + i} = Theta_ij`` for Theta p x q, and
``(V2 (x) V1)' vec(W) = vec(V1' W V2)``. Row-major stacking exchanges the two factors.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, transpose
from theory.core import Claim, Mutant, Source
from theory.scalars import own_method

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]


def vec(matrix: Any) -> Any:
    """The columns of a (p, q) matrix in one vector (p q,)."""
    own = own_method(matrix, "vec")
    return own() if own else transpose(matrix).reshape(-1)


def kronecker(first: Any, second: Any) -> Any:
    """``A (x) B``: for A (m, n) and B (k, l) the (m k, n l) matrix of blocks ``A_ij B``.

    Vectors (m,) and (k,) give the vector (m k,) of ``a_i b_j``.
    """
    own = own_method(first, "kronecker")
    if own:
        return own(second)
    if first.ndim == 1:
        return (first[:, None] * second[None, :]).reshape(-1)
    blocks = first[:, None, :, None] * second[None, :, None, :]
    return blocks.reshape(first.shape[0] * second.shape[0], first.shape[1] * second.shape[1])


def plane_rotation(cosine: Any, sine: Any) -> Any:
    """U in O(4) for a 2 x 2 parameter: it turns the plane of its entries (1, 1) and (2, 2)."""
    zero = 0 * cosine
    one = zero + 1
    rows = [[cosine, zero, zero, sine], [zero, one, zero, zero], [zero, zero, one, zero],
            [-sine, zero, zero, cosine]]  # fmt: skip
    return arrays.namespace().asarray(rows)


def minor(form: Callable[[Any, Any], Any], rows: Any, columns: Any) -> Any:
    """``x'My z't - ...``: the determinant of M between x, z on the left and y, t on the right.

    It vanishes for all vectors if and only if M has rank at most one.
    """
    (x, z), (y, t) = rows, columns
    return form(x, y) * form(z, t) - form(x, t) * form(z, y)


def sides_and_beyond(left: Any, right: Any, matrix: Any, factors: Any, rows: Any, columns: Any,
                     cosine: Any, sine: Any) -> Sides:  # fmt: skip
    """Four equalities: the rule of both sides, lengths, the rank kept, and a rotation beyond.

    ``<(V2 (x) V1)(y (x) x), vec W> = x'(V1' W V2) y``; the squared length of that image and
    ``||x||^2 ||y||^2``; a minor of ``V1' a b' V2`` and 0; the leading minor of the matrix with
    ``vec = U' vec(e1 e1')`` and cosine times sine.

    Parameters
    ----------
    left, right : array (p, p), array (q, q)
        V1 and V2, orthogonal.
    matrix : array (p, q)
        W.
    factors : pair of array (p,), array (q,)
        a and b, of the matrix ``a b'`` of rank one.
    rows, columns : pair of array (p,), pair of array (q,)
        x, z and y, t.
    cosine, sine : number
        Both not 0, of the rotation U, `plane_rotation`.

    Returns
    -------
    (lhs, rhs)
    """
    return _sides(left, right, matrix, factors, rows, columns, cosine, sine)


def _sides(left: Any, right: Any, matrix: Any, factors: Any, rows: Any, columns: Any, cosine: Any,
           sine: Any, *, rotate: Any = None, twisted: Any = None,
           beyond: Any = None) -> Sides:  # fmt: skip
    """`sides_and_beyond`; a variant replaces V2 (x) V1, V1' W V2 or what is said of U."""
    x, y = rows[0], columns[0]
    rotation = rotate(left, right) if rotate else kronecker(right, left)
    inner = twisted(left, right, matrix) if twisted else transpose(left) @ matrix @ right
    a, b = factors
    kept = minor(lambda u, v: dot(left @ u, a) * dot(b, right @ v), rows, columns)
    image = transpose(plane_rotation(cosine, sine))[:, 0].reshape(2, 2)
    spread = image[0, 0] * image[1, 1] - image[0, 1] * image[1, 0]
    probe = rotation @ kronecker(y, x)
    lhs = dot(probe, vec(matrix)), dot(probe, probe), kept, spread
    claimed = cosine * sine if beyond is None else beyond
    return lhs, (dot(x, inner @ y), dot(x, x) * dot(y, y), 0 * kept, claimed)


def orthogonal_sides(left: Any, right: Any, matrix: Any, factors: Any, rows: Any, columns: Any,
                     cosine: Any, sine: Any) -> bool:  # fmt: skip
    """V1, V2 and U orthogonal, U a rotation by no multiple of a right angle."""
    turned = bool(cosine**2 + sine**2 == 1 and cosine * sine != 0)
    return turned and _orthogonal(left) and _orthogonal(right)


def _orthogonal(matrix: Any) -> bool:
    gram = transpose(matrix) @ matrix
    return bool((gram == arrays.identity_matrix(len(matrix), like=gram)).all())


def _variant(**changed: Any) -> Any:
    def sides(left: Any, right: Any, matrix: Any, factors: Any, rows: Any, columns: Any,
              cosine: Any, sine: Any) -> Sides:  # fmt: skip
        return _sides(left, right, matrix, factors, rows, columns, cosine, sine, **changed)

    return sides


lemma_20 = Claim(
    id="egop/lemma-20",
    title="Rotations from two sides are some of the rotations of all entries, not all",
    kind="identity",
    statement=(
        r"Let $\Theta$ be $p \times q$, $V_1 \in O(p)$, $V_2 \in O(q)$. Then"
        r" $(V_2 \otimes V_1)^\top \mathrm{vec}(W) = \mathrm{vec}(V_1^\top W V_2)$, and $V_2"
        r" \otimes V_1$ is orthogonal: $f(V_1 \Theta V_2^\top)$ is a rotation of the entries for"
        r" every $f$. If $p, q \ge 2$, the converse fails: for $f(\Theta) = \Theta_{11}$ and the"
        r" $U \in O(pq)$ that turns the entries $(1,1)$ and $(2,2)$ by an angle with $\cos \sin"
        r" \ne 0$, no pair $V_1, V_2$ has $f(U\,\mathrm{vec}\,\Theta) = f(V_1 \Theta V_2^\top)$ for"
        r" all $\Theta$."
    ),
    source=Source("depavia2025", item="Lemma 20"),
    scope={"p, q": ">= 1 for the rule, >= 2 for the converse", "V1, V2": "orthogonal"},
    formula=sides_and_beyond,
    assumes=orthogonal_sides,
    notes=(
        "The gradient V1' e1 e1' V2 of every f(V1 Theta V2') has rank one, that of f(U vec Theta)"
        " rank two. One f and one U defeat all pairs at once. For q = 1 (or p = 1) every rotation"
        " of the entries is one from a side, so that the converse needs p, q >= 2, which the paper"
        " does not ask. With row-major stacking the factors change places."
    ),
    mutants={
        "row-major factors": _variant(rotate=kronecker),
        "V1 for its transpose": _variant(twisted=lambda left, right, w: left @ w @ right),
        "V2 for its transpose": _variant(
            twisted=lambda left, right, w: transpose(left) @ w @ transpose(right)
        ),
        "every rotation of entries keeps the rank": _variant(beyond=Fraction(0)),
        "any two matrices": Mutant(drops_assumptions=True),
    },
)
