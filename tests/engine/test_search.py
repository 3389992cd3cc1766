"""The search on planted truths and planted falsehoods."""

import json
import subprocess
import sys
import textwrap
import types
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import strategies as st
from search_tools import claim, search

from proofs_check import strategies
from proofs_check.engine.judging import Answer, judge, ratio_of
from proofs_check.engine.search import attack, run_search
from theory import arrays
from theory.core import AdageoError, ClaimError, Mutant, Verdict
from theory.core.registry import _CHECKS

SIZES = st.integers(1, 4)


def pairs(sizes=SIZES):
    return sizes.flatmap(lambda d: st.fixed_dictionaries({
        "x": strategies.vectors(d, scale=8.0), "y": strategies.vectors(d, scale=8.0)}))  # fmt: skip


def cauchy_schwarz(x, y):
    return arrays.dot(x, y) ** 2, arrays.dot(x, x) * arrays.dot(y, y)


def with_roots(x, y):
    return arrays.dot(x, y), arrays.square_root(arrays.dot(x, x)) * arrays.square_root(
        arrays.dot(y, y)
    )


def test_cauchy_schwarz_holds_and_is_found_to_be_tight():
    found = search(claim(cauchy_schwarz), pairs(st.integers(2, 4)), refine=("x", "y"))
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["exercised"] == found.data["examples"] == 200
    assert 0.999 <= found.data["tightness"] <= 1
    assert found.data["worst_margin"] == 0.0
    assert len(found.data["ratios"]) == 101
    assert found.data["ratios"] == sorted(found.data["ratios"])


def test_the_ascent_reaches_what_generation_misses():
    # Interior maximum of the ratio at an irrational point: only the ascent comes close to it.
    hill = claim(lambda x: (1 - (x * x - 2) ** 2, 1 + x * 0), assumes=lambda x: x > 0)
    instances = st.fixed_dictionaries({"x": st.integers(0, 40).map(float)})
    coarse, fine = search(hill, instances), search(hill, instances, refine=("x",))
    assert coarse.data["tightness"] == 0.0
    assert fine.data["tightness"] > 0.999999
    assert fine.verdict is Verdict.SUPPORTED


def test_the_ascent_finds_and_simplifies_a_violation_that_generation_misses():
    bad = claim(
        lambda x: (1 - (x * x - 2) ** 2, Fraction(99, 100) + x * 0), assumes=lambda x: x > 0
    )
    instances = st.fixed_dictionaries({"x": st.integers(0, 40).map(float)})
    assert search(bad, instances).verdict is Verdict.SUPPORTED
    found = search(bad, instances, refine=("x",))
    assert found.verdict is Verdict.REFUTED
    assert len(repr(found.data["counterexample"]["x"])) <= 7


def test_the_ascent_keeps_shapes_and_symmetry():
    # <A, G'G> <= ||A|| ||G'G|| (Frobenius), with equality for A along G'G.
    def frobenius(a, g):
        gram = arrays.transpose(g) @ g
        return arrays.total(a * gram) ** 2, arrays.total(a * a) * arrays.total(gram * gram)

    seen = []

    def symmetric(a, g):
        seen.append(g.shape)
        return arrays.is_symmetric(a)

    instances = st.fixed_dictionaries({"a": strategies.symmetric(2),
                                       "g": strategies.gradient_sequences(2, 2)})  # fmt: skip
    found = search(claim(frobenius, assumes=symmetric), instances, refine=("a", "g"), examples=30)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["tightness"] > 0.999
    assert set(seen) == {(3, 2)}


def test_a_constant_that_is_one_percent_too_small_is_refuted_and_shrunk():
    bad = claim(cauchy_schwarz, small=lambda x, y: (arrays.dot(x, y) ** 2,
                arrays.dot(x, x) * arrays.dot(y, y) * Fraction(99, 100)))  # fmt: skip
    found = search(bad, pairs(), refine=("x", "y"), variant="small")
    assert found.verdict is Verdict.REFUTED
    assert found.data["arithmetic"] == "exact rationals"
    x, y = found.data["counterexample"]["x"], found.data["counterexample"]["y"]
    assert len(x) == len(y) == 1
    assert abs(x[0]) <= 8
    assert x[0] == int(x[0])


def test_a_violation_with_square_roots_is_confirmed_in_balls():
    bad = claim(with_roots, small=lambda x, y: (arrays.dot(x, y) * Fraction(101, 100),
                                                with_roots(x, y)[1]))  # fmt: skip
    instances = st.fixed_dictionaries({"x": st.just(np.array([1.0, 2.0])),
                                       "y": st.just(np.array([1.0, 2.0]))})  # fmt: skip
    squared = search(bad, instances, variant="small")
    assert squared.verdict is Verdict.REFUTED
    assert squared.data["arithmetic"] == "balls of 128 bits"


def test_equality_in_irrational_numbers_is_no_violation():
    # ||x|| ||x|| = x'x: float64 and every ball leave the order of the two sides open.
    instances = st.builds(lambda x: {"x": x, "y": 3 * x}, strategies.vectors(SIZES))
    found = search(claim(with_roots), instances)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["tightness"] == 1.0
    assert found.data["float_only"] > 0


def test_a_violation_by_rounding_alone_is_not_refuted():
    # (a + b) - b <= a holds with equality; in float64 it fails wherever a is rounded up.
    truth = claim(lambda a, b: ((a + b) - b, a))
    numbers = st.floats(0, 1)
    instances = st.fixed_dictionaries({"a": numbers, "b": st.floats(1e3, 1e9)})
    found = search(truth, instances, refine=("a", "b"))
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["float_only"] > 10
    assert found.data["worst_margin"] == 0.0
    assert found.data["tightness"] == 1.0


def test_a_violation_that_rounding_hides_is_refuted():
    # True by 1e-3 in exact arithmetic, absorbed by 1e20 in float64.
    bad = claim(lambda a: (a + 10**20 + Fraction(1, 1000), a + 10**20))
    found = search(bad, st.fixed_dictionaries({"a": st.floats(0, 1)}))
    assert found.verdict is Verdict.REFUTED
    assert found.data["counterexample"] == {"a": 0.0}


def test_a_hypothesis_is_decided_exactly_at_its_boundary():
    # x'x <= 1 holds for (0.6, 0.8) rounded down but not for the floats that spell it.
    inside = claim(lambda x: (arrays.dot(x, x), 1), assumes=lambda x: arrays.dot(x, x) <= 1)
    gradients = strategies.gradient_sequences(0, 3, attained=True).map(lambda g: {"x": g[0]})
    found = search(inside, gradients)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["exercised"] == found.data["examples"]


def test_hypotheses_that_are_never_met_are_inconclusive():
    empty = claim(cauchy_schwarz, assumes=lambda x, y: arrays.dot(x, x) < 0)
    found = search(empty, pairs())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.data["exercised"] == 0
    assert "none of" in found.summary


def test_an_identity_with_a_planted_error_is_refuted_exactly():
    def difference_of_squares(x, y):
        return arrays.dot(x + y, x - y), arrays.dot(x, x) - arrays.dot(y, y)

    def off(x, y):
        lhs, rhs = difference_of_squares(x, y)
        return lhs, rhs + Fraction(1, 10**40)

    identity = claim(difference_of_squares, kind="identity", planted=off)
    assert search(identity, pairs()).verdict is Verdict.SUPPORTED
    assert search(identity, pairs()).data["worst_margin"] == 0.0
    planted = search(identity, pairs(), variant="planted")
    assert planted.verdict is Verdict.REFUTED
    assert planted.data["violation"] == pytest.approx(-1e-40)
    assert planted.data["counterexample"] == {"x": [0.0], "y": [0.0]}


def test_an_identity_with_roots_holds_in_balls_and_its_mutant_fails():
    def squared(x, y):
        return with_roots(x, y)[1] ** 2, cauchy_schwarz(x, y)[1]

    def not_squared(x, y):
        return with_roots(x, y)[1], cauchy_schwarz(x, y)[1]

    identity = claim(squared, kind="identity", planted=not_squared)
    found = search(identity, pairs())
    assert found.verdict is Verdict.SUPPORTED
    assert "balls of 128 bits" in found.data["arithmetic"]
    assert 0 > found.data["worst_margin"] > -1e-30 or found.data["worst_margin"] == 0.0
    assert search(identity, pairs(), variant="planted").verdict is Verdict.REFUTED


def test_a_dropped_assumption_is_refuted_where_the_strategy_leaves_it():
    # x <= x^2 needs x >= 1.
    statement = claim(
        lambda x: (x, x * x), assumes=lambda x: x >= 1, dropped=Mutant(drops_assumptions=True)
    )
    instances = st.fixed_dictionaries({"x": st.floats(0, 4)})
    found = search(statement, instances)
    assert found.verdict is Verdict.SUPPORTED
    assert 0 < found.data["exercised"] < found.data["examples"]
    assert search(statement, instances, variant="dropped").verdict is Verdict.REFUTED


def test_parameters_that_a_mutant_imposes_replace_the_generated_ones():
    statement = claim(lambda x, c: (x, c * x), assumes=lambda x, c: x > 0,
                      half=Mutant(given={"c": Fraction(1, 2)}))  # fmt: skip
    instances = st.fixed_dictionaries({"x": st.floats(0, 4), "c": st.just(2.0)})
    found = search(statement, instances, variant="half")
    assert found.verdict is Verdict.REFUTED
    assert found.data["counterexample"]["c"] == "1/2"


def test_negative_sides_have_a_ratio_and_degenerate_ones_only_a_margin():
    assert ratio_of(-4.0, -1.0) == 0.25
    assert ratio_of(-1.0, -4.0) == 4.0
    assert ratio_of(-1.0, 2.0) == 0.0
    assert ratio_of(0.0, 0.0) is None
    assert ratio_of(1.0, 0.0) is None
    assert ratio_of([1.0, 3.0], [2.0, 4.0]) == 0.75
    found = search(claim(lambda x: (0 * x, x * x)), st.fixed_dictionaries({"x": st.just(0.0)}))
    assert found.data["tightness"] is None
    assert found.data["worst_margin"] == 0.0


def test_an_entry_of_an_array_is_enough_for_a_violation():
    entrywise = claim(lambda x: (x, x + np.array([1, 1, -1])))
    found = search(entrywise, st.fixed_dictionaries({"x": strategies.vectors(3)}))
    assert found.verdict is Verdict.REFUTED
    assert found.data["violation"] == -1.0


def test_a_formula_without_exact_arithmetic_cannot_refute():
    bad = claim(lambda x: (np.linalg.eigvalsh(x)[-1], np.trace(x) * 0 - 1))
    found = search(bad, st.fixed_dictionaries({"x": strategies.positive_definite(2)}))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cannot be decided exactly" in found.summary
    assert found.data["extremal"] is not None


def test_a_broken_formula_is_an_error_for_the_claim_and_nothing_for_a_mutant():
    def broken(x):
        raise KeyError("no such entry")

    statement = claim(broken, mutant=Mutant(drops_assumptions=True))
    instances = st.fixed_dictionaries({"x": st.floats(0, 1)})
    found = search(statement, instances)
    assert found.verdict is Verdict.ERROR
    assert "KeyError" in found.summary
    assert "\n" not in found.summary
    assert search(statement, instances, variant="mutant").verdict is Verdict.INCONCLUSIVE


def test_points_outside_the_domain_are_counted_not_refuted():
    inverse = claim(lambda x: (1 / x * x, 1))
    instances = st.fixed_dictionaries({"x": st.sampled_from([0.0, 1.0, 2.0])})
    found = search(inverse, instances)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["undefined"] > 0


def test_an_unknown_leaf_is_named():
    found = search(claim(cauchy_schwarz), pairs(), refine=("z",))
    assert found.verdict is Verdict.ERROR
    assert "refine names 'z'" in found.summary


def test_exact_fractions_pass_through_instances():
    orthogonal = claim(lambda q: (q.T @ q, arrays.identity_matrix(3, like=q)), kind="definition",
                       skewed=lambda q: (q.T @ q, q @ q.T * 2))  # fmt: skip
    instances = st.fixed_dictionaries({"q": strategies.rational_orthogonal(3)})
    assert search(orthogonal, instances, examples=50).verdict is Verdict.SUPPORTED
    found = search(orthogonal, instances, variant="skewed", examples=50)
    assert found.verdict is Verdict.REFUTED
    assert found.data["counterexample"]["q"][0] == ["1/1", "0/1", "0/1"]


def test_the_evidence_is_json_and_reproduces_the_violation():
    bad = claim(cauchy_schwarz, small=_too_small)
    found = search(bad, pairs(), variant="small")
    assert json.loads(json.dumps(found.to_json())) == found.to_json()
    name, arguments = found.data["reproduce"].split("(", 1)
    assert name.endswith("_too_small")
    lhs, rhs = eval(f"_too_small({arguments}", {"np": np, "_too_small": _too_small})
    assert lhs > rhs


def _too_small(x, y):
    return arrays.dot(x, y) ** 2, arrays.dot(x, x) * arrays.dot(y, y) * 99 / 100


def test_the_same_seed_gives_the_same_evidence_whatever_is_imported(monkeypatch):
    of = claim(cauchy_schwarz)
    first = search(of, pairs(), refine=("x", "y"), seed=7)
    neighbour = types.ModuleType("neighbour")
    neighbour.__file__ = __file__
    monkeypatch.setitem(sys.modules, "neighbour", neighbour)
    second = search(of, pairs(), refine=("x", "y"), seed=7)
    other = search(of, pairs(), refine=("x", "y"), seed=8)
    assert first.data == second.data
    assert first.data["ratios"] != other.data["ratios"]


def test_two_processes_agree_and_leave_nothing_behind(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
        import json, sys
        if len(sys.argv) > 1:
            import neighbour
        from hypothesis import strategies as st
        from proofs_check import strategies
        from proofs_check.engine.search import run_search
        from theory import arrays
        from theory.core import Check, Claim, Source
        claim = Claim(id="a/b", title="t", kind="inequality", statement="s",
                      source=Source("p", item="i"), scope={"d": "d"},
                      formula=lambda x, y: (x * y, x * x + y * y),
                      mutants={"m": lambda x, y: (x, y)})
        numbers = st.floats(-1e6, 1e6)
        instances = st.fixed_dictionaries({"x": numbers, "y": numbers})
        check = Check("search", claim, lambda: instances,
                      {"examples": {"quick": 100}, "refine": ("x",)})
        statements = [claim.itself(), claim.variant("m")]
        found = [run_search(check, s, budget="quick", seed=3).data for s in statements]
        print(json.dumps(found))
    """)
    )
    (tmp_path / "neighbour.py").write_text("VALUES = (123456.789, 31415.9, 27182.8, -777.25)\n")
    runs = [
        subprocess.run([sys.executable, "-W", "error", str(script), *extra], cwd=tmp_path,
                       check=True, capture_output=True, text=True,
                       env={"PYTHONPATH": ":".join(sys.path)})
        for extra in ([], ["with neighbour"])
    ]  # fmt: skip
    assert runs[0].stdout == runs[1].stdout
    assert [run.stderr for run in runs] == ["", ""]
    assert len(runs[0].stdout.splitlines()) == 1
    assert not (tmp_path / ".hypothesis").exists()


def test_the_precision_of_balls_is_restored():
    before = flint.ctx.prec
    search(claim(with_roots), pairs(), examples=30)
    assert flint.ctx.prec == before


def test_a_judge_decides_one_instance():
    statement = claim(cauchy_schwarz).itself()
    ones = {"x": np.ones(2), "y": np.ones(2)}
    assert judge(statement, ones).answer is Answer.HOLDS
    assert judge(statement, ones).margin == 0.0
    excluded = claim(cauchy_schwarz, assumes=lambda x, y: False).itself()
    assert judge(excluded, ones).answer is Answer.EXCLUDED


def test_attack_registers_its_options_and_refuses_what_cannot_be_searched(monkeypatch):
    monkeypatch.setattr("theory.core.registry._CHECKS", registered := list(_CHECKS))
    of = claim(cauchy_schwarz)

    @attack(of, examples={"quick": 5}, refine=("x",))
    def instances(statement):
        return pairs() if statement.claim is of else None

    assert registered[-1].options["examples"] == {"quick": 5, "standard": 2000, "deep": 20000}
    assert run_search(registered[-1], of.itself(), budget="quick", seed=0).data["examples"] == 5
    with pytest.raises(AdageoError, match="budget is 'huge'; it must be one of quick"):
        run_search(registered[-1], of.itself(), budget="huge", seed=0)
    with pytest.raises(ClaimError, match="kind is 'law'"):
        attack(claim(cauchy_schwarz, kind="law"))
    with pytest.raises(ClaimError, match=r"examples\['quick'\] is 0"):
        attack(of, examples={"quick": 0})
