"""Progress of long work, on standard error and on a terminal only: a pipe or a log gets none of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Progress:
    """What a command does now: ``stage`` names it, ``advance`` counts; without a terminal both do nothing."""

    def __init__(self, bar: Bar | None = None, patience: float = 0.0) -> None:
        self._bar = bar
        self._appears = time.monotonic() + patience
        self._task: TaskID | None = None
        self._words = ""

    def stage(self, words: str, *, total: int | None = None) -> None:
        """Begin a stage: a spinner, or a bar where the total is known. The stage before is finished."""
        if self._bar is None:
            return
        if self._task is not None:
            task = next(task for task in self._bar.tasks if task.id == self._task)
            self._bar.update(self._task, description=self._words, total=task.total or 1, completed=task.total or 1)
        self._words = words
        self._task = self._bar.add_task(words, total=total)
        self._appear()

    def advance(self, words: str) -> None:
        """One more step of this stage is done; ``words`` say what comes out of it."""
        if self._bar is None or self._task is None:
            return
        self._bar.update(self._task, advance=1, description=f"{self._words}: {words}")
        self._appear()

    def say(self, line: str) -> None:
        """A line that stays above the bar."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False)

    def _appear(self) -> None:
        """Show the bar once the work has taken long enough for one."""
        if self._bar is not None and not self._bar.live.is_started and time.monotonic() >= self._appears:
            self._bar.start()


@contextmanager
def progress(*, counts: bool = False, patience: float = 0.0) -> Iterator[Progress]:
    """Show progress while the block runs, and leave one line a stage behind; rich is loaded for a terminal only.

    With ``counts`` there is a bar beside the spinner, for stages whose total is known. Work that is done within
    ``patience`` seconds shows and leaves nothing.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    bars = (BarColumn(bar_width=20), MofNCompleteColumn()) if counts else ()
    columns = (SpinnerColumn(finished_text="·"), TextColumn("{task.description}", markup=False), *bars, TimeElapsedColumn())
    bar = Bar(*columns, console=Console(stderr=True, highlight=False), redirect_stdout=False)
    shown = Progress(bar, patience)
    if not patience:
        bar.start()
    try:
        yield shown
        if bar.live.is_started:
            shown.stage("done")  # finishes the last stage
            bar.remove_task(bar.task_ids[-1])
    finally:
        bar.stop()
