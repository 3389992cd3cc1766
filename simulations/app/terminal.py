"""Standard streams that may be closed, narrow in their alphabet, or gone half-way."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

_LONGEST = 1000


def prepare_streams() -> None:
    """Make standard output safe to print to.

    What its encoding lacks is escaped. A stream that was closed at the start becomes the null
    device: otherwise the next file to be opened, the store perhaps, would take its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors != "backslashreplace":
        sys.stdout.reconfigure(errors="backslashreplace")


def one_line(text: str) -> str:
    r"""Return the text as one line, without the middle of what is too long to be read.

    >>> one_line("two\n  lines")
    'two lines'
    """
    line = " ".join(text.split())
    if len(line) <= _LONGEST:
        return line
    return f"{line[: _LONGEST // 2]} [...] {line[-_LONGEST // 2 :]}"


def is_of_output(error: OSError) -> bool:
    """Whether the error comes from what is printed: errors of files name the file."""
    full = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)
    return isinstance(error, BrokenPipeError) or (error.filename is None and error.errno in full)


def silence_broken_streams() -> None:
    """Send what can no longer be written to the null device."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # The interpreter writes what is left when it ends.
            # A stream without a number has nothing to redirect.
            with suppress(OSError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
