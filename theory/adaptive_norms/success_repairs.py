r"""Success where the gradient is small and the curvature negative: Lemma 9, and two repairs.

Kohler, Adolphs, Lucchi (2019), appendix C; notation of `theory.adaptive_norms.success`. The printed
proof of Lemma 9 takes the sign of the step as it likes, while Assumption 2 fixes it by the reported
gradient, which may point the wrong way. Repaired either by a step that drops the reported gradient
and tries both signs, or by an error of the gradient that vanishes with the radius.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory import arrays
from theory.adaptive_norms.local_models import (
    Slacks,
    cauchy_decrease,
    equivalent,
    errors_within,
    feasible,
    gradient_slacks,
    hessian_within,
    increase,
    kept_slacks,
    lipschitz_within,
    predicted_decrease,
    reported_within,
    scaled_kept_slacks,
    scaled_sign_slacks,
    sign_slacks,
)
from theory.adaptive_norms.success import in_range, success
from theory.arrays import dot
from theory.core import Claim, Mutant, Source

Sides = tuple[Any, Any]


def curvature_decrease(decrease: Any, radius: Any, mu: Any, eps_H: Any, nu: Any) -> bool:
    """``decrease >= nu eps_H Delta^2/(2 mu^2)``: what Lemma 6 makes of Assumption 2."""
    return bool(2 * mu**2 * decrease >= nu * eps_H * radius**2)


def curved(reported_hessian: Any, eps_H: Any, nu: Any, **other: Any) -> bool:
    """``eps_H > 0``, 0 < nu <= 1 and ``lam_min(B) <= -eps_H``."""
    one = arrays.identity_matrix(reported_hessian.shape[0], like=reported_hessian)
    shifted = reported_hessian + eps_H * one
    return bool(eps_H > 0 and nu > 0 and nu <= 1) and not arrays.is_positive_definite(shifted)


def _curvature_case(limits: Slacks, decrease: Callable[..., bool]) -> Callable[..., bool]:
    """Radius, limits, negative curvature, decrease and an equivalent norm: common hypotheses."""

    def holds(step: Any, matrix: Any, radius: Any, mu: Any, **rest: Any) -> bool:
        everything = {"step": step, "matrix": matrix, "radius": radius, "mu": mu, **rest}
        return (
            in_range(**{"cA": 1, **rest})
            and feasible(step, matrix, radius)
            and all(bool(slack >= 0) for slack in limits(**everything))
            and decrease(**everything)
            and curved(**rest)
            and equivalent(matrix, mu)
        )

    return holds


# ---- Lemma 9 as printed


def _both_cases(**arguments: Any) -> tuple[Any, ...]:
    return (*gradient_slacks(**arguments), *sign_slacks(**arguments))


def _decrease_with_gradient(
    reported_gradient: Any, reported_hessian: Any, step: Any, radius: Any, mu: Any, eps_H: Any,
    nu: Any, **other: Any,
) -> bool:  # fmt: skip
    decrease = predicted_decrease(reported_gradient, reported_hessian, step)
    return curvature_decrease(decrease, radius, mu, eps_H, nu)


def _printed_case(limits: Slacks = _both_cases, also: Any = None) -> Callable[..., bool]:
    """Every upper bound that Lemmas 8 and 9 can ask for, and further ones."""
    common = _curvature_case(limits, _decrease_with_gradient)

    def holds(reported_gradient: Any, eps_g: Any, **rest: Any) -> bool:
        everything = {"reported_gradient": reported_gradient, "eps_g": eps_g, **rest}
        small = eps_g > 0 and dot(reported_gradient, reported_gradient) <= eps_g * eps_g
        return (
            bool(small)
            and (also is None or bool(also(**everything)))
            and common(**everything)
            and cauchy_decrease(**everything)
            and reported_within(**everything)
        )

    return holds


def _tiny_radius(radius: Any, **rest: Any) -> tuple[Any, ...]:
    return _both_cases(radius=1000 * radius, **rest)


def _tiny_error(delta_g: Any, **rest: Any) -> tuple[Any, ...]:
    return _both_cases(delta_g=1000 * delta_g, **rest)


def printed_success(
    gradient: Any, hessian: Any, cubic: Any, reported_gradient: Any, reported_hessian: Any,
    step: Any, eta: Any, matrix: Any, radius: Any, mu: Any, nu: Any, eps_g: Any, eps_H: Any,
    L_g: Any, L_H: Any, delta_g: Any, delta_H: Any, cA: Any,
) -> Sides:  # fmt: skip
    """`success`; what it does not use are the numbers and the ellipsoid of the hypotheses."""
    return success(gradient, hessian, cubic, reported_gradient, reported_hessian, step, eta)


def _no_increase(eta: Any, **rest: Any) -> Sides:
    return success(eta=0 * eta, **rest)


lemma_9 = Claim(
    id="adaptive-norms/lemma-9",
    title="Where the curvature is negative, steps of small radius succeed",
    kind="inequality",
    statement=(
        r"Let Assumptions 1 and 2 hold, $\|g\| \le \epsilon_g$ and $\lambda_{\min}(B) \le"
        r" -\epsilon_H$. If $\delta_g$, $\delta_H$ and $\Delta$ are at most constants that depend"
        r" on $\epsilon_g, \epsilon_H, \nu, \mu, \eta, L_g, L_H$ (here those of Lemma 8 and of its"
        r" repair together), then $\rho \ge \eta$."
    ),
    source=Source("kohler2019", item="Lemma 9", equations=("38",)),
    scope={"d": "d >= 1", "mu": ">= 1", "eta": "(0, 1)", "nu": "(0, 1]",
           "limits": "upper bounds on delta_g, delta_H and Delta"},
    expected="fails",
    corrected_by="adaptive-norms/lemma-9.repaired-signs",
    formula=printed_success,
    assumes=_printed_case(),
    notes=(
        "False for every choice of upper bounds. The printed proof assumes, without loss of"
        " generality, that the true gradient does not ascend along the step; but Assumption 2 takes"
        " the sign from the reported gradient. L = cos w + sin(w)/20 at w = 0, reported g = -1/100"
        " (error 3/50), B = -1 exact: the model's minimiser is +Delta, rho = .0007, -.714, -1.67,"
        " -2.69, ... from Delta = 1/10 on as it is halved, and the method never moves. Simpler:"
        " L = delta_g w - w^2/2, g = 0, s = Delta: rho = 1 - 2 delta_g/Delta."
        " The conditions (38) are read as any upper bounds: a smaller radius makes it worse, so"
        " that none of them repairs it."
    ),
    mutants={
        "radius a thousand times smaller": Mutant(assumes=_printed_case(_tiny_radius)),
        "error of the gradient a thousand times smaller": Mutant(
            assumes=_printed_case(_tiny_error)
        ),
        "no more than no increase": _no_increase,
        "quadratic objective, exact Hessian": Mutant(
            assumes=_printed_case(also=lambda delta_H, L_H, **rest: delta_H == 0 and L_H == 0)
        ),
        "round region, exact eigenvector": Mutant(
            assumes=_printed_case(also=lambda mu, nu, **rest: mu == 1 and nu == 1)
        ),
        "reported gradient not 0": Mutant(
            assumes=_printed_case(
                also=lambda reported_gradient, **rest: dot(reported_gradient, reported_gradient) > 0
            )
        ),
    },
)  # fmt: skip

# ---- repaired: both signs


def better_sign(
    gradient: Any, hessian: Any, cubic: Any, reported_hessian: Any, step: Any, eta: Any,
    **other: Any,
) -> Sides:  # fmt: skip
    """``eta (-s'Bs/2) <= L(w) - min{L(w+s), L(w-s)}``: the model without its gradient.

    Parameters as in `success`.
    """
    first = -increase(gradient, hessian, cubic, step)
    second = -increase(gradient, hessian, cubic, -step)
    larger = (first + second) / 2 + abs(first - second) / 2
    return eta * curvature_gain(reported_hessian, step), larger


def curvature_gain(reported_hessian: Any, step: Any) -> Any:
    """``-s'Bs/2``, the decrease of the model without its gradient."""
    return predicted_decrease(0 * step, reported_hessian, step)


def _decrease_without_gradient(
    reported_hessian: Any, step: Any, radius: Any, mu: Any, eps_H: Any, nu: Any, **other: Any
) -> bool:
    decrease = curvature_gain(reported_hessian, step)
    return curvature_decrease(decrease, radius, mu, eps_H, nu)


def _no_decrease_asked(**other: Any) -> bool:
    return True


def _signs_case(
    limits: Slacks = sign_slacks, decrease: Callable[..., bool] = _decrease_without_gradient
) -> Callable[..., bool]:
    common = _curvature_case(limits, decrease)

    def holds(hessian: Any, reported_hessian: Any, cubic: Any, delta_H: Any, L_H: Any,
              **rest: Any) -> bool:  # fmt: skip
        return (
            lipschitz_within(cubic, L_H)
            and hessian_within(hessian, reported_hessian, delta_H)
            and common(reported_hessian=reported_hessian, delta_H=delta_H, L_H=L_H, **rest)
        )

    return holds


def _one_sign(gradient: Any, hessian: Any, cubic: Any, step: Any, eta: Any, **rest: Any) -> Sides:
    gain = curvature_gain(rest["reported_hessian"], step)
    return eta * gain, -increase(gradient, hessian, cubic, step)


def _higher(sides: Callable[..., Sides]) -> Callable[..., Sides]:
    return lambda eta, **rest: sides(eta=51 * eta / 50, **rest)


def _bounds(factory: Callable[..., Slacks], case: Callable[..., Any], **changed: Any) -> Mutant:
    return Mutant(assumes=case(factory(**changed)))


_MORE = Fraction(21, 20)

repaired_signs = Claim(
    id="adaptive-norms/lemma-9.repaired-signs",
    title="Lemma 9 repaired: drop the gradient and try both signs",
    kind="inequality",
    statement=(
        r"Let Assumption 1 hold, $\nabla^2 L$ be Lipschitz with $L_H$, $\|\nabla^2 L - B\| \le"
        r" \delta_H$, $\lambda_{\min}(B) \le -\epsilon_H$, and $s$ with $\|s\|_A \le \Delta$ have"
        r" $-\tfrac12 s^\top B s \ge \tfrac12 \nu \epsilon_H \Delta^2/\mu^2$ (Lemma 6; the"
        r" eigenpoint has it). If $\delta_H \le \tfrac{(1-\eta)\nu\epsilon_H}{2\mu^4}$ and $\Delta"
        r" \le D_H := \tfrac{3(1-\eta)\nu\epsilon_H}{2 L_H \mu^5}$, then the better one of $\pm s$"
        r" succeeds: $L(w) - \min\{L(w+s), L(w-s)\} \ge \eta (-\tfrac12 s^\top B s)$. No"
        r" condition on the gradient or its error is needed."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "mu": ">= 1", "eta": "(0, 1)", "nu": "(0, 1]", "eps_H": "> 0",
           "gradient": "any, reported or not"},
    formula=better_sign,
    assumes=_signs_case(),
    notes=(
        "The mean of both signs has no gradient in it. One more function value per iteration of"
        " this phase. Both constants are sharp at once. If the step is the eigenpoint"
        " itself, -s'Bs >= nu eps_H ||s||^2, the powers mu^4 and mu^5 become 0 and 1: the proof"
        " has that case as a step of its own."
    ),
    sharpens="adaptive-norms/lemma-9",
    mutants={
        "error of the Hessian five per cent larger": _bounds(
            scaled_sign_slacks, _signs_case, scale=(_MORE, 1)
        ),
        "radius five per cent larger": _bounds(scaled_sign_slacks, _signs_case, scale=(1, _MORE)),
        "error of the Hessian with mu^3": _bounds(scaled_sign_slacks, _signs_case, powers=(3, 5)),
        "radius with mu^4": _bounds(scaled_sign_slacks, _signs_case, powers=(4, 4)),
        "quality of the direction forgotten": _bounds(
            scaled_sign_slacks, _signs_case, quality=False
        ),
        "any direction": Mutant(assumes=_signs_case(decrease=_no_decrease_asked)),
        "one sign alone": _one_sign,
        "ratio two per cent above eta": _higher(better_sign),
    },
)  # fmt: skip

# ---- repaired: an error of the gradient that vanishes with the radius


def _kept_case(limits: Slacks = kept_slacks, below: bool = False) -> Callable[..., bool]:
    common = _curvature_case(limits, _decrease_with_gradient)

    def holds(radius: Any, least_radius: Any, **rest: Any) -> bool:
        everything = {"radius": radius, "least_radius": least_radius, **rest}
        return (
            bool(least_radius > 0 and (below or radius >= least_radius))
            and common(**everything)
            and errors_within(**everything)
        )

    return holds


repaired_gradient = Claim(
    id="adaptive-norms/lemma-9.repaired-gradient",
    title="Lemma 9 repaired: an error of the gradient that vanishes with the radius",
    kind="inequality",
    statement=(
        r"Let Assumption 1 hold, $\nabla^2 L$ be Lipschitz with $L_H$, $\|\nabla L - g\| \le"
        r" \delta_g$, $\|\nabla^2 L - B\| \le \delta_H$, $\lambda_{\min}(B) \le -\epsilon_H$, and"
        r" $s$ with $\|s\|_A \le \Delta$ have $m(0) - m(s) \ge \tfrac12 \nu \epsilon_H"
        r" \Delta^2/\mu^2$ (Lemma 6 under Assumption 2). If $D_{\min} \le \Delta \le"
        r" \tfrac{(1-\eta)\nu\epsilon_H}{L_H\mu^5}$, $\delta_g \le"
        r" \tfrac{(1-\eta)\nu\epsilon_H D_{\min}}{6\mu^3}$ and $\delta_H \le"
        r" \tfrac{(1-\eta)\nu\epsilon_H}{3\mu^4}$, then $\rho \ge \eta$."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "mu": ">= 1", "eta": "(0, 1)", "nu": "(0, 1]", "eps_H": "> 0",
           "D_min": "> 0"},
    formula=success,
    assumes=_kept_case(),
    notes=(
        "No further function value, but the error of the gradient must be of the order of eps_H"
        " times the radius, and below D_min nothing is said. All three constants are sharp"
        " at once; the errors share the room (1-eta) nu eps_H Delta^2/(2 mu^2) in thirds."
    ),
    sharpens="adaptive-norms/lemma-9",
    mutants={
        "error of the gradient five per cent larger": _bounds(
            scaled_kept_slacks, _kept_case, scale=(_MORE, 1, 1)
        ),
        "error of the Hessian five per cent larger": _bounds(
            scaled_kept_slacks, _kept_case, scale=(1, _MORE, 1)
        ),
        "radius five per cent larger": _bounds(
            scaled_kept_slacks, _kept_case, scale=(1, 1, _MORE)
        ),
        "error of the gradient with mu^2": _bounds(
            scaled_kept_slacks, _kept_case, powers=(2, 4, 5)
        ),
        "error of the Hessian with mu^3": _bounds(
            scaled_kept_slacks, _kept_case, powers=(3, 3, 5)
        ),
        "radius with mu^4": _bounds(scaled_kept_slacks, _kept_case, powers=(3, 4, 4)),
        "quality of the direction forgotten": _bounds(
            scaled_kept_slacks, _kept_case, quality=False
        ),
        "radii below D_min": Mutant(assumes=_kept_case(below=True)),
        "ratio two per cent above eta": _higher(success),
    },
)  # fmt: skip
