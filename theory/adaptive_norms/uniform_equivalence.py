"""Uniformly equivalent norms: Definition 1, Lemmas 2 and 3, sharper constants, and Adagrad.

Norm inequalities are stated squared, with a vector w in place of eigenvalues, so that they are
rational: ``lam_min(A) >= a`` is ``a ||w||^2 <= w'Aw`` for every w. G bounds the gradient norms.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.adaptive_norms.preconditioners import adagrad_form, rmsprop_form
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]

# ---- Definition 1 and Lemma 3


def spectral_slacks(basis: Any, spectrum: Any, coordinates: Any, mu: Any) -> Sides:
    """Definition 1 for ``A = Q L Q'``, in the norms of ``w = Q c`` and in the eigenvalues.

    ``mu^2 ||w||_A^2 - ||w||^2 = sum_k (mu^2 lam_k - 1) c_k^2`` and
    ``mu^2 ||w||^2 - ||w||_A^2 = sum_k (mu^2 - lam_k) c_k^2``. Both are >= 0 for every w exactly
    where ``1/mu^2 <= lam_k <= mu^2`` for every k.

    Parameters
    ----------
    basis : array (d, d)
        Q, orthogonal: the eigenvectors are its columns.
    spectrum : array (d, d)
        L, diagonal: the eigenvalues.
    coordinates : array (d,)
        c.
    mu : number

    Returns
    -------
    (lhs, rhs)
        Two numbers each.
    """
    matrix, vector = basis @ spectrum @ arrays.transpose(basis), basis @ coordinates
    form, square = quadratic_form(matrix, vector), dot(vector, vector)
    one = arrays.identity_matrix(spectrum.shape[0], like=spectrum)
    return (
        (mu * mu * form - square, mu * mu * square - form),
        (
            quadratic_form(mu * mu * spectrum - one, coordinates),
            quadratic_form(mu * mu * one - spectrum, coordinates),
        ),
    )


def eigendecomposition(basis: Any, spectrum: Any, coordinates: Any, mu: Any) -> bool:
    """Q'Q = I, L diagonal with positive entries, mu >= 1."""
    n = spectrum.shape[0]
    gram = arrays.transpose(basis) @ basis
    orthogonal = gram == arrays.identity_matrix(n, like=gram)
    off = spectrum == arrays.diagonal_matrix(arrays.diagonal(spectrum))
    definite = arrays.is_positive_definite(arrays.diagonal(spectrum))
    return bool(orthogonal.all() and off.all() and definite and mu >= 1)


def _eigenvalues_against_mu(basis: Any, spectrum: Any, coordinates: Any, mu: Any) -> Sides:
    root = arrays.square_root(mu)
    lhs, _ = spectral_slacks(basis, spectrum, coordinates, mu)
    return lhs, spectral_slacks(basis, spectrum, coordinates, root)[1]


def _eigenvalues_a_per_cent_off(basis: Any, spectrum: Any, coordinates: Any, mu: Any) -> Sides:
    lhs, _ = spectral_slacks(basis, spectrum, coordinates, mu)
    return lhs, spectral_slacks(basis, 101 * spectrum / 100, coordinates, mu)[1]


def _sides_of_the_inverse(basis: Any, spectrum: Any, coordinates: Any, mu: Any) -> Sides:
    lhs, rhs = spectral_slacks(basis, spectrum, coordinates, mu)
    return lhs, (rhs[1], rhs[0])


definition_1 = Claim(
    id="adaptive-norms/definition-1",
    title="Uniform equivalence of norms is a bound on eigenvalues",
    kind="definition",
    statement=(
        r"The norms of $A_0, A_1, \dots$ are uniformly equivalent with constant $\mu \ge 1$ if"
        r" $\tfrac1\mu \|w\|_{A_t} \le \|w\| \le \mu \|w\|_{A_t}$ for all $t$ and $w$. With"
        r" $A = Q \Lambda Q^\top$ and $w = Qc$:"
        r" $\mu^2 \|w\|_A^2 - \|w\|^2 = \sum_k (\mu^2 \lambda_k - 1) c_k^2$ and"
        r" $\mu^2 \|w\|^2 - \|w\|_A^2 = \sum_k (\mu^2 - \lambda_k) c_k^2$, so that the definition"
        r" says $\mu^{-2} \le \lambda_k(A_t) \le \mu^2$ for all $t$ and $k$."
    ),
    source=Source("kohler2019", item="Definition 1", equations=("8", "18")),
    scope={"d": "d >= 1", "A": "symmetric positive definite", "mu": ">= 1"},
    formula=spectral_slacks,
    assumes=eigendecomposition,
    notes=(
        "The smallest constant of one matrix is sqrt(max(lam_max, 1/lam_min)). The condition is"
        " the same for A and for its inverse."
    ),
    mutants={
        "eigenvalues against mu": _eigenvalues_against_mu,
        "eigenvalues one per cent off": _eigenvalues_a_per_cent_off,
        "lower and upper side swapped": _sides_of_the_inverse,
        "basis not orthogonal": Mutant(drops_assumptions=True),
    },
)


def norm_bounds(matrix: Any, zeta: Any, vector: Any) -> Sides:
    """``||w||^2 <= zeta ||w||_A^2`` and ``||w||_A^2 <= zeta ||w||^2``: Definition 1 with
    ``mu = sqrt(zeta)``.

    Parameters
    ----------
    matrix : array (d, d)
    zeta : number
    vector : array (d,)

    Returns
    -------
    (lhs, rhs)
        Two numbers each.
    """  # noqa: D205
    form, square = quadratic_form(matrix, vector), dot(vector, vector)
    return (square, form), (zeta * form, zeta * square)


def singular_values_bounded(matrix: Any, zeta: Any, vector: Any) -> bool:
    """A symmetric positive definite with singular values in [1/zeta, zeta]."""
    return arrays.is_positive_definite(matrix) and _gram_bounded(matrix, zeta)


def _gram_bounded(matrix: Any, zeta: Any) -> bool:
    gram = arrays.transpose(matrix) @ matrix
    one = arrays.identity_matrix(matrix.shape[0], like=gram)
    return bool(
        zeta > 0
        and arrays.is_positive_semidefinite(zeta * zeta * gram - one)
        and arrays.is_positive_semidefinite(zeta * zeta * one - gram)
    )


lemma_3 = Claim(
    id="adaptive-norms/lemma-3",
    title="Bounded singular values suffice for uniform equivalence",
    kind="inequality",
    statement=(
        r"Let $A_t$ be symmetric positive definite with $\tfrac1\zeta \le \sigma_{\min}(A_t) \le"
        r" \sigma_{\max}(A_t) \le \zeta$ for all $t$. Then for all $t$ and $w$"
        r" $\|w\|^2 \le \zeta \|w\|_{A_t}^2$ and $\|w\|_{A_t}^2 \le \zeta \|w\|^2$: the norms are"
        r" uniformly equivalent with $\mu = \sqrt\zeta$."
    ),
    source=Source("kohler2019", item="Lemma 3"),
    scope={"d": "d >= 1", "A": "symmetric positive definite", "zeta": "> 0 (hence >= 1)"},
    formula=norm_bounds,
    assumes=singular_values_bounded,
    notes=(
        "Positive definiteness is needed: an indefinite or a non-symmetric matrix with the same"
        " singular values fails. The bound on the eigenvalues is also necessary (Definition 1)."
    ),
    mutants={
        "zeta two per cent smaller": lambda matrix, zeta, vector: norm_bounds(
            matrix, 49 * zeta / 50, vector
        ),
        "mu = zeta^(1/4)": lambda matrix, zeta, vector: norm_bounds(
            matrix, arrays.square_root(zeta), vector
        ),
        "A indefinite": Mutant(
            assumes=lambda matrix, zeta, vector: (
                arrays.is_symmetric(matrix) and _gram_bounded(matrix, zeta)
            )
        ),
        "A not symmetric": Mutant(assumes=lambda matrix, zeta, vector: _gram_bounded(matrix, zeta)),
    },
)

# ---- Lemma 2


def rmsprop_chain(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
    """``eps ||w||^2 <= w'A_t w <= ((1 - beta^(t+1)) G^2 + eps) ||w||^2 <= ||w||^2/eps``.

    Parameters
    ----------
    gradients : array (t+1, d)
        Oldest first.
    beta, eps : number
    bound : number
        G.
    vector : array (d,)
        w.

    Returns
    -------
    (lhs, rhs)
        Three numbers each: the links of the chain.
    """
    largest = _spectral_bound(gradients, beta, bound)
    return _chain(rmsprop_form(gradients, beta, eps), eps, largest, vector)


def _spectral_bound(gradients: Any, beta: Any, bound: Any) -> Any:
    return (1 - beta ** gradients.shape[0]) * bound * bound


def _chain(matrix: Any, smallest: Any, largest: Any, vector: Any, eps: Any = None) -> Sides:
    eps = smallest if eps is None else eps
    form, square = quadratic_form(matrix, vector), dot(vector, vector)
    upper = (largest + eps) * square
    return (smallest * square, form, upper), (form, upper, square / eps)


def norms_bounded(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> bool:
    """0 <= beta < 1, eps > 0, G >= 0 and ``||g_i|| <= G`` for every i."""
    squares = dot(gradients, gradients)
    return parameters_in_range(beta, eps, bound) and bool(arrays.largest(squares) <= bound * bound)


def entries_bounded(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> bool:
    """0 <= beta < 1, eps > 0, G >= 0 and every entry of every gradient is in [-G, G]."""
    entries = arrays.absolute(gradients)
    return parameters_in_range(beta, eps, bound) and bool(arrays.largest(entries) <= bound)


def parameters_in_range(beta: Any, eps: Any, bound: Any) -> bool:
    """0 <= beta < 1, eps > 0, G >= 0."""
    return bool(0 <= beta < 1 and eps > 0 and bound >= 0)


def eps_small_enough(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> bool:
    """`norms_bounded` and ``eps (G^2 + eps) <= 1``, that is ``eps <= 2/(G^2 + sqrt(G^4 + 4))``."""
    small = bool(eps * (bound * bound + eps) <= 1)
    return small and norms_bounded(gradients, beta, eps, bound, vector)


def _eps_slightly_too_large(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> bool:
    small = bool(100 * eps * (bound * bound + eps) <= 103)
    return small and norms_bounded(gradients, beta, eps, bound, vector)


def _eps_at_most_inverse(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> bool:
    small = bool(eps * bound * bound <= 1)
    return small and norms_bounded(gradients, beta, eps, bound, vector)


def _small_eps_entries_bounded(
    gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any
) -> bool:
    small = bool(eps * (bound * bound + eps) <= 1)
    return small and entries_bounded(gradients, beta, eps, bound, vector)


def _rmsprop_variant(largest: Any = _spectral_bound, smallest: Any = None) -> Any:
    """`rmsprop_chain` with another bound on V, or another lower end of the spectrum."""

    def chain(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
        low = eps if smallest is None else smallest(eps)
        high = largest(gradients, beta, bound)
        return _chain(rmsprop_form(gradients, beta, eps), low, high, vector, eps)

    return chain


def _adagrad_chain(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
    largest = _spectral_bound(gradients, beta, bound)
    return _chain(adagrad_form(gradients, eps), eps, largest, vector)


lemma_2 = Claim(
    id="adaptive-norms/lemma-2",
    title="RMSProp's ellipsoids are uniformly equivalent for small eps",
    kind="inequality",
    statement=(
        r"Let $\|g_t\| \le G$ for all $t$, $0 \le \beta < 1$ and $0 < \varepsilon \le"
        r" \tfrac{2}{G^2 + \sqrt{G^4 + 4}}$, that is $\varepsilon (G^2 + \varepsilon) \le 1$. Then"
        r" RMSProp's matrix $A_t$ satisfies for all $t$ and $w$: $\varepsilon \|w\|^2 \le w^\top"
        r" A_t w \le ((1 - \beta^{t+1}) G^2 + \varepsilon) \|w\|^2 \le \tfrac1\varepsilon \|w\|^2$,"
        r" which is Definition 1 with $\mu = \varepsilon^{-1/2}$."
    ),
    source=Source(
        "kohler2019", item="Lemma 2 / 4", equations=("20", "21", "22", "23", "24", "25", "26")
    ),
    scope={"d": "d >= 1", "t": "t >= 0", "beta": "[0, 1)", "G": ">= 0", "eps": "(0, threshold]"},
    formula=rmsprop_chain,
    assumes=eps_small_enough,
    notes=(
        "The threshold is exact: for a larger eps the constant 1/eps fails on the constant sequence"
        " of gradients of norm G, at t = 0 if beta = 0 and from some t on otherwise. For eps = 1e-8"
        " it is G^2 <= 10^8 - 10^-8; G^2 = 10^8 fails. The first two links do not need it: eps"
        " cancels in them. The hypothesis is Lipschitz continuity of the objectives; the paper's"
        " footnote calls it smoothness."
    ),
    mutants={
        "G for G squared": _rmsprop_variant(
            lambda gradients, beta, bound: (1 - beta ** gradients.shape[0]) * bound
        ),
        "b^t for b^(t+1)": _rmsprop_variant(
            lambda gradients, beta, bound: (1 - beta ** (gradients.shape[0] - 1)) * bound * bound
        ),
        "spectrum two per cent smaller": _rmsprop_variant(
            lambda gradients, beta, bound: 49 * _spectral_bound(gradients, beta, bound) / 50
        ),
        "lower end two per cent larger": _rmsprop_variant(smallest=lambda eps: 51 * eps / 50),
        "Adagrad's matrix": _adagrad_chain,
        "threshold three per cent larger": Mutant(assumes=_eps_slightly_too_large),
        "threshold 1/G^2": Mutant(assumes=_eps_at_most_inverse),
        "gradients bounded entrywise": Mutant(assumes=_small_eps_entries_bounded),
    },
)

# ---- every eps


def every_eps_bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
    """Definition 1, squared, with ``mu^2 = max(G^2 + eps, 1/eps)``, for any eps > 0.

    Parameters
    ----------
    gradients : array (t+1, d)
    beta, eps, bound : number
    vector : array (d,)

    Returns
    -------
    (lhs, rhs)
        Two numbers each: ``||w||^2 <= mu^2 w'A_t w`` and ``w'A_t w <= mu^2 ||w||^2``.
    """
    return norm_bounds(rmsprop_form(gradients, beta, eps), every_eps_constant(bound, eps), vector)


def every_eps_constant(bound: Any, eps: Any) -> Any:
    """``mu^2 = max(G^2 + eps, 1/eps)``, the smallest that serves all gradients of norm <= G."""
    return arrays.maximum(bound * bound + eps, 1 / eps)


def _every_eps_variant(constant: Any) -> Any:
    def bounds(gradients: Any, beta: Any, eps: Any, bound: Any, vector: Any) -> Sides:
        return norm_bounds(rmsprop_form(gradients, beta, eps), constant(bound, eps), vector)

    return bounds


every_eps = Claim(
    id="adaptive-norms/lemma-2.every-eps",
    title="RMSProp's ellipsoids are uniformly equivalent for every eps",
    kind="inequality",
    statement=(
        r"Let $\|g_t\| \le G$ for all $t$, $0 \le \beta < 1$ and $\varepsilon > 0$. Then Definition"
        r" 1 holds for RMSProp's matrices with $\mu^2 = \max(G^2 + \varepsilon, 1/\varepsilon)$,"
        r" and with no smaller constant for all such sequences."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "t": "t >= 0", "beta": "[0, 1)", "G": ">= 0", "eps": "> 0"},
    formula=every_eps_bounds,
    assumes=norms_bounded,
    notes=(
        "No smallness of eps is needed. Below the threshold of Lemma 2 mu = eps^(-1/2), so that a"
        " smaller eps makes the constant worse; above it mu = sqrt(G^2 + eps). Optimal: gradients"
        " 0 give the eigenvalue eps, the constant sequence of norm G gives G^2 + eps at once for"
        " beta = 0 and in the limit for beta > 0 (Lemma 2)."
    ),
    sharpens="adaptive-norms/lemma-2",
    mutants={
        "1/eps alone": _every_eps_variant(lambda bound, eps: 1 / eps),
        "G^2 + eps alone": _every_eps_variant(lambda bound, eps: bound * bound + eps),
        "G^2 for G^2 + eps": _every_eps_variant(
            lambda bound, eps: arrays.maximum(bound * bound, 1 / eps)
        ),
        "constant two per cent smaller": _every_eps_variant(
            lambda bound, eps: every_eps_constant(bound, eps) * Fraction(49, 50)
        ),
        "gradients bounded entrywise": Mutant(assumes=entries_bounded),
    },
)
