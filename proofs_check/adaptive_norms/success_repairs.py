"""A counterexample to Lemma 9 as printed; proofs and attacks of its two repairs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.adaptive_norms import extremal_steps as extremal
from proofs_check.adaptive_norms.extremal_steps import diagonal, vector
from proofs_check.adaptive_norms.model_terms import (
    ALL,
    ERROR,
    ERROR_G,
    ERROR_H,
    ETA,
    GAIN,
    L_H,
    LENGTH,
    MU,
    NU,
    RADIUS,
    REST,
    ROOM,
    SHORT,
    SPARE,
    STEP,
    Segment,
    above,
    cite_decrease,
    cite_taylor,
    gradient_terms,
    hessian_terms,
    reach,
    third_terms,
    with_decrease,
)
from proofs_check.engine import Transcript, algebra, attack, certificate, hypothesis, proof
from proofs_check.structures import Draw
from theory.adaptive_norms.local_models import increase, kept_slacks, sign_slacks
from theory.adaptive_norms.success_repairs import lemma_9, repaired_gradient, repaired_signs
from theory.core import Statement

Instance = dict[str, Any]

# ---- Lemma 9 as printed

_TENTH = Fraction(1, 10)


def printed_counterexample(radius: Fraction) -> Instance:
    """``L = w/20 - w^2/2`` at w = 0, reported g = -1/100, B = -1 exact, A = 1: s = +Delta."""
    return {
        "gradient": vector("1/20"), "hessian": diagonal(-1), "cubic": (vector(0, 0), vector(1)),
        "reported_gradient": vector("-1/100"), "reported_hessian": diagonal(-1),
        "step": vector(radius), "matrix": diagonal(1), "radius": radius, "mu": Fraction(1),
        "eta": _TENTH, "nu": Fraction(1), "eps_g": Fraction(3, 10), "eps_H": Fraction(1),
        "L_g": Fraction(1), "L_H": Fraction(1), "delta_g": Fraction(3, 50),
        "delta_H": Fraction(0), "cA": Fraction(1),
    }  # fmt: skip


@certificate(lemma_9, scope="d = 1, A = 1, exact Hessian: L = w/20 - w^2/2, reported g = -1/100")
def never_moves(statement: Statement, transcript: Transcript) -> None:
    """The model's one minimiser ascends at every small radius; so it does for a bounded L."""
    lhs, rhs = statement.formula(**printed_counterexample(_TENTH))
    transcript.exact(
        "rho >= 1/10 at Delta = 1/10", lhs, "<=", rhs, scope="Delta = 1/10", concludes=True,
        because="every hypothesis holds, at this and every smaller radius",
    )  # fmt: skip
    for halving in (2, 4, 8):
        lhs, rhs = statement.formula(**printed_counterexample(_TENTH / halving))
        transcript.exact(f"rejected again at Delta = 1/{10 * halving}", rhs, "<", lhs,
                         scope=f"Delta = 1/{10 * halving}")  # fmt: skip
    radius, short = sympy.symbols("Delta k", nonnegative=True)
    transcript.nonnegative(
        "s = +Delta is the model's only minimiser: m(Delta - k) > m(Delta) for 0 < k <= 2 Delta",
        _model(radius - short) - _model(radius),
        [short / 100, hypothesis(2 * radius - short, "Delta - k >= -Delta") * short / 2],
        scope="every Delta",
    )  # fmt: skip
    transcript.identity(
        "L(0) - L(Delta) = -(Delta/2) (1/10 - Delta), so that rho < 0 below Delta = 1/10",
        radius**2 / 2 - radius / 20, -radius / 2 * (sympy.Rational(1, 10) - radius),
        scope="every Delta", because="the radius shrinks for ever, and the method never moves",
    )  # fmt: skip
    for fraction in (10, 20, 40, 80):
        s = sympy.Rational(1, fraction)
        transcript.exact(
            f"L = cos w + sin(w)/20, bounded: rho < 1/1000 at Delta = 1/{fraction}",
            1 - sympy.cos(s) - sympy.sin(s) / 20, "<", -_model(s) / 1000,
            scope=f"Delta = 1/{fraction}",
        )  # fmt: skip


def _model(s: Any) -> Any:
    return -s / 100 - s**2 / 2


@attack(lemma_9)
def wrong_signs() -> SearchStrategy[Instance]:
    """Reported gradients on the wrong side of 0, or 0, with small radii of every size."""
    return _wrong_signs()


@st.composite
def _wrong_signs(draw: Draw) -> Instance:
    mu, nu = draw(st.sampled_from(extremal.MUS)), draw(st.sampled_from([Fraction(1), _TENTH]))
    eta, eps_g = draw(st.sampled_from(extremal.ETAS)), draw(st.sampled_from(extremal.SIZES))
    eps_H = draw(st.sampled_from(extremal.SIZES))
    delta_g = (1 - eta) * eps_g / (4 * mu**2) * draw(st.sampled_from([1, Fraction(1, 1000)]))
    wrong = draw(st.sampled_from([Fraction(0), Fraction(1, 6)])) * delta_g
    shrunk = draw(st.sampled_from([Fraction(1), Fraction(1, 4), Fraction(1, 4096)]))
    radius = delta_g / (4 * eps_H * mu) * shrunk
    share = draw(st.sampled_from([Fraction(0), Fraction(1, 8192)]))
    delta_H = share * (1 - eta) * nu * eps_H / (2 * mu**4)
    bound = share * (1 - eta) * nu * eps_H / (mu**5 * radius)
    d = draw(st.integers(1, 2))
    rest = [0] * (d - 1)
    curved = eps_H * diagonal(-1, *rest)
    return extremal.turned(draw, {
        "gradient": (delta_g - wrong) * vector(1, *rest), "hessian": curved,
        "cubic": extremal.ridge(draw, bound, vector(1, *rest), free=True),
        "reported_gradient": -wrong * vector(1, *rest),
        "reported_hessian": curved, "step": mu * radius * vector(1, *rest),
        "matrix": diagonal(1 / mu**2, *[mu**2] * (d - 1)), "radius": radius, "mu": mu, "eta": eta,
        "nu": nu, "eps_g": eps_g, "eps_H": eps_H, "L_g": eps_H, "L_H": bound, "delta_g": delta_g,
        "delta_H": delta_H, "cA": Fraction(1),
    })  # fmt: skip


# ---- repaired: both signs


@proof(repaired_signs, scope="all d, every L with an L_H-Lipschitz Hessian on both segments")
def mean_of_both_signs(statement: Statement, transcript: Transcript) -> None:
    """The better sign does at least as well as the mean, in which the gradient cancels."""
    transcript.given("||H - B|| <= delta_H, lam_min(B) <= -eps_H")
    transcript.given("-s'Bs/2 >= nu eps_H Delta^2/(2 mu^2)")
    cite_decrease(transcript, "6", "Assumption 2 and lam_min(B) <= -eps_H give that decrease")
    cite_taylor(transcript)
    reach(transcript)
    eps_H = (2 * MU**4 * ERROR_H + SPARE) / (REST * NU)
    _, radius_slack = sign_slacks(radius=RADIUS, mu=MU, eta=ETA, eps_H=eps_H, nu=NU,
                                  delta_H=ERROR_H, L_H=L_H)  # fmt: skip
    quarter = RADIUS**2 / (12 * MU**2)
    limit = hypothesis(radius_slack, "Delta <= 3 (1-eta) nu eps_H/(2 L_H mu^5)")
    _conclude_signs(
        statement, transcript, "rho >= eta for the better sign",
        NU * eps_H * RADIUS**2 / (2 * MU**2) + GAIN,
        [SPARE * 3 * quarter, limit * quarter, *hessian_terms(), *third_terms()],
        "z = 1 - eta, (1-eta) nu eps_H = 2 mu^4 delta_H + e, -s'Bs/2 = nu eps_H Delta^2/(2 mu^2)"
        " + h, T(+-s) = (L_H - r) N^3",
    )  # fmt: skip
    eps_H = (2 * ERROR_H + SPARE) / (REST * NU)
    limit = hypothesis(3 * REST * NU * eps_H - 2 * MU * L_H * RADIUS,
                       "Delta <= 3 (1-eta) nu eps_H/(2 L_H mu)")  # fmt: skip
    own = [hessian_terms()[1], third_terms()[1], L_H * LENGTH**2 * SHORT / 6]
    _conclude_signs(
        statement, transcript, "for the eigenpoint itself, without those powers of mu",
        NU * eps_H * LENGTH**2 / 2 + GAIN,
        [SPARE * LENGTH**2 / 4, limit * (LENGTH**2 / 12), *own],
        "-s'Bs/2 = nu eps_H ||s||^2/2 + h and delta_H <= (1-eta) nu eps_H/2",
    )  # fmt: skip


def _conclude_signs(statement: Statement, transcript: Transcript, name: str, decrease: Any,
                    terms: list[Any], because: str) -> None:  # fmt: skip
    gradient = algebra.vector("G")
    hessian = with_decrease(0 * gradient, decrease)
    cubic = Segment(L_H - ROOM, L_H - ROOM)
    lhs, rhs = statement.formula(
        gradient=gradient, hessian=above(hessian), cubic=cubic, reported_hessian=hessian,
        step=STEP, eta=ETA,
    )  # fmt: skip
    both = [increase(gradient, above(hessian), cubic, step) for step in (STEP, -STEP)]
    transcript.nonnegative(
        name, rhs - lhs, [abs(both[1] - both[0]) / 2, REST * GAIN, *terms], scope=ALL,
        concludes=True, because=because,
    )  # fmt: skip


@attack(repaired_signs)
def steps_of_either_sign() -> SearchStrategy[Instance]:
    """Steps that attain both limits, and neighbours; gradients across the step, or along it."""
    return repaired_signs_instances()


@st.composite
def repaired_signs_instances(draw: Draw) -> Instance:
    """In axes: ``s = mu Delta e_1``, ``B = diag(-nu eps_H/mu^4, -eps_H)``, errors along e_1."""
    instance, other = _curved(draw, "delta_H", "radius", gradient=())
    mu, radius, room = (instance[name] for name in ("mu", "radius", "room"))
    delta_H = other.factor("delta_H") * room / (2 * mu**4)
    bound = other.factor("radius") * 3 * room / (2 * mu**5 * radius)
    slope = draw(st.sampled_from([-100, Fraction(1, 50)])) if other.name == "gradient" else 0
    return _finish(draw, instance, other, delta_H=delta_H, bound=bound,
                   gradient=vector(slope, 5), even=True)  # fmt: skip


# ---- repaired: an error of the gradient that vanishes with the radius


@proof(repaired_gradient, scope="all d, every L with an L_H-Lipschitz Hessian on the segment")
def room_in_thirds(statement: Statement, transcript: Transcript) -> None:
    """The decrease leaves (1-eta) nu eps_H Delta^2/(2 mu^2) for the errors, a third for each."""
    transcript.given("||H - B|| <= delta_H, ||grad L - g|| <= delta_g, lam_min(B) <= -eps_H")
    transcript.given("m(0) - m(s) >= nu eps_H Delta^2/(2 mu^2)")
    cite_decrease(transcript, "6", "Assumption 2 and lam_min(B) <= -eps_H give that decrease")
    cite_taylor(transcript)
    reach(transcript)
    beyond = sympy.Symbol("t", nonnegative=True)
    eps_H = (3 * MU**4 * ERROR_H + SPARE) / (REST * NU)
    error_g, _, third = kept_slacks(
        radius=RADIUS, least_radius=RADIUS / (1 + beyond), mu=MU, eta=ETA, eps_H=eps_H, nu=NU,
        delta_g=ERROR_G, delta_H=ERROR_H, L_H=L_H,
    )  # fmt: skip
    sixth = RADIUS**2 / (6 * MU**2)
    gradient = algebra.vector("g")
    hessian = with_decrease(gradient, NU * eps_H * RADIUS**2 / (2 * MU**2) + GAIN)
    lhs, rhs = statement.formula(
        gradient=gradient + ERROR, hessian=above(hessian), cubic=Segment(L_H - ROOM),
        reported_gradient=gradient, reported_hessian=hessian, step=STEP, eta=ETA,
    )  # fmt: skip
    small = hypothesis(error_g, "delta_g <= (1-eta) nu eps_H D_min/(6 mu^3)")
    transcript.nonnegative(
        "rho >= eta", rhs - lhs,
        [REST * GAIN, small * (RADIUS / (6 * MU**2)),
         REST * NU * eps_H * sixth * beyond / (1 + beyond), SPARE * sixth,
         hypothesis(third, "Delta <= (1-eta) nu eps_H/(L_H mu^5)") * sixth,
         *gradient_terms(), *hessian_terms(), *third_terms()],
        scope=ALL, concludes=True,
        because="z = 1 - eta, (1-eta) nu eps_H = 3 mu^4 delta_H + e, D_min = Delta/(1 + t),"
        " m(0) - m(s) = nu eps_H Delta^2/(2 mu^2) + h",
    )  # fmt: skip


@attack(repaired_gradient)
def steps_with_a_gradient() -> SearchStrategy[Instance]:
    """Steps that attain all three limits at Delta = D_min, and neighbours that do not."""
    return repaired_gradient_instances()


@st.composite
def repaired_gradient_instances(draw: Draw) -> Instance:
    """In axes: ``s = mu Delta e_1``, ``B = diag(-nu eps_H/mu^4, -eps_H)``, errors along e_1."""
    instance, other = _curved(draw, "delta_g", "delta_H", "radius", below=(), above=(),
                              direction=(), gradient=())  # fmt: skip
    mu, radius, room = (instance[name] for name in ("mu", "radius", "room"))
    least = radius * {"below": extremal.EXCESS, "above": Fraction(1, 2)}.get(other.name, 1)
    delta_g = other.factor("delta_g") * room * least / (6 * mu**3)
    delta_H = other.factor("delta_H") * room / (3 * mu**4)
    bound = other.factor("radius") * room / (mu**5 * radius)
    reported = vector(-draw(st.sampled_from(extremal.SIZES)) if other.name == "gradient" else 0, 0)
    error = delta_g * extremal.direction(draw, 2, free=other.name == "direction")
    kept = {**instance, "least_radius": least, "delta_g": delta_g, "reported_gradient": reported}
    return _finish(draw, kept, other, delta_H=delta_H, bound=bound, gradient=reported + error,
                   even=False)  # fmt: skip


def _curved(draw: Draw, *limits: str, **others: Any) -> tuple[Instance, extremal.Deviation]:
    """Constants of an extremal instance; `room` is (1 - eta) nu eps_H."""
    mu, radius = draw(st.sampled_from(extremal.MUS)), draw(st.sampled_from(extremal.SIZES))
    eta, eps_H = draw(st.sampled_from(extremal.ETAS)), draw(st.sampled_from(extremal.SIZES))
    cases = dict.fromkeys(limits, (extremal.EXCESS, mu))
    other = extremal.Deviation(
        draw, {**cases, **others, "nu": (), "decrease": ("9/10", 2), "ridge": ()}
    )
    nu = draw(st.sampled_from([Fraction(1), Fraction(1, 2)]))
    # A limit that forgets nu permits what nu = 1 would.
    room = (1 - eta) * eps_H * (1 if other.name == "nu" else nu)
    return {"mu": mu, "radius": radius, "eta": eta, "eps_H": eps_H, "nu": nu, "room": room}, other


def _finish(draw: Draw, instance: Instance, other: extremal.Deviation, *, delta_H: Fraction,
            bound: Fraction, gradient: Any, even: bool) -> Instance:  # fmt: skip
    mu, radius, eps_H, nu = (instance[name] for name in ("mu", "radius", "eps_H", "nu"))
    bend = nu * eps_H / mu**4 * other.factor("decrease")
    reported, axis = diagonal(-bend, -eps_H), vector(1, 0)
    cubic = extremal.ridge(draw, bound, axis, free=other.name == "ridge")
    if even and other.name != "ridge":
        cubic = bound * vector(1, 1), axis
    rest = {name: value for name, value in instance.items() if name != "room"}
    return extremal.turned(draw, {
        **rest, "gradient": gradient, "hessian": reported + delta_H * diagonal(1, 0),
        "cubic": cubic, "reported_hessian": reported, "step": mu * radius * axis,
        "matrix": diagonal(1 / mu**2, mu**2), "delta_H": delta_H, "L_H": bound,
    })  # fmt: skip
