"""Shares of scikit-rmt's Gaussian ensemble; run by the Python of an environment of its own.

For each width read from standard input it writes one line of JSON: the diagonal share of one
matrix and the CPU seconds that it took. It imports nothing of the suite.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from skrmt.ensemble import GaussianEnsemble


def share(d: int) -> float:
    """Sample one GOE matrix and return sum |M_ii| / sum |M_ij|."""
    matrix = np.abs(GaussianEnsemble(beta=1, n=d).matrix)
    return float(np.trace(matrix) / matrix.sum())


def main() -> None:
    """Answer until the end of the input."""
    print(json.dumps({"scikit-rmt": version("scikit-rmt"), "numpy": np.__version__}), flush=True)
    for line in sys.stdin:
        start = time.process_time()
        found = share(int(line))
        print(json.dumps([found, time.process_time() - start]), flush=True)


if __name__ == "__main__":
    main()
