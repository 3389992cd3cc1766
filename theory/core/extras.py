"""Optional packages: which extra of the distribution brings which of them."""

from __future__ import annotations

from importlib.util import find_spec
from types import MappingProxyType

from theory.core.errors import EnvironmentLacksError

# The module whose presence says that the extra is installed, and the name it is known by.
EXTRAS = MappingProxyType(
    {
        "cluster": ("distributed", "Dask"),
        "export": ("pyarrow", "PyArrow"),
        "gpu": ("cupy", "CuPy"),
        "nets": ("sklearn", "scikit-learn"),
        "peers": ("torch", "PyTorch"),
    }
)


def is_installed(extra: str) -> bool:
    """Whether the packages of `extra` can be imported; raises KeyError for an unknown extra."""
    return find_spec(EXTRAS[extra][0]) is not None


def how_to_install(extra: str) -> str:
    """Return ``"scikit-learn (pip install 'adageo[nets]')"`` and the like."""
    return f"{EXTRAS[extra][1]} (pip install 'adageo[{extra}]')"


def require_extra(extra: str, what: str) -> None:
    """Raise EnvironmentLacksError, saying that `what` needs `extra`, unless it is installed."""
    if not is_installed(extra):
        raise EnvironmentLacksError(f"{what} needs {how_to_install(extra)}")
