"""The commands that run and inspect claims; each returns an exit status."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from simulations.app.benching import bench_command
from simulations.app.cli import NOT_AS_EXPECTED, OK, UsageError
from simulations.app.costs import print_costs
from simulations.app.drawing import (
    drawing_workers,
    figure_command,
    new_claim_command,
    report_command,
)
from simulations.app.executing import executing
from simulations.app.files import make_directory, require_folder, write_text
from simulations.app.interrupts import require_no_interrupt
from simulations.app.listing import list_command
from simulations.app.logs import log_claim
from simulations.app.mapping import map_command
from simulations.app.output import claims_table, print_table, summary_lines
from simulations.app.progress import make_progress
from simulations.app.results import existing, load_claim, save_claims, tell_incidents
from simulations.app.runner import Run, RunSettings
from simulations.app.simulate import simulate_command
from simulations.app.work import registry, run_check
from simulations.engine.execution import default_workers
from simulations.engine.manifest import Manifest
from simulations.engine.store import Store
from theory.core import (
    Check,
    Entry,
    EnvironmentLacksError,
    Verdict,
    how_to_install,
    is_installed,
    require_extra,
)

__all__ = [
    "bench_command", "doctor_command", "falsify_command", "figure_command", "list_command",
    "map_command", "mutants_command", "new_claim_command", "prove_command",
    "report_command", "show_command", "simulate_command", "verify_command",
]  # fmt: skip

# Margin and tightness are those of the instances that do not violate: no part of a refutation.
_FOUND = ("examples", "arithmetic", "counterexample", "reproduce")
_NOT_FOUND = ("examples", "exercised", "worst_margin", "tightness", "arithmetic", "extremal")


def verify_command(arguments: argparse.Namespace) -> int:
    """Run the main job; exit status 0 if every claim ends as expected and every mutant falls."""
    if arguments.json:
        require_folder("--json", arguments.json)
    if arguments.report:
        make_directory("--report", arguments.report)
    report = _verify(arguments, fresh=arguments.fresh)
    if arguments.json:
        write_text("--json", arguments.json, json.dumps(report, indent=1) + "\n")
    claims_table(report["claims"])
    if arguments.profile:
        print_costs(report)
    print("\n".join(summary_lines(report, arguments.claims)))
    if arguments.report:
        from simulations.app.report import build

        files = tuple(arguments.claims)
        workers = drawing_workers(report, arguments.workers)
        build(report, registry(files), arguments.report, workers=workers, files=files)
    return _status(report)


def mutants_command(arguments: argparse.Namespace) -> int:
    """Print every mutant with the check that refuted it and the processor seconds it cost."""
    report = _verify(arguments, fresh=False)
    rows = [
        {"claim": claim["id"], **mutant}
        for claim in report["claims"]
        for mutant in claim["mutants"]["list"]
    ]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print_table(
            ["claim", "mutant", "refuted by", "evidence", "s"],
            [
                (
                    r["claim"],
                    r["name"],
                    r["by"] or "NOTHING",
                    r["kind"] or "-",
                    f"{r['seconds']:.2f}",
                )
                for r in rows
            ],
        )
    return OK if all(row["refuted"] for row in rows) else NOT_AS_EXPECTED


def _verify(arguments: argparse.Namespace, *, fresh: bool) -> dict[str, Any]:
    """Run the selected claims and store the result; returns what ``verify --json`` writes."""
    files = tuple(arguments.claims)
    entries, left_out = _runnable(registry(files).select(arguments.pattern), arguments.pattern)
    with executing(arguments) as place, Store(arguments.store) as store:
        workers = place.executor.workers
        run_manifest = Manifest(
            seed=arguments.seed, budget=arguments.budget, backend=place.backend, workers=workers,
            argv=sys.argv[1:], device=place.device,
        )  # fmt: skip
        settings = RunSettings(
            arguments.budget, arguments.seed, place.backend, workers, fresh, files
        )
        tell_incidents(store)
        result = Run(entries, settings, store, make_progress(), place.executor).verify()
        tell_incidents(store)
        require_no_interrupt()
        for claim in result["claims"]:
            log_claim(claim)
        report = {"schema": 1, "manifest": run_manifest.finished(), **result, "left_out": left_out}
        save_claims(store, report)
    return report


def _runnable(
    entries: Sequence[Entry], patterns: Sequence[str]
) -> tuple[list[Entry], list[dict[str, str]]]:
    """Split off the claims whose extra is not installed; one asked for by name is an error."""
    run: list[Entry] = []
    left_out: list[dict[str, str]] = []
    for entry in entries:
        extra = entry.claim.extra
        if extra is None or is_installed(extra):
            run.append(entry)
            continue
        if entry.claim.id in patterns:
            require_extra(extra, entry.claim.id)
        left_out.append({"id": entry.claim.id, "needs": how_to_install(extra)})
    return run, left_out


def _status(report: Mapping[str, Any]) -> int:
    s = report["summary"]
    good = s["as_expected"] == s["claims"] and s["mutants_refuted"] == s["mutants"]
    return OK if good else NOT_AS_EXPECTED


def show_command(arguments: argparse.Namespace) -> int:
    """Show one claim: statement, source, scope, notes, where it lives, last evidence."""
    entry = registry(tuple(arguments.claims))[arguments.claim]
    claim = entry.claim
    lines = [
        f"{claim.id}: {claim.title}",
        f"  kind      {claim.kind}, expected: {claim.expected}",
        f"  source    {claim.source}",
        *(f"  scope     {name}: {text}" for name, text in claim.scope.items()),
        "",
        *("  " + line for line in claim.statement.strip().splitlines()),
    ]
    if claim.notes:
        lines += ["", *("  " + line for line in claim.notes.strip().splitlines())]
    for title, other in (("corrected by", claim.corrected_by), ("sharpens", claim.sharpens)):
        if other:
            lines.append(f"  {title}: {other}")
    lines += ["", f"  stated in {entry.module}"]
    lines += [
        f"  {check.kind:<12}{check.function.__module__}.{check.name}" for check in entry.checks
    ]
    lines += [f"  mutant      {name}" for name in claim.mutants]
    with existing(arguments.store) as store:
        last = load_claim(store, claim.id)
    if last is None:
        lines += ["", f"  never verified here; run: adageo verify '{claim.id}'"]
    else:
        lines += ["", f"  last verdict: {last['claim']['verdict']}"]
        lines += [
            f"  {p['kind']:<12}{p['verdict']}: {p['summary']}" for p in last["claim"]["evidence"]
        ]
    print("\n".join(lines))
    return OK


def prove_command(arguments: argparse.Namespace) -> int:
    """Print the transcript of every proof and certificate of a claim, checked anew."""
    from proofs_check.engine import render

    entry = registry(tuple(arguments.claims))[arguments.claim]
    checks = entry.of_kind("proof", "certificate")
    if not checks:
        kinds = ", ".join(dict.fromkeys(check.kind for check in entry.checks))
        raise UsageError(f"{entry.claim.id} has no proof or certificate; it has {kinds}")
    statement = entry.claim.itself()
    pieces = [run_check(check, statement, "quick", 0) for check in checks]
    print("\n\n".join(render(piece) for piece in pieces))
    wanted = Verdict.REFUTED if entry.claim.expected == "fails" else Verdict.PROVED
    ok = all(p.verdict in (wanted, Verdict.PROVED, Verdict.SUPPORTED) for p in pieces)
    return OK if ok else NOT_AS_EXPECTED


def falsify_command(arguments: argparse.Namespace) -> int:
    """Search for a counterexample; exit status 1 if one is confirmed where none should be."""
    entry = registry(tuple(arguments.claims))[arguments.claim]
    checks = entry.of_kind("search")
    if not checks:
        raise UsageError(f"{entry.claim.id} has no counterexample search")
    mutant = arguments.mutant
    statement = entry.claim.variant(mutant) if mutant is not None else entry.claim.itself()
    refuted = False
    for check in checks:
        evidence = run_check(
            _with_examples(check, arguments.examples), statement, "quick", arguments.seed
        )
        refuted |= evidence.verdict is Verdict.REFUTED
        print(f"{statement.label} [{check.name}]: {evidence.verdict.value}. {evidence.summary}")
        for name in _FOUND if evidence.data.get("counterexample") else _NOT_FOUND:
            value = evidence.data.get(name)
            print(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
    should_fall = mutant is not None or entry.claim.expected == "fails"
    return OK if refuted == should_fall else NOT_AS_EXPECTED


def _with_examples(check: Check, examples: int | None) -> Check:
    if examples is None:
        return check
    return dataclasses.replace(check, options={**check.options, "examples": {"quick": examples}})


def doctor_command(arguments: argparse.Namespace) -> int:
    """Report versions, devices, threads and the health of the store."""
    workers = default_workers()
    facts = Manifest(seed=0, budget="quick", backend="numpy", workers=workers, argv=[]).row
    asked = ("seed", "budget", "argv", "backend", "device", "started")
    rows = [(key, _text(value)) for key, value in facts.items() if key not in asked]
    rows.append(("gpu", _gpu_or_reason()))
    rows.append(("claims", str(len(registry(tuple(arguments.claims))))))
    with existing(arguments.store) as store:
        health = store.health() if store else {"at": f"{arguments.store}: none yet"}
    rows += [(f"store {key}", str(value)) for key, value in health.items()]
    print_table(["what", "value"], rows)
    return OK


def _gpu_or_reason() -> str:
    from simulations.engine.backend import select_backend

    try:
        return select_backend("cupy").device
    except EnvironmentLacksError as error:
        return str(error)


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
