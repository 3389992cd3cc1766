"""The bookkeeping of one search: what was seen, the extremal instance, a confirmed violation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from proofs_check.engine.instances import reproduction, to_json
from proofs_check.engine.judging import EQUALITIES, Answer, Judgement, Look, judge, look
from theory.core import Statement, Verdict

Instance = Mapping[str, Any]
Score = tuple[float, float]
_SHRINKS = 1000
_SHRINKS_OF_MUTANT = 300
_QUANTILES = 101
_SPOT_CHECK = 8  # one in so many instances that float64 would settle is judged exactly
_ONLY_IN_FLOATS = ("violated in float64 where the hypotheses hold up to rounding only, and no "
                   "instance was seen to satisfy them exactly")  # fmt: skip


class Violated(Exception):  # noqa: N818
    """A confirmed violation of the statement."""


class Hunt:
    """Visits instances of one statement and remembers what matters about them.

    Parameters
    ----------
    statement : Statement
        An inequality, identity, definition or algorithm, or a mutant of one.
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.equality = statement.claim.kind in EQUALITIES
        self.refining = False
        self.counterexample: Instance = {}
        self._violation: Judgement | None = None
        self._counts: Counter[str] = Counter()
        self._arithmetics: Counter[str] = Counter()
        self._ratios: list[float] = []
        self._worst_margin: float | None = None
        self._tightness: float | None = None
        self._best_by_shape: dict[str, tuple[Score, Instance]] = {}
        self._unjudged: tuple[str, Instance] | None = None
        self._outside: Instance | None = None
        self._known: dict[str, Judgement] = {}

    @property
    def violated(self) -> bool:
        """Whether a violation has been confirmed in exact arithmetic."""
        return self._violation is not None

    def visit(self, instance: Instance) -> Score | None:
        """Score an instance, higher is closer to a violation.

        None if a hypothesis fails, the formula is undefined there, or it is a violation (then
        `violated` is true from now on).
        """
        self._counts["examples"] += not self.refining
        found = self._examine(instance)
        if found is None:
            return None
        margin, ratio = found
        score = (ratio or 0.0, -math.inf if margin is None else -margin)
        self._remember(instance, score, margin, ratio)
        return score

    def visit_or_stop(self, instance: Instance) -> Score | None:
        """`visit`, but raises Violated at a violation."""
        score = self.visit(instance)
        if self.violated:
            raise Violated(self.statement.label)
        return score

    def still_violated(self, instance: Instance) -> bool:
        """Whether another instance is a confirmed violation too; it then replaces the first.

        The number of fresh judgements is bounded. What is known to be a violation stays one, so
        that a shrinker can always replay its best instance.
        """
        key = _key(instance)
        limit = _SHRINKS_OF_MUTANT if self.statement.is_mutant else _SHRINKS
        if key not in self._known:
            if len(self._known) >= limit:
                return False
            self._known[key] = judge(self.statement, instance)
        if self._known[key].answer is not Answer.VIOLATED:
            return False
        self.counterexample, self._violation = instance, self._known[key]
        return True

    def starts(self, number: int) -> list[tuple[Score, Instance]]:
        """The best instances so far, each of another shape, the best first."""
        ranked = sorted(self._best_by_shape.values(), key=lambda found: found[0], reverse=True)
        return ranked[:number]

    def verdict(self) -> tuple[Verdict, str]:
        """The verdict and one line for a reader."""
        examples, exercised = self._counts["examples"], self._counts["exercised"]
        if self._violation is not None:
            side = "|lhs - rhs|" if self.equality else "lhs - rhs"
            size, where = self._violation.excess, self._violation.arithmetic
            return Verdict.REFUTED, f"violated, {side} = {size} in {where}"
        if self._unjudged is not None:
            return Verdict.INCONCLUSIVE, f"cannot be decided exactly: {self._unjudged[0]}"
        if self._outside is not None and not self._counts["certain"]:
            return Verdict.INCONCLUSIVE, _ONLY_IN_FLOATS
        if not exercised:
            return Verdict.INCONCLUSIVE, f"the hypotheses held for none of {examples} instances"
        found = "no difference" if self.equality else f"tightness {_short(self._tightness)}"
        return Verdict.SUPPORTED, f"{exercised} of {examples} instances exercised, {found}"

    def data(self) -> dict[str, Any]:
        """JSON-ready details for the evidence."""
        best = self.starts(1)
        extremal = best[0][1] if best else None
        witness = self.counterexample if self.violated else None
        if witness is None and self._unjudged is not None:
            extremal = self._unjudged[1]
        elif witness is None and not self._counts["certain"]:
            extremal = self._outside or extremal
        margin, tightness = self._worst_margin, self._tightness
        if self._violation is not None:
            # The rest cannot be worse: what other instances reached would only confuse.
            margin, tightness, extremal = self._violation.margin, self._violation.ratio, None
        shown = extremal if witness is None else witness
        return {
            "examples": self._counts["examples"], "exercised": self._counts["exercised"],
            "undefined": self._counts["undefined"], "undecided": self._counts["undecided"],
            "float_only": self._counts["float_only"],
            "worst_margin": margin, "tightness": tightness,
            "extremal": None if extremal is None else to_json(extremal),
            "counterexample": None if witness is None else to_json(witness),
            "reproduce": None if shown is None else reproduction(self.statement.formula, shown),
            "violation": None if self._violation is None else self._violation.margin,
            "arithmetic": self._arithmetic(), "ratios": self._quantiles(),
        }  # fmt: skip

    def _examine(self, instance: Instance) -> tuple[float | None, float | None] | None:
        """Margin and ratio of an instance that satisfies the hypotheses, else None."""
        seen = Look(held=None) if self.equality else look(self.statement, instance)
        if seen.held and not seen.close and not self._spot_check():
            self._arithmetics["float64"] += 1
            return seen.margin, seen.ratio
        judgement = judge(self.statement, instance)
        answer = judgement.answer
        if answer is Answer.VIOLATED:
            self._known[_key(instance)] = judgement
            self.counterexample, self._violation = instance, judgement
            return None
        if answer is Answer.UNDEFINED:
            self._counts["undefined"] += 1
            return None
        if answer is Answer.UNAVAILABLE or (answer is Answer.UNDECIDED and seen.clear):
            if seen.violated or not seen.held:
                self._unjudged = self._unjudged or (judgement.detail or answer.value, instance)
            self._arithmetics["float64"] += bool(seen.held)
            return (seen.margin, seen.ratio) if seen.held else None
        self._counts["float_only"] += seen.violated
        self._counts["undecided"] += answer is Answer.UNDECIDED
        if answer is Answer.EXCLUDED and seen.clear:
            self._outside = self._outside or instance
        self._counts["certain"] += answer in (Answer.HOLDS, Answer.TOUCHES)
        if answer is Answer.EXCLUDED or (answer is Answer.UNDECIDED and not seen.held):
            return None
        return self._certified(seen, judgement)

    def _spot_check(self) -> bool:
        """Whether exact arithmetic judges an instance that looks fine in float64 all the same.

        Cancellation and underflow can hide a violation from float64 entirely.
        """
        if self.refining:
            return False
        self._counts["trusted"] += 1
        return self._counts["trusted"] % _SPOT_CHECK == 1

    def _certified(self, seen: Look, judgement: Judgement) -> tuple[float | None, float | None]:
        self._arithmetics[judgement.arithmetic or "balls"] += 1
        margin = seen.margin if judgement.margin is None else judgement.margin
        ratio = seen.ratio if judgement.ratio is None else judgement.ratio
        if not self.equality:
            # The judge found no violation: what float64 or a last bit says beyond that is noise.
            margin = None if margin is None else max(margin, 0.0) + 0.0
            ratio = None if ratio is None else min(ratio, 1.0)
        return margin, ratio

    def _remember(self, instance: Instance, score: Score, margin: float | None,
                  ratio: float | None) -> None:  # fmt: skip
        if not self.refining:
            self._counts["exercised"] += 1
            if ratio is not None:
                self._ratios.append(ratio)
        if ratio is not None:
            self._tightness = max(ratio, self._tightness or 0.0)
        if margin is not None:
            known = math.inf if self._worst_margin is None else self._worst_margin
            self._worst_margin = min(margin, known)
        shape = repr([(key, _shape(value)) for key, value in instance.items()])
        if shape not in self._best_by_shape or score > self._best_by_shape[shape][0]:
            self._best_by_shape[shape] = (score, instance)

    def _arithmetic(self) -> str:
        if self._violation is not None:
            return self._violation.arithmetic
        return ", ".join(name for name, count in self._arithmetics.most_common() if count)

    def _quantiles(self) -> list[float]:
        if not self._ratios:
            return []
        levels = np.linspace(0, 1, _QUANTILES)
        return [float(value) for value in np.quantile(self._ratios, levels)]


def _key(instance: Instance) -> str:
    return repr(to_json(instance))


def _shape(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape
    return [_shape(entry) for entry in value] if isinstance(value, (list, tuple)) else None


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
