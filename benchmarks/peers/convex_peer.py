"""Clarabel and SCS on the semidefinite program of case D, without a modelling layer.

CVXPY assembles the data of both solvers once, before anything is timed; a run sets the solver up
and solves. What a user of CVXPY waits for is longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import cvxpy
import numpy as np
import scipy.sparse
import scs

from benchmarks.contest import Entrant
from benchmarks.workload import Array

_OPTIONS = {"eps_abs": 1e-6, "eps_rel": 1e-6, "max_iters": 100_000}


def data_of(H: Array, solver: str) -> dict[str, Any]:
    """Minimise c'x subject to b - A x in the cones, as the solver orders a triangle."""
    constants = cvxpy.Variable(len(H))
    diagonal = cvxpy.diag(constants)
    problem = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum(constants)), [diagonal - H >> 0, diagonal + H >> 0]
    )
    data: dict[str, Any] = problem.get_problem_data(solver.upper())[0]
    return data


def with_clarabel(H: Array) -> Callable[[], float]:
    """A run of Clarabel: the optimal value as it reports it."""
    data = data_of(H, "Clarabel")
    A, b, c = data["A"], data["b"], data["c"]
    quadratic = scipy.sparse.csc_array((len(c), len(c)))
    cones = [clarabel.PSDTriangleConeT(width) for width in data["dims"].psd]

    def run() -> float:
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        solver = clarabel.DefaultSolver(quadratic, c, A, b, cones, settings)
        return float(solver.solve().obj_val)

    return run


def with_scs(H: Array) -> Callable[[], float]:
    """A run of SCS: the optimal value as it reports it."""
    data = data_of(H, "SCS")
    given = {name: data[name] for name in ("A", "b", "c")}
    cones = {"s": list(data["dims"].psd)}

    def run() -> float:
        solver = scs.SCS(given, cones, verbose=False, **_OPTIONS)
        return float(solver.solve()["info"]["pobj"])

    return run


@dataclass(frozen=True)
class _Solver:
    """What prepares a run, the largest width below minutes, and its accuracy in words."""

    prepare: Callable[[Array], Callable[[], float]]
    largest: int
    accuracy: str


_SOLVERS = {
    "Clarabel": _Solver(with_clarabel, 80, "its own tolerance 1e-8"),
    "SCS": _Solver(with_scs, 200, "tolerance 1e-6"),
}


def entrants(H: Array) -> list[Entrant | dict[str, str]]:
    """Both solvers; each is listed without a time where it would take minutes."""
    found: list[Entrant | dict[str, str]] = []
    for name, solver in _SOLVERS.items():
        if len(H) > solver.largest:
            reason = f"not run above d = {solver.largest}: it takes minutes"
            found.append({"name": name, "reason": reason})
            continue
        note = f"solver only, modelling excluded; {solver.accuracy}, no proved bound"
        small = solver.prepare(np.eye(4))
        found.append(Entrant(name, solver.prepare(np.asarray(H)), note, warm=small))
    return found
