"""Claims, evidence, verdicts and the registry; standard library only."""

from theory.core.claim import EXPECTATIONS, KINDS, Claim, Formula, Mutant, Source, Statement
from theory.core.errors import AdageoError, ClaimError, EnvironmentLacksError, UnknownClaimError
from theory.core.evidence import EVIDENCE_KINDS, Evidence, Verdict, as_expected, combine
from theory.core.extras import EXTRAS, how_to_install, is_installed, require_extra
from theory.core.registry import (
    CHECK_KINDS,
    ENTRY_POINT_GROUP,
    Check,
    Entry,
    Registry,
    check_decorator,
    discover,
    load_file,
)

__all__ = [
    "CHECK_KINDS", "ENTRY_POINT_GROUP", "EVIDENCE_KINDS", "EXPECTATIONS", "EXTRAS", "KINDS",
    "AdageoError", "Check", "Claim", "ClaimError", "Entry", "EnvironmentLacksError", "Evidence",
    "Formula", "Mutant", "Registry", "Source", "Statement", "UnknownClaimError", "Verdict",
    "as_expected", "check_decorator", "combine", "discover", "how_to_install", "is_installed",
    "load_file", "require_extra",
]  # fmt: skip
