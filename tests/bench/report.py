"""Tells what a run found: as tables on the terminal, and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure
from tests.bench.million import LEAVES
from tests.bench.rounds import PARTS
from tests.bench.share import MOST, Share
from tests.bench.summary import Price, Rate, Row, Summary

HEADING = "{database}: medians of {rounds} rounds; one signature by the bare HSM is [bold]1.0 HSM[/bold]"


def show(console: Console, summary: Summary) -> None:
    """Print the tables."""
    console.print(f"\n{HEADING.format(database=summary.database, rounds=summary.rounds)}")
    console.print(_rows("held against", summary.baselines))
    for name, rows in summary.flows.items():
        console.print(_rows(f"complete flow: {name}", rows))
    console.print(_rates(summary.rates))
    console.print(_prices(summary.prices))
    console.print(_log_rows(f"the sealer, on a log of {LEAVES:,} leaves and more", summary.sealing, "events"))
    console.print(f"[dim]{_speed(summary.sealing[-1])}[/dim]")
    console.print(_log_rows(f"proofs from a log of {LEAVES:,} leaves and more", summary.proofs, "bytes"))
    console.print(_rows("tokens", summary.tokens))
    console.print(_share(summary.share))
    console.print(f"[dim]{_enough(summary.share)}[/dim]")


def write(path: Path, summaries: Sequence[Summary]) -> None:
    """Write the same as JSON."""
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    found = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine}
    path.write_text(json.dumps({**found, "databases": [asdict(summary) for summary in summaries]}, indent=2) + "\n")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True, min_width=40)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _rows(title: str, rows: Sequence[Row]) -> Table:
    columns = ("CPU ms", "half lie in", "child", "wall", "HSM", "SQL", "writes", "x plain", "x HSM")
    table = _table(f"\n{title}", *columns)
    for row in rows:
        _, _, part = row.name.partition(": ")
        figures = (f"{row.cpu_ms.median:.2f}", _spread(row.cpu_ms), f"{row.child_cpu_ms:.1f}", f"{row.wall_ms:.2f}")
        counts = (f"{row.hsm_calls:g}", f"{row.statements:g}", f"{row.writes:g}")
        ratios = (f"{row.multiples.of_plain:.1f}", f"{row.multiples.of_hsm:.2f}")
        if part in PARTS:
            table.add_row(f"  {part}", *figures[:2], "", figures[3], "", "", "", *ratios, style="dim")
        else:
            table.add_row(row.name, *figures, *counts, *ratios)
    return table


def _log_rows(title: str, rows: Sequence[Row], size: str) -> Table:
    columns = (size, "CPU ms", "half lie in", "wall", "HSM", "SQL", "writes", "x plain", "x HSM")
    table = _table(f"\n{title}", *columns)
    for row in rows:
        figures = (f"{row.size:,.0f}", f"{row.cpu_ms.median:.2f}", _spread(row.cpu_ms), f"{row.wall_ms:.2f}")
        counts = (f"{row.hsm_calls:g}", f"{row.statements:g}", f"{row.writes:g}")
        table.add_row(row.name, *figures, *counts, f"{row.multiples.of_plain:.1f}", f"{row.multiples.of_hsm:.2f}")
    return table


def _speed(full: Row) -> str:
    return (
        f"in a full round {1000 * full.size / full.wall_ms:,.0f} events a second, "
        f"{full.cpu_ms.median / full.size:.3f} ms of CPU each"
    )


def _rates(rates: Sequence[Rate]) -> Table:
    columns = ("a second", "wrapped", "share", "by CPU", "in lots", "share", "CPU ms", "HSM", "SQL")
    table = _table("\nbatches, as a share of the bare HSM's wrapped rate: signatures a second, and each", *columns)
    for rate in rates:
        wrapped = (f"{rate.signed:,.0f}", f"{rate.wrapped:,.0f}", f"{rate.share:.0%}", f"{rate.share_of_cpu:.0%}")
        in_lots = (f"{rate.in_lots:,.0f}", f"{rate.share_of_lots:.0%}")
        counts = (f"{rate.hsm_calls:.3f}", f"{rate.statements:.3f}")
        table.add_row(rate.name, *wrapped, *in_lots, f"{rate.cpu_ms:.2f}", *counts)
    return table


def _share(share: Share) -> Table:
    table = _table(f"\nthe tree's share of a flow, at {share.rate:.0f} flows a second", "CPU ms", "of the flow")
    for part in (*share.parts, share.together, share.alone):
        table.add_row(part.name, f"{part.cpu_ms:.2f}", f"{part.part:.1%}")
    return table


def _enough(share: Share) -> str:
    if share.enough is None:
        return f"above {MOST:.0%} at any rate"
    return f"below {MOST:.0%} from {share.enough:.1f} flows a second on"


def _prices(prices: Sequence[Price]) -> Table:
    columns = ("flow without", "adds", "surely in", "of the flow", "x plain", "x HSM", "its calls")
    table = _table("\nwhat each protection adds to a complete flow of one hash, P-256: CPU ms", *columns)
    for price in prices:
        told = (f"{price.without_ms:.2f}", f"{price.adds_ms.median:+.2f}", _spread(price.adds_ms))
        ratios = (f"{price.part:+.1%}", f"{price.multiples.of_plain:+.1f}", f"{price.multiples.of_hsm:+.2f}")
        unknown = ("", "noise", _spread(price.adds_ms), "", "", "")
        table.add_row(price.name, *((*told, *ratios) if price.found else unknown), f"{price.inside_ms.median:.2f}")
    return table


def _spread(figure: Figure) -> str:
    return f"{figure.low:.2f} to {figure.high:.2f}"
