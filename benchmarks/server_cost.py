"""`make bench-server`: CPU cost of a forwarded stream beside a transcoding baseline. See also `storm` and `load`."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import forwarding_cpu
from benchmarks.world import World

SUBSCRIBERS = (1, 3)
SECONDS = 20.0


async def measure(world: World, seed: int) -> list[dict[str, Any]]:
    """Return one row for each way to relay and number of subscribers of one stream. Real pages, on loopback."""
    rows: list[dict[str, Any]] = []
    for subscribers in SUBSCRIBERS:
        for how in ("forwarding", "MediaRelay"):
            found = await forwarding_cpu.measure(subscribers, SECONDS, relay=how == "MediaRelay")
            each = round((found["percent_of_a_core"] - found["idle_percent"]) / subscribers, 2)
            rows.append({"relay": how, "subscribers": subscribers, "percent_of_a_core_each": each, **found})
    return rows


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title="one 640x480 stream with sound, relayed", title_justify="left")
    heads = [head for head in rows[0] if head not in ("date", "load_average")]
    for head in heads:
        table.add_column(head.replace("_", " "))
    for row in rows:
        table.add_row(*(str(row[head]) for head in heads))
    console.print(table)
