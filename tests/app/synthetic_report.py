"""A verify report of invented claims, with every kind of evidence and every verdict."""

from __future__ import annotations

from typing import Any

from theory.core import Check, Claim, Entry, Registry, Source


def _formula(x: float) -> tuple[float, float]:
    return x, x + 1.0


def _claim(name: str, **changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "id": f"toy-norms/{name}",
        "title": f"Invented statement {name}",
        "kind": "inequality",
        "statement": r"Let $A \succ 0$, $\alpha > 0$. Then $$\|s\|_A \le \alpha \|g\|_{A^{-1}}.$$",
        "source": Source("kohler2019", "Lemma 1", ("4", "5")),
        "scope": {"d": "d >= 1", "alpha": r"$\alpha > 0$"},
        "formula": _formula,
        "mutants": {"half the constant": lambda x: (x, x / 2.0)},
    }
    return Claim(**{**fields, **changes})


def _check(kind: str, claim: Claim, name: str) -> Check:
    def function() -> None: ...

    function.__name__ = name
    return Check(kind, claim, function, {})


def steps() -> list[dict[str, Any]]:
    """A transcript with a checked, a cited and a failed step."""
    common = {"scope": "all d", "because": "both sides are squares", "detail": "by expansion"}
    return [
        {"index": 1, "name": "complete the square", "rule": "identity", "status": "checked",
         "claim": "(a - b)**2 = a**2 - 2*a*b + b**2", "concludes": False,
         "latex": r"\left(a - b\right)^{2} = a^{2} - 2 a b + b^{2}", **common},
        {"index": 2, "name": "bound the cross term", "rule": "cited", "status": "cited",
         "claim": "<x, y> <= |x| |y|", "latex": "", **common, "detail": "Cauchy-Schwarz"},
        {"index": 3, "name": "the statement", "rule": "exact", "status": "failed",
         "claim": "lhs <= rhs", "latex": r"\undefined{x}", **common, "concludes": True},
    ]  # fmt: skip


def measured(points: int = 6, verdict: str = "supported") -> list[dict[str, Any]]:
    """Rows of a measurement whose intervals contain the claimed value."""
    return [
        {"d": 2**k, "law": "gauss", "trials": 20_000, "estimate": 1.002 / 2**k,
         "low": 0.993 / 2**k, "high": 1.011 / 2**k, "claimed": 1.0 / 2**k, "p_value": 0.31,
         "verdict": verdict}
        for k in range(2, 2 + points)
    ]  # fmt: skip


def evidence(kind: str, verdict: str, **data: Any) -> dict[str, Any]:
    """One piece of evidence as ``verify --json`` has it."""
    return {
        "kind": kind,
        "check": f"{kind}_check".replace("-", "_"),
        "verdict": verdict,
        "summary": f"a {kind} that ended {verdict}: 1 < 2 & 3 > 2",
        **data,
        "seconds": 0.25,
    }


def _proof(verdict: str) -> dict[str, Any]:
    return evidence(
        "proof", verdict, scope="all d", steps=3, cited=["Cauchy-Schwarz"], failed_step=None,
        given=["A is positive definite"], transcript=steps(),
    )  # fmt: skip


def _search(verdict: str, **data: Any) -> dict[str, Any]:
    found = {"examples": 20_000, "exercised": 1_873, "worst_margin": 0.00021, "tightness": 0.99979,
             "arithmetic": "exact rationals", "float_only": 0, "counterexample": None,
             "reproduce": "toy.lemma(g=np.array([1.0, -2.0]))",
             "extremal": {"g": [1.0, -2.0], "A": [[2.0, 0.5], [0.5, 1.0]], "alpha": "1/3"},
             "ratios": [0.99979 * (k / 100) ** 0.3 for k in range(101)]}  # fmt: skip
    return evidence("search", verdict, **{**found, **data})


def _fit() -> dict[str, Any]:
    rows = [{"x": 2.0**k, "y": 3.0 / 2.0**k * (1.01 if k % 2 else 0.99), "se": 0.02 / 2.0**k,
             "fitted": 3.0 / 2.0**k} for k in range(2, 8)]  # fmt: skip
    return evidence(
        "scaling", "supported", quantity="exponent", estimate=-1.002, low=-1.01, high=-0.994,
        claimed=-1.0, coefficients={"exponent": -1.002}, rows=rows,
    )  # fmt: skip


def _mutants(refuted: bool) -> dict[str, Any]:
    listed = [{"name": "half the constant", "refuted": refuted, "by": "search_check" if refuted
               else None, "kind": "search" if refuted else None, "seconds": 0.0413,
               "detail": "lhs = 2 > 1 = rhs at g = (1, 0)"}]  # fmt: skip
    return {"total": 1, "refuted": int(refuted), "list": listed}


_ITEMS: list[tuple[dict[str, Any], str, bool, list[dict[str, Any]]]] = [
    ({"name": "lemma-2", "title": r"The step is optimal on $\|s\|_A \le \alpha$"}, "proved", True,
     [_proof("proved"), _search("supported"), evidence("monte-carlo", "supported", n=120_000,
      level=1e-5, resolution=0.02, rows=measured()), _fit()]),
    ({"name": "lemma-10", "sharpens": "toy-norms/lemma-2", "source": Source("kohler2019", "beyond"),
      "notes": "A constant is better.\n\nIt is --- in a word --- sharp: see `lemma-2`."},
     "supported", True, [_search("supported")]),
    ({"name": "lemma-3", "expected": "fails", "corrected_by": "toy-norms/lemma-3.repaired"},
     "refuted", True, [evidence("certificate", "refuted", scope="d = 2", transcript=steps()[:1])]),
    ({"name": "lemma-3.repaired"}, "inconclusive", False, [evidence("monte-carlo", "inconclusive",
      n=0, level=1e-5, rows=[{**row, "low": None} for row in measured(2, "inconclusive")])]),
    ({"name": "lemma-4", "source": Source("anybody1900", "Theorem <1>")}, "error", False,
     [evidence("proof", "error")]),
]  # fmt: skip


def synthetic() -> tuple[dict[str, Any], Registry]:
    """The report and the registry that it refers to."""
    registry, results = Registry(), []
    for fields, verdict, expected, pieces in _ITEMS:
        claim = _claim(**fields)
        checks = tuple(_check(piece["kind"], claim, piece["check"]) for piece in pieces)
        registry.entries[claim.id] = Entry(claim, "theory.toy", "toy.py", checks)
        results.append({
            "id": claim.id, "paper": claim.source.paper, "item": claim.source.item,
            "kind": claim.kind, "expected": claim.expected, "verdict": verdict,
            "as_expected": expected, "seconds": 1.0, "evidence": pieces,
            "mutants": _mutants(refuted=expected),
        })  # fmt: skip
    summary = {"claims": 5, "as_expected": 3, "mutants": 5, "mutants_refuted": 3, "cited_steps": 1}
    manifest = {
        "seed": 7, "budget": "quick", "backend": "numpy", "workers": 2,
        "versions": {"python": "3.11", "numpy": "2.4"}, "argv": ["verify", "toy-norms/*"],
    }  # fmt: skip
    return {"schema": 1, "manifest": manifest, "claims": results, "summary": summary}, registry


def synthetic_map() -> dict[str, Any]:
    """A map of two by three cells as ``adageo map`` stores it: one refuted, one not measured."""
    xs, ys, verdicts = (1.0, 2.0), (0.1, 1.0, 10.0), ("supported",) * 4 + ("refuted", "error")
    cells = []
    for k, (y, x) in enumerate((y, x) for y in ys for x in xs):
        known = verdicts[k] != "error"
        numbers = {"trials": 400, "estimate": x + 0.01 * k, "low": x - 0.1, "high": x + 0.1,
                   "claimed": x, "deviation": 0.01 * k / x, "deviation_low": -0.1 / x,
                   "deviation_high": 0.1 / x, "p_value": 0.4, "standard_error": 0.02,
                   "resolution": 0.1}  # fmt: skip
        cells.append(
            {
                "alpha": x,
                "eta": y,
                "law": "gauss",
                "verdict": verdicts[k],
                **(numbers if known else dict.fromkeys(numbers)),
                "side": "both",
                "hypotheses": None,
                "reason": "" if known else "every trial diverged",
            }
        )
    return {
        "schema": 1, "manifest": {"seed": 3, "argv": ["map", "toy-norms/lemma-2"]},
        "claim": "toy-norms/lemma-2", "check": "share", "others": {"law": "gauss"},
        "x": {"name": "alpha", "values": list(xs), "log": False},
        "y": {"name": "eta", "values": list(ys), "log": True},
        "level": 1e-4, "family_level": 6e-4, "cells": cells,
        "counts": {"supported": 4, "inconclusive": 0, "refuted": 1, "error": 1},
    }  # fmt: skip


def synthetic_benchmark() -> dict[str, Any]:
    """A benchmark case as ``adageo bench`` writes it."""
    rows = [
        {"name": "ours", "steps": 100, "median_us": 1.5, "low_us": 1.4, "high_us": 1.6,
         "ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0, "note": None},
        {"name": "theirs & others", "steps": 20_000, "median_us": 4.5, "low_us": 4.25,
         "high_us": 4.75, "ratio": 3.0, "ratio_low": 2.9, "ratio_high": 3.1, "note": None},
    ]  # fmt: skip
    return {
        "schema": 1, "case": "toy-steps", "unit": "CPU microseconds a step", "machine": {},
        "manifest": {"seed": 0, "hardware": {"cpu": "a processor"}},
        "groups": [{"optimizer": "adam", "d": 64, "rows": rows}],
    }  # fmt: skip
