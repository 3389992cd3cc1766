"""The packages that hold the suite's claims and their checks."""

ROOMS = ("theory", "proofs_check", "simulations")
# Subpackages without claims or checks.
NO_CLAIMS = ("simulations.app", "simulations.kernels", "simulations.__main__")
