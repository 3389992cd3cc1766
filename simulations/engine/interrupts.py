"""Ctrl-C held back while something must not be cut in two."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts_held"]


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, in the processes that it starts as well."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    # Another thread of the process may hear what this one blocks.
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    mask = _blocked_interrupts()
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
        if pressed and callable(before):
            before(signal.SIGINT, None)


def _blocked_interrupts() -> set[int] | None:
    """Block Ctrl-C in this thread, and in what it starts; returns what was blocked before."""
    if sys.platform == "win32":
        return None
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))
