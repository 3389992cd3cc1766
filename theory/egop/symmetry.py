r"""The EGOP commutes with the symmetries of the objective and of the sampling law.

If ``f(P theta) = f(theta)`` for an orthogonal P then ``grad f(P theta) = P grad f(theta)``, so
that the EGOP under the law of ``P theta`` is ``P EGOP P'``; if the two laws agree, it commutes
with P.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from theory import arrays
from theory.arrays import transpose
from theory.core import Claim, Mutant, Source
from theory.egop.arguments import positive

Pair = tuple[Any, Any]


def image_egop(gradients: Any, symmetry: Any) -> Pair:
    """Return ``P EGOP(f, rho)`` and ``EGOP(f, P rho) P``, both times the number of samples.

    Parameters
    ----------
    gradients : array (n, d)
        Gradients g_i at points theta_i: those at ``P theta_i`` are ``P g_i``.
    symmetry : array (d, d)
        P, orthogonal.

    Returns
    -------
    (lhs, rhs)
        Equal matrices; where rho is P-invariant both EGOPs are one.
    """
    return _sides(gradients, symmetry, gradients @ transpose(symmetry))


def _sides(gradients: Any, symmetry: Any, images: Any) -> Pair:
    here, there = (transpose(rows) @ rows for rows in (gradients, images))
    return symmetry @ here, there @ symmetry


def is_orthogonal_symmetry(gradients: Any, symmetry: Any) -> bool:
    """Whether ``P'P = I``."""
    gram = transpose(symmetry) @ symmetry
    return bool((gram == arrays.identity_matrix(len(symmetry), like=gram)).all())


@dataclass(frozen=True)
class LinearNetwork:
    r"""Three layers ``W3 W2 W1`` with ``f = 1/2 E_x ||W3 W2 W1 x - y||^2``, Gaussian weights.

    Parameters
    ----------
    second_moment : array (d0, d0)
        ``S = E x x'``.
    cross_moment : array (d3, d0)
        ``C = E y x'``.
    widths : (int, int)
        d1, d2.
    variances : (float, float, float)
        Of the independent centred entries of W1, W2, W3.
    """

    second_moment: np.ndarray
    cross_moment: np.ndarray
    widths: tuple[int, int]
    variances: tuple[float, float, float]

    def __post_init__(self) -> None:
        for index, variance in enumerate(self.variances):
            positive(f"variances[{index}]", variance)

    def first_gradients(self, weights: tuple[Any, Any, Any]) -> Any:
        """Gradients (..., d1, d0) of W1, ``M'(M W1 S - C)`` with ``M = W3 W2``."""
        W1, W2, W3 = weights
        M = W3 @ W2
        return M.mT @ (M @ W1 @ self.second_moment - self.cross_moment)


def first_layer_block(network: LinearNetwork) -> np.ndarray:
    r"""Return B1 of the population EGOP: the block of W1, stacked row by row, is ``I (x) B1``.

    .. math:: B_1 = s_1 s_2^2 s_3^2 d_2 d_3 [(d_1 + 1)(d_2 + d_3 + 1) + d_2 d_3 + 2]\, S^2
              + d_2 s_2 s_3\, C'C

    with the variances s_k: ``E (M'M)^2`` and ``E M'M`` are multiples of I for a product M of
    Gaussian matrices.

    Parameters
    ----------
    network : LinearNetwork

    Returns
    -------
    array (d0, d0)
    """
    d1, d2 = network.widths
    C, S = network.cross_moment, network.second_moment
    d3 = len(C)
    s1, s2, s3 = network.variances
    fourth = d2 * d3 * ((d1 + 1) * (d2 + d3 + 1) + d2 * d3 + 2)
    return np.asarray(s1 * (s2 * s3) ** 2 * fourth * (S @ S) + d2 * s2 * s3 * (C.T @ C))


def _on_one_side(gradients: Any, symmetry: Any) -> Pair:
    lhs, _ = image_egop(gradients, symmetry)
    return lhs, transpose(gradients) @ gradients @ transpose(symmetry)


symmetry = Claim(
    id="egop/symmetry",
    title="The EGOP has the symmetries of the objective",
    kind="identity",
    statement=(
        r"Let $P$ be orthogonal and $f(P\theta) = f(\theta)$. Then $P\, \mathrm{EGOP}(f, \rho) ="
        r" \mathrm{EGOP}(f, P\rho)\, P$, and EGOP commutes with $P$ if $\rho$ is $P$-invariant. So"
        r" with $h$ interchangeable hidden units (and $\rho$ permutation-invariant) of $k$"
        r" parameters each, $k$ eigenvalues have multiplicity at least $h - 1$. For a linear"
        r" network $W_3 W_2 W_1$ with independent centred Gaussian entries, of one variance in each"
        r" layer, stacked row by row, EGOP $= \mathrm{diag}(I_{d_1} \otimes B_1, b I, B_3 \otimes"
        r" I_{d_2})$."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={"d": "d >= 1", "P": "orthogonal", "rho": "second moments of the gradient exist"},
    formula=image_egop,
    assumes=is_orthogonal_symmetry,
    notes=(
        "Further coincidences of eigenvalues are possible. Stacking by columns exchanges the"
        " Kronecker factors. B1 is known in closed form and is what the simulation measures."
        " Averaging an estimate over the group removes the part of its error that is not"
        " symmetric, and leaves its mean."
    ),
    mutants={
        "whatever the law of theta": lambda gradients, symmetry: _sides(
            gradients, symmetry, gradients
        ),
        "P for its transpose": _on_one_side,
        "P not orthogonal": Mutant(drops_assumptions=True),
        "weights stacked by columns": Mutant(given={"stacking": "columns"}),
        "hidden units of different scales": Mutant(given={"spread": 2.0}),
    },
)
