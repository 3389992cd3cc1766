"""The paper's spectra of a network on handwritten digits."""

from __future__ import annotations

from collections.abc import Callable

from theory.core import Claim, Source

_BOUNDS = {"stable rank": 0.2, "decay of layers": 0.5, "density": 0.35}


def bound(quantity: str, law: str) -> float:
    """Bound of a median: above for ``stable rank`` and ``decay of layers``, else below.

    Raises
    ------
    ValueError
        If the quantity is unknown.
    """
    if quantity not in _BOUNDS:
        raise ValueError(f"quantity is {quantity!r}; it must be one of {', '.join(_BOUNDS)}")
    return _BOUNDS[quantity]


def _other(of: str, value: float) -> Callable[[str, str], float]:
    return lambda quantity, law: value if quantity == of else bound(quantity, law)


digits_spectrum = Claim(
    id="egop/experiment-spectral-decay.digits",
    title="Spectra of a network on digits decay, whatever the sampling law",
    kind="law",
    statement=r"For a ReLU network 64-8-10 on digits (610 parameters) and parameters sampled from "
    r"$N(0, I)$, $N(0, 0.09 I)$ or an initialisation, medians over estimates: the stable rank of "
    r"the EGOP is at most $d/5$; the density of its leading eigenvector is at least 0.35 (a "
    r"coordinate vector: 0.04); the root of the middle eigenvalue over the first in the first "
    r"layer's block is at most half of that in the second's.",
    notes="From 610 gradients on batches of 50: few samples make a stable rank smaller, larger "
    "batches make it smaller too. The paper's network is 64-32-10 with many more samples. "
    "The bounds were set after exploratory runs; the densities found are 0.45 to 0.75.",
    source=Source("depavia2025", item="Figures 2 and 6 to 8"),
    scope={"quantity": "stable rank over d, density, decay of layers",
           "law": "normal, small normal, glorot"},
    extra="nets",
    formula=bound,
    mutants={
        "a hundredth of d": _other("stable rank", 0.01),
        "nearly as dense as can be": _other("density", 0.9),
        "the layers decay a hundredfold apart": _other("decay of layers", 0.01),
    },
)  # fmt: skip
