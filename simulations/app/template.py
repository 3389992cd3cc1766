"""The commented template that ``adageo new-claim`` writes."""

from __future__ import annotations

from simulations.app.cli import UsageError
from theory.core import Claim, ClaimError, Source

_TEMPLATE = '''"""@ID@: an inequality and a law to start from; replace them by your own.

Run:      adageo --claims THIS_FILE verify '@ID@*'
Read:     adageo --claims THIS_FILE prove '@ID@'
Break it: adageo --claims THIS_FILE falsify '@ID@' --mutant 'constant too small'
"""

import sympy
from hypothesis import strategies as st

from proofs_check.engine import attack, proof
from simulations.engine import estimators, measurement
from theory.core import Claim, Mutant, Source


# 1. The statement, as a plain function. An inequality returns (lhs, rhs) and claims lhs <= rhs.
#    Use + - * / only where you can: then a counterexample is confirmed in exact rationals.
def young(a, b):
    """2 a b <= a^2 + b^2."""
    return 2 * a * b, a * a + b * b


# 2. The claim: where it comes from, its scope, and false variants that the checks must refute.
#    A check that cannot fail is worth nothing: put one mutant close to every tight constant.
inequality = Claim(
    id="@ID@",
    title="Young's inequality",
    kind="inequality",
    statement=r"For all real $a$ and $b$: $2ab \\le a^2 + b^2$.",
    source=Source("my-paper", item="Lemma 1"),
    scope={"a": "real", "b": "real"},
    formula=young,
    mutants={"constant too small": lambda a, b: (2 * a * b, (a * a + b * b) * 99 / 100)},
)


# 3. Evidence. A proof is a transcript of steps; `concludes=True` marks the one that is the claim.
@proof(inequality, scope="all real a, b")
def young_proof(statement, transcript):
    a, b = sympy.symbols("a b", real=True)
    lhs, rhs = statement.formula(a, b)
    transcript.nonnegative(
        "a square", rhs - lhs, [(a - b) ** 2], scope="all real a, b", concludes=True
    )


#    An attack is a Hypothesis strategy of instances (see proofs_check.strategies for matrices);
#    `refine` names what the search may move to push lhs/rhs up.
@attack(inequality, refine=("a", "b"))
def young_instances():
    numbers = st.floats(-1e3, 1e3, allow_nan=False)
    return st.fixed_dictionaries({"a": numbers, "b": numbers})


# 4. A law is measured by Monte Carlo: the formula returns the claimed value at a grid point.
def second_moment(scale):
    """E X^2 = scale^2."""
    return scale**2


law = Claim(
    id="@ID@.law",
    title="Second moment of a Gaussian",
    kind="law",
    statement=r"If $X \\sim N(0, s^2)$ then $\\mathbb{E} X^2 = s^2$.",
    source=Source("my-paper", item="Lemma 2"),
    scope={"scale": "> 0"},
    formula=second_moment,
    mutants={
        "scale not squared": lambda scale: scale,
        "another law": Mutant(given={"law": "laplace"}),
    },
)


@measurement(
    law,
    points={"quick": [{"scale": 0.5, "law": "gaussian"}, {"scale": 3.0, "law": "gaussian"}]},
    trials={"quick": 100_000, "standard": 1_000_000, "deep": 10_000_000},
    block=50_000,
    estimate=estimators.mean("square"),
    resolution=0.05,
    claimed=lambda statement, point: statement.formula(point["scale"]),
)
def squares(stream, trials, *, scale, law):
    draw = stream.normal if law == "gaussian" else stream.laplace
    return {"square": (scale * draw((trials,))) ** 2}
'''


def claim_template(claim_id: str) -> str:
    """Return the source of a claim file whose claims are `claim_id` and ``claim_id.law``.

    Raises
    ------
    UsageError
        If `claim_id` is no valid claim id.
    """
    try:
        Claim(claim_id, "-", "law", "-", Source("-", "-"), {"-": "-"}, abs, {"-": abs})
    except ClaimError as error:
        raise UsageError(str(error)) from None
    return _TEMPLATE.replace("@ID@", claim_id).replace("\\\\", "\\")
