"""What the EGOP says of single directions, of rotated objectives, and of random directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from theory import arrays
from theory.core import Claim, Mutant, Source

# ---- eq. (2)


def mean_squared_slope(bundle: Any, vector: Any) -> tuple[Any, Any]:
    r"""Return the eigenvalue of a unit eigenvector v and :math:`E\langle \nabla f, v\rangle^2`.

    Parameters
    ----------
    bundle : array (n, d)
        Rows :math:`\sqrt{p_i}\, g_i`: gradients with the roots of their probabilities, so that
        the EGOP is ``bundle' bundle``.
    vector : array (d,)
        v; for a unit eigenvector ``v'EGOP v`` is the eigenvalue.
    """
    outer = arrays.transpose(bundle) @ bundle
    slopes = bundle @ vector
    eigenvalue = arrays.quadratic_form(outer, vector) / arrays.dot(vector, vector)
    return eigenvalue, arrays.dot(slopes, slopes)


def is_unit_eigenvector(bundle: Any, vector: Any) -> bool:
    """Whether ``v'v = 1`` and ``bundle' bundle v`` is a multiple of v."""
    image = arrays.transpose(bundle) @ (bundle @ vector)
    return bool(arrays.dot(vector, vector) == 1) and _is_multiple(image, vector)


def _is_multiple(image: Any, vector: Any) -> bool:
    value = arrays.dot(image, vector) / arrays.dot(vector, vector)
    return all(bool(a == value * b) for a, b in zip(image, vector, strict=True))


def _is_eigenvector(bundle: Any, vector: Any) -> bool:
    image = arrays.transpose(bundle) @ (bundle @ vector)
    return bool(arrays.dot(vector, vector) > 0) and _is_multiple(image, vector)


def _square_of_mean_slope(bundle: Any, vector: Any) -> tuple[Any, Any]:
    lhs, _ = mean_squared_slope(bundle, vector)
    return lhs, arrays.total(bundle @ vector) ** 2


def _fourth_power(bundle: Any, vector: Any) -> tuple[Any, Any]:
    lhs, rhs = mean_squared_slope(bundle, vector)
    return lhs, rhs * rhs


equation_2 = Claim(
    id="egop/equation-2",
    title="An eigenvalue of the EGOP is the mean squared slope along its eigenvector",
    kind="identity",
    statement=(
        r"If $\lambda, v$ is an eigenpair of $\mathrm{EGOP}(f)$, $\|v\| = 1$, then $\lambda ="
        r" \mathbb{E}\,\langle \nabla f(\theta), v\rangle^2$, for every law of $\theta$ of finite"
        r" support, and by linearity for every law with second moments of the gradient."
    ),
    source=Source("depavia2025", item="eq. (2)", equations=("2",)),
    scope={"n, d": ">= 1", "gradients, probabilities": "any", "v": "unit eigenvector"},
    formula=mean_squared_slope,
    assumes=is_unit_eigenvector,
    notes="So a zero eigenvalue says that f does not change along v, almost surely.",
    mutants={
        "square of the mean slope": _square_of_mean_slope,
        "slope to the fourth power": _fourth_power,
        "v of any length": Mutant(assumes=_is_eigenvector),
    },
)

# ---- Lemma 14


def quartic_egops(points: Any, direction: Any, rotation: Any) -> tuple[Any, Any]:
    r"""Return ``V'EGOP(f)V`` and ``EGOP(f~)`` of :math:`f = (a'\theta)^4/4`, ``f~(x) = f(Vx)``.

    The gradient is :math:`(a'\theta)^3 a`, and that of f~ at x is ``(b'x)^3 b`` with ``b = V'a``:
    both matrices are multiples of ``bb'``, by the sixth moments of ``a'x`` and of ``b'x``.

    Parameters
    ----------
    points : array (n, d)
        The law: n equally likely points.
    direction : array (d,)
        a.
    rotation : array (d, d)
        V, orthogonal.
    """
    turned = arrays.transpose(rotation) @ direction
    outer = arrays.outer(turned, turned)
    return _sixth_moment(points, direction) * outer, _sixth_moment(points, turned) * outer


def _sixth_moment(points: Any, direction: Any) -> Any:
    cubes = (points @ direction) ** 3
    return arrays.dot(cubes, cubes) / len(points)


def is_isotropic(points: Any, direction: Any, rotation: Any) -> bool:
    """Mean zero and covariance a multiple of I under the uniform law on the points; V'V = I."""
    mean = [arrays.total(column) for column in arrays.transpose(points)]
    second = arrays.transpose(points) @ points
    gram = arrays.transpose(rotation) @ rotation
    one = arrays.identity_matrix(len(gram), like=gram)
    return (
        all(bool(entry == 0) for entry in mean)
        and _equal(second, second[0, 0] * arrays.identity_matrix(len(second), like=second))
        and _equal(gram, one)
    )


def _equal(a: Any, b: Any) -> bool:
    return all(bool(x == y) for x, y in zip(np.ravel(a), np.ravel(b), strict=True))


def _other_side(points: Any, direction: Any, rotation: Any) -> tuple[Any, Any]:
    pushed = rotation @ direction
    turned = arrays.transpose(rotation) @ direction
    lhs = _sixth_moment(points, direction) * arrays.outer(pushed, pushed)
    return lhs, _sixth_moment(points, turned) * arrays.outer(turned, turned)


def _traces(points: Any, direction: Any, rotation: Any) -> tuple[Any, Any]:
    return tuple(arrays.trace(side) for side in quartic_egops(points, direction, rotation))


lemma_14 = Claim(
    id="egop/lemma-14",
    title="EGOP of a rotated objective under an isotropic covariance",
    kind="identity",
    statement=(
        r"For $\tilde f(x) = f(Vx)$, $V$ orthogonal, and a law with mean zero and covariance"
        r" $c^2 I$: $\mathrm{EGOP}(\tilde f) = V^\top \mathrm{EGOP}(f) V$."
    ),
    source=Source("depavia2025", item="Lemma 14"),
    scope={"f": "(a'theta)^4/4", "law": "uniform on finitely many points", "V": "orthogonal"},
    expected="fails",
    corrected_by="egop/lemma-14.rotation-invariant",
    formula=quartic_egops,
    assumes=is_isotropic,
    notes=(
        "Isotropy of the covariance is not enough: for f = theta_1^4/4, theta uniform on"
        " +-sqrt(2) e_1, +-sqrt(2) e_2 and V a rotation by 45 degrees, V'EGOP(f)V ="
        " [[2, -2], [-2, 2]] and EGOP(f~) = [[1/2, -1/2], [-1/2, 1/2]]. For quadratics isotropy is"
        " enough, since only second moments enter. In general the law must not change under V,"
        " or x must be drawn as V' theta."
    ),
    mutants={
        "V on the left": _other_side,
        "equal traces": _traces,
    },
)


def rotated_sums(gradients: Any, order: Any, rotation: Any) -> tuple[Any, Any]:
    """Return ``V'(G'G)V`` and the sum of outer products of the gradients of ``f~`` (Lemma 14).

    Parameters
    ----------
    gradients : array (n, d)
        G: gradients of f at the n equally likely points of the law.
    order : array (n, n)
        The permutation matrix by which V acts on the points of the law, which it leaves
        invariant: the gradients of f at the points V x are ``order @ G``.
    rotation : array (d, d)
        V.
    """
    inside = (order @ gradients) @ rotation
    outer = arrays.transpose(gradients) @ gradients
    return arrays.transpose(rotation) @ outer @ rotation, arrays.transpose(inside) @ inside


def is_rearrangement(gradients: Any, order: Any, rotation: Any) -> bool:
    """Whether `order` is orthogonal, as a permutation is; V may be any matrix here."""
    gram = arrays.transpose(order) @ order
    return _equal(gram, arrays.identity_matrix(len(gram), like=gram))


def _rotated_other_side(gradients: Any, order: Any, rotation: Any) -> tuple[Any, Any]:
    outer = arrays.transpose(gradients) @ gradients
    _, rhs = rotated_sums(gradients, order, rotation)
    return rotation @ outer @ arrays.transpose(rotation), rhs


def _not_rotated(gradients: Any, order: Any, rotation: Any) -> tuple[Any, Any]:
    _, rhs = rotated_sums(gradients, order, rotation)
    return arrays.transpose(gradients) @ gradients, rhs


lemma_14_rotation_invariant = Claim(
    id="egop/lemma-14.rotation-invariant",
    title="EGOP of a rotated objective under a law that the rotation leaves invariant",
    kind="identity",
    statement=(
        r"Let $V$ be orthogonal and let $x$ and $Vx$ have the same law (all rotations: a spherical"
        r" law). Then $\mathrm{EGOP}(\tilde f) = V^\top \mathrm{EGOP}(f) V$ for"
        r" $\tilde f(x) = f(Vx)$ and every differentiable $f$."
    ),
    source=Source("depavia2025", item="Lemma 14 (repaired)"),
    scope={"n, d": ">= 1", "law": "n equally likely points, permuted by V", "f": "any"},
    formula=rotated_sums,
    assumes=is_rearrangement,
    notes=(
        "Checked for laws of finitely many equally likely points that V permutes; for any other"
        " law the same substitution y = Vx is made under the expectation. Sums instead of means:"
        " the factor 1/n is common. Drawing x as V' theta needs no invariance at all."
    ),
    mutants={
        "V on the left": _rotated_other_side,
        "no rotation": _not_rotated,
        "a law that V changes": Mutant(drops_assumptions=True),
    },
)

# ---- Corollary 15


def egop_in_eigenbasis(eigenvalues: Any, basis: Any) -> tuple[Any, Any]:
    """Return ``V'EGOP V`` for ``EGOP = V Lam V'``, and Lam (Corollary 15).

    Parameters
    ----------
    eigenvalues : diagonal matrix (d, d)
        Lam.
    basis : array (d, d)
        V, orthogonal.
    """
    outer = basis @ eigenvalues @ arrays.transpose(basis)
    return arrays.transpose(basis) @ outer @ basis, eigenvalues


def _is_orthogonal(eigenvalues: Any, basis: Any) -> bool:
    gram = arrays.transpose(basis) @ basis
    return _equal(gram, arrays.identity_matrix(len(gram), like=gram))


def _twice_out(eigenvalues: Any, basis: Any) -> tuple[Any, Any]:
    outer = basis @ eigenvalues @ arrays.transpose(basis)
    return basis @ outer @ arrays.transpose(basis), eigenvalues


def _untouched(eigenvalues: Any, basis: Any) -> tuple[Any, Any]:
    return basis @ eigenvalues @ arrays.transpose(basis), eigenvalues


corollary_15 = Claim(
    id="egop/corollary-15",
    title="In its own eigenbasis the EGOP is diagonal",
    kind="identity",
    statement=(
        r"Under the hypotheses of Lemma 14 as repaired, with $\mathrm{EGOP}(f) = V \Lambda V^\top$:"
        r" $\mathrm{EGOP}(\tilde f) = \Lambda$."
    ),
    source=Source("depavia2025", item="Corollary 15"),
    scope={"d": ">= 1", "V": "orthogonal", "Lam": "diagonal"},
    formula=egop_in_eigenbasis,
    assumes=_is_orthogonal,
    notes="It inherits the repair of Lemma 14; the eigenbasis need not be unique.",
    mutants={
        "V in place of its transpose": _twice_out,
        "the original coordinates": _untouched,
        "a basis that is not orthogonal": Mutant(drops_assumptions=True),
    },
)
