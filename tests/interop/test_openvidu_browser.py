"""openvidu-browser 2.32.2 itself as a client of the embedded server: first alone, then with pyvidu in one room.

One call, whose tests run in order. No root and no namespace; `test_openvidu_browser_drops.py` drops its network.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import CallPage, Rest
from tests.interop.official import OfficialPage, sees

COMING = ("connectionCreated", "streamCreated", "streamPlaying")
GOING = ("streamDestroyed", "connectionDestroyed", "sessionDisconnected")


@dataclass
class Room:
    """Ana (moderator) and Oto use openvidu-browser. Pia uses pyvidu and joins once Oto has left."""

    server: RunningServer
    rest: Rest
    browser: Browser
    ana: OfficialPage
    oto: OfficialPage

    def clear_events(self) -> None:
        """Ignore the events so far."""
        self.ana.clear_events()
        self.oto.clear_events()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(chromium: Browser, pyvidu_server: StartServer) -> AsyncIterator[Room]:
    server = await pyvidu_server()
    rest = Rest(server)
    ana, oto = await OfficialPage.open(chromium, server, "ana"), await OfficialPage.open(chromium, server, "oto")
    await ana.join(await rest.token("interop", "MODERATOR"))
    await oto.join(await rest.token("interop"))
    yield Room(server, rest, chromium, ana, oto)


# --- openvidu-browser alone -------------------------------------------------------------------------------------------


async def test_two_official_clients_receive_each_others_frames(room: Room) -> None:
    await asyncio.gather(room.ana.moves(), room.oto.moves())


async def test_official_clients_get_events_in_the_official_order(room: Room) -> None:
    assert room.ana.events(*COMING) == [
        "connectionCreated",  # its own
        "streamCreated",  # its own, at the publisher
        "connectionCreated",
        "streamCreated",
        "streamPlaying",
    ]
    await room.oto.told("streamPlaying")
    assert room.oto.events(*COMING, whose="session") == ["connectionCreated", "connectionCreated", "streamCreated"]
    assert room.oto.events(*COMING, whose="publisher") == ["streamCreated"]


async def test_only_ice_servers_of_the_own_host_are_used(room: Room) -> None:
    for page in (room.ana, room.oto):
        servers = await page.call("iceServers")
        assert len(servers) == 2, "one for each peer connection"
        for url in servers:
            assert url.startswith("turn:")
            assert urlsplit(f"//{url.removeprefix('turn:')}").hostname == room.server.host


async def test_signal_reaches_all_or_only_its_recipients(room: Room) -> None:
    await room.ana.js("session.signal({data: 'to all', type: 'chat'})")
    assert (await room.ana.told("signal:chat")).data == "to all"
    assert (await room.oto.told("signal:chat")).data == "to all"
    await room.ana.js("session.signal({data: 'to oto', to: [...session.remoteConnections.values()], type: 'secret'})")
    assert (await room.oto.told("signal:secret")).data == "to oto"
    await room.oto.js("session.signal({data: 'without a type'})")
    assert (await room.ana.told("signal:signal")).data == "without a type", "openvidu-browser's name for no type at all"
    assert "signal:secret" not in room.ana.events()


async def test_mute_is_notified_and_kept(room: Room) -> None:
    await room.ana.js("publisher.publishAudio(false)")
    assert (await room.oto.told("streamPropertyChanged")).reason == "publishAudio"
    assert await sees(room.oto, room.ana) == {"audio": False, "video": True}
    await room.ana.js("publisher.publishVideo(false)")
    assert (await room.oto.told("streamPropertyChanged", count=2)).reason == "publishVideo"
    await room.ana.js("publisher.publishVideo(true)")
    await room.ana.js("publisher.publishAudio(true)")
    await room.oto.told("streamPropertyChanged", count=4)
    assert await sees(room.oto, room.ana) == {"audio": True, "video": True}


async def test_unpublish_and_publish_again(room: Room) -> None:
    room.clear_events()
    await room.ana.js("session.unpublish(publisher)")
    assert (await room.ana.told("streamDestroyed")).reason == "unpublish"
    assert (await room.oto.told("streamDestroyed")).reason == "unpublish"
    await room.ana.call("publish")
    await room.oto.told("streamCreated")
    await room.oto.told("streamPlaying")
    await room.oto.moves()


async def test_subscriber_receives_all_streams_and_cannot_publish(room: Room) -> None:
    viewer = await OfficialPage.open(room.browser, room.server, "viewer")
    await viewer.join(await room.rest.token("interop", "SUBSCRIBER"), publish=False)
    await viewer.told("streamPlaying", count=2)
    assert await viewer.js("session.capabilities.publish") is False
    refused = await viewer.js(
        "functions.publish().then(() => 'published', (error) => `${error.name}: ${error.message}`)"
    )
    assert "401" in refused or "PERMISSION_DENIED" in refused
    room.clear_events()
    await viewer.js("session.disconnect()")
    assert viewer.events(*GOING) == ["sessionDisconnected(disconnect)"]
    assert (await room.ana.told("connectionDestroyed")).reason == "disconnect"
    assert "streamDestroyed(disconnect)" not in room.ana.events(), "it published nothing"
    await viewer.page.context.close()


async def test_a_moderator_ends_a_stream_and_then_a_participant(room: Room) -> None:
    room.clear_events()
    await room.ana.js("session.forceUnpublish([...session.remoteConnections.values()][0].stream)")
    assert (await room.ana.told("streamDestroyed")).reason == "forceUnpublishByUser"
    assert (await room.oto.told("streamDestroyed")).reason == "forceUnpublishByUser"
    await room.oto.call("publish")
    await room.ana.told("streamPlaying")
    room.clear_events()
    await room.ana.js("session.forceDisconnect([...session.remoteConnections.values()][0])")
    assert (await room.oto.told("sessionDisconnected")).reason == "forceDisconnectByUser"
    await room.ana.told("connectionDestroyed")
    assert room.ana.events(*GOING) == [
        "streamDestroyed(forceDisconnectByUser)",
        "connectionDestroyed(forceDisconnectByUser)",
    ]
    assert room.oto.events(*GOING) == [
        "streamDestroyed(forceDisconnectByUser)",
        "sessionDisconnected(forceDisconnectByUser)",
    ]


async def test_official_clients_logged_no_errors(room: Room) -> None:
    assert room.ana.logged_errors() == room.oto.logged_errors() == []


async def test_refusals_reach_the_official_client_as_its_own_errors(room: Room) -> None:
    failure = "(error) => `${error.name ?? error.code}: ${error.message}`"
    token = await room.rest.token("interop")
    await room.oto.join(token, publish=False)
    await room.ana.told("connectionCreated")
    denied = await room.oto.js(
        f"session.forceDisconnect([...session.remoteConnections.values()][0]).then(() => 'done', {failure})"
    )
    assert denied.startswith("OPENVIDU_PERMISSION_DENIED: ")
    await room.oto.js("session.disconnect()")
    # Use another OpenVidu object: the response to the first one's `leaveRoom` closes whatever socket that object has opened
    # meanwhile, and its `connect` never settles.
    connect = f"new OpenVidu().initSession().connect({json.dumps(token)})"
    again = await room.oto.js(f"{connect}.then(() => 'done', {failure})")
    assert again.startswith("401: Unable to join session interop. Token ")
    await room.oto.page.context.close()


# --- with pyvidu in one room ------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pia(room: Room) -> AsyncIterator[CallPage]:
    room.ana.clear_events()
    page = await CallPage.open(room.browser, room.server, "pia")
    await page.join(await room.rest.token("interop"))
    yield page


async def test_official_client_and_pyvidu_receive_each_others_frames(room: Room, pia: CallPage) -> None:
    await asyncio.gather(room.ana.moves(), pia.moves())


async def test_official_client_and_pyvidu_get_events_in_the_same_order(room: Room, pia: CallPage) -> None:
    await asyncio.gather(room.ana.told("streamPlaying"), pia.told("streamPlaying"))
    assert room.ana.events(*COMING) == ["connectionCreated", "streamCreated", "streamPlaying"]
    assert pia.events(*COMING, whose="session") == ["connectionCreated", "connectionCreated", "streamCreated"]


async def test_signals_go_both_ways(room: Room, pia: CallPage) -> None:
    await room.ana.js("session.signal({data: 'bonjour', type: 'from-js', to: [...session.remoteConnections.values()]})")
    assert (await pia.told("signal:from-js")).data == "bonjour"
    await pia.python("await session.signal(data='buongiorno', type='from-python')")
    assert (await room.ana.told("signal:from-python")).data == "buongiorno"
    assert (await pia.told("signal:from-python")).data == "buongiorno"


@pytest.mark.parametrize("muted", [True, False])
async def test_mute_of_each_client_reaches_the_other(room: Room, pia: CallPage, muted: bool) -> None:
    for page in (room.ana, pia):
        page.clear_events()
    await room.ana.js(f"publisher.publishAudio({json.dumps(not muted)})")
    assert (await pia.told("streamPropertyChanged")).reason == "publishAudio"
    await pia.python(f"await publisher.publish_video({not muted})")
    # The official client also fires the event on its own page for its own mute.
    assert (await room.ana.told("streamPropertyChanged", count=2)).reason == "publishVideo"
    assert await sees(pia, room.ana) == {"audio": not muted, "video": True}
    assert await sees(room.ana, pia) == {"audio": True, "video": not muted}


async def test_pyvidu_unpublishes_and_publishes_again(room: Room, pia: CallPage) -> None:
    room.ana.clear_events()
    await pia.python("await session.unpublish(publisher)")
    assert (await room.ana.told("streamDestroyed")).reason == "unpublish"
    await pia.call("publish")
    await room.ana.told("streamPlaying")
    await room.ana.moves()


async def test_leave_of_the_official_client_reaches_pyvidu(room: Room, pia: CallPage) -> None:
    for page in (room.ana, pia):
        page.clear_events()
    await room.ana.js("session.disconnect()")
    assert room.ana.events(*GOING) == ["streamDestroyed(disconnect)", "sessionDisconnected(disconnect)"]
    await pia.told("connectionDestroyed")
    assert pia.events(*GOING) == ["streamDestroyed(disconnect)", "connectionDestroyed(disconnect)"]
    assert not any("uncaught" in line for line in pia.console)
