"""The Monte Carlo engine: streams, backends, estimators, measurements, scaling fits, figures.

`measurement`, `scaling` and `figure` are the decorators; what runs the checks that the first
two register is imported from the modules of the same names (``from
simulations.engine.measurement import run_block``).
"""

from simulations.engine import estimators
from simulations.engine.figures import figure
from simulations.engine.measurement import measurement
from simulations.engine.scaling import scaling

__all__ = ["estimators", "figure", "measurement", "scaling"]
