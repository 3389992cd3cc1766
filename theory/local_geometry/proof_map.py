r"""An index of the paper's lemmas: what each says, and where it is checked here, or why not.

Lemmas 1 to 13 are steps of the proof for SGD with momentum, 14 to 27 for Adam. Most of their
formulas are bounds up to unnamed constants and logarithms on events "with high probability"; the
exact statements that replace them here are named instead.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from theory.core import Claim, Source

LEMMAS = range(1, 36)
STATUSES = ("claim", "sharper", "step")


@dataclass(frozen=True)
class Place:
    """Where one lemma stands.

    Attributes
    ----------
    lemma : int
    says : str
        Its content in a few words.
    status : str
        ``claim``: a claim of its own. ``sharper``: the named claims say more. ``step``: an
        induction step or bookkeeping without a statement that can be checked alone; the named
        claims check what it is used for.
    claims : tuple of str
        Ids without the paper's prefix.
    why : str
        Why it has no claim of its own; empty for ``claim``.
    """

    lemma: int
    says: str
    status: str
    claims: tuple[str, ...]
    why: str = ""


def _own(lemma: int, says: str) -> Place:
    return Place(lemma, says, "claim", (f"lemma-{lemma}",))


_REMAINDER = "a bound on what linearisation neglects; the reduced dynamics neglect nothing"
_INDUCTION = "one clause of an induction over the second phase, up to unnamed constants"
_MAGNITUDE = "an order of magnitude on the way; the sign flow gives the value"

PROOF_MAP: tuple[Place, ...] = (
    Place(1, "W is nearly of rank one when the first phase of SGD+M ends; the loss is then of "
          "order d", "sharper", ("two-number-reduction", "theorem-1.sgdm", "lemma-4"),
          "both weights are combinations of two fixed vectors, exactly"),
    Place(2, "the rank-one form persists until the loss is small", "sharper",
          ("two-number-reduction", "theorem-1.sgdm-window"),
          "the reduction holds at every step, and the law at every fixed one"),
    Place(3, "the left factor is Gaussian with independent entries up to small errors", "sharper",
          ("sgdm-exact-law", "sgdm-conditional-law"),
          "the direction of w is uniform on the sphere at every step, without error"),
    _own(4, "closed form of the linearised dynamics with momentum"),
    Place(5, "remainders of the gradients in the first phase of SGD+M", "step",
          ("two-number-reduction", "lemma-31"), _REMAINDER),
    Place(6, "accumulated remainders in the first phase of SGD+M", "step",
          ("two-number-reduction", "lemma-31"), _REMAINDER),
    Place(7, "upper and lower bounds of the growing mode", "sharper",
          ("lemma-4", "two-number-reduction", "lemma-35"),
          "the mode is known in closed form, and the law of the smallest entries exactly"),
    Place(8, "the rank-one form in the second phase of SGD+M", "sharper",
          ("two-number-reduction", "sgdm-exact-law"), "exact in the two numbers"),
    Place(9, "the form of the weights in the second phase of SGD+M", "sharper",
          ("two-number-reduction",), "the weights are given by the two numbers"),
    Place(10, "remainders in the second phase of SGD+M", "step",
          ("two-number-reduction", "lemma-31"), _REMAINDER),
    Place(11, "length of the second phase of SGD+M and its accumulated errors", "step",
          ("two-number-reduction", "theorem-1.sgdm-window"), _INDUCTION),
    Place(12, "a bound that the induction of Lemma 13 uses", "step",
          ("two-number-reduction",), _INDUCTION),
    Place(13, "the induction step over the second phase of SGD+M", "step",
          ("two-number-reduction", "theorem-1.sgdm"), _INDUCTION),
    Place(14, "all weights are equal in size when the first phase of Adam ends", "sharper",
          ("adam-invariant-manifold", "adam-predictor", "theorem-1.adam"),
          "the manifold is exact, and the predictor says how far from it a run is"),
    Place(15, "this persists until the loss is small", "sharper",
          ("adam-invariant-manifold", "adam-sign-flow", "theorem-1.adam"),
          "the flow on the manifold is solved to its end"),
    Place(16, "Adam's averages over finitely many steps, with the noise in them", "sharper",
          ("lemma-32", "lemma-31"), "with explicit constants for both parts"),
    Place(17, "the first steps of Adam, until all signs are right", "sharper",
          ("adam-predictor",), "the time of each sign is known in closed form"),
    Place(18, "lower bounds of the gradients in the first phase of Adam", "step",
          ("adam-sign-flow",), _MAGNITUDE),
    Place(19, "gradients a few steps apart are nearly equal", "step",
          ("adam-eta-linear", "lemma-33"),
          "used only to replace averages by one gradient; measured as an error linear in eta"),
    Place(20, "smallest and largest initial weights", "sharper",
          ("adam-predictor", "lemma-34", "lemma-35"),
          "the predictor uses the initial weights themselves, the lemmas their exact laws"),
    Place(21, "each step of Adam is of order eta", "sharper",
          ("adam-critical-betas",), "the supremum of a step is known exactly"),
    Place(22, "coarse sizes of weights and steps in the first phase of Adam", "step",
          ("adam-sign-flow",), _MAGNITUDE),
    Place(23, "rows of W in the second phase of Adam", "sharper",
          ("adam-invariant-manifold", "adam-sign-flow"), "exact on the manifold"),
    Place(24, "entries of w in the second phase of Adam", "sharper",
          ("adam-invariant-manifold", "adam-predictor"), "exact on the manifold"),
    Place(25, "Adam's loss is small at the end", "sharper",
          ("adam-sign-flow", "adam-loss-floor"), "the flow ends at zero, the floor is measured"),
    Place(26, "coarse sizes of weights and steps in the second phase of Adam", "step",
          ("adam-sign-flow",), _MAGNITUDE),
    Place(27, "entries of the residual oscillate after they changed sign", "step",
          ("adam-loss-floor",), "its effect is the loss floor, which is measured with its scaling"),
    _own(28, "rows of the Hessian of nearly rank-one weights"),
    _own(29, "Hessian diagonal of a deep linear network"),
    _own(30, "R_med of nearly rank-one weights"),
    _own(31, "deviation of the batch gradients"),
    _own(32, "truncated exponential averages"),
    _own(33, "perturbed normalised quotients"),
    _own(34, "largest over median of squared Gaussians"),
    _own(35, "mean of reciprocals of Gaussians"),
)  # fmt: skip


def claim_ids(package: str = "theory.local_geometry") -> frozenset[str]:
    """Ids of all claims that the modules of a package state."""
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.iter_modules(root.__path__)]
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    return frozenset(value.id for module in modules for value in vars(module).values()
                     if isinstance(value, Claim))  # fmt: skip


def audit(places: Sequence[Place] = PROOF_MAP) -> tuple[list[int], list[int]]:
    """How often each lemma is mapped, and what is wrong with the map; and what it should be.

    Returns
    -------
    found, expected : lists of 39 integers
        Entries for each of the 35 lemmas (1 expected); ids without a claim; places without a
        claim, or without a reason where one is due; claims of a lemma's own with another name;
        places of unknown status (0 expected).
    """
    known = claim_ids()
    counts = [sum(place.lemma == lemma for place in places) for lemma in LEMMAS]
    named = {f"local-geometry/{name}" for place in places for name in place.claims}
    found = [
        *counts,
        len(named - known),
        sum(not place.claims or (place.status != "claim" and not place.why) for place in places),
        sum(place.status == "claim" and place.claims != (f"lemma-{place.lemma}",)
            for place in places),
        sum(place.status not in STATUSES for place in places),
    ]  # fmt: skip
    return found, [1] * len(LEMMAS) + [0] * (len(found) - len(LEMMAS))


def by_status(places: Iterable[Place] = PROOF_MAP) -> Mapping[str, list[int]]:
    """Numbers of the lemmas of each status.

    >>> by_status()["claim"]
    [4, 28, 29, 30, 31, 32, 33, 34, 35]
    """
    chosen = list(places)
    return {status: [place.lemma for place in chosen if place.status == status]
            for status in STATUSES}  # fmt: skip


def _map_is_complete() -> tuple[list[int], list[int]]:
    """Counts of the map against what a complete and correct one has."""
    return audit()


def _altered(change: Callable[[list[Place]], list[Place]]
             ) -> Callable[[], tuple[list[int], list[int]]]:  # fmt: skip
    return lambda: audit(change(list(PROOF_MAP)))


proof_map = Claim(
    id="local-geometry/proof-map",
    title="Where each lemma of the paper is checked",
    kind="definition",
    statement=r"Every one of Lemmas $1,\dots,35$ stands exactly once in the index, with the claims "
    r"that check it or say more, and the reason where it has no claim of its own; every claim that "
    r"the index names exists.",
    notes="Lemmas 5, 6, 10 to 13, 18, 19, 22, 26 and 27 are steps of inductions whose printed "
    "bounds have unnamed constants: they are not checked one by one; what they are used for is.",
    source=Source("jiang2022", item="Lemmas 1-3 and 5-27"),
    scope={"lemma": "1..35"},
    formula=_map_is_complete,
    mutants={
        "Lemma 17 missing": _altered(lambda places: [p for p in places if p.lemma != 17]),
        "Lemma 9 twice": _altered(lambda places: [*places, places[8]]),
        "a claim that does not exist": _altered(
            lambda places: [replace(places[0], claims=("lemma-99",)), *places[1:]]),
        "a place without a reason": _altered(
            lambda places: [*places[:11], replace(places[11], why=""), *places[12:]]),
        "another lemma's claim": _altered(
            lambda places: [*places[:27], replace(places[27], claims=("lemma-29",)), *places[28:]]),
    },
)  # fmt: skip
