"""`python -m tests.bench`: measure, and tell. `make bench` sets up what it needs first."""

import argparse
import logging
from pathlib import Path

import structlog
import uvloop
from rich.console import Console

from tests.bench import report
from tests.bench.batches import Batches
from tests.bench.rounds import run
from tests.bench.stage import DATABASES, ground, staged
from tests.bench.summary import Summary, Summing

WIDTH = 122  # of the tables


def main() -> None:
    """Read the command line, and measure on each database in turn."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="What complete flows cost, with every protection and without."
    )
    parser.add_argument("--seconds", type=float, default=100, help="how long to measure flows on each database")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default=DATABASES[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found to a file as well")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    databases = DATABASES if given.database == "both" else (given.database,)
    summaries = [uvloop.run(_measure(database, given.seconds, console)) for database in databases]
    for summary in summaries:
        report.show(console, summary)
    if given.json:
        report.write(given.json, summaries)


async def _measure(database: str, seconds: float, console: Console) -> Summary:
    with console.status(f"{database}: setting up") as status:

        def tell(told: str) -> None:
            status.update(f"{database}: {told}")

        async with ground(database) as (softhsm, url, folder), staged(softhsm, url, folder) as stage:
            measured = await run(stage, seconds, tell)
            lots = await (await Batches.ready(stage)).measure(tell)
    return Summing(measured, lots).summary(database)


if __name__ == "__main__":
    main()
