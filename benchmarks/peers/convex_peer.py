"""Clarabel and SCS: the semidefinite program of case D through CVXPY, and Clarabel on its own."""

from __future__ import annotations

from functools import partial

import cvxpy
import numpy as np

from benchmarks.contest import Entrant
from benchmarks.workload import Array

# Above these widths a run takes minutes.
_LARGEST = {"Clarabel": 80, "SCS": 200}
_OPTIONS = {"Clarabel": {}, "SCS": {"eps": 1e-6, "max_iters": 100_000}}
_ACCURACY = {
    "Clarabel": "its own tolerance 1e-8, no proved bound",
    "SCS": "tolerance 1e-6, no proved bound",
}


def solve(H: Array, solver: str) -> float:
    """The optimal value as the solver reports it, the problem set up anew."""
    constants = cvxpy.Variable(len(H))
    diagonal = cvxpy.diag(constants)
    problem = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum(constants)), [diagonal - H >> 0, diagonal + H >> 0]
    )
    return float(problem.solve(solver=solver.upper(), **_OPTIONS[solver]))


def entrants(H: Array) -> list[Entrant | dict[str, str]]:
    """Both solvers; each is listed without a time where it would take minutes."""
    found: list[Entrant | dict[str, str]] = []
    for solver, largest in _LARGEST.items():
        if len(H) <= largest:
            found.append(Entrant(solver, partial(solve, np.asarray(H), solver), _ACCURACY[solver]))
        else:
            reason = f"not run above d = {largest}: it takes minutes"
            found.append({"name": solver, "reason": reason})
    return found
