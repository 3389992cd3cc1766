"""The report: a static site from stored results, without scripts and without network."""

from simulations.app.report.mathml import FormulaError
from simulations.app.report.site import build

__all__ = ["FormulaError", "build"]
