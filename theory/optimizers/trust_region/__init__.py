"""Trust-region methods in ellipsoids: solvers, the method, its bounds, damped variants."""

from theory.optimizers.trust_region.bounds import (
    iteration_bound,
    minimal_radius,
    model_decrease_bound,
    permitted_errors,
    safeguarded_thresholds,
    success_bound,
    success_thresholds,
)
from theory.optimizers.trust_region.damped import (
    DampedResult,
    gauss_newton_hvp,
    levenberg_marquardt_step,
    minimize_damped,
)
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.exact import exact_subproblem
from theory.optimizers.trust_region.gltr import gltr
from theory.optimizers.trust_region.history import History, Record, Status, TrustRegionResult
from theory.optimizers.trust_region.method import minimize
from theory.optimizers.trust_region.model import NotFiniteError, SubproblemStep
from theory.optimizers.trust_region.steihaug import steihaug_toint
from theory.optimizers.trust_region.subproblem import (
    cauchy_point,
    eigenpoint,
    model_decrease,
    preconditioned_cauchy_point,
)

__all__ = [
    "DampedResult", "Ellipsoid", "History", "NotFiniteError", "Record", "Status",
    "SubproblemStep", "TrustRegionResult", "cauchy_point", "eigenpoint", "exact_subproblem",
    "gauss_newton_hvp", "gltr", "iteration_bound", "levenberg_marquardt_step", "minimal_radius",
    "minimize", "minimize_damped", "model_decrease", "model_decrease_bound", "permitted_errors",
    "preconditioned_cauchy_point", "safeguarded_thresholds", "steihaug_toint", "success_bound",
    "success_thresholds",
]  # fmt: skip
