"""The search for counterexamples: rounds explore, an ascent refines, exact numbers judge."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, TypeVar
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.internal.conjecture import providers
from hypothesis.internal.entropy import deterministic_PRNG

from proofs_check.engine.ascent import ascend, simplify
from proofs_check.engine.drawing import Draft, attempted
from proofs_check.engine.exploring import Round
from proofs_check.engine.hunt import Hunt, Score, Violated
from proofs_check.engine.judging import EQUALITIES
from theory.core import AdageoError, Check, Claim, ClaimError, Evidence, Statement, Verdict
from theory.core.registry import check_decorator

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES: Mapping[str, int] = {"quick": 200, "standard": 2000, "deep": 20000}
SEARCHABLE = ("inequality", *EQUALITIES)
# Every other round climbs on the ratio.
_ROUNDS = 8
_ASCENTS = 4
_LEAST_TRIALS = 600
_SIMPLIFICATIONS, _FEW_SIMPLIFICATIONS = 300, 40


def attack(claim: Claim, examples: Mapping[str, int] | None = None,
           refine: Sequence[str] = ()) -> Callable[[F], F]:  # fmt: skip
    """Register a Hypothesis strategy of instances as a search for counterexamples of `claim`.

    The decorated function returns a strategy of dictionaries whose keys are the arguments of
    the claim's formula; the values are floats, ints, Fractions and float arrays. It may take
    the statement as its only argument.

    Parameters
    ----------
    claim : Claim
        An inequality, identity, definition or algorithm.
    examples : mapping of str to int, optional
        Instances per budget; by default 200 (quick), 2000 (standard), 20000 (deep).
    refine : sequence of str
        Arguments that the local ascent may move to push lhs/rhs up.

    Raises
    ------
    ClaimError
        If the claim's kind cannot be searched, or a number of examples is not positive.
    """
    if isinstance(claim, Claim) and claim.kind not in SEARCHABLE:
        raise ClaimError(f"{claim.id}: kind is {claim.kind!r}; @attack takes claims that compare "
                         f"two sides: {', '.join(SEARCHABLE)}")  # fmt: skip
    for budget, number in (examples or {}).items():
        if budget not in EXAMPLES or number < 1:
            raise ClaimError(f"@attack: examples[{budget!r}] is {number!r}; it must be a positive "
                             f"number for one of {', '.join(EXAMPLES)}")  # fmt: skip
    names = (refine,) if isinstance(refine, str) else tuple(refine)
    numbers = {**EXAMPLES, **(examples or {})}
    return check_decorator("search", claim, examples=numbers, refine=names)


def run_search(
    check: Check, statement: Statement, *, budget: str, seed: int, shrink: bool = True
) -> Evidence:
    """Hunt for a violation of a statement (the claim itself or a mutant).

    Only a violation that is certain in exact rationals or balls refutes. The same seed gives
    the same evidence.

    Parameters
    ----------
    budget : str
        ``quick``, ``standard`` or ``deep``.
    seed : int
    shrink : bool
        Whether to look for the simplest violation, which takes most of the time where there is
        one; else only its numbers are rounded where that keeps it a violation.

    Returns
    -------
    Evidence
        Its data: ``examples``, ``exercised`` (hypotheses held), ``undefined`` (outside the
        formula's domain), ``undecided`` (balls too wide at 2048 bits), ``float_only``
        (violations of float64 rounding alone), ``worst_margin`` (least rhs - lhs; for an
        equality minus the largest ``|lhs - rhs|``), ``tightness`` (supremum of the ratio),
        ``ratios`` (its 101 quantiles over the generated instances), ``extremal`` and
        ``counterexample`` (instances), ``reproduce`` (a line of Python), ``arithmetic``.

    Raises
    ------
    AdageoError
        If the budget is unknown.
    """
    examples = check.options["examples"].get(budget)
    if examples is None:
        raise AdageoError(f"budget is {budget!r}; it must be one of {', '.join(EXAMPLES)}")
    began = time.process_time()
    hunt = Hunt(statement)
    try:
        own_seed = _derive(seed, check, statement)
        simplifications = _SIMPLIFICATIONS if shrink else _FEW_SIMPLIFICATIONS
        # Instances may come from Python's or NumPy's global generators, which are the user's.
        with _same_constants_everywhere(), deterministic_PRNG(own_seed % 2**32):
            _restart(hunt, _strategy(check, statement), examples, own_seed, shrink=shrink)
            if hunt.violated and not shrink:
                _simplify(hunt, simplifications)
            _refine(hunt, check.options["refine"], max(examples, _LEAST_TRIALS), own_seed,
                    simplifications)  # fmt: skip
    except Exception as error:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        verdict = Verdict.INCONCLUSIVE if statement.is_mutant else Verdict.ERROR
        summary = f"{check.name} stopped: {line}"
    else:
        verdict, summary = hunt.verdict()
    return Evidence("search", check.name, verdict, summary, hunt.data(),
                    time.process_time() - began)  # fmt: skip


def _strategy(check: Check, statement: Statement) -> Any:
    parameters = inspect.signature(check.function).parameters.values()
    asked = any(parameter.default is parameter.empty for parameter in parameters)
    strategy = check.function(statement) if asked else check.function()
    imposed = dict(statement.given)
    return strategy.map(lambda instance: {k: imposed.get(k, v) for k, v in instance.items()})


def _derive(seed: int, check: Check, statement: Statement) -> int:
    name = f"{seed}/{check.claim.id}/{check.name}/{statement.variant_name}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _restart(hunt: Hunt, strategy: Any, examples: int, seed: int, *, shrink: bool) -> None:
    """Explore in independent rounds: one that climbs to a plateau would stay there."""
    for number in range(_ROUNDS):
        share = examples // _ROUNDS + (number < examples % _ROUNDS)
        if not share:
            return
        climb, simplest = number % 2 == 1, number == 0
        explored = Round(strategy, hunt.visit, seed ^ number, climb=climb, simplest=simplest)
        choices = explored.run(share, stopped=lambda: hunt.violated)
        if hunt.violated:
            if shrink:
                _shrink(hunt, strategy, choices)
            return


class _Found(ExampleDatabase):
    """The choices of one violation, for Hypothesis to start its shrinking from."""

    def __init__(self, choices: Sequence[Any]) -> None:
        super().__init__()
        self.entry = choices_to_bytes(choices)

    def fetch(self, key: bytes) -> Iterator[bytes]:
        # What is under the primary key would pass for something that has been shrunk already.
        return iter([self.entry] if key.endswith(b".secondary") else [])

    def save(self, key: bytes, value: bytes) -> None:
        """Nothing is kept."""

    def delete(self, key: bytes, value: bytes) -> None:
        """Nothing is kept."""


def _shrink(hunt: Hunt, strategy: Any, choices: Sequence[Any]) -> None:
    def replay(instance: dict[str, Any]) -> None:
        if hunt.still_violated(instance):
            raise Violated(hunt.statement.label)

    # What stops the shrinker does not unmake a violation that is confirmed already.
    with contextlib.suppress(Exception):
        quietly = settings(max_examples=1, database=_Found(choices), deadline=None,
                           derandomize=False, print_blob=False, report_multiple_bugs=False,
                           verbosity=Verbosity.quiet, phases=(Phase.reuse, Phase.shrink),
                           backend="hypothesis",
                           suppress_health_check=list(HealthCheck))  # fmt: skip
        quietly(given(instance=strategy)(replay))()


def _simplify(hunt: Hunt, trials: int) -> None:
    draft = Draft(Random(0))

    def still(instance: Mapping[str, Any]) -> bool:
        return bool(attempted(partial(hunt.still_violated, instance), draft))

    with contextlib.suppress(Exception):
        simplify(hunt.counterexample, still, trials=trials)


def _refine(
    hunt: Hunt, leaves: Sequence[str], trials: int, seed: int, simplifications: int
) -> None:
    starts = hunt.starts(_ASCENTS)
    if not leaves or hunt.violated or hunt.equality or not starts:
        return
    unknown = [name for name in leaves if name not in starts[0][1]]
    if unknown:
        raise ClaimError(f"refine names {unknown[0]!r}; the instances have "
                         f"{', '.join(starts[0][1])}")  # fmt: skip
    rng, draft = np.random.default_rng(seed), Draft(Random(seed))
    hunt.refining = True

    def visit(instance: Mapping[str, Any]) -> Score | None:
        return attempted(partial(hunt.visit_or_stop, instance), draft)

    climb = partial(ascend, visit=visit, leaves=leaves, rng=rng)
    try:
        reached = [climb(instance, score, trials=trials // (2 * len(starts)) + 1)
                   for score, instance in starts]  # fmt: skip
        open_ends = [end for end in reached if end[0][0] < 1]
        if open_ends:
            score, instance = max(open_ends, key=lambda end: end[0])
            climb(instance, score, trials=trials // 2)
    except Violated:
        _simplify(hunt, simplifications)


@contextlib.contextmanager
def _same_constants_everywhere() -> Iterator[None]:
    """Keep Hypothesis from drawing constants of whichever local modules are imported.

    It would make the instances depend on the rest of the process, and write a cache to disk.
    """
    from hypothesis.internal.constants_ast import Constants

    cache = providers.CONSTANTS_CACHE
    with (
        mock.patch.object(providers, "_get_local_constants", Constants),
        mock.patch.object(providers, "CONSTANTS_CACHE", type(cache)(cache.max_size)),
    ):
        yield
