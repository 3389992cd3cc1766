"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

_PLAIN_EVERY = 5.0


class BarProgress:
    """A progress bar for terminals."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.fields[phase]:>8}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("{task.description}"),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task: Any = None

    def begin(self, label: str, total: int) -> None:
        """Show a bar for a phase of `total` tasks."""
        self._bar.start()
        self._task = self._bar.add_task("", total=total, phase=label)

    def advance(self, label: str) -> None:
        """Count one finished task of the claim `label`."""
        self._bar.update(self._task, advance=1, description=label)

    def end(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._bar.stop()


class LineProgress:
    """Plain lines, at most one every few seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._label, self._total, self._done, self._last = "", 0, 0, 0.0

    def begin(self, label: str, total: int) -> None:
        """Note the phase; nothing is printed for an empty one."""
        self._label, self._total, self._done, self._last = label, total, 0, time.monotonic()
        if total:
            self._print("")

    def advance(self, label: str) -> None:
        """Count one finished task of the claim `label`."""
        self._done += 1
        if time.monotonic() - self._last >= _PLAIN_EVERY:
            self._last = time.monotonic()
            self._print(label)

    def end(self) -> None:
        """Print the last count."""
        if self._total:
            self._print("")

    def _print(self, label: str) -> None:
        line = f"{self._label}: {self._done}/{self._total} {label}".rstrip()
        print(line, file=sys.stderr, flush=True)


def make_progress() -> BarProgress | LineProgress:
    """Return a bar if standard error is a terminal, plain lines otherwise."""
    return BarProgress() if sys.stderr.isatty() else LineProgress()
