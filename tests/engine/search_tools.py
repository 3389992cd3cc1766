"""Planted claims and their search, for the tests of the search."""

from proofs_check.engine.drawing import Draft, attempted
from proofs_check.engine.search import run_search
from theory.core import Check, Claim, Source


def claim(formula, kind="inequality", assumes=None, **mutants):
    return Claim(id="planted/item", title="planted", kind=kind, statement="planted",
                 source=Source("planted", item="item"), scope={"d": "d >= 1"}, formula=formula,
                 assumes=assumes, mutants=mutants or {"mutant": lambda **_: (1, 0)})  # fmt: skip


def check(of, instances, refine=(), examples=200):
    return Check("search", of, lambda: instances, {"examples": {"quick": examples},
                                                   "refine": tuple(refine)})  # fmt: skip


def search(of, instances, refine=(), variant=None, seed=0, examples=200):
    statement = of.itself() if variant is None else of.variant(variant)
    return run_search(check(of, instances, refine, examples), statement, budget="quick", seed=seed)


def drawn(strategy, random, *given, **options):
    """An instance and its draft; None where a filter or an assumption failed."""
    draft = Draft(random, *given, **options)
    return attempted(lambda: (draft.draw(strategy), draft), draft)
