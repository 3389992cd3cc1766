"""Proof: the mean density of a random direction, from Gaussian entries."""

from __future__ import annotations

import sympy

from proofs_check.engine import Transcript, proof
from theory.core import Statement
from theory.egop.random_density import density_of_random_directions


@proof(density_of_random_directions, scope="all d")
def gaussian_direction(statement: Statement, transcript: Transcript) -> None:
    """The direction v = g/||g|| is independent of ||g||, so that E|g_1| = E|v_1| E||g||."""
    d, r, x = sympy.symbols("d r x", positive=True)
    transcript.given("g has independent standard normal entries; v = g/||g|| is uniform")
    transcript.cited("direction and length are independent", "Muirhead (1982), Theorem 1.5.6",
                     "for a spherical law both are independent", scope="all d")  # fmt: skip
    first = 2 * sympy.integrate(
        x * sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi), (x, 0, sympy.oo)
    )
    transcript.identity("mean magnitude of an entry of g", first, sympy.sqrt(2 / sympy.pi),
                        scope="N(0, 1)")  # fmt: skip
    chi = r ** (d - 1) * sympy.exp(-(r**2) / 2) / (2 ** (d / 2 - 1) * sympy.gamma(d / 2))
    length = sympy.integrate(r * chi, (r, 0, sympy.oo))
    transcript.identity(
        "mean length of g", length,
        sympy.sqrt(2) * sympy.gamma((d + 1) / 2) / sympy.gamma(d / 2), scope="all d",
    )  # fmt: skip
    claimed = statement.formula(d=d)
    transcript.identity(
        "mean density: sqrt(d) E|g_1| / E||g||",
        sympy.sqrt(d) * sympy.sqrt(2 / sympy.pi)
        / (sympy.sqrt(2) * sympy.gamma((d + 1) / 2) / sympy.gamma(d / 2)),
        claimed, scope="all d", concludes=True, because="E|g_i| = E|v_i| E||g||, d equal terms",
    )  # fmt: skip
    transcript.identity("its limit", sympy.limit(claimed, d, sympy.oo), sympy.sqrt(2 / sympy.pi),
                        scope="d to infinity")  # fmt: skip
