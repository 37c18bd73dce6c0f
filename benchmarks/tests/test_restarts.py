"""Restarts of the server with participants that rejoin: from a report to numbers, and a small real one."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.light.rejoining import Order
from benchmarks.networks.restarts import RESTARTS, Restart, RestartKind, legs, numbers, restart

ORDER = Order("http://127.0.0.1:4443/", "secret", members=4, room=2, media_every=2)
ENDED = Restart(stopped=100.0, started=105.0)


def member(*, tried: float, rejoined: float | None, frames: list[tuple[int, float]] | None = None) -> dict[str, Any]:
    """Return the report of a participant that was told after 10 ms and tried once in vain."""
    told: list[tuple[float, str, str]] = [(100.01, "reconnecting", "")]
    if rejoined is not None:
        told.append((rejoined, "rejoined", ""))
    return {"told": told, "tries": [(100.02, None), (tried, tried + 0.1)], "frames": frames or []}


def test_rooms_with_media_receive_all_others_of_theirs() -> None:
    assert legs(ORDER) == 2
    assert legs(Order("", "", members=200, room=4, media_every=10)) == 60
    assert legs(Order("", "", members=7, room=4, media_every=1)) == 12 + 6, "the last room has three"
    assert [ORDER.has_media(number) for number in range(4)] == [True, True, False, False]


def test_times_count_from_when_the_server_listened_and_media_from_the_later_rejoin() -> None:
    members = [
        member(tried=104.9, rejoined=105.2, frames=[(1, 105.9)]),
        member(tried=105.4, rejoined=105.7, frames=[(0, 105.8)]),
        member(tried=105.9, rejoined=106.2),
        member(tried=106.4, rejoined=None),
    ]
    found = numbers("server-killed", "best", ORDER, ENDED, {"lag": 0.05, "members": members})
    assert (found.members, found.with_media, found.down_ms) == (4, 2, 5000.0)
    assert found.told_ms is not None
    assert found.told_ms.max == 10.0
    assert found.tried_ms is not None
    assert (found.tried_ms.p50, found.tried_ms.max) == (500.0, 1500.0), "the first one shows that it listens"
    assert found.spread_ms == 1500.0
    assert found.rejoined_ms is not None
    assert (found.rejoined_ms.p50, found.rejoined_ms.never) == (700.0, 1)
    assert found.media_ms is not None
    assert (found.media_ms.p50, found.media_ms.max, found.media_ms.n) == (100.0, 200.0, 2)
    assert (found.sockets_while_down, found.lost, found.lag_ms) == (5, 0, 50.0)


def test_who_is_never_back_ranks_last_and_what_was_received_before_does_not_count() -> None:
    gone = {"told": [(100.1, "sessionDisconnected", "networkDisconnect")], "tries": [], "frames": [(1, 99.0)]}
    found = numbers("server-drained", "best", ORDER, ENDED, {"lag": 0.0, "members": [gone] * 4})
    assert (found.lost, found.spread_ms) == (4, 0.0)
    for times, count in ((found.told_ms, 4), (found.tried_ms, 4), (found.rejoined_ms, 4), (found.media_ms, 2)):
        assert times is not None
        assert times.never == times.n == count


@pytest.mark.parametrize("kind", RESTARTS)
async def test_twelve_participants_rejoin_a_server_that_was_started_again(kind: RestartKind) -> None:
    found = await restart(kind, "best", members=12)
    assert (found.members, found.with_media, found.lost) == (12, 4, 0)
    for times, count in ((found.tried_ms, 12), (found.rejoined_ms, 12), (found.media_ms, 12)):
        assert times is not None
        assert (times.n, times.never) == (count, 0)
