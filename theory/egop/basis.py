r"""How good the EGOP eigenbasis is: the gain from both sides, near-optimality.

Quadratics with Hessian H, minimiser :math:`\theta_*` and Assumption 1 (mean zero, covariance
:math:`c^2 I`): :math:`EGOP = H (c^2 I + \theta_* \theta_*^\top) H = V M^2 V^\top`, M diagonal with
the roots :math:`\sqrt{\lambda_i}`. A least sum of smoothness constants is spoken of through its
feasible points: L bounds it from above, a correlation matrix X from below.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form, trace
from theory.core import Claim, Mutant, Source

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]


def stable_rank_of_roots(roots: Any, axis: Any) -> Any:
    r"""``tr M / (e'Me)``: the stable rank :math:`\sum_i \sqrt{\lambda_i/\lambda_1}`, eq. (3).

    Parameters
    ----------
    roots : array (d, d)
        M, diagonal, with :math:`\sqrt{\lambda_i}`.
    axis : array (d,)
        e, the coordinate vector of the largest.
    """
    return trace(roots) / quadratic_form(roots, axis)


def radius_about_zero(minimizer: Any, c: Any) -> Any:
    r""":math:`\kappa = \sqrt{c^2 + \|\theta_*\|^2}`."""
    return arrays.square_root(c * c + dot(minimizer, minimizer))


def is_sign_vector(signs: Any) -> bool:
    """Whether every entry is 1 or -1."""
    return bool((signs * signs == 1).all())


def is_basis_with_roots(basis: Any, roots: Any) -> bool:
    """V'V = I, and M diagonal with entries >= 0."""
    gram = arrays.transpose(basis) @ basis
    diagonal = arrays.diagonal(roots)
    return bool(
        (gram == arrays.identity_matrix(basis.shape[0], like=gram)).all()
        and (roots == arrays.diagonal_matrix(diagonal)).all()
        and (diagonal >= 0).all()
    )


def leads(roots: Any, axis: Any) -> bool:
    """E is a coordinate vector at the largest root, which is positive."""
    largest = quadratic_form(roots, axis)
    one_hot = (axis * axis == axis).all() and arrays.total(axis) == 1
    return bool(one_hot and largest > 0 and largest == arrays.largest(arrays.diagonal(roots)))


def is_feasible(constants: Any, hessian: Any) -> bool:
    """``-diag(L) <= H <= diag(L)`` for constants given as the diagonal matrix (d, d)."""
    diagonal = arrays.diagonal_matrix(arrays.diagonal(constants))
    return (
        bool((constants == diagonal).all())
        and arrays.is_positive_semidefinite(constants - hessian)
        and arrays.is_positive_semidefinite(constants + hessian)
    )


def is_correlation(matrix: Any) -> bool:
    """Positive semidefinite with unit diagonal."""
    return bool((arrays.diagonal(matrix) == 1).all()) and arrays.is_positive_semidefinite(matrix)


# ---- the gain from both sides


def gain_sides(
    basis: Any, roots: Any, axis: Any, constants: Any, correlation: Any, signs: Any, c: Any
) -> Sides:
    r"""``d beta^2/sr L~ <= 1'L`` and ``<H, X> <= d/sr L~`` with ``H = V M V'/c``, ``L~ = tr M/c``.

    :math:`(s^\top v_1)^2` stands for :math:`d \beta^2`; it is that for :math:`s = sign(v_1)`.

    Parameters
    ----------
    basis : array (d, d)
        V.
    roots : array (d, d)
        M.
    axis : array (d,)
        e, with ``v_1 = V e``.
    constants : array (d, d)
        diag(L), feasible for H.
    correlation : array (d, d)
        X, feasible for the dual: ``min 1'L = max <H, X>``.
    signs : array (d,)
    c : number

    Returns
    -------
    (lhs, rhs)
        Two numbers each.
    """
    hessian = basis @ roots @ arrays.transpose(basis) / c
    rotated_sum, rank = trace(roots) / c, stable_rank_of_roots(roots, axis)
    squared_density = dot(signs, basis @ axis) ** 2
    size = trace(arrays.identity_matrix(basis.shape[0], like=basis))
    return (
        (squared_density / rank * rotated_sum, trace(hessian @ correlation)),
        (trace(constants), size / rank * rotated_sum),
    )


def gain_hypotheses(
    basis: Any, roots: Any, axis: Any, constants: Any, correlation: Any, signs: Any, c: Any
) -> bool:
    """V orthogonal, M >= 0 diagonal with leading axis e, L and X feasible, s signs, c > 0."""
    return (
        bool(c > 0)
        and is_basis_with_roots(basis, roots)
        and leads(roots, axis)
        and is_sign_vector(signs)
        and is_correlation(correlation)
        and is_feasible(constants, basis @ roots @ arrays.transpose(basis) / c)
    )


def _gain_variant(lower: Any = 1, upper: Any = 1, ranked: Any = None) -> Any:
    """`gain_sides` with factors at both ends, or with another stable rank."""

    def sides(basis: Any, roots: Any, axis: Any, constants: Any, correlation: Any, signs: Any,
              c: Any) -> Sides:  # fmt: skip
        lhs, rhs = gain_sides(basis, roots, axis, constants, correlation, signs, c)
        change = 1
        if ranked is not None:
            change = stable_rank_of_roots(roots, axis) / ranked(roots, axis)
        size = trace(arrays.identity_matrix(basis.shape[0], like=basis))
        factor = size if lower == "d" else lower
        return (lhs[0] * factor * change, lhs[1]), (rhs[0], rhs[1] * upper * change)

    return sides


two_sided = Claim(
    id="egop/theorem-5.two-sided",
    title="The gain lies between the density and the dimension over the stable rank",
    kind="inequality",
    statement=(
        r"Let $f$ be a quadratic with Hessian $H \succeq 0$, $H \ne 0$, and minimiser"
        r" $\theta_* = 0$, $V$ an eigenbasis of its EGOP, $L_f$ and $L_{\tilde f}$ the least sums"
        r" of smoothness constants of $f$ and of $\tilde f = f(V \cdot)$, $\mathrm{sr} = \sum_i"
        r" \sqrt{\lambda_i/\lambda_1}$ and $\beta = \|v_1\|_1/\sqrt d$. Then"
        r" $\frac{d \beta^2}{\mathrm{sr}} \le \frac{L_f}{L_{\tilde f}} \le \frac{d}{\mathrm{sr}}$,"
        r" with $L_{\tilde f} = \frac1c \sum_i \sqrt{\lambda_i}$."
    ),
    source=Source("depavia2025", item="beyond", equations=("1", "3")),
    scope={"d": "d >= 1", "H": "symmetric positive semidefinite, not 0", "theta*": "0", "c": "> 0"},
    formula=gain_sides,
    assumes=gain_hypotheses,
    sharpens="egop/theorem-5",
    notes=(
        "Without the paper's factor 2, and with an upper end. Checked for every feasible L and"
        " every feasible X of the dual, hence for L_f itself. Both ends are attained: the lower one"
        " by every Hessian of rank one, the upper one where H is a multiple of the identity, or of"
        " rank one with a dense v_1; then both ends agree. An indefinite H breaks the lower end."
    ),
    mutants={
        "stable rank of eigenvalues instead of their roots": _gain_variant(
            ranked=lambda roots, axis: stable_rank_of_roots(roots @ roots, axis)
        ),
        "density without the root of d": _gain_variant(lower="d"),
        "lower end two per cent larger": _gain_variant(lower=Fraction(51, 50)),
        "upper end two per cent smaller": _gain_variant(upper=Fraction(49, 50)),
        "the constants need not be feasible": Mutant(drops_assumptions=True),
    },
)

# ---- near-optimality


def near_optimality(
    basis: Any, roots: Any, hessian: Any, modulus: Any, minimizer: Any, c: Any, constants: Any,
    vector: Any,
) -> Sides:  # fmt: skip
    r"""The two bounds on the least sum in the EGOP basis, and what they rest on.

    ``||H||_* <= 1'L`` for every L feasible in the basis V; ``+-c x'Hx <= x'Rx`` with
    ``R = EGOP^(1/2)``, so that :math:`L_i = \sqrt{\lambda_i}/c` is feasible there; and that sum is
    at most :math:`\|H\|_* + (\kappa/c - 1) \|H u\|`, :math:`u = \theta_*/\|\theta_*\|`, and at most
    :math:`(\kappa/c) \|H\|_*`. As :math:`\kappa^2 - c^2 = \|\theta_*\|^2`, the extra term is
    :math:`\|\theta_*\| \|H \theta_*\| / (c (\kappa + c))`, which is 0 at :math:`\theta_* = 0`.

    Parameters
    ----------
    basis, roots : array (d, d)
        V and M with ``V M^2 V' = EGOP``.
    hessian, modulus : array (d, d)
        H and ``|H| = (H^2)^(1/2)``.
    minimizer : array (d,)
    c : number
    constants : array (d, d)
        diag(L), feasible for ``V'HV``.
    vector : array (d,)
        x.

    Returns
    -------
    (lhs, rhs)
        Five numbers each.
    """
    kappa, nuclear = radius_about_zero(minimizer, c), trace(modulus)
    pushed = hessian @ minimizer
    lengths = arrays.square_root(dot(minimizer, minimizer)) * arrays.square_root(
        dot(pushed, pushed)
    )
    curvature = c * quadratic_form(hessian, vector)
    root_form = quadratic_form(basis @ roots @ arrays.transpose(basis), vector)
    feasible_sum = trace(roots) / c
    return (
        (nuclear, curvature, -curvature, feasible_sum, feasible_sum),
        (trace(constants), root_form, root_form, nuclear + lengths / (c * (kappa + c)),
         kappa * nuclear / c),
    )  # fmt: skip


def is_egop(basis: Any, roots: Any, hessian: Any, minimizer: Any, c: Any) -> bool:
    """V orthogonal, M >= 0 diagonal, c > 0 and ``V M^2 V' = H (c^2 I + theta* theta*') H``."""
    if not (c > 0 and is_basis_with_roots(basis, roots) and arrays.is_symmetric(hessian)):
        return False
    pushed = hessian @ minimizer
    exact = c * c * (hessian @ hessian) + arrays.outer(pushed, pushed)
    return bool((basis @ roots @ roots @ arrays.transpose(basis) == exact).all())


def near_optimality_hypotheses(
    basis: Any, roots: Any, hessian: Any, modulus: Any, minimizer: Any, c: Any, constants: Any,
    vector: Any,
) -> bool:  # fmt: skip
    """`is_egop`, ``|H| >= 0`` with square ``H^2``, and L feasible for ``V'HV``."""
    return (
        is_egop(basis, roots, hessian, minimizer, c)
        and bool((modulus @ modulus == hessian @ hessian).all())
        and arrays.is_positive_semidefinite(modulus)
        and is_feasible(constants, arrays.transpose(basis) @ hessian @ basis)
    )


def _near_variant(entry: int, change: Any) -> Any:
    """`near_optimality` with one right-hand side changed."""

    def sides(basis: Any, roots: Any, hessian: Any, modulus: Any, minimizer: Any, c: Any,
              constants: Any, vector: Any) -> Sides:  # fmt: skip
        lhs, rhs = near_optimality(basis, roots, hessian, modulus, minimizer, c, constants, vector)
        changed = change(rhs[entry], trace(modulus), radius_about_zero(minimizer, c), c, hessian)
        return lhs, (*rhs[:entry], changed, *rhs[entry + 1 :])

    return sides


def _squared_roots(basis: Any, roots: Any, hessian: Any, modulus: Any, minimizer: Any, c: Any,
                   constants: Any, vector: Any) -> Sides:  # fmt: skip
    return near_optimality(basis, roots @ roots, hessian, modulus, minimizer, c, constants, vector)


near_optimal_basis = Claim(
    id="egop/near-optimal-basis",
    title="The EGOP basis is within a factor kappa/c of the best basis",
    kind="inequality",
    statement=(
        r"Let $f$ be a quadratic with Hessian $H$ (indefinite ones too), stationary point"
        r" $\theta_*$ and EGOP $= V \Lambda V^\top$, $u = \theta_*/\|\theta_*\|$ and $\kappa ="
        r" \sqrt{c^2 + \|\theta_*\|^2}$. Then $\|H\|_* \le L_{\tilde f} \le \frac1c \sum_i"
        r" \sqrt{\lambda_i} \le \|H\|_* + (\tfrac{\kappa}{c} - 1) \|H u\| \le \tfrac{\kappa}{c}"
        r" \|H\|_*$ (the extra term is 0 at $\theta_* = 0$). As no basis has a smaller sum than"
        r" $\|H\|_*$, $L_{\tilde f}$ is within $\kappa/c$ of the best basis and of $L_f$: within"
        r" $\sqrt2$ under Assumption 1, $\|\theta_*\| \le c$, and optimal at $\theta_* = 0$."
    ),
    source=Source("depavia2025", item="beyond", equations=("1",)),
    scope={"d": "d >= 1", "H": "symmetric", "theta*": "any", "c": "> 0"},
    formula=near_optimality,
    assumes=near_optimality_hypotheses,
    notes=(
        "The bounds on the sum of the roots are attained: where theta* is an eigenvector of H, and"
        " if moreover H has rank one. The bound on the least sum itself is not: for"
        " H = diag(kappa, c) and theta* near the second axis the eigenvectors turn by 45 degrees"
        " and the sum tends to 2 kappa/(kappa + c) of the best, 1.1716 at ||theta*|| = c. That this"
        " is the sharp factor is a conjecture from numerical search, not checked here."
    ),
    mutants={
        "lower end two per cent larger": _near_variant(
            0, lambda side, nuclear, kappa, c, hessian: 49 * side / 50
        ),
        "extra term two per cent smaller": _near_variant(
            3, lambda side, nuclear, kappa, c, hessian: nuclear + 49 * (side - nuclear) / 50
        ),
        "1 - c/kappa for kappa/c - 1": _near_variant(
            3, lambda side, nuclear, kappa, c, hessian: nuclear + (side - nuclear) * c / kappa
        ),
        "theta* ignored": _near_variant(3, lambda side, nuclear, kappa, c, hessian: nuclear),
        "trace for nuclear norm": _near_variant(
            3, lambda side, nuclear, kappa, c, hessian: side - nuclear + trace(hessian)
        ),
        "kappa/c two per cent smaller": _near_variant(
            4, lambda side, nuclear, kappa, c, hessian: 49 * side / 50
        ),
        "eigenvalues instead of their roots": _squared_roots,
    },
)
