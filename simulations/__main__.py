"""The command ``adageo``, also as ``python -m simulations``: Ctrl-C is heard from the start."""

import signal
import sys


def main() -> int:
    """Import and run the command line; returns the exit status."""
    try:
        from simulations.app.cli import main as run

        status = run()
    except KeyboardInterrupt:
        print("adageo: interrupted", file=sys.stderr)
        status = 130
    # All is written: nothing is left that Ctrl-C could stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return status


if __name__ == "__main__":
    sys.exit(main())
