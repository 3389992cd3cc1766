"""Proofs, attacks and counterexamples: the decrease of preconditioned conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.adaptive_norms.model_decrease import (
    ALL,
    EXCESS,
    MORE,
    NEVER_BELOW,
    REACH,
    SHARES,
    Curvature,
    bounded_curvature,
    line_cases,
    line_is_best,
    radius_at,
)
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    certificate,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.engine.exact import to_exact
from proofs_check.structures import Array, Draw
from theory.adaptive_norms.preconditioned_decrease import (
    kantorovich_constant,
    lemma_5_pcg,
    lemma_5_pcg_inherits,
    preconditioned_cg_decrease,
    steihaug_violates_assumption_2,
)
from theory.core import Statement

LOW, HIGH = sympy.symbols("l h_A", positive=True)
GAIN = sympy.Symbol("gain", nonnegative=True)


@dataclass(frozen=True)
class Later:
    """A number of iterations of which only what those after the first add to the decrease matters.

    Attributes
    ----------
    gain : SymPy expression
    """

    gain: sympy.Expr

    def later_decrease(self) -> sympy.Expr:
        """The decrease that the later iterations add."""
        return self.gain


# ---- what is inherited


@proof(lemma_5_pcg, scope="all d, every symmetric B, every definite A, any number of iterations")
def first_step_and_kantorovich(statement: Statement, transcript: Transcript) -> None:
    """The quadratic along -A^-1 g; Kantorovich's inequality; later iterations only add."""
    transcript.given("l I <= A <= h_A I, l > 0, g != 0, Delta > 0, B <= beta I, B <= lam A")
    _later_iterations(transcript)
    line_is_best(transcript)
    _norm_of_the_inverse(statement, transcript)
    _kantorovich(transcript)
    _euclidean_norm(statement, transcript)


def _later_iterations(transcript: Transcript) -> None:
    """Each iteration after the first adds a nonnegative decrease."""
    A, B = algebra.symmetric("A", positive_definite=True), algebra.symmetric("B")
    g, s, d, r = (algebra.vector(name) for name in "gsdr")
    t, ratio = sympy.symbols("t b", nonnegative=True)
    residual = g + B @ s

    def model(x: algebra.Expression) -> Any:
        return g.dot(x) + B.quadratic_form(x) / 2

    slope = -residual.dot(d)
    descent = hypothesis(slope, "d is a direction of descent, shown next")
    transcript.nonnegative(
        "an iteration that does not pass the minimiser of its line adds to the decrease",
        model(s) - model(s + t * d),
        [t * descent / 2, t * hypothesis(slope - t * B.quadratic_form(d),
                                         "t d'Bd <= -r'd: not beyond the minimiser") / 2],
        scope="all d, every iterate s with residual r = g + Bs", because="m is quadratic",
    )  # fmt: skip
    transcript.nonnegative(
        "the next direction -A^-1 r + b d descends where r'd = 0",
        -r.dot(ratio * d - A.solve(r)) + ratio * r.dot(d), [weighted_square(r, A.inv)],
        scope="all d, every b", because="its slope is -r'A^-1 r + b r'd",
    )  # fmt: skip
    old, curvature = r.dot(d), B.quadratic_form(d)
    transcript.identity(
        "r'd = 0 after an exact line search", (r - old / curvature * (B @ d)).dot(d), 0,
        scope="all d, d'Bd != 0", because="the run goes on only from a minimiser with d'Bd > 0",
    )  # fmt: skip


def _norm_of_the_inverse(statement: Statement, transcript: Transcript) -> None:
    g, A = algebra.vector("g", nonzero=True), algebra.symmetric("A", positive_definite=True)
    B, lam = algebra.symmetric("B"), sympy.Symbol("lam", positive=True)
    p = A.solve(g)
    transcript.identity(
        "the slack of the curvature along p = A^-1 g",
        lam * A.inv.quadratic_form(g) - B.quadratic_form(p), (lam * A - B).quadratic_form(p),
        scope=ALL, because="p'Ap = g'A^-1 g; so q = p'Bp <= lam v^2 with v = ||g||_{A^-1}",
    )  # fmt: skip
    v, beta = sympy.sqrt(A.inv.quadratic_form(g)), sympy.Symbol("beta", positive=True)
    for case in line_cases(v, "p'Bp <= lam p'Ap"):
        lhs, rhs = statement.formula(
            gradient=g, hessian=Curvature(case.curvature), ellipsoid=A, radius=case.reach,
            beta=beta, relative=v / case.limit, low=LOW, high=HIGH, steps=Later(GAIN),
        )  # fmt: skip
        transcript.nonnegative(
            f"in the norm of A^-1: {case.name}", rhs[0] - lhs[0], [*case.terms, GAIN], scope=ALL,
            concludes=True, because="v = ||g||_{A^-1}, x = v/lam, z = Delta; later iterations gain",
        )  # fmt: skip


def _kantorovich(transcript: Transcript) -> None:
    p, A = algebra.vector("p"), algebra.symmetric("A", positive_definite=True)
    one = algebra.identity()
    above, below = HIGH * one - A, A - LOW * one
    e = (HIGH + LOW) * A.quadratic_form(p) - (A @ p).dot(A @ p) - HIGH * LOW * p.dot(p)
    transcript.nonnegative(
        "(h_A + l) p'Ap >= ||Ap||^2 + h_A l ||p||^2, times h_A - l", (HIGH - LOW) * e,
        [hypothesis(below.quadratic_form(above @ p), "A >= l I"),
         hypothesis(above.quadratic_form(below @ p), "A <= h_A I")], scope="all d, all p",
        because="(h_A I - A) + (A - l I) = (h_A - l) I; for h_A = l both sides are equal, A = l I",
    )  # fmt: skip
    whole, image = A.quadratic_form(p), (A @ p).dot(A @ p)
    slack = hypothesis(e, "the line before")
    transcript.nonnegative(
        "Kantorovich: (p'Ap)^2 >= cA ||p||^2 ||Ap||^2",
        whole**2 - kantorovich_constant(LOW, HIGH) * p.dot(p) * image,
        [slack * slack / (HIGH + LOW) ** 2,
         slack * 2 * (image + HIGH * LOW * p.dot(p)) / (HIGH + LOW) ** 2,
         square(image - HIGH * LOW * p.dot(p)) / (HIGH + LOW) ** 2], scope="all d, all p",
        because="(x + y)^2 = 4 x y + (x - y)^2 with x = ||Ap||^2, y = h_A l ||p||^2",
    )  # fmt: skip


def _euclidean_norm(statement: Statement, transcript: Transcript) -> None:
    g, A = algebra.vector("g", nonzero=True), algebra.symmetric("A", positive_definite=True)
    inverse, form, c = A.inv.quadratic_form(g), A.quadratic_form(g), g.dot(g)
    crossed = weighted_square(form * A.solve(g) - c * g, A) / form
    transcript.nonnegative(
        "||g||^4 <= ||g||_A^2 ||g||_{A^-1}^2", form * inverse - c**2, [crossed], scope="all d",
        because="Cauchy and Schwarz: expand || ||g||_A^2 A^-1 g - ||g||^2 g ||_A^2",
    )  # fmt: skip
    v, u, length = sympy.sqrt(inverse), sympy.sqrt(c), sympy.sqrt(form)
    factor, y, k, h = kantorovich_constant(LOW, HIGH), REACH, MORE, EXCESS
    # Delta (v - ||g||^2/||g||_A), the loss of the boundary case
    spread = crossed / (length * (v * length + c))
    for order, limit, reach in (("x <= z", y, y + k), ("z <= x", y + k, y)):
        radius, beta = reach * length / u, factor * u / limit
        loss = u * (reach - y) / 2
        for case, bent in (("the region ends first", 1 - h), ("the minimiser comes first", 1 + h)):
            q = v**3 * bent / radius
            lhs, rhs = statement.formula(
                gradient=g, hessian=Curvature(q), ellipsoid=A, radius=radius, beta=beta,
                relative=sympy.Symbol("lam", positive=True), low=LOW, high=HIGH,
                steps=Later(GAIN),
            )  # fmt: skip
            terms: list[Any] = [radius * v * h / 2, spread * radius / 2, loss]
            if bent == 1 + h:
                slope = hypothesis(inverse**2 * beta - factor * c * q,
                                   "q <= beta ||p||^2, and Kantorovich for p = A^-1 g")  # fmt: skip
                terms = [slope / (2 * q * beta), u * (limit - y) / 2]
            transcript.nonnegative(
                f"in the Euclidean norm, {order}: {case}", rhs[1] - lhs[1], [*terms, GAIN],
                scope=ALL, concludes=True,
                because="x = cA ||g||/beta, z = Delta ||g||/||g||_A; v = ||g||_{A^-1}",
            )  # fmt: skip


@attack(lemma_5_pcg, refine=("gradient", "radius"))
def cg_instances() -> SearchStrategy[dict[str, Any]]:
    """Kantorovich's extremal gradients, multiples of A and of I as B, one to three iterations."""
    return _cg_instances()


@st.composite
def _cg_instances(draw: Draw) -> dict[str, Any]:
    kinds = ["kantorovich", "multiple", "isotropic", "free", "free", "kantorovich"]
    kind = draw(st.sampled_from(kinds))
    d = draw(st.integers(2, 3)) if kind == "kantorovich" else draw(st.integers(1, 3))
    low = 4.0 ** draw(st.integers(-3, 2))
    kappa = 1.0 if kind == "isotropic" or d == 1 else 4.0 ** draw(st.integers(1, 4))
    spectrum = np.array([low, low * kappa, 2 * low][:d])
    ellipsoid = np.diag(spectrum)
    if kind == "free":
        gradient = draw(strategies.vectors(d, nonzero=True))
        hessian, beta = draw(bounded_curvature(d))
    else:
        gradient = np.sqrt(spectrum) * draw(strategies.sign_vectors(d))
        gradient[2:] = 0.0
        value = 2.0 ** draw(st.integers(-4, 4))
        hessian, beta = value * np.eye(d), value
        if kind == "multiple":
            hessian, beta = value * ellipsoid, value * spectrum.max()
    relative = value if kind == "multiple" else _relative(hessian, spectrum)
    solved = gradient / spectrum
    slope, curvature = float(gradient @ solved), float(solved @ hessian @ solved)
    minimiser = slope**1.5 / curvature if curvature > 0 else np.inf
    radius = radius_at(minimiser, float(np.sqrt(slope)), draw(SHARES))
    return {"gradient": gradient, "hessian": hessian, "ellipsoid": ellipsoid, "radius": radius,
            "beta": beta, "relative": relative, "low": low, "high": low * kappa,
            "steps": draw(st.sampled_from([1, 1, 2, 3]))}  # fmt: skip


def _relative(hessian: Array, spectrum: Array) -> float:
    """A float that bounds the eigenvalues of ``A^-1/2 B A^-1/2``, A diagonal, from above."""
    scaled = hessian / np.sqrt(np.outer(spectrum, spectrum))
    largest = float(np.linalg.eigvalsh(scaled)[-1])
    return max(largest * NEVER_BELOW + 2.0**-40, 2.0**-20)


# ---- what is not


@certificate(lemma_5_pcg_inherits, scope="one iteration, condition 4, 100 and 10^6")
def one_iteration(statement: Statement, transcript: Transcript) -> None:
    """Kantorovich's extremal gradients: the loss is the factor 4 kappa/(1 + kappa)^2."""
    transcript.given("beta >= 1 + ||B||")
    for root in (2, 10, 1000):
        _instance(
            statement, transcript, f"the first iteration, condition {root**2}",
            {"gradient": [1, root], "hessian": [[9, 0], [0, 9]],
             "ellipsoid": [[1, 0], [0, root**2]], "radius": 10**9, "beta": 10}, 1,
            f"A = diag(1, {root**2}), g = (1, {root}), B = 9 I",
        )  # fmt: skip


@certificate(lemma_5_pcg_inherits, scope="runs that stop by themselves: d = 2 and d = 3")
def complete_runs(statement: Statement, transcript: Transcript) -> None:
    """Runs that end at a saddle of the model, of any condition; one that ends at the boundary."""
    transcript.given("beta >= 1 + ||B||")
    for root in (1000, 2, 10):
        _instance(
            statement, transcript, f"a run that stops by itself, condition {root**2}",
            {"gradient": [-root, 1], "hessian": [[0, -9], [-9, 0]],
             "ellipsoid": [[root**2, 0], [0, 1]], "radius": 10**9, "beta": 10}, 100,
            "its residual is 0 after one iteration, at a saddle of the model",
        )  # fmt: skip
    _any_condition(transcript)
    rows = [["1.24", "3.06", "7.04"], ["3.06", "1.33", "-1.68"], ["7.04", "-1.68", "-0.488"]]
    _instance(
        statement, transcript, "a run that ends at the boundary, d = 3",
        {"gradient": ["0.974", "3.82", "4.85"], "hessian": rows,
         "ellipsoid": [["0.546", 0, 0], [0, 604, 0], [0, 0, 489]], "radius": "18.1",
         "beta": "8.9"}, 100,
        "the second iteration reaches the boundary; the decrease is 0.978, the bound 2.19",
    )  # fmt: skip


def _any_condition(transcript: Transcript) -> None:
    k, b, h = sympy.symbols("k b h", positive=True)
    gradient, zero = np.array([-k, sympy.Integer(1)]), sympy.Integer(0)
    hessian = np.array([[zero, -b], [-b, zero]])
    ellipsoid = np.array([[k**2, zero], [zero, sympy.Integer(1)]])
    radius = sympy.sqrt(2) * k * (1 + h) / b
    transcript.identity(
        "the decrease k/b of such a run, for every condition number k^2",
        preconditioned_cg_decrease(gradient, hessian, ellipsoid, radius, 100), k / b,
        scope="all k, b > 0, Delta = sqrt 2 k (1 + h)/b, h > 0",
        because="||g||^2/(2 ||B||) = (k^2 + 1)/(2b): the quotient 2k/(k^2 + 1) tends to 0",
    )  # fmt: skip


def _instance(statement: Statement, transcript: Transcript, name: str, values: dict[str, Any],
              steps: int, because: str) -> None:  # fmt: skip
    arguments = {key: _exact(value) for key, value in values.items()}
    lhs, rhs = statement.formula(**arguments, steps=steps)
    transcript.exact(name, lhs, "<=", rhs, scope="this instance", because=because, concludes=True)


def _exact(value: Any) -> Any:
    """Whole numbers and decimals as exact numbers, lists of them as arrays."""
    if isinstance(value, list):
        return to_exact(np.vectorize(Fraction, otypes=[object])(np.array(value, dtype=object)))
    return to_exact(Fraction(value))


@proof(steihaug_violates_assumption_2, scope="all gamma, b, c > 0, all radii >= gamma/b")
def saddle_in_symbols(statement: Statement, transcript: Transcript) -> None:
    """The first iteration reaches residual 0; the eigenpoint uses what CG does not see."""
    gamma, b, c = sympy.symbols("gamma b c", positive=True)
    more = sympy.Symbol("h", positive=True)
    for excess, where in ((more, "Delta = gamma (1 + h)/b, h > 0"), (0, "Delta = gamma/b")):
        for steps in (1, 2, 50):
            lhs, rhs = statement.formula(
                slope=gamma, convex=b, concave=c, radius=gamma * (1 + excess) / b, steps=steps
            )
            transcript.identity(
                f"decreases after at most {steps} iterations, {where}", lhs, rhs,
                scope="all gamma, b, c", concludes=True,
                because="the residual (0, 0) after the first iteration ends the run",
            )  # fmt: skip
    wide = sympy.sqrt((gamma**2 / b + more) / c)
    transcript.nonnegative(
        "Assumption 2 is violated by the difference", (c * wide**2 - gamma**2 / b) / 2, [more / 2],
        scope="c Delta^2 = gamma^2/b + h, h > 0",
        because="eigenpoint minus CG; h is as large as the radius allows",
    )  # fmt: skip


@certificate(steihaug_violates_assumption_2, scope="b = c = gamma = 1, Delta = 2, exact rationals")
def two_against_a_half(statement: Statement, transcript: Transcript) -> None:
    """The instance in numbers: 1/2 for CG, 2 for the eigenpoint."""
    one, two = to_exact(Fraction(1)), to_exact(Fraction(2))
    lhs, rhs = statement.formula(slope=one, convex=one, concave=one, radius=two, steps=100)
    for name, left, right in zip(("CG", "eigenpoint"), lhs, rhs, strict=True):
        transcript.exact(f"decrease of the {name}", left, "==", right, scope="this instance",
                         concludes=True)  # fmt: skip
    transcript.exact("CG stays below the eigenpoint", lhs[0], "<", lhs[1], scope="this instance",
                     because="1/2 < 2")  # fmt: skip
