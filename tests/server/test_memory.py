"""Freed memory is returned to the system when that is worth it, and a server that holds too much admits nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from pyvidu.server.limits import MIB, Limits
from pyvidu.server.load import Load
from pyvidu.server.memory import FreedMemory, resident


class System:
    """A process that holds so many MiB, and frees some when it is asked to."""

    def __init__(self, held: int) -> None:
        self.held = held
        self.asked = 0

    def give(self) -> None:
        self.asked += 1
        self.held -= 5

    def measure(self) -> int:
        return self.held * MIB


async def test_memory_is_returned_after_growth_and_not_again_for_thirty_seconds() -> None:
    system = System(100)
    freed = FreedMemory(system.give)
    for now, held, asked in [
        (0, 100, 0),
        (1, 107, 0),  # less than 8 MiB: not worth it
        (2, 108, 1),  # of which 5 are freed
        (3, 150, 1),  # too soon
        (31, 150, 1),
        (32, 150, 2),  # 145 stay
        (61, 150, 2),
        (62, 152, 3),  # once more, for what was garbage only after the burst
        (93, 154, 3),  # it stays
        (94, 155, 4),
        (124, 90, 4),  # less than ever: counts from there
        (125, 98, 5),
    ]:
        system.held = held
        await freed.give_back(now, system.measure(), system.measure)
        assert system.asked == asked, now


async def test_what_is_free_is_returned_every_thirty_seconds_while_more_is_held_than_ever() -> None:
    full, light = System(100), System(0)
    freed = FreedMemory(full.give, light.give)
    for now, held, asked in [
        (0, 100, 0),
        (1, 103, 0),  # less than 4 MiB more
        (2, 104, 1),
        (31, 104, 1),  # too soon
        (32, 104, 2),
        (40, 110, 2),  # the other return, after a garbage collection
        (69, 106, 2),
        (70, 106, 3),
        (101, 90, 3),  # less than ever
        (132, 94, 4),
    ]:
        full.held = held
        await freed.give_back(now, full.measure(), full.measure)
        assert light.asked == asked, now
    assert full.asked == 1


async def test_other_work_goes_on_while_memory_is_returned() -> None:
    loop, begun, ended = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def give() -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(ended.wait(), loop).result(timeout=10)

    freed = FreedMemory(give)
    assert not freed.is_due(0.0, 100 * MIB)
    giving = asyncio.create_task(freed.give_back(1.0, 110 * MIB))
    await asyncio.wait_for(begun.wait(), 10)
    ended.set()
    await giving


MEASURED = """
import asyncio
from pyvidu.server.memory import FreedMemory, resident

async def main():
    freed, before = FreedMemory(), resident()
    freed.is_due(0.0, before)
    blocks = [bytes(3000) for _ in range(20_000)]  # from the C library's heap, above 512 bytes
    kept = blocks[:: len(blocks) // 20]  # so that the heap cannot shrink at its end alone
    full = resident()
    del blocks
    await freed.give_back(1.0, full)
    print(full - before, full - resident(), len(kept))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc, glibc's heap is trimmed")
def test_freed_heap_is_no_longer_resident() -> None:
    # In a process of its own: this one may hold freed memory already, which the blocks would take first.
    ran = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    grown, returned, _ = map(int, ran.stdout.split())
    assert grown > 50 * MIB
    assert returned > 40 * MIB


def test_nothing_is_known_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert resident(tmp_path / "statm") is None
    (tmp_path / "statm").write_text("7")
    assert resident(tmp_path / "statm") is None


def test_load_is_high_while_the_process_holds_more_memory_than_its_limit() -> None:
    load = Load(Limits(memory=100 * MIB))
    load.measured(0.0, 0.0, 0.0, 101 * MIB)
    assert load.is_high
    load.measured(1.0, 0.0, 0.0, 100 * MIB)
    assert not load.is_high
