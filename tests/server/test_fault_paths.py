"""The paths of connections: when what is sent and received passes, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
from functools import partial

from pyvidu.server.faults.delay_line import Delay
from pyvidu.server.faults.paths import MediaPath, SocketPath
from pyvidu.server.traffic import DirectPath, Path
from tests.virtual_time import virtual_time


def use(path: Path, what: str, passed: list[str]) -> None:
    path.outgoing(partial(passed.append, f"{what} out"))
    path.incoming(partial(passed.append, f"{what} in"))


def test_on_a_direct_path_and_on_one_without_a_fault_all_passes_at_once() -> None:
    for path in (DirectPath(), MediaPath(lambda _: None), SocketPath(lambda _: None)):
        passed: list[str] = []
        assert path.clear
        use(path, "a", passed)
        assert passed == ["a out", "a in"]


@virtual_time
async def test_a_path_is_clear_again_after_the_last_of_what_impaired_it() -> None:
    path = MediaPath(lambda _: None)
    path.slow(Delay(1))
    path.drop(True)
    path.slow(None)
    assert not path.clear
    path.drop(False)
    assert path.clear
    path.sever()
    path.drop(False)
    assert not path.clear, "for good"


@virtual_time
async def test_media_that_is_under_way_when_a_drop_begins_is_lost_where_it_arrives() -> None:
    path, passed = MediaPath(lambda _: None), list[str]()
    path.slow(Delay(1))
    use(path, "before", passed)
    path.drop(True)
    use(path, "during", passed)
    await asyncio.sleep(2)
    assert passed == ["before out"], "it had left the server already"


@virtual_time
async def test_a_path_that_closes_lets_out_what_is_to_be_sent_and_is_reported() -> None:
    closed: list[MediaPath] = []
    path, passed = MediaPath(closed.append), list[str]()
    path.slow(Delay(1))
    use(path, "last words", passed)
    path.close()
    assert passed == ["last words out"]
    assert closed == [path]
    await asyncio.sleep(2)
    assert passed == ["last words out"]


@virtual_time
async def test_the_flow_stops_at_the_first_hold_and_goes_on_after_the_last() -> None:
    flow: list[bool] = []
    path = SocketPath(flow.append)
    path.hold()
    path.hold()
    path.release()
    assert flow == [False]
    path.release()
    assert flow == [False, True]
