"""Two facts about positive semidefinite matrices, and the EGOP of a composition."""

from __future__ import annotations

from typing import Any

from theory import arrays
from theory.core import Claim, Mutant, Source

# ---- Lemma 12


def image_against_form(matrix: Any, bound: Any, v: Any) -> tuple[Any, Any]:
    r"""Return :math:`\|Pv\|^2` and :math:`\ell\, v'Pv` (Lemma 12).

    Parameters
    ----------
    matrix : array (d, d)
        P.
    bound : number
        :math:`\ell \ge \lambda_{max}(P)`.
    v : array (d,)
    """
    image = matrix @ v
    return arrays.dot(image, image), bound * arrays.quadratic_form(matrix, v)


def is_bounded_semidefinite(matrix: Any, bound: Any, v: Any) -> bool:
    """Whether ``0 <= P <= bound I``, P symmetric."""
    return arrays.is_positive_semidefinite(matrix) and _is_below(matrix, bound)


def _is_below(matrix: Any, bound: Any) -> bool:
    one = arrays.identity_matrix(len(matrix), like=matrix)
    return bool(arrays.is_symmetric(matrix)) and arrays.is_positive_semidefinite(
        bound * one - matrix
    )


def _square_of_largest(matrix: Any, bound: Any, v: Any) -> tuple[Any, Any]:
    lhs, _ = image_against_form(matrix, bound, v)
    return lhs, bound * bound * arrays.quadratic_form(matrix, v)


def _trace_over_dimension(matrix: Any, bound: Any, v: Any) -> tuple[Any, Any]:
    lhs, _ = image_against_form(matrix, bound, v)
    return lhs, arrays.trace(matrix) / len(matrix) * arrays.quadratic_form(matrix, v)


lemma_12 = Claim(
    id="egop/lemma-12",
    title="The image of a semidefinite matrix is bounded by its quadratic form",
    kind="inequality",
    statement=(
        r"Let $P \succeq 0$ be symmetric and $\ell \ge \lambda_{\max}(P)$. Then"
        r" $\|Pv\|^2 \le \ell\, v^\top P v$ for every $v$, with equality for an eigenvector of"
        r" $\lambda_{\max} = \ell$."
    ),
    source=Source("depavia2025", item="Lemma 12"),
    scope={"d": "d >= 1", "P": "symmetric, P >= 0", "v": "real"},
    formula=image_against_form,
    assumes=is_bounded_semidefinite,
    notes="Sharp for every d. Indefinite P do not satisfy it: v'Pv may be negative.",
    mutants={
        "bound four per cent smaller": lambda matrix, bound, v: image_against_form(
            matrix, bound * 24 / 25, v
        ),
        "largest eigenvalue squared": _square_of_largest,
        "mean eigenvalue for the largest": _trace_over_dimension,
        "indefinite matrices": Mutant(assumes=lambda matrix, bound, v: _is_below(matrix, bound)),
    },
)

# ---- Lemma 13


def root_forms(smaller: Any, larger: Any, v: Any) -> tuple[Any, Any]:
    """Return ``v'Pv`` and ``v'Qv`` for the roots P, Q of ``X = P^2`` and ``Y = Q^2`` (Lemma 13).

    Parameters
    ----------
    smaller, larger : array (d, d)
        P and Q, symmetric positive semidefinite: every such pair of roots is one.
    v : array (d,)
    """
    return arrays.quadratic_form(smaller, v), arrays.quadratic_form(larger, v)


def squares_are_ordered(smaller: Any, larger: Any, v: Any) -> bool:
    """Whether P, Q are symmetric, ``0 <= P``, ``0 <= Q`` and ``P^2 <= Q^2``."""
    return _semidefinite(smaller, larger) and arrays.is_positive_semidefinite(
        larger @ larger - smaller @ smaller
    )


def _semidefinite(*matrices: Any) -> bool:
    return all(
        bool(arrays.is_symmetric(matrix)) and arrays.is_positive_semidefinite(matrix)
        for matrix in matrices
    )


def _ordered(smaller: Any, larger: Any, v: Any) -> bool:
    return _semidefinite(smaller, larger) and arrays.is_positive_semidefinite(larger - smaller)


def _square_forms(smaller: Any, larger: Any, v: Any) -> tuple[Any, Any]:
    images = smaller @ v, larger @ v
    return arrays.dot(images[0], images[0]), arrays.dot(images[1], images[1])


lemma_13 = Claim(
    id="egop/lemma-13",
    title="The square root is monotone on semidefinite matrices",
    kind="inequality",
    statement=(
        r"If $0 \preceq X \preceq Y$ then $X^{1/2} \preceq Y^{1/2}$: $v^\top X^{1/2} v \le"
        r" v^\top Y^{1/2} v$ for every $v$."
    ),
    source=Source("depavia2025", item="Lemma 13"),
    scope={"d": "d >= 1", "X, Y": "symmetric, 0 <= X <= Y", "v": "real"},
    formula=root_forms,
    assumes=squares_are_ordered,
    notes=(
        "Equality for X = Y. The square is not monotone: 0 <= P <= Q does not give P^2 <= Q^2,"
        " which is a mutant here."
    ),
    mutants={
        "squares for roots": Mutant(formula=_square_forms, assumes=_ordered),
        "four per cent more": lambda smaller, larger, v: (
            26 * arrays.quadratic_form(smaller, v) / 25,
            arrays.quadratic_form(larger, v),
        ),
        "traces ordered instead of matrices": Mutant(
            assumes=lambda smaller, larger, v: (
                _semidefinite(smaller, larger)
                and bool(arrays.trace(smaller @ smaller) <= arrays.trace(larger @ larger))
            )
        ),
        "the order reversed": lambda smaller, larger, v: root_forms(larger, smaller, v),
    },
)

# ---- eq. (4)


def composed_egop(gradients: Any, matrix: Any) -> tuple[Any, Any]:
    r"""Return the EGOP of :math:`f = h(A\,\cdot)` and :math:`A' E[\nabla h \nabla h'] A`.

    Parameters
    ----------
    gradients : array (n, m)
        Gradients u of h at the points A theta, one sample a row: those of f are ``A'u``.
    matrix : array (m, d)
        A.
    """
    rows = gradients @ matrix
    inner = arrays.transpose(gradients) @ gradients
    return arrays.transpose(rows) @ rows, arrays.transpose(matrix) @ inner @ matrix


def _transposed(gradients: Any, matrix: Any) -> tuple[Any, Any]:
    lhs, _ = composed_egop(gradients, matrix)
    inner = arrays.transpose(gradients) @ gradients
    return lhs, matrix @ inner @ arrays.transpose(matrix)


def _one_sided(gradients: Any, matrix: Any) -> tuple[Any, Any]:
    lhs, _ = composed_egop(gradients, matrix)
    return lhs, arrays.transpose(gradients) @ gradients @ matrix


def _outer_of_the_mean(gradients: Any, matrix: Any) -> tuple[Any, Any]:
    lhs, _ = composed_egop(gradients, matrix)
    summed = gradients[0] if len(gradients) == 1 else sum(gradients[1:], start=gradients[0])
    pulled = arrays.transpose(matrix) @ summed
    return lhs, arrays.outer(pulled, pulled) / len(gradients)


equation_4 = Claim(
    id="egop/equation-4",
    title="The EGOP of a composition with a linear map",
    kind="identity",
    statement=(
        r"For $f(\theta) = h(A\theta)$: $\mathrm{EGOP}(f) = A^\top\,"
        r" \mathbb{E}\big[\nabla h(A\theta) \nabla h(A\theta)^\top\big]\, A$, for the law of any"
        r" finite number of equally likely samples, and hence by linearity for every law with"
        r" second moments."
    ),
    source=Source("depavia2025", item="eq. (4)", equations=("4",)),
    scope={"n, m, d": ">= 1", "A": "real (m, d)", "gradients": "real (n, m)"},
    formula=composed_egop,
    notes="Both sides are stated without the common factor 1/n.",
    mutants={
        "A on the left": _transposed,
        "A on one side only": _one_sided,
        "outer product of the mean gradient": _outer_of_the_mean,
    },
)
