"""A run: plan the tasks, take from the store what it has, do the rest, and reach verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulations.app.sweep import Progress, RunSettings, Sweep, Task
from simulations.app.work import EvidenceTask, find_check
from simulations.engine.measurement import conclude, points
from simulations.engine.multiplicity import holm
from simulations.engine.scaling import require_independent, run_scaling
from theory.core import Check, Entry, Evidence, Statement, Verdict, as_expected, combine

__all__ = ["FAMILY_LEVEL", "Progress", "Run", "RunSettings", "summarise"]

# The chance that a run of the whole suite flags a true claim is at most this.
FAMILY_LEVEL = 1e-3
_SCALING_TESTS = ("p_value", "lack_of_fit")
_MUTANT_ORDER = ("search", "certificate", "proof")


@dataclass
class _Measured:
    """A measurement of one statement: its grid points with merged statistics, or an error."""

    check: Check
    statement: Statement
    points: list[dict[str, Any]]
    statistics: list[Any] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    def pairs(self) -> list[tuple[dict[str, Any], Any]]:
        return list(zip(self.points, self.statistics, strict=True))


class Run(Sweep):
    """One execution of the main job over some claims.

    Parameters
    ----------
    entries : sequence of Entry
    settings : RunSettings
    store : Store
        Finished work is read from it and written to it, so that a killed run continues.
    progress : Progress
    executor : Executor, optional
        ``settings.workers`` processes on this machine unless told otherwise.
    """

    level: float

    def verify(self) -> dict[str, Any]:
        """Return claims and summary as in ``verify --json``, without the manifest."""
        self.level = FAMILY_LEVEL
        own = [(entry, entry.claim.itself()) for entry in self.entries]
        mutants = [(entry, s) for entry in self.entries for s in entry.claim.variants()]
        evidence_tasks = [
            self._evidence_task(entry, statement, (check.name,))
            for entry, statement in own
            for check in entry.of_kind("proof", "certificate", "search")
        ]
        plan: list[Task] = [*self._block_tasks(own + mutants), *evidence_tasks]
        self.do("checks", plan)
        self.level = self._level(own)
        found = {entry.claim.id: self._own_evidence(entry) for entry in self.entries}
        attempts = self._refute(mutants)
        claims = [self._claim_json(e, found[e.claim.id], attempts) for e in self.entries]
        return {"claims": claims, "summary": summarise(claims)}

    # -- planning -------------------------------------------------------------------------

    def _block_tasks(self, statements: Iterable[tuple[Entry, Statement]]) -> Iterator[Task]:
        """The blocks of every grid point, once each: mutants measure many points of the claim."""
        planned: set[str] = set()
        for entry, statement in statements:
            for check in entry.of_kind("monte-carlo"):
                for point in points(check, statement, self.settings.budget):
                    name = self.store.content_key(claim=entry.claim.id, check=check.name, at=point)
                    if name not in planned:
                        planned.add(name)
                        yield from self.blocks(check, point)

    def _evidence_task(
        self, entry: Entry, statement: Statement, checks: tuple[str, ...]
    ) -> EvidenceTask:
        s, searches = self.settings, {check.name for check in entry.of_kind("search")}
        # A proof depends on neither budget nor seed: the store has it for all of them.
        budget, seed = ("quick", 0) if searches.isdisjoint(checks) else (s.budget, s.seed)
        return EvidenceTask(
            entry.claim.id,
            checks,
            statement.variant_name,
            budget,
            seed,
            s.files,
            self.digests[entry.claim.id],
        )

    # -- Monte Carlo ----------------------------------------------------------------------

    def _measured(self, check: Check, statement: Statement) -> _Measured:
        measured = _Measured(check, statement, points(check, statement, self.settings.budget))
        for point in measured.points:
            found = self.merged(check, point)
            if found.error is not None:
                measured.error = found.error
                return measured
            measured.statistics.append(found.statistics)
            measured.devices.append(found.device)
            measured.seconds += found.seconds
        return measured

    def _level(self, own: Iterable[tuple[Entry, Statement]]) -> float:
        """Return the level of each test that makes the run's family-wise level FAMILY_LEVEL.

        With k rejections Holm compares the next p-value with ``level / (m - k)``; testing every
        hypothesis at that level rejects the same k.
        """
        p_values: list[float] = []
        for entry, statement in own:
            for evidence in self._statistical(entry, statement):
                if evidence.kind == "scaling":
                    # A lack of fit leaves a true claim undecided, so that it is a test as well.
                    p_values += [evidence.data.get(name, 1.0) for name in _SCALING_TESTS]
                else:
                    p_values += [row["p_value"] for row in evidence.data.get("rows", [])]
        rejected = int(sum(holm(p_values, FAMILY_LEVEL))) if p_values else 0
        return FAMILY_LEVEL / max(1, len(p_values) - rejected)

    def _statistical(self, entry: Entry, statement: Statement) -> list[Evidence]:
        """Monte Carlo and scaling evidence for a statement, from the blocks of this run."""
        pieces = []
        rows: dict[str, Any] = {}
        for check in entry.of_kind("monte-carlo"):
            evidence = self._conclude(self._measured(check, statement))
            rows[check.name] = evidence.data.get("rows", [])
            pieces.append(evidence)
        for check in entry.of_kind("scaling"):
            pieces.append(self._scale(entry, check, statement, rows))
        return pieces

    def _conclude(self, measured: _Measured) -> Evidence:
        check, statement = measured.check, measured.statement
        if measured.error is not None:
            return Evidence("monte-carlo", check.name, Verdict.ERROR, measured.error)
        try:
            evidence = conclude(
                check, statement, measured.pairs(), alpha=self.level, devices=measured.devices
            )
        except Exception as error:
            return _failed(check, statement, error)
        # A mutant without parameters of its own is judged by rows that were already paid for.
        free = statement.is_mutant and not statement.given
        return replace(evidence, seconds=0.0 if free else measured.seconds)

    def _scale(
        self, entry: Entry, check: Check, statement: Statement, rows: Mapping[str, Any]
    ) -> Evidence:
        try:
            require_independent(check, find_check(entry, check.options["of"]))
            return run_scaling(check, statement, rows[check.options["of"]], alpha=self.level)
        except Exception as error:
            return _failed(check, statement, error)

    # -- verdicts -------------------------------------------------------------------------

    def _own_evidence(self, entry: Entry) -> list[Evidence]:
        statement = entry.claim.itself()
        pieces = []
        for check in entry.of_kind("proof", "certificate", "search"):
            task = self._evidence_task(entry, statement, (check.name,))
            result = self.results[self.key(task)]
            if "error" in result:
                pieces.append(Evidence(check.kind, check.name, Verdict.ERROR, result["error"]))
            else:
                pieces += [Evidence.from_json(piece) for piece in result["evidence"]]
        return pieces + self._statistical(entry, statement)

    def _refute(
        self, mutants: Sequence[tuple[Entry, Statement]]
    ) -> dict[tuple[str, str], list[Evidence]]:
        """Refute every mutant: by the measurements already made, else by the other checks."""
        attempts: dict[tuple[str, str], list[Evidence]] = {}
        open_tasks: dict[tuple[str, str], EvidenceTask] = {}
        for entry, statement in mutants:
            key = (entry.claim.id, str(statement.variant_name))
            attempts[key] = self._statistical(entry, statement)
            checks = tuple(c.name for kind in _MUTANT_ORDER for c in entry.of_kind(kind))
            if checks and not _refuted(attempts[key]):
                open_tasks[key] = self._evidence_task(entry, statement, checks)
        self.do("mutants", list(open_tasks.values()))
        for key, task in open_tasks.items():
            result = self.results[self.key(task)]
            if "error" in result:
                attempts[key].append(Evidence("proof", "-", Verdict.ERROR, result["error"]))
            else:
                attempts[key] += [Evidence.from_json(piece) for piece in result["evidence"]]
        return attempts

    def _claim_json(
        self,
        entry: Entry,
        evidence: list[Evidence],
        attempts: Mapping[tuple[str, str], list[Evidence]],
    ) -> dict[str, Any]:
        claim = entry.claim
        mutants = [_mutant_json(name, attempts[claim.id, name]) for name in claim.mutants]
        return {
            "id": claim.id,
            "paper": claim.source.paper,
            "item": claim.source.item,
            "kind": claim.kind,
            "expected": claim.expected,
            "verdict": combine(piece.verdict for piece in evidence).value,
            "as_expected": as_expected(claim.expected, evidence),
            "undecided": [p.check for p in evidence if p.verdict is Verdict.INCONCLUSIVE],
            "seconds": sum(piece.seconds for piece in evidence),
            "evidence": [piece.to_json() for piece in evidence],
            "mutants": {
                "total": len(mutants),
                "refuted": sum(mutant["refuted"] for mutant in mutants),
                "list": mutants,
            },
        }


def summarise(claims: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count claims, expected verdicts, mutants, refuted mutants and cited steps."""
    cited = [step for c in claims for piece in c["evidence"] for step in piece.get("cited", [])]
    return {
        "claims": len(claims),
        "as_expected": sum(bool(c["as_expected"]) for c in claims),
        "mutants": sum(c["mutants"]["total"] for c in claims),
        "mutants_refuted": sum(c["mutants"]["refuted"] for c in claims),
        "cited_steps": len(cited),
    }


def _refuted(pieces: Iterable[Evidence]) -> bool:
    return any(piece.verdict is Verdict.REFUTED for piece in pieces)


def _failed(check: Check, statement: Statement, error: Exception) -> Evidence:
    """An exception is an error of the claim itself, but no refutation of a mutant."""
    verdict = Verdict.INCONCLUSIVE if statement.is_mutant else Verdict.ERROR
    return Evidence(check.kind, check.name, verdict, f"{type(error).__name__}: {error}")


def _mutant_json(name: str, pieces: Sequence[Evidence]) -> dict[str, Any]:
    by = next((piece for piece in pieces if piece.verdict is Verdict.REFUTED), None)
    last = by or (pieces[-1] if pieces else None)
    return {
        "name": name,
        "refuted": by is not None,
        "by": by.check if by else None,
        "kind": by.kind if by else None,
        "detail": last.summary if last else "no check",
        "seconds": sum(piece.seconds for piece in pieces),
    }
