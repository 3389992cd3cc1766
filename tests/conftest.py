"""One Hypothesis profile for the suite, and a nightly one with fresh seeds."""

import os
import signal

import pytest
import scipy.linalg  # noqa: F401  (loads the BLAS whose threads are limited below)
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile(
    "nightly", parent=settings.get_profile("suite"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """Let child processes hear Ctrl-C: a shell that runs the suite with `&` makes it ignored."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def one_thread_each():
    """Keep BLAS from spinning on cores that the other test processes use."""
    with threadpool_limits(limits=1):
        yield
