"""Proofs and attacks: Adagrad's gradients in any coordinates, and in the EGOP basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop import basis_instances as instances
from proofs_check.egop.adagrad_runs import RIDGES, ridge_run
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.structures import Draw
from theory.core import Statement
from theory.egop.basis import radius_about_zero, stable_rank_of_roots
from theory.egop.convergence import (
    adagrad_bound,
    equation_8,
    guaranteed_decrease,
    log_factor,
    theorem_4,
)

ETA, B0, C, MU = sympy.symbols("eta b_0 c mu", positive=True)
STEPS = sympy.Symbol("T", positive=True)
SUM, COST, SLACK = sympy.symbols("A Lambda delta", nonnegative=True)
DECREASE = sympy.Symbol("Delta", real=True)


@dataclass(frozen=True)
class _Gradients:
    """Gradients of a run of T steps in d coordinates, known by the sum of their sizes."""

    shape: tuple[Any, Any]
    sizes: Any

    def __abs__(self) -> _Gradients:
        return self

    def total(self) -> Any:
        """``sum_(t,i) |g_(t,i)|``."""
        return self.sizes


@dataclass(frozen=True)
class _Constants:
    """Smoothness constants, known by ``sum_i L_i max(0, log(2 eta L_i/b0) - 1)``."""

    cost: Any

    def smoothness_cost(self, eta: Any, b0: Any) -> Any:
        """The sum."""
        return self.cost


# ---- eq. (8)


@proof(equation_8, scope="all d, all T, all L >= 0, all runs")
def coordinate_by_coordinate(statement: Statement, transcript: Transcript) -> None:
    """Two telescoping sums and Cauchy-Schwarz in each coordinate; then induction on d."""
    transcript.given("Delta >= sum_i q_i, q_i = eta (b_i - b0) - eta^2 L_i log(b_i/b0), b_i the"
                     " last accumulator: (1) along the run, and two telescoping sums")  # fmt: skip
    _telescoping(transcript)
    L = sympy.Symbol("L", positive=True)
    final = sympy.Symbol("b", positive=True)
    ratio = final / (2 * ETA * L)
    scale = 2 / sympy.sqrt(STEPS) * ETA * L
    curved = [
        scale * hypothesis(ratio - 1 - sympy.log(ratio), "log y <= y - 1"),
        scale * hypothesis(log_factor(L, ETA, B0) - sympy.log(2 * ETA * L / B0) + 1,
                           "max(0, z) >= z, for z = log(2 eta L/b0) - 1"),
    ]  # fmt: skip
    _add_a_coordinate(statement, transcript, L, final, curved)
    _add_a_coordinate(statement, transcript, sympy.Integer(0), final,
                      [final / sympy.sqrt(STEPS)])  # fmt: skip


def _add_a_coordinate(statement: Statement, transcript: Transcript, L: Any, final: Any,
                      terms: Any) -> None:  # fmt: skip
    """Induction on d; the coordinate that is added has the constant L."""
    size = sympy.Symbol("S", positive=True)
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    share = ETA * (final - B0) - ETA**2 * L * sympy.log(final / B0)

    def gap(count: Any) -> Any:
        start, added = (0, 0) if count == 0 else (n, count - n)
        known = 0 if count == 0 else 1
        cost = known * COST + added * L * log_factor(L, ETA, B0)
        lhs, rhs = statement.formula(
            gradients=_Gradients((STEPS, start + added), known * SUM + added * size),
            constants=_Constants(cost), eta=ETA, b0=B0,
            decrease=SLACK + known * DECREASE + added * share,
        )  # fmt: skip
        return rhs - lhs

    cauchy = hypothesis(final / sympy.sqrt(STEPS) - size / STEPS,
                        "(sum_t |g_t|)^2 <= T sum_t g_t^2 <= T b^2")  # fmt: skip
    transcript.induction(
        f"the average over d coordinates; the next one has L {'= 0' if L == 0 else '> 0'}", gap, n,
        [2 / sympy.sqrt(STEPS) * SLACK / ETA], lambda previous: [previous, cauchy, *terms],
        scope="all d, all T", concludes=True,
        because="b/2 <= b0 + q/eta + eta L max(0, log(2 eta L/b0) - 1) in each coordinate",
    )  # fmt: skip


def _telescoping(transcript: Transcript) -> None:
    """``sum g^2/b >= b_T - b_0``, ``sum g^2/b^2 <= 2 log(b_T/b_0)``, and Cauchy-Schwarz."""
    b, rise = sympy.symbols("b delta", positive=True)
    following = b + rise
    squared = following**2 - b**2
    transcript.nonnegative(
        "sum_t g_t^2/b_t >= b_T - b_0, term by term", squared / following - rise,
        [rise * b / following], scope="all t; b_(t+1) = b + delta, g^2 = b_(t+1)^2 - b^2",
    )  # fmt: skip
    ratio = b**2 / following**2
    transcript.nonnegative(
        "sum_t g_t^2/b_t^2 <= 2 log(b_T/b_0), term by term",
        2 * sympy.log(following / b) - squared / following**2,
        [hypothesis(-sympy.log(ratio) - 1 + ratio, "log y <= y - 1")], scope="all t",
    )  # fmt: skip
    n = sympy.Symbol("n", integer=True, positive=True)
    sizes, squares, g = sympy.symbols("S G g", nonnegative=True)

    def gap(count: Any) -> Any:
        if count == 1:
            return g**2 - g**2
        more = count - n
        return count * (squares + more * g**2) - (sizes + more * g) ** 2

    transcript.induction(
        "(sum |g_t|)^2 <= n sum g_t^2", gap, n, [0],
        lambda previous: [previous * ((n + 1) / n), square(n * g - sizes) / n],
        start=1, scope="every number n of steps",
    )  # fmt: skip


@attack(equation_8)
def runs() -> SearchStrategy[dict[str, Any]]:
    """Gradient sequences with the least decrease that they allow, and runs on ridge functions."""
    return st.one_of(_sequences(), _sequences(), _ridge_runs())


@st.composite
def _sequences(draw: Draw) -> dict[str, Any]:
    d, steps = draw(st.integers(1, 3)), draw(st.sampled_from([0, 0, 1, 3, 7, 15]))
    gradients = draw(strategies.gradient_sequences(steps, d, attained=True))
    b0 = draw(st.sampled_from([2.0**-12, 0.25, 1.0, 64.0]))
    eta = draw(st.sampled_from([1.0, 2.0**-8, 16.0]))
    # eta L in units of b0: none, that of the worst delayed step, and large
    relative = np.array(draw(st.lists(st.sampled_from([0.0, 2.0**-6, 1.99, 8.0]),
                                      min_size=d, max_size=d)))  # fmt: skip
    constants = relative * b0 / eta
    delayed = draw(st.sampled_from([False, False, True]))
    least = guaranteed_decrease(gradients, constants, eta, b0, delayed=delayed)
    return {"gradients": gradients, "constants": constants, "eta": eta, "b0": b0,
            "decrease": _rounded_up(float(least))}  # fmt: skip


def _rounded_up(value: float) -> float:
    # the sum of at most 48 rounded terms errs by less than this
    return value + 2.0**-40 * (abs(value) + 2.0**-40)


@st.composite
def _ridge_runs(draw: Draw) -> dict[str, Any]:
    d, steps = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 6, 12]))
    rows = np.array([draw(strategies.vectors(d, nonzero=True)) for _ in range(d)])
    start = draw(st.sampled_from([1.0, 16.0])) * draw(strategies.vectors(d, nonzero=True))
    b0, eta = draw(strategies.scales(2.0**-10, 4.0)), draw(strategies.scales(2.0**-6, 8.0))
    made = ridge_run(draw(st.sampled_from(RIDGES)), rows, start, steps, eta, b0)
    return {"gradients": made.gradients, "constants": made.constants, "eta": eta, "b0": b0,
            "decrease": _rounded_up(made.decrease)}  # fmt: skip


# ---- Theorem 4


@proof(theorem_4, scope="all d, all T, all quadratics with H >= 0, all feasible L")
def through_the_sum_of_the_roots(statement: Statement, transcript: Transcript) -> None:
    """Eq. (8) with the constants M/c; their sum against 1'L by the leading eigenvector."""
    V, D = algebra.orthogonal("V"), algebra.diagonal("D")
    H = algebra.symmetric("H", positive_semidefinite=True)
    rest = algebra.symmetric("R", positive_semidefinite=True)
    e = algebra.eigenvector("e", of=rest, value=0, unit=True)
    theta, r = algebra.vector("theta"), algebra.vector("r")
    roots, kappa = MU * e.outer(e) + rest, radius_about_zero(theta, C)
    transcript.given("EGOP = V M^2 V', M = mu e e' + R diagonal, R >= 0, R e = 0; r'v_1 != 0")
    transcript.cited("the root is monotone", "Bhatia, Matrix Analysis, Proposition V.1.8",
                     "as EGOP <= kappa^2 H^2, EGOP^(1/2) <= kappa H", scope="all d")  # fmt: skip
    size = algebra.identity().trace()
    run = {"gradients": _Gradients((STEPS, size), SUM), "eta": ETA, "b0": B0,
           "decrease": DECREASE}  # fmt: skip
    lhs, rhs = statement.formula(basis=V, roots=roots, axis=e, hessian=H, minimizer=theta, c=C,
                                 constants=D, signs=r, **run)  # fmt: skip
    average, bound = adagrad_bound(constants=_Constants(COST), **run)
    factor, root = log_factor(MU / C, ETA, B0), V @ roots @ V.T
    weight = 2 / sympy.sqrt(STEPS) * ETA
    scale = weight * factor * stable_rank_of_roots(roots, e) / C / r.dot(V @ e) ** 2
    leading = [
        hypothesis(kappa * (D.trace() - D.quadratic_form(r)),
                   "r_i^2 = 1, so that r'diag(L)r = 1'L"),
        hypothesis(kappa * (D - H).quadratic_form(r), "diag(L) - H >= 0"),
        hypothesis(kappa * H.quadratic_form(r) - root.quadratic_form(r),
                   "EGOP^(1/2) <= kappa H, by the monotone root"),
        weighted_square(V.T @ r, rest),
    ]  # fmt: skip
    transcript.nonnegative(
        "the average in the EGOP basis", rhs - lhs,
        [hypothesis(bound - average, "(8) holds in the EGOP basis with L~ = M/c"),
         hypothesis(weight * (factor * roots.trace() / C - COST),
                    "the factor of each constant is at most that of the largest, mu/c"),
         *(term * scale for term in leading)],
        scope="all d, all T, all sign vectors r", concludes=True,
        because="mu (r'v_1)^2 <= r'EGOP^(1/2) r <= kappa r'Hr <= kappa 1'L, and tr M = sr mu",
    )  # fmt: skip


@attack(theorem_4)
def reparameterised_runs() -> SearchStrategy[dict[str, Any]]:
    """Runs on quadratics with rational EGOPs, in their basis, from far and near starts."""
    return _quadratic_runs()


@st.composite
def _quadratic_runs(draw: Draw) -> dict[str, Any]:
    made = draw(instances.quadratics(definite=True))
    d, axis = len(made.basis), instances.leading_axis(made.roots)
    signs = instances.signs_of(made.basis @ axis)
    b0 = draw(st.sampled_from([2.0**-12, 2.0**-4, 1.0, 64.0]))
    eta = draw(st.sampled_from([2.0**-10, 0.125, 1.0, 64.0]))
    steps = draw(st.sampled_from([1, 1, 2, 8, 16]))
    start = draw(st.sampled_from([2.0**-8, 1.0, 256.0])) * draw(strategies.vectors(d, nonzero=True))
    rotated = _floats(made.basis.T @ made.hessian @ made.basis)
    gradients, decrease = _quadratic_run(rotated, start, steps, eta, b0)
    kept = draw(st.sampled_from([1.0, 1.0, 1.0, 0.0]))
    return {"gradients": gradients, "basis": made.basis, "roots": made.roots, "axis": axis,
            "hessian": made.hessian, "minimizer": made.minimizer, "c": made.c,
            "constants": instances.diagonal(instances.feasible_constants(made.hessian)),
            "signs": signs, "eta": eta, "b0": b0,
            "decrease": _rounded_up(decrease * kept)}  # fmt: skip


def _floats(matrix: Any) -> Any:
    return matrix.astype(float)


def _quadratic_run(hessian: Any, away: Any, steps: int, eta: float, b0: float) -> Any:
    """Gradients (T, d) and the decrease of ``y'Hy/2``, y the distance to the minimiser."""
    rows, total, first = [], np.full(len(away), b0 * b0), away
    for _ in range(steps):
        gradient = hessian @ away
        total = total + gradient * gradient
        rows.append(gradient)
        away = away - eta * gradient / np.sqrt(total)
    decrease = first @ hessian @ first / 2 - away @ hessian @ away / 2
    return np.array(rows), float(decrease)
