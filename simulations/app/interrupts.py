"""Ctrl-C: noticed wherever it falls, and answered by one line that says how to go on."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What these have done is in the store, so that the same command goes on from there.
_RESUMABLE = ("verify", "mutants", "simulate", "map")
_AGAIN_SECONDS = 0.02
_watches: list[Watch] = []


class Watch:
    """Whether Ctrl-C was pressed, even where a library has made another error of it.

    What a check comes to after that is not its result: `require_none` keeps it from being stored.
    """

    def __init__(self) -> None:
        self.seen = False

    def require_none(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed and something has swallowed it."""
        if self.seen:
            raise KeyboardInterrupt

    def pressed(self, number: int, frame: FrameType | None) -> None:
        """What Ctrl-C calls.

        Raises
        ------
        KeyboardInterrupt
            Always.
        """
        self.seen = True
        raise KeyboardInterrupt


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch for Ctrl-C, and raise it again where a destructor or a callback has swallowed it."""
    watch = Watch()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield watch  # somebody else's, or ignored
        return
    _watches.append(watch)
    hook = sys.unraisablehook

    def swallowed(event: Any) -> None:
        if not issubclass(event.exc_type, KeyboardInterrupt):
            hook(event)
        else:
            again = threading.Timer(_AGAIN_SECONDS, _press)
            again.daemon = True
            again.start()

    signal.signal(signal.SIGINT, watch.pressed)
    sys.unraisablehook = swallowed
    try:
        yield watch
    finally:
        _watches.remove(watch)
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.default_int_handler)


def require_no_interrupt() -> None:
    """Raise KeyboardInterrupt if this command was told to stop and something has swallowed it."""
    for watch in _watches:
        watch.require_none()


def _press() -> None:
    """Interrupt the main thread, which may be asleep."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        signal.pthread_kill(int(threading.main_thread().ident or 0), signal.SIGINT)


def farewell(arguments: Namespace, words: Sequence[str]) -> str:
    """Return the line that answers Ctrl-C; `arguments` may be parsed only in part.

    >>> arguments = Namespace(command="verify", store=".adageo")
    >>> farewell(arguments, ["verify", "a/*", "--fresh"])
    "interrupted; finished work is kept in .adageo; go on with: adageo verify 'a/*'"
    >>> farewell(Namespace(), ["verify"])
    'interrupted'
    """
    if getattr(arguments, "command", None) not in _RESUMABLE:
        return "interrupted"
    # --fresh, or the beginning of it, would do again what is done.
    kept = [word for word in words if len(word) < 3 or not "--fresh".startswith(word)]
    again = shlex.join(["adageo", *kept])
    return f"interrupted; finished work is kept in {arguments.store}; go on with: {again}"
