"""The shape of a claim: source, statement, scope, formula, and false variants of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from theory.core.errors import ClaimError
from theory.core.extras import EXTRAS

KINDS = ("definition", "identity", "inequality", "law", "limit", "rate", "algorithm")
EXPECTATIONS = ("holds", "fails", "measured")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9.-]*)+")

Formula = Callable[..., Any]


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    Parameters
    ----------
    paper : str
        Key of the paper in the bibliography (``"kohler2019"``), or any citation.
    item : str
        The paper's own name of the statement (``"Proposition 1"``), or ``"beyond"`` for a
        result that is derived in this project.
    equations : tuple of str
        The paper's equation numbers.
    """

    paper: str
    item: str
    equations: tuple[str, ...] = ()

    def __str__(self) -> str:
        numbers = ", ".join(f"({number})" for number in self.equations)
        return f"{self.paper}, {self.item}" + (f", eq. {numbers}" if numbers else "")


@dataclass(frozen=True)
class Mutant:
    """A false variant of a statement, which the claim's own checks must refute.

    Parameters
    ----------
    formula : callable, optional
        Replaces the claim's formula; the claim's own when omitted.
    assumes : callable, optional
        Replaces the claim's hypotheses. ``drops_assumptions=True`` removes them all.
    given : mapping
        Parameters that replace those of every grid point (a dropped assumption of a law, for
        instance ``{"law": "cauchy"}``); measurements are drawn anew under them.
    drops_assumptions : bool
        Whether the variant is claimed without any hypothesis.
    """

    formula: Formula | None = None
    assumes: Formula | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    drops_assumptions: bool = False

    def changes_something(self) -> bool:
        """Whether the variant differs from the statement that it varies."""
        return bool(self.formula or self.assumes or self.given or self.drops_assumptions)


@dataclass(frozen=True)
class Claim:
    """One definition, lemma, proposition, theorem or algorithm, ready to be checked.

    Parameters
    ----------
    id : str
        ``"paper/item"`` or ``"paper/item.variant"``, lower case; mirrors the paper's numbering.
    title, statement, notes : str
        A few words; the statement in LaTeX with its assumptions; what is sharper or wrong.
    kind : str
        One of ``KINDS``. The formula of an *inequality* returns ``(lhs, rhs)`` and claims
        ``lhs <= rhs``; that of an *identity*, *definition* or *algorithm* returns
        ``(lhs, rhs)`` and claims equality; that of a *law*, *limit* or *rate* returns the
        claimed value (or the claimed distribution function).
    source : Source
    scope : mapping of str to str
        The range of every parameter.
    expected : str
        ``"holds"``, ``"fails"`` (then ``corrected_by`` names the claim with the corrected
        statement) or ``"measured"`` where the measurement is to say.
    formula : callable
        The statement itself; evaluated in float64, in exact rationals, in balls and on symbols.
    assumes : callable, optional
        Hypotheses as a predicate of the formula's arguments. It is evaluated in the same
        arithmetic as the formula, so that a rounding error never fakes a counterexample.
    mutants : mapping of str to callable or Mutant
        False variants, each refuted by at least one check.
    corrected_by, sharpens : str, optional
        Id of the claim with the corrected statement; id of the claim that this one sharpens.
    extra : str, optional
        Extra of the distribution (a key of ``EXTRAS``) that the checks need. A run without it
        leaves the claim out and says so.

    Raises
    ------
    ClaimError
        If a field is missing or malformed; the message names the claim and the field.
    """

    id: str
    title: str
    kind: str
    statement: str
    source: Source
    scope: Mapping[str, str]
    formula: Formula
    mutants: Mapping[str, Formula | Mutant]
    expected: str = "holds"
    assumes: Formula | None = None
    notes: str = ""
    corrected_by: str | None = None
    sharpens: str | None = None
    extra: str | None = None

    def __post_init__(self) -> None:
        name = self.id if isinstance(self.id, str) and self.id else "claim without an id"
        _require(isinstance(self.id, str) and _ID.fullmatch(self.id) is not None, name, "id",
                 self.id, "'paper/item', lower case letters, digits, '-' and '.'")  # fmt: skip
        for attribute in ("title", "statement"):
            value = getattr(self, attribute)
            _require(isinstance(value, str) and bool(value.strip()), name, attribute, value,
                     "a non-empty string")  # fmt: skip
        _require(self.kind in KINDS, name, "kind", self.kind, f"one of {', '.join(KINDS)}")
        _require(isinstance(self.source, Source) and bool(self.source.paper)
                 and bool(self.source.item), name, "source", self.source,
                 "Source(paper, item=...)")  # fmt: skip
        _require(bool(self.scope) and isinstance(self.scope, Mapping), name, "scope", self.scope,
                 "a mapping from each parameter to its range")  # fmt: skip
        _require(self.expected in EXPECTATIONS, name, "expected", self.expected,
                 f"one of {', '.join(EXPECTATIONS)}")  # fmt: skip
        _require(callable(self.formula), name, "formula", self.formula, "a callable")
        _require(self.extra is None or self.extra in EXTRAS, name, "extra", self.extra,
                 f"None or one of {', '.join(EXTRAS)}")  # fmt: skip
        _require(bool(self.mutants) and isinstance(self.mutants, Mapping), name, "mutants",
                 self.mutants, "at least one false variant")  # fmt: skip
        normalised = {key: _as_mutant(name, key, value) for key, value in self.mutants.items()}
        object.__setattr__(self, "mutants", MappingProxyType(normalised))
        object.__setattr__(self, "scope", MappingProxyType(dict(self.scope)))

    @property
    def paper(self) -> str:
        """The part of the id before the first slash."""
        return self.id.split("/", 1)[0]

    def itself(self) -> Statement:
        """The statement as claimed."""
        return Statement(self, None, self.formula, self.assumes, MappingProxyType({}))

    def variant(self, name: str) -> Statement:
        """The false variant called `name`; raises ClaimError if there is none."""
        mutant = self.mutants.get(name)
        if not isinstance(mutant, Mutant):
            known = ", ".join(repr(key) for key in self.mutants)
            raise ClaimError(f"{self.id}: no mutant called {name!r}; it has {known}")
        assumes = None if mutant.drops_assumptions else (mutant.assumes or self.assumes)
        given = MappingProxyType(dict(mutant.given))
        return Statement(self, name, mutant.formula or self.formula, assumes, given)

    def variants(self) -> tuple[Statement, ...]:
        """Every false variant, in the order of registration."""
        return tuple(self.variant(name) for name in self.mutants)


@dataclass(frozen=True)
class Statement:
    """What a check is asked to check: the claim as it stands, or one of its mutants.

    Attributes
    ----------
    claim : Claim
    variant_name : str or None
        Name of the mutant; None for the claim itself.
    formula, assumes : callable
        As in Claim, with the mutant's replacements.
    given : mapping
        Parameters that a mutant imposes on every grid point.
    """

    claim: Claim
    variant_name: str | None
    formula: Formula
    assumes: Formula | None
    given: Mapping[str, Any]

    @property
    def is_mutant(self) -> bool:
        """Whether this is a false variant."""
        return self.variant_name is not None

    @property
    def label(self) -> str:
        """The claim's id, with the mutant's name in brackets."""
        return (
            self.claim.id if self.variant_name is None else f"{self.claim.id}[{self.variant_name}]"
        )

    def hypotheses_hold(self, **instance: Any) -> bool:
        """Whether the instance satisfies every hypothesis, in the instance's own arithmetic."""
        return self.assumes is None or bool(self.assumes(**instance))


def _as_mutant(claim: str, name: object, value: object) -> Mutant:
    _require(isinstance(name, str) and bool(name), claim, "mutants", name, "names that are strings")
    mutant = Mutant(formula=value) if callable(value) else value
    if not isinstance(mutant, Mutant) or not mutant.changes_something():
        raise ClaimError(f"{claim}: mutants[{name!r}] is {value!r}; it must be a formula or a "
                         "Mutant that changes the statement")  # fmt: skip
    return mutant


def _require(condition: bool, claim: str, attribute: str, value: object, allowed: str) -> None:
    if not condition:
        raise ClaimError(f"{claim}: {attribute} is {value!r}; it must be {allowed}")
