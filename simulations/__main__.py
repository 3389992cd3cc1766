"""``python -m simulations`` is the same command as ``adageo``."""

import sys

from simulations.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
