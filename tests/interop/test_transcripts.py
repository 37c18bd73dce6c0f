"""openvidu-browser and pyvidu in the same call on the same server: their transcripts, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import CallPage, Rest
from tests.interop.official import OfficialPage
from tests.interop.transcript import Transcript
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Difference:
    """An allowed difference: `official` and `pyvidu` correspond to each other; None is no message at all."""

    reason: str
    official: str | None
    pyvidu: str | None


# How often and when these are sent depends on clocks and networks, so only their shape is compared.
UNCOUNTED = {
    "ping": "pyvidu asks more often, to notice a drop sooner, and does not declare its interval again after a resume",
    "videoData": "openvidu-browser sends statistics on a timer; pyvidu asks to see whether it is still a member",
    "onIceCandidate": "as many as the machine has addresses, whenever they are found",
    "iceCandidate": "the server may trickle its own",
}
# These are sent at once for all streams: their order, and that of the responses, is random.
UNORDERED = {"reconnectStream": "all streams are renegotiated at the same time"}

ALLOWED = (
    Difference(
        "pyvidu's disconnect() closes the socket before it returns, so this answer comes or not; `leaveRoom` always arrives",
        official='response leaveRoom {"id": "number", "jsonrpc": "string", "result": {"sessionId": "string"}}',
        pyvidu=None,
    ),
    Difference(
        "a request without parameters has none or an empty object: openvidu-browser does both, and kurento-jsonrpc's"
        " ProtocolManager takes both",
        official='request ping {"id": "number", "jsonrpc": "string", "method": "ping"}',
        pyvidu='request ping {"id": "number", "jsonrpc": "string", "method": "ping", "params": {}}',
    ),
)

# Members that pyvidu's client and server add. A server has to offer them (`replay`), and the real one does not.
EXTENSION = {
    "replay": "the server can repeat what a client missed, and runs a repeated request once",
    "received": "how many notifications the client has got",
    "replayed": "how many the server repeats now",
    "probeId": "who sends a reachability probe, so that its answer can tell what arrives of this participant",
}

# Sockets of the page, so that the test can close the current one as a network failure would.
KEEP_SOCKETS = """window.sockets = [];
window.WebSocket = class extends WebSocket { constructor(...args) { super(...args); sockets.push(this); } };"""


@dataclass
class Stage:
    """What the same call needs to be run twice with the same peer (pyvidu)."""

    browser: Browser
    server: RunningServer
    rest: Rest
    peer: CallPage

    async def play(self, subject: type[CallPage]) -> Transcript:
        """Run the call with a page of kind `subject` and return that page's transcript."""
        context = await self.browser.new_context()
        await context.add_init_script(KEEP_SOCKETS)
        page = await subject.open(context, self.server, "subject")
        transcript = Transcript.of(page.page)
        peer, room = self.peer, subject.__name__

        async def does(javascript: str, python: str) -> None:
            await (page.js(javascript) if isinstance(page, OfficialPage) else page.python(python))
            await transcript.settled()

        peer.clear_events()
        await peer.join(await self.rest.token(room))
        await page.join(await self.rest.token(room), publish=False, forceMediaReconnectionAfterNetworkDrop=True)
        await page.told("streamPlaying")
        await page.call("publish")
        await peer.told("streamPlaying")
        await transcript.settled()
        await does("session.signal({data: 'hello', type: 'chat'})", "await session.signal(data='hello', type='chat')")
        await does("session.signal({data: 'hello'})", "await session.signal(data='hello')")
        await does("publisher.publishAudio(false)", "await publisher.publish_audio(False)")
        await peer.python("await publisher.publish_video(False)")
        await page.told("streamPropertyChanged")
        await peer.python("await publisher.publish_video(True)")
        await page.page.evaluate("sockets.at(-1).close()")
        await page.told("reconnected")
        await asyncio.gather(page.moves(), peer.moves())
        await transcript.settled()
        await does(
            "session.unsubscribe(session.streamManagers.find((manager) => manager.remote))",
            "await session.unsubscribe(next(item for item in session.stream_managers if item.remote))",
        )
        await peer.python("await session.unpublish(publisher)")
        await page.told("streamDestroyed")
        await peer.python("session.disconnect()")
        await page.told("connectionDestroyed")
        page.clear_events()
        await peer.join(await self.rest.token(room))
        await page.told("streamPlaying")
        # Both send these from time to time: wait for a ping that declares no interval, and for the first `videoData`.
        await until(lambda: any("interval" not in ping for ping in transcript.requests("ping")), 20, "a mere ping")
        await until(lambda: bool(transcript.requests("videoData")), 20, "`videoData`")
        await transcript.settled()
        await does("session.unpublish(publisher)", "await session.unpublish(publisher)")
        peer.clear_events()
        await page.page.evaluate(
            "session.disconnect()" if subject is OfficialPage else "py.runPython('session.disconnect()')"
        )
        await peer.told("connectionDestroyed")
        await page.page.wait_for_function("() => sockets.at(-1).readyState === WebSocket.CLOSED")
        await peer.python("session.disconnect()")
        await context.close()
        return transcript


@dataclass
class Transcripts:
    """Transcripts of the same call. `real` is pyvidu's on the `kurento` profile, which has no extensions."""

    official: Transcript
    pyvidu: Transcript
    real: Transcript


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def transcripts(chromium: Browser, pyvidu_server: StartServer) -> Transcripts:
    async def stage(*options: str) -> Stage:
        server = await pyvidu_server(*options)
        return Stage(chromium, server, Rest(server), await CallPage.open(chromium, server, "peer"))

    ours = await stage()
    official, pyvidu = await ours.play(OfficialPage), await ours.play(CallPage)
    await ours.peer.page.context.close()
    return Transcripts(official, pyvidu, await (await stage("--profile", "kurento")).play(CallPage))


@pytest.fixture(params=["default", "kurento"])
def pyvidu(transcripts: Transcripts, request: pytest.FixtureRequest) -> Transcript:
    return transcripts.pyvidu if request.param == "default" else transcripts.real


def of(transcript: Transcript, *methods: str, but: Collection[str] = ()) -> list[str]:
    """Return the messages of these methods, or of all `but` some, without those that may differ."""
    lines = [
        message.line(ignored=EXTENSION)
        for message in transcript.messages
        if message.method not in but and (not methods or message.method in methods)
    ]
    may_differ = {allowed.official for allowed in ALLOWED} | {allowed.pyvidu for allowed in ALLOWED}
    return [line for line in lines if line not in may_differ]


async def test_both_clients_exchange_the_same_messages_in_the_same_order(
    transcripts: Transcripts, pyvidu: Transcript
) -> None:
    others = {*UNCOUNTED, *UNORDERED}
    assert of(pyvidu, but=others) == of(transcripts.official, but=others)


@pytest.mark.parametrize("method", UNORDERED)
async def test_both_clients_send_the_same_unordered_requests(
    transcripts: Transcripts, pyvidu: Transcript, method: str
) -> None:
    assert transcripts.official.requests(method)
    assert sorted(of(pyvidu, method)) == sorted(of(transcripts.official, method))


@pytest.mark.parametrize("method", UNCOUNTED)
async def test_messages_of_varying_number_have_the_same_shapes(
    transcripts: Transcripts, pyvidu: Transcript, method: str
) -> None:
    assert set(of(pyvidu, method)) == set(of(transcripts.official, method))


@pytest.mark.parametrize("allowed", ALLOWED, ids=lambda allowed: allowed.reason)
async def test_every_allowed_difference_occurs(transcripts: Transcripts, allowed: Difference) -> None:
    assert allowed.official in {None, *(message.line(EXTENSION) for message in transcripts.official.messages)}
    assert allowed.pyvidu in {None, *(message.line(EXTENSION) for message in transcripts.pyvidu.messages)}


async def test_pyvidu_sends_no_extension_that_the_server_does_not_offer(transcripts: Transcripts) -> None:
    for message in transcripts.real.messages:
        assert message.line() == message.line(ignored=EXTENSION)


async def test_requests_are_numbered_from_0_through_all_sockets(transcripts: Transcripts) -> None:
    for transcript in (transcripts.official, transcripts.pyvidu, transcripts.real):
        assert all(ids == sorted(ids) for ids in transcript.ids)
        everywhere = sorted(chain.from_iterable(transcript.ids))
        assert everywhere == list(range(len(everywhere)))


async def test_sockets_of_both_clients_have_the_same_urls(transcripts: Transcripts, pyvidu: Transcript) -> None:
    """The URLs are the same except for the server's port, the room, which each of the two has for itself, and `probe`."""
    official = [target(url).replace(OfficialPage.__name__, CallPage.__name__) for url in transcripts.official.addresses]
    assert [target(url).partition("&probe=")[0] for url in pyvidu.addresses] == official
    assert [url.endswith("&reconnect=true") for url in official] == [False, True]


async def test_a_socket_names_the_participant_s_probes_only_to_a_server_that_offers_it(
    transcripts: Transcripts,
) -> None:
    assert ["probe=" in url for url in transcripts.pyvidu.addresses] == [False, True]
    assert not any("probe=" in url for url in transcripts.real.addresses)


def target(url: str) -> str:
    """Return path and query of `url`."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
