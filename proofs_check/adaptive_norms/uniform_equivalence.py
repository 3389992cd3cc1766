"""Proofs and attacks: Definition 1, Lemmas 2 and 3, and Lemma 2 for every eps."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.adaptive_norms.ellipsoids import cite_square_root
from proofs_check.adaptive_norms.histories import History, histories
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
from proofs_check.engine.terms import Term
from proofs_check.structures import Draw
from theory.adaptive_norms.ellipsoids import largest_eps_for_uniform_equivalence
from theory.adaptive_norms.preconditioners import rmsprop_form
from theory.adaptive_norms.uniform_equivalence import definition_1, every_eps, lemma_2, lemma_3
from theory.core import Statement

ALL = "all d, every number n of gradients, all w != 0"
RECURSION = "V_t = beta V_{t-1} + (1 - beta) g_t g_t', V_{-1} = 0"
BETA = sympy.Symbol("beta", nonnegative=True)
EPS, MU, ZETA = sympy.symbols("eps mu zeta", positive=True)
BOUND = sympy.Symbol("G", nonnegative=True)
COUNT = sympy.Symbol("n", integer=True, nonnegative=True)
NEXT = algebra.vector("g")
VECTOR = algebra.vector("w", nonzero=True)


def remaining_weight() -> Term:
    """``1 - beta``, which the claims assume to be positive."""
    return hypothesis(1 - BETA, "beta < 1")


def norm_slack(bound_squared: Any) -> list[Term]:
    """``G^2 w'w - (g'w)^2`` as nonnegative terms: the norm bound, and Lagrange's identity.

    ``(w'w) (g'g w'w - (g'w)^2) = ||(w'w) g - (g'w) w||^2``: Cauchy and Schwarz, proved.
    """
    g, w = NEXT, VECTOR
    within = hypothesis(bound_squared - g.dot(g), "||g_t||^2 <= G^2")
    return [within * w.dot(w), square(w.dot(w) * g - g.dot(w) * w) / w.dot(w)]


def constant_history(unit: algebra.Expression) -> History:
    """All gradients equal to G u: V_{n-1} = (1 - beta^n) G^2 u u', and one gradient more."""
    before = (1 - BETA**COUNT) * BOUND**2 * unit.outer(unit)
    return History(before, COUNT).then(BOUND * unit)


def gaps(statement: Statement, history: Callable[[Any], Any], **values: Any) -> Any:
    """``gap(link)(n)``: right minus left side of one inequality of the statement, n gradients."""

    def gap(link: int) -> Callable[[Any], Any]:
        def at(n: Any) -> Any:
            lhs, rhs = statement.formula(gradients=history(n), beta=BETA, vector=VECTOR, **values)
            return rhs[link] - lhs[link]

        return at

    return gap


def zero_vector(statement: Statement, transcript: Transcript, links: int,
                gradient: algebra.Expression = NEXT, **values: Any) -> None:  # fmt: skip
    """The case w = 0, which Lagrange's identity leaves out: every side vanishes."""
    n = COUNT + 1
    lhs, rhs = statement.formula(
        gradients=histories(n, gradient)(n), beta=BETA, vector=0 * VECTOR, **values
    )
    transcript.identity(
        "for w = 0 every side is 0", [*lhs[:links], *rhs[:links]], [0] * (2 * links),
        scope="all d, every number of gradients",
    )  # fmt: skip


# ---- Definition 1 and Lemma 3


@proof(definition_1, scope="all d, every symmetric matrix in its eigenbasis")
def spectral_coordinates(statement: Statement, transcript: Transcript) -> None:
    """Rotate into the eigenbasis; read off sufficiency and necessity of the eigenvalue bounds."""
    Q, L = algebra.orthogonal("Q"), algebra.diagonal("L", positive_definite=True)
    c = algebra.vector("c")
    transcript.given("A is symmetric positive definite, mu >= 1")
    transcript.cited(
        "the spectral theorem", "Horn and Johnson, Matrix Analysis, Theorem 2.5.6",
        "A = Q L Q' with Q orthogonal and L diagonal", scope="all d",
    )  # fmt: skip
    lhs, rhs = statement.formula(basis=Q, spectrum=L, coordinates=c, mu=MU)
    for side, left, right in zip(("lower", "upper"), lhs, rhs, strict=True):
        transcript.identity(
            f"the {side} inequality in spectral coordinates", left, right, scope="all d, all w",
            concludes=True, because="Q'Q = I",
        )  # fmt: skip
    low, high = (algebra.symmetric(name, positive_semidefinite=True) for name in "ST")
    one = algebra.identity()
    transcript.nonnegative(
        "1/mu^2 <= lam_k suffices for the lower inequality",
        statement.formula(basis=Q, spectrum=(one + low) / MU**2, coordinates=c, mu=MU)[0][0],
        [weighted_square(c, low)], scope="all d, all w",
        because="L = (I + S)/mu^2 with S diagonal and nonnegative",
    )  # fmt: skip
    transcript.nonnegative(
        "lam_k <= mu^2 suffices for the upper inequality",
        statement.formula(basis=Q, spectrum=MU**2 * one - high, coordinates=c, mu=MU)[0][1],
        [weighted_square(c, high)], scope="all d, all w",
        because="L = mu^2 I - T with T diagonal and nonnegative",
    )  # fmt: skip
    value = sympy.Symbol("lam", positive=True)
    A = algebra.symmetric("A", positive_definite=True)
    u = algebra.eigenvector("u", A, value)
    transcript.identity(
        "both are necessary: an eigenvector has the sign of its eigenvalue's slack",
        [MU**2 * A.quadratic_form(u) - u.dot(u), MU**2 * u.dot(u) - A.quadratic_form(u)],
        [(MU**2 * value - 1) * u.dot(u), (MU**2 - value) * u.dot(u)],
        scope="all d, every eigenvector u", because="A u = lam u",
    )  # fmt: skip


@attack(definition_1)
def eigendecompositions() -> SearchStrategy[dict[str, Any]]:
    """Exactly orthogonal rational bases (one in six spoiled), and spectra of every kind."""
    return _definition_1_instances()


@st.composite
def _definition_1_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    basis = draw(strategies.rational_orthogonal(d))
    if draw(st.integers(0, 5)) == 5:
        basis = basis + np.full((d, d), Fraction(1, 2), dtype=object)
    spectrum = np.diag(draw(strategies.spectra(d, low=2.0**-20, high=2.0**20)))
    coordinates = draw(strategies.vectors(d, nonzero=True))
    mu = draw(st.one_of(st.sampled_from([1.0, 2.0]), st.floats(1.0, 2.0**10)))
    return {"basis": basis, "spectrum": spectrum, "coordinates": coordinates, "mu": mu}


@proof(lemma_3, scope="all d, all w")
def factor_the_difference_of_squares(statement: Statement, transcript: Transcript) -> None:
    """``zeta A - I = B^{-1/2} (zeta^2 A^2 - I) B^{-1/2}``, B = zeta A + I; likewise above."""
    B = algebra.symmetric("B", positive_definite=True)
    w, one = algebra.vector("w"), algebra.identity()
    transcript.given("A is symmetric positive definite, singular values in [1/zeta, zeta]")
    cite_square_root(transcript)
    y = B.power(sympy.Rational(-1, 2)) @ w
    lhs, rhs = statement.formula(matrix=(B - one) / ZETA, zeta=ZETA, vector=w)
    gram = ((B - one) / ZETA) @ ((B - one) / ZETA)
    transcript.nonnegative(
        "lower inequality, with B = zeta A + I", rhs[0] - lhs[0],
        [hypothesis((ZETA**2 * gram - one).quadratic_form(y), "||A y|| >= ||y||/zeta for all y")],
        scope="all d, all w", concludes=True,
        because="zeta A - I = B^(-1/2) (zeta^2 A^2 - I) B^(-1/2), and B is definite",
    )  # fmt: skip
    lhs, rhs = statement.formula(matrix=B - ZETA * one, zeta=ZETA, vector=w)
    gram = (B - ZETA * one) @ (B - ZETA * one)
    transcript.nonnegative(
        "upper inequality, with B = zeta I + A", rhs[1] - lhs[1],
        [hypothesis((ZETA**2 * one - gram).quadratic_form(y), "||A y|| <= zeta ||y|| for all y")],
        scope="all d, all w", concludes=True,
        because="zeta I - A = B^(-1/2) (zeta^2 I - A^2) B^(-1/2), and B is definite",
    )  # fmt: skip


@attack(lemma_3, refine=("vector",))
def bounded_spectra() -> SearchStrategy[dict[str, Any]]:
    """Spectra that reach 1/zeta and zeta; eigenvectors; some matrices that are not definite."""
    return _lemma_3_instances()


@st.composite
def _lemma_3_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    zeta = 2.0 ** draw(st.integers(0, 12))
    values = draw(strategies.spectra(d, low=1 / zeta, high=zeta))
    kind = draw(st.sampled_from(["definite", "definite", "indefinite", "rotation"]))
    if kind == "indefinite":
        values = values * draw(strategies.sign_vectors(d))
    basis = draw(st.one_of(st.just(np.eye(d)), strategies.orthogonal(d)))
    matrix = (basis * values) @ basis.T
    matrix = (matrix + matrix.T) / 2
    if kind == "rotation" and d > 1:
        matrix = np.roll(np.eye(d), 1, axis=0) * np.array([-1.0] + [1.0] * (d - 1))
    vector = draw(st.one_of(st.sampled_from(list(basis.T)), strategies.vectors(d, nonzero=True)))
    slack = draw(st.sampled_from([1.0, 1 + 2.0**-30, 2.0]))
    return {"matrix": matrix, "zeta": zeta * slack, "vector": vector}


# ---- Lemma 2


@proof(lemma_2, scope="all d, all t, all gradients with ||g_t|| <= G")
def spectrum_by_induction(statement: Statement, transcript: Transcript) -> None:
    """Both ends of the spectrum by induction on t; then the threshold, and that it is exact."""
    w = VECTOR
    transcript.given("0 <= beta < 1, eps > 0, eps (G^2 + eps) <= 1")

    gap = gaps(statement, histories(COUNT, NEXT), eps=EPS, bound=BOUND)
    transcript.induction(
        "eps ||w||^2 <= w'Aw", gap(0), COUNT, [0],
        lambda previous: [BETA * previous, remaining_weight() * square(NEXT.dot(w))],
        scope=ALL, because=RECURSION, concludes=True,
    )  # fmt: skip
    transcript.induction(
        "w'Aw <= ((1 - beta^n) G^2 + eps) ||w||^2", gap(1), COUNT, [0],
        lambda previous: [BETA * previous,
                          *(remaining_weight() * term for term in norm_slack(BOUND**2))],
        scope=ALL, because=RECURSION + "; 1 - beta^(n+1) = beta (1 - beta^n) + 1 - beta",
        concludes=True,
    )  # fmt: skip
    small = hypothesis(1 - EPS * (BOUND**2 + EPS), "eps (G^2 + eps) <= 1")
    transcript.nonnegative(
        "((1 - beta^n) G^2 + eps) ||w||^2 <= ||w||^2/eps", gap(2)(COUNT),
        [small * w.dot(w) / EPS, BETA**COUNT * BOUND**2 * w.dot(w)],
        scope=ALL, because="G^2 + eps <= 1/eps, and beta^n G^2 >= 0", concludes=True,
    )  # fmt: skip
    zero_vector(statement, transcript, 3, eps=EPS, bound=BOUND)
    _threshold(statement, transcript)


def _threshold(statement: Statement, transcript: Transcript) -> None:
    root = 2 / (BOUND**2 + sympy.sqrt(BOUND**4 + 4))
    transcript.identity(
        "the threshold: eps (G^2 + eps) - 1 changes sign at eps* alone",
        EPS * (BOUND**2 + EPS) - 1, (EPS - root) * (EPS + root + BOUND**2),
        scope="all G, eps", because="eps* = 2/(G^2 + sqrt(G^4 + 4)); the second factor is > 0",
    )  # fmt: skip
    u, n = algebra.vector("u", unit=True), COUNT
    constant = constant_history(u)
    transcript.identity(
        "the constant sequence: V_t = (1 - beta^(t+1)) G^2 u u'",
        constant.accumulated_products(BETA, 1 - BETA),
        (1 - BETA ** (n + 1)) * BOUND**2 * u.outer(u),
        scope="all d, all t, every unit vector u", because="induction on t; V_{-1} = 0",
    )  # fmt: skip
    lhs, rhs = statement.formula(gradients=constant, beta=BETA, eps=EPS, bound=BOUND, vector=u)
    transcript.identity(
        "it attains the upper end of the spectrum at every t", lhs[1], rhs[1],
        scope="all d, all t", because="so that a larger eps fails as soon as beta^(t+1) G^2 <"
        " G^2 + eps - 1/eps",
    )  # fmt: skip


@certificate(lemma_2, scope="eps = 1e-8, beta = 0, t = 0, d = 2")
def the_usual_eps(statement: Statement, transcript: Transcript) -> None:
    """Exact rationals around the threshold of eps = 1e-8: G^2 = 10^8 - 10^-8 holds, 10^8 fails."""
    eps = Fraction(1, 10**8)
    for square_of_bound in (10**8 - eps, Fraction(99 * 10**6), Fraction(1)):
        lhs, rhs = _one_gradient(statement, square_of_bound, eps)
        transcript.exact(
            f"G^2 = {square_of_bound}: the largest eigenvalue is at most 1/eps",
            lhs[1], "<=", rhs[2], scope="eps = 1e-8", concludes=True,
            because="w = g, the one gradient, of norm G",
        )  # fmt: skip
    lhs, rhs = _one_gradient(statement, Fraction(10**8), eps)
    transcript.exact(
        "G^2 = 10^8: the largest eigenvalue exceeds 1/eps", lhs[1], ">", rhs[2],
        scope="eps = 1e-8", because="by exactly eps: G^2 + eps > 10^8",
    )  # fmt: skip
    transcript.exact(
        "the threshold of G^2 = 10^8 - 10^-8 is eps = 1e-8",
        sympy.Rational(1, 10**8) * (10**8 - sympy.Rational(1, 10**8) + sympy.Rational(1, 10**8)),
        "==", 1, scope="eps = 1e-8",
    )  # fmt: skip


def _one_gradient(statement: Statement, square_of_bound: Fraction, eps: Fraction) -> Any:
    bound = sympy.sqrt(sympy.Rational(square_of_bound))
    gradients = np.array([[bound, sympy.Integer(0)]], dtype=object)
    vector = np.array([sympy.Integer(1), sympy.Integer(0)], dtype=object)
    return statement.formula(
        gradients=gradients, beta=sympy.Integer(0), eps=sympy.Rational(eps), bound=bound,
        vector=vector,
    )  # fmt: skip


@st.composite
def bounded_histories(draw: Draw, entrywise: bool = False) -> dict[str, Any]:
    """Gradients with their exact bound, a decay (0 and nearly 1 included), and a vector.

    The vector is the last gradient, orthogonal to it, a coordinate, or free. With `entrywise` the
    gradients are scaled sign vectors at times, and the bound is on their entries or on their norm.
    """
    d, t = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    bound = draw(st.sampled_from([1.0, 0.125, 8.0, 2.0**12]))
    gradients = draw(strategies.gradient_sequences(t, d, bound=bound, attained=True))
    if entrywise and draw(st.booleans()):
        gradients = bound * np.array([draw(strategies.sign_vectors(d))] * (t + 1))
    beta = draw(st.sampled_from([0.0, 0.5, 0.875, 0.0, 0.999]))
    last = gradients[-1]
    across = np.roll(last, 1) * np.array([-1.0] + [1.0] * (d - 1))
    vector = draw(st.one_of(
        st.sampled_from([last, across, np.eye(d)[-1]]), strategies.vectors(d, nonzero=True)
    ))  # fmt: skip
    if not vector.any():
        vector = np.ones(d)
    return {"gradients": gradients, "beta": beta, "bound": bound, "vector": vector}


@attack(lemma_2, refine=("vector",))
def small_eps() -> SearchStrategy[dict[str, Any]]:
    """Values of eps at, just below and just above the threshold of the bound, and tiny."""
    return _lemma_2_instances()


@st.composite
def _lemma_2_instances(draw: Draw) -> dict[str, Any]:
    instance = draw(bounded_histories(entrywise=True))
    threshold = largest_eps_for_uniform_equivalence(instance["bound"])
    factor = draw(st.sampled_from([1 - 2.0**-50, 1.005, 0.5, 2.0**-20]))
    inverse = 1 / instance["bound"] ** 2
    eps = draw(st.sampled_from([threshold * factor, threshold * factor, inverse]))
    return {**instance, "eps": eps}


# ---- every eps


@proof(every_eps, scope="all d, all t, all eps > 0, all gradients with ||g_t|| <= G")
def both_cases(statement: Statement, transcript: Transcript) -> None:
    """Induction on t in each of the two cases of the maximum; then matrices that attain it."""
    transcript.given("0 <= beta < 1, eps > 0")
    excess = sympy.Symbol("h", nonnegative=True)
    for case, gap_squared in (
        ("G^2 + eps = 1/eps + h", excess),
        ("G^2 + eps = 1/eps - h", -excess),
    ):
        _case(statement, transcript, case, 1 / EPS - EPS + gap_squared)
    zero_vector(statement, transcript, 2, eps=EPS, bound=BOUND)
    zero = sympy.Integer(0)
    for row, eigenvalue in ((BOUND, BOUND**2 + EPS), (zero, EPS)):
        transcript.identity(
            f"no smaller constant serves: the eigenvalue {eigenvalue} occurs",
            rmsprop_form(np.array([[row]]), zero, EPS), np.array([[eigenvalue]]),
            scope="d = 1, beta = 0, one gradient; in d > 1 along it, or across it",
            because="by Definition 1 the constant is at least max(G^2 + eps, 1/eps)",
        )  # fmt: skip


def _case(statement: Statement, transcript: Transcript, case: str, bound_squared: Any) -> None:
    w, g = VECTOR, NEXT
    bound = sympy.sqrt(bound_squared)
    largest = sympy.Max(bound_squared + EPS, 1 / EPS)

    gap = gaps(statement, histories(COUNT, NEXT), eps=EPS, bound=bound)
    below, above = sympy.expand(largest * EPS - 1), sympy.expand(largest - EPS - bound_squared)
    real = hypothesis(bound_squared, "G^2 >= 0")
    transcript.induction(
        f"||w||^2 <= mu^2 w'Aw, if {case}", gap(0), COUNT, [below * w.dot(w)],
        lambda previous: [BETA * previous, remaining_weight() * (below * w.dot(w)),
                          remaining_weight() * largest * square(g.dot(w))],
        scope=ALL, because=RECURSION, concludes=True,
    )  # fmt: skip
    transcript.induction(
        f"w'Aw <= mu^2 ||w||^2, if {case}", gap(1), COUNT,
        [above * w.dot(w), real * w.dot(w)],
        lambda previous: [BETA * previous, remaining_weight() * (above * w.dot(w)),
                          *(remaining_weight() * term for term in norm_slack(bound_squared))],
        scope=ALL, because=RECURSION, concludes=True,
    )  # fmt: skip


@attack(every_eps, refine=("vector", "eps"))
def any_eps() -> SearchStrategy[dict[str, Any]]:
    """Values of eps tiny, moderate and huge, on both sides of the threshold and at it."""
    return _every_eps_instances()


@st.composite
def _every_eps_instances(draw: Draw) -> dict[str, Any]:
    instance = draw(bounded_histories(entrywise=True))
    threshold = largest_eps_for_uniform_equivalence(instance["bound"])
    free = strategies.scales(2.0**-40, 2.0**20)
    eps = draw(st.one_of(st.sampled_from([threshold, 2 * threshold, threshold / 2]), free))
    return {**instance, "eps": eps}
