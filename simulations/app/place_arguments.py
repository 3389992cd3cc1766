"""The arguments that say who does the work of a command; see `executing`."""

from __future__ import annotations

import argparse


def add_cluster_arguments(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Declare ``--dask`` and the certificates that go with it."""
    from simulations.app.cli import path_name

    group = parser.add_argument_group("Dask cluster")
    group.add_argument("--dask", metavar="ADDRESS", required=required,
                       help="the scheduler: tcp://HOST:PORT or tls://HOST:PORT")  # fmt: skip
    for name, text in (
        ("ca", "certificate of the authority"),
        ("cert", "certificate of this client"),
        ("key", "key of this client"),
    ):
        group.add_argument(f"--tls-{name}", metavar="FILE", type=path_name,
                           help=f"{text}, PEM, for tls://")  # fmt: skip
