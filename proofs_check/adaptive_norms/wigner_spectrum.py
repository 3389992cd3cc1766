"""Proof of the exact spectral moments of the Gaussian orthogonal ensemble, by Wick's sum."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy

from proofs_check.engine import Transcript, proof
from theory.adaptive_norms.wigner_spectrum import GOE_MOMENTS, catalan, wigner_semicircle
from theory.core import Statement

Pairing = tuple[tuple[int, int], ...]


def pairings(items: tuple[int, ...]) -> Iterator[Pairing]:
    """Every way to split an even number of items into pairs."""
    if not items:
        yield ()
        return
    first, *rest = items
    for k, partner in enumerate(rest):
        for others in pairings((*rest[:k], *rest[k + 1 :])):
            yield ((first, partner), *others)


def wick_sum(order: int, d: sympy.Expr) -> sympy.Expr:
    """``E tr W^order`` as a polynomial in d, over d^(order/2): one term per glued polygon.

    The trace is a sum over indices i_0, ..., i_{order-1} on the corners of a polygon whose edge
    k carries ``W_{i_k i_{k+1}}``. Each pairing of the edges, each pair straight or twisted,
    identifies corners; the free indices that remain contribute d each.
    """
    total = sympy.Integer(0)
    for pairing in pairings(tuple(range(order))):
        for twists in itertools.product((False, True), repeat=order // 2):
            total += d ** _corners(order, pairing, twists)
    return total / d ** (order // 2)


def _corners(order: int, pairing: Pairing, twists: tuple[bool, ...]) -> int:
    label = list(range(order))
    for (a, b), twisted in zip(pairing, twists, strict=True):
        next_a, next_b = (a + 1) % order, (b + 1) % order
        # delta_ik delta_jl (twisted) or delta_il delta_jk (straight), of variance 1/d each.
        glued = ((a, b), (next_a, next_b)) if twisted else ((a, next_b), (next_a, b))
        for first, second in glued:
            old, new = label[first], label[second]
            label = [new if value == old else value for value in label]
    return len(set(label))


@proof(wigner_semicircle, scope="all d, orders 2 to 8")
def sum_over_gluings(statement: Statement, transcript: Transcript) -> None:
    """Every pairing is enumerated; the count of corners gives the power of d."""
    transcript.given("E W_ij W_kl = (delta_ik delta_jl + delta_il delta_jk)/d, W Gaussian, centred")
    d = sympy.Symbol("d", positive=True)
    transcript.cited("Wick's sum", "Isserlis' theorem",
                     "the mean of a product of centred Gaussians is the sum over all pairings of "
                     "the products of covariances", scope="all d")  # fmt: skip
    for order in GOE_MOMENTS:
        count = sympy.factorial2(order - 1) * 2 ** (order // 2)
        claimed = statement.formula(d, order)
        transcript.identity(
            f"moment of order {order}", claimed, wick_sum(order, d) / d, scope="all d",
            because=f"all {count} pairings with their twists, divided by d", concludes=True,
        )  # fmt: skip
        transcript.identity(
            f"limit of order {order}", sympy.limit(claimed, d, sympy.oo), catalan(order // 2),
            scope="d to infinity", because="the Catalan number, moment of the semicircle law",
        )  # fmt: skip
    t = sympy.Symbol("t", real=True)
    density = sympy.sqrt(4 - t**2) / (2 * sympy.pi)
    for order in GOE_MOMENTS:
        # t = 2 sin(a) turns the semicircle's moment into a trigonometric integral.
        a = sympy.Symbol("a", real=True)
        integrand = (t**order * density).subs(t, 2 * sympy.sin(a)) * 2 * sympy.cos(a)
        smooth = integrand.subs(sympy.sqrt(4 - 4 * sympy.sin(a) ** 2), 2 * sympy.cos(a))
        value = sympy.integrate(smooth, (a, -sympy.pi / 2, sympy.pi / 2))
        transcript.identity(
            f"semicircle moment of order {order}", value, catalan(order // 2),
            scope=f"order {order}", because="substituting t = 2 sin(a)",
        )  # fmt: skip
