"""The registry: every claim with its checks, found by importing the rooms, a file, or plugins."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from theory.core.claim import Claim
from theory.core.errors import ClaimError, UnknownClaimError

ENTRY_POINT_GROUP = "adageo.claims"
EVIDENCE_CHECKS = ("proof", "certificate", "search", "monte-carlo", "scaling")
# A survey is measured for maps only: it says nothing of the claim itself.
CHECK_KINDS = (*EVIDENCE_CHECKS, "survey", "figure")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Check:
    """A function that produces evidence (or a figure) for one claim.

    Attributes
    ----------
    kind : str
        One of ``CHECK_KINDS``.
    claim : Claim
    function : callable
        Receives the statement that it is to check, never a hard-wired formula.
    options : mapping
        What the decorator was given (grid, trials, scope, ...).
    """

    kind: str
    claim: Claim
    function: Callable[..., Any]
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The function's name; unique among the checks of a claim."""
        return self.function.__name__

    @property
    def file(self) -> str:
        """The source file of the function."""
        return self.function.__code__.co_filename


_CHECKS: list[Check] = []


def check_decorator(kind: str, claim: Claim, **options: Any) -> Callable[[F], F]:
    """Register the decorated function as a check of `claim`; the engines' decorators use it.

    Raises
    ------
    ClaimError
        If `claim` is not a Claim, or has a check of that name already.
    """
    if not isinstance(claim, Claim):
        raise ClaimError(f"@{kind}: its first argument is {claim!r}; it must be a Claim")

    def register(function: F) -> F:
        check = Check(kind, claim, function, MappingProxyType(options))
        if any(other.claim is claim and other.name == check.name for other in _CHECKS):
            raise ClaimError(f"{claim.id}: two checks are called {check.name!r}, in {check.file}")
        _CHECKS.append(check)
        return function

    return register


@dataclass(frozen=True)
class Entry:
    """A claim, the module that states it, and its checks."""

    claim: Claim
    module: str
    file: str
    checks: tuple[Check, ...]

    def of_kind(self, *kinds: str) -> tuple[Check, ...]:
        """The checks of the given kinds, in the order of registration."""
        return tuple(check for check in self.checks if check.kind in kinds)


@dataclass
class Registry:
    """Every known claim by id.

    Use `discover` to build one; `select` to pick claims by shell pattern.
    """

    entries: dict[str, Entry] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, claim_id: str) -> Entry:
        """The entry of one claim; raises UnknownClaimError with the nearest id."""
        if claim_id not in self.entries:
            raise UnknownClaimError(_unknown(claim_id, self.entries))
        return self.entries[claim_id]

    def add_modules(self, modules: Iterable[ModuleType]) -> None:
        """Collect the claims that are defined in `modules`, with all checks registered so far."""
        for module in modules:
            for value in vars(module).values():
                if isinstance(value, Claim):
                    self._add(value, module)

    def select(self, patterns: Sequence[str] = ()) -> list[Entry]:
        """Entries whose id matches any of the shell patterns; all of them for no pattern.

        Raises
        ------
        UnknownClaimError
            If a pattern matches nothing.
        """
        return [self.entries[claim_id] for claim_id in matching(self.entries, patterns)]

    def _add(self, claim: Claim, module: ModuleType) -> None:
        known = self.entries.get(claim.id)
        if known is not None and known.claim is not claim:
            raise ClaimError(f"{claim.id}: claimed twice, in {known.module} and {module.__name__}")
        if known is None:
            file = getattr(module, "__file__", None) or module.__name__
            self.entries[claim.id] = Entry(claim, module.__name__, file, ())

    def attach_checks(self) -> None:
        """Attach every registered check to its claim, and refuse a claim that has none."""
        for claim_id, entry in self.entries.items():
            checks = tuple(check for check in _CHECKS if check.claim is entry.claim)
            if not any(check.kind in EVIDENCE_CHECKS for check in checks):
                raise ClaimError(f"{claim_id}: no evidence; {entry.file} or its twin must register "
                                 "a proof, certificate, attack or measurement")  # fmt: skip
            self.entries[claim_id] = Entry(entry.claim, entry.module, entry.file, checks)


def matching(claim_ids: Collection[str], patterns: Sequence[str] = ()) -> list[str]:
    """Sorted ids that match any of the shell patterns; all of them for no pattern.

    Raises
    ------
    UnknownClaimError
        If a pattern matches nothing.
    """
    for pattern in patterns:
        if not fnmatch.filter(claim_ids, pattern):
            raise UnknownClaimError(_unknown(pattern, claim_ids))
    return [claim_id for claim_id in sorted(claim_ids)
            if not patterns or any(fnmatch.fnmatchcase(claim_id, p) for p in patterns)]  # fmt: skip


def _unknown(name: str, claim_ids: Collection[str]) -> str:
    near = difflib.get_close_matches(name.rstrip("*"), claim_ids, n=1, cutoff=0.0)
    hint = f"; nearest: {near[0]}" if near else ""
    return f"no claim matches {name!r}{hint}"


def discover(
    packages: Sequence[str], files: Sequence[str | Path] = (), *, skip: Sequence[str] = ()
) -> Registry:
    """Import all modules of `packages`, the given files and the installed plugins.

    Parameters
    ----------
    packages : sequence of str
        Names of packages; all their submodules are imported.
    files : sequence of path
        Python files with further claims (``--claims FILE``).
    skip : sequence of str
        Subpackages that hold no claims or checks and are not imported.

    Raises
    ------
    ClaimError
        If a file cannot be read or imported, or a claim is malformed, has no evidence, or
        stands twice.
    """
    modules = [module for package in packages for module in _walk(package, skip)]
    plugins = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    modules += [_import_plugin(point) for point in plugins]
    modules += [load_file(file) for file in files]
    registry = Registry()
    registry.add_modules(modules)
    registry.attach_checks()
    return registry


def load_file(path: str | Path) -> ModuleType:
    """Import one Python file under a name derived from its absolute path; raises ClaimError."""
    try:
        file = Path(path).resolve()
        if not file.is_file():
            raise ClaimError(f"--claims {path}: {'not a' if file.exists() else 'no such'} file")
    except OSError as error:  # too long a name, or the current directory is gone
        raise ClaimError(f"--claims {path}: {error.strerror}") from error
    name = f"adageo_claims_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ClaimError(f"--claims {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    checks = len(_CHECKS)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, ClaimError) or not isinstance(error, Exception | SystemExit):
            raise
        raise ClaimError(f"--claims {path}: {type(error).__name__}: {error}") from error
    if len(_CHECKS) == checks and not any(isinstance(v, Claim) for v in vars(module).values()):
        del sys.modules[name]
        raise ClaimError(f"--claims {path}: there is no claim in it, and no check of one")
    return module


def _import_plugin(point: importlib.metadata.EntryPoint) -> ModuleType:
    try:
        return importlib.import_module(point.module)
    except Exception as error:
        raise ClaimError(
            f"plugin {point.name} ({point.value}): {type(error).__name__}: {error}"
        ) from error


def _walk(package: str, skip: Sequence[str]) -> list[ModuleType]:
    root = importlib.import_module(package)
    found = [root]
    for info in pkgutil.iter_modules(root.__path__, prefix=f"{package}."):
        if info.name in skip:
            continue
        if info.ispkg:
            found += _walk(info.name, skip)
        else:
            found.append(importlib.import_module(info.name))
    return found
