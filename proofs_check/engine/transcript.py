"""The transcript of a proof: numbered steps, each checked by one rule, none marked unchecked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from proofs_check.engine import enclosures, inductive, polynomials, rules
from proofs_check.engine.rules import Outcome
from proofs_check.engine.terms import INDUCTION, Term, induction_hypothesis


@dataclass(frozen=True)
class Step:
    """One line of a proof.

    Attributes
    ----------
    rule : str
        ``identity``, ``nonnegative``, ``induction``, ``interval``, ``exact``,
        ``polynomial`` or ``cited``.
    status : str
        ``checked``, ``failed`` or ``cited``.
    detail : str
        How it was checked, the witness against it, or why it is undecided.
    concludes, refuted : bool
        Whether the step is the statement; whether a confirmed witness contradicts it.
    conditional : bool
        Whether the step states conditions (`where`, hypotheses), which its witness satisfies.
    """

    index: int
    name: str
    rule: str
    scope: str
    claim: str
    latex: str
    because: str
    status: str
    detail: str
    concludes: bool = False
    refuted: bool = False
    conditional: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


@dataclass
class Transcript:
    """Records the steps of a proof; a failing step is recorded and never raises.

    Every method takes ``scope`` (``"all d"``, ``"d <= 4"``), ``because`` (the reason, printed) and
    ``concludes`` (the step is the statement itself, built from ``statement.formula``).
    ``shown`` replaces the claim that is printed (the normal form of what was checked otherwise).
    `where` lists SymPy relations between symbols that the claim assumes; witnesses respect them.

    Attributes
    ----------
    hypotheses_hold : bool
        False for a variant without hypotheses: a step that rests on a `hypothesis` then fails.
    statement_used : bool
        Whether ``statement.formula`` was evaluated; no step can conclude the statement before.
    only_conclusions : bool
        Skip every other step (for a quick look at whether the conclusions use the statement).
    evaluations : list of mapping
        The arguments by name of every evaluation of ``statement.formula``.
    """

    steps: list[Step] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    hypotheses_hold: bool = True
    statement_used: bool = False
    only_conclusions: bool = False
    evaluations: list[Mapping[str, Any]] = field(default_factory=list)

    def given(self, text: str) -> None:
        """State an assumption of the claim; it is printed before the steps."""
        if text not in self.assumptions:
            self.assumptions.append(text)

    def identity(self, name: str, lhs: Any, rhs: Any, *, scope: str, because: str = "",
                 concludes: bool = False, where: Iterable[Any] = (),
                 shown: str = "") -> bool:  # fmt: skip
        """``lhs = rhs``: the difference reduces to 0 (numbers, SymPy, algebra, or arrays).

        As in any computer algebra, equality holds wherever both sides are defined.
        """
        conditions = tuple(where)
        check = functools.partial(rules.identity, lhs, rhs, conditions)
        return self._add(name, shown, "identity", scope, because, concludes, check,
                         conditional=bool(conditions))  # fmt: skip

    def nonnegative(self, name: str, expression: Any, terms: Sequence[Any], *, scope: str,
                    because: str = "", concludes: bool = False,
                    where: Iterable[Any] = (), shown: str = "") -> bool:  # fmt: skip
        """``expression = sum(terms) >= 0``, each term visibly nonnegative or a `hypothesis`."""
        conditions = tuple(where)
        assumed = self._list_hypotheses(terms)
        check = functools.partial(rules.nonnegative, expression, terms, conditions,
                                  hypotheses_hold=self.hypotheses_hold)  # fmt: skip
        return self._add(name, shown, "nonnegative", scope, because, concludes, check,
                         conditional=assumed or bool(conditions))  # fmt: skip

    def induction(self, name: str, gap: Callable[[Any], Any], index: Any, base_terms: Sequence[Any],
                  step_terms: Callable[[Term], Sequence[Any]], *, start: int = 0, scope: str,
                  because: str = "", concludes: bool = False, where: Iterable[Any] = (),
                  shown: str = "") -> bool:  # fmt: skip
        """``gap(index) >= 0`` for every integer ``index >= start``, by induction.

        ``gap(start)`` is the sum of `base_terms`, and ``gap(index + 1)`` that of
        ``step_terms(previous)``, `previous` being ``gap(index)`` as a nonnegative term. The index
        is a SymPy symbol whose assumptions hold for every integer from `start` on.
        """

        def check() -> Outcome:
            terms = list(step_terms(induction_hypothesis(gap(index))))
            self._list_hypotheses([*base_terms, *terms])
            return inductive.induction(gap, index, start, list(base_terms), terms, tuple(where),
                                       hypotheses_hold=self.hypotheses_hold)  # fmt: skip

        return self._add(name, shown, "induction", scope, because, concludes, check)

    def interval(self, name: str, function: Callable[..., Any],
                 box: Sequence[Sequence[Any]] | Mapping[str, Sequence[Any]], relation: str, *,
                 scope: str, because: str = "", concludes: bool = False, shown: str = "",
                 max_boxes: int = 20_000) -> bool:  # fmt: skip
        """``function relation 0`` on the whole box, in balls, by adaptive subdivision."""
        check = functools.partial(enclosures.interval, function, box, relation, max_boxes)
        return self._add(name, shown, "interval", scope, because, concludes, check)

    def exact(self, name: str, lhs: Any, relation: str, rhs: Any, *, scope: str,
              because: str = "", concludes: bool = False, shown: str = "") -> bool:  # fmt: skip
        """``lhs relation rhs`` between numbers, in rationals or balls of growing precision."""
        check = functools.partial(enclosures.exact, lhs, relation, rhs)
        return self._add(name, shown, "exact", scope, because, concludes, check)

    def polynomial(self, name: str, hypotheses: Sequence[Any], conclusion: Any, *, scope: str,
                   because: str = "", concludes: bool = False, shown: str = "",
                   seconds: float = 20) -> bool:  # fmt: skip
        """z3: the hypotheses imply the conclusion for all real values."""
        check = functools.partial(polynomials.polynomial, hypotheses, conclusion, seconds)
        return self._add(name, shown, "polynomial", scope, because, concludes, check,
                         conditional=bool(hypotheses))  # fmt: skip

    def cited(self, name: str, theorem: str, statement: str, *, scope: str,
              because: str = "") -> None:  # fmt: skip
        """Use a theorem without proof; it is listed as cited."""
        self.steps.append(Step(len(self.steps) + 1, name, "cited", scope, statement, "", because,
                               "cited", theorem))  # fmt: skip

    @property
    def failed(self) -> Step | None:
        """The first failed step."""
        return next((step for step in self.steps if step.status == "failed"), None)

    def _list_hypotheses(self, terms: Sequence[Any]) -> bool:
        """Print the hypotheses that terms rest on; whether there are any."""
        texts = [text for term in terms if isinstance(term, Term) for _, text in term.conditions
                 if text != INDUCTION]  # fmt: skip
        for text in texts:
            self.given(text)
        return bool(texts)

    def _add(self, name: str, shown: str, rule: str, scope: str, because: str, concludes: bool,
             check: Callable[[], Outcome], *, conditional: bool = False) -> bool:  # fmt: skip
        if self.only_conclusions and not concludes:
            return True
        try:
            outcome = check()
        except Exception as error:  # a step that cannot be evaluated is a step that failed
            outcome = Outcome(False, name, "", f"not checked: {type(error).__name__}: {error}")
        if concludes and outcome.ok and not self.statement_used:
            outcome = replace(outcome, ok=False, detail="the statement was not evaluated before "
                              "the step that is to conclude it")  # fmt: skip
        self.steps.append(Step(len(self.steps) + 1, name, rule, scope, shown or outcome.claim,
                               outcome.latex, because, "checked" if outcome.ok else "failed",
                               outcome.detail, concludes, outcome.refuted,
                               conditional))  # fmt: skip
        return outcome.ok
