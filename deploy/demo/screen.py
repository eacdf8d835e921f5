"""What the demo shows: steps that are timed, facts below them, and the phone's screen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import indent

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


class Screen:
    """Prints the demo's progress, and remembers how long each step took."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._took: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show that a step is at work, and then how long it took."""
        name = f"{len(self._took) + 1}. {title}"
        began = time.monotonic()
        self._console.print(f"\n[bold]{name}[/bold]")
        with self._console.status("[dim]at work[/dim]"):
            yield
        self._took.append((name, time.monotonic() - began))
        self._console.print(f"   [dim]{self._took[-1][1]:.1f} s[/dim]")

    def fact(self, text: str) -> None:
        """Print what came of something."""
        self._console.print("   [green]✓[/green]", Text(text), soft_wrap=True)

    def phone(self, title: str, text: str) -> None:
        """Print what a phone shows."""
        self._console.print(Panel(Text(text.strip()), title=f"[bold]{title}[/bold]", expand=False, border_style="cyan"))

    def quote(self, text: str) -> None:
        """Print what another program says, as it says it."""
        self._console.print(Text(indent(text, "     "), style="dim"), soft_wrap=True)

    def times(self) -> None:
        """Print how long each step took."""
        table = Table("step", "s", box=None, pad_edge=False, padding=(0, 3))
        for name, seconds in (*self._took, ("all", sum(seconds for _, seconds in self._took))):
            table.add_row(name, f"{seconds:.1f}")
        self.note("\nTimes")
        self._console.print(table)

    def note(self, text: str) -> None:
        """Print a line as it is."""
        self._console.print(text, soft_wrap=True)
