"""Prints a command's output: records on stdout, as text or JSON lines; notes and progress on stderr."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from pydantic import BaseModel
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Output:
    """The output of one command. A record is a pydantic model: `str()` is its text, its fields are its JSON."""

    def __init__(self, *, as_json: bool) -> None:
        """Print records as JSON, one a line, or as text."""
        self._as_json = as_json
        self._progress: Progress | None = None

    def record(self, record: BaseModel) -> None:
        """Print one record at once; a reader that has gone (`| head`) ends the command with success.

        Raises:
            click.exceptions.Exit: nobody reads stdout any more.
        """
        with self._progress_hidden():
            try:
                print(record.model_dump_json() if self._as_json else record, flush=True)
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise click.exceptions.Exit(0) from None

    def note(self, text: str) -> None:
        """Print a line for a person to stderr."""
        with self._progress_hidden():
            print(text, file=sys.stderr)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Show how far the work is while it lasts, by a function that counts one more.

        Only a terminal sees it, and nobody with --json.
        """
        console = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed}"), TimeElapsedColumn())
        disabled = self._as_json or not console.is_terminal
        # stdout stays as it is: rich would lead it to stderr.
        bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=disabled)
        task = bar.add_task(what, total=total)
        with bar:
            self._progress = None if disabled else bar
            try:
                yield lambda: bar.advance(task)
            finally:
                self._progress = None

    @contextmanager
    def _progress_hidden(self) -> Iterator[None]:
        """Take the progress off the terminal while a line is printed to it."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
