"""The three scenarios of automatic reconnection, in a call whose one participant is dropped: both sides are checked."""

from __future__ import annotations

import asyncio

from pyvidu.testing import LabFault
from tests.browser.calls import Rest
from tests.browser.drops import COMING_AND_GOING, OUTAGE, DroppedCall


async def back_after_4_s_nothing_is_renegotiated(call: DroppedCall, kind: LabFault = "silent") -> None:
    """Scenario 1."""
    before = await call.ada.picture()
    await call.drop(kind, 4)
    await call.ada.told("reconnected")
    await call.move_within(4)
    await call.ada.told("outageSettled")
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.renegotiated() == []
    assert await call.ada.picture() == before
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []
    assert call.bob.events(*OUTAGE) == []


async def back_after_14_s_the_session_is_over(call: DroppedCall) -> None:
    """Scenario 2. Afterwards the call is joined again."""
    room = await call.ada.python("session.session_id")
    await call.drop("silent", 14)
    lost = await call.ada.told("sessionDisconnected", 5)
    assert lost.reason == "networkDisconnect"
    assert call.ada.events(*OUTAGE) == ["reconnecting", "sessionDisconnected(networkDisconnect)"]
    assert call.ada.events("streamDestroyed", whose="publisher") == ["streamDestroyed(networkDisconnect)"]
    assert call.bob.events(*COMING_AND_GOING) == [
        "streamDestroyed(networkDisconnect)",
        "connectionDestroyed(networkDisconnect)",
    ]
    gone = await call.bob.told("connectionDestroyed")
    assert gone.at < call.returned, "the others are told while the victim is still away"
    assert call.bob.events(*OUTAGE, "streamFrozen", "exception") == [], "a peer that drops is no alarm"
    await call.ada.has_released_everything()
    # Join again: the same session object, a fresh token.
    await call.ada.join(await Rest(call.server).token(room))
    await asyncio.gather(call.ada.moves(), call.bob.moves())


async def back_after_9_s_dead_media_is_renegotiated_once_a_stream(call: DroppedCall, *, within: float) -> None:
    """Scenario 3, with media back within so many seconds."""
    before = await call.ada.picture()
    await call.drop("silent", 9, dead_media=True)
    await call.ada.told("reconnected", 3)
    await call.move_within(within)
    await call.ada.told("outageSettled")
    after = await call.ada.picture()
    assert sorted(call.renegotiated()) == sorted(before["streams"])
    assert {**after, "tracks": None} == {**before, "tracks": None}, "same streams, same elements, muted stays muted"
    assert after["tracks"][:2] == before["tracks"][:2], "the camera's own tracks go on"
    assert call.ada.events(*OUTAGE) == ["reconnecting", "reconnected"]
    assert call.ada.events(*COMING_AND_GOING) == call.bob.events(*COMING_AND_GOING) == []
