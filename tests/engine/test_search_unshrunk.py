"""A search that does not shrink: the same verdict, confirmed exactly, on a rounded instance."""

from fractions import Fraction

from hypothesis import strategies as st
from search_tools import check, claim

from proofs_check.engine.search import run_search
from theory.core import Verdict

INSTANCES = st.fixed_dictionaries({"x": st.floats(2, 1e6), "y": st.floats(-5, 5)})


def planted(x, y):
    """True for x >= 2; twice as much is false."""
    return x + y * y, x * x + y * y


def doubled(x, y):
    return x * x + y * y, 2 * x


def test_the_violation_is_confirmed_but_need_not_be_the_simplest():
    statement = claim(planted, doubled=doubled).variant("doubled")
    found = {
        shrink: run_search(check(statement.claim, INSTANCES), statement, budget="quick", seed=0,
                           shrink=shrink)
        for shrink in (True, False)
    }  # fmt: skip
    for evidence in found.values():
        assert evidence.verdict is Verdict.REFUTED
        instance = evidence.data["counterexample"]
        lhs, rhs = doubled(*(Fraction(instance[name]) for name in ("x", "y")))
        assert lhs > rhs


def test_a_true_statement_is_searched_all_the_same():
    statement = claim(planted).itself()
    one, other = (
        run_search(check(statement.claim, INSTANCES), statement, budget="quick", seed=0, shrink=s)
        for s in (True, False)
    )
    assert one.verdict is other.verdict is Verdict.SUPPORTED
    assert one.data == other.data
