"""openvidu-node-client 2.32.2, the SDK of an application's backend, drives the REST API. It compares whole objects to
detect changes, so an extra or missing field, or a value of another form, counts as a change.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.browser.calls import Rest
from tests.interop.official import HERE, NODE_MODULES, OfficialPage
from tests.waiting import until

ROOM = "node"


@dataclass
class Backend:
    """A Node process that runs the SDK."""

    process: asyncio.subprocess.Process
    server: RunningServer

    async def __call__(self, body: str) -> Any:
        """Run the body of an async function of `ov` and `state` and return its result. Raises BackendError."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(body).encode() + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert line, "the Node process has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise BackendError(answer["error"])
        return answer["value"]


class BackendError(Exception):
    """The SDK rejected a promise. The message is the HTTP status."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(pyvidu_server: StartServer) -> AsyncIterator[Backend]:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "openvidu-node-client").exists():
        pytest.fail("openvidu-node-client is not here: make interop")
    server = await pyvidu_server()
    process = await asyncio.create_subprocess_exec(
        node,
        HERE / "backend.js",
        server.origin,
        server.secret,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield Backend(process, server)
    assert process.stdin is not None
    process.stdin.close()  # the script ends when its input ends
    await asyncio.wait_for(process.wait(), 10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ana(chromium: Browser, backend: Backend) -> OfficialPage:
    """Return a participant that has not joined the session yet."""
    return await OfficialPage.open(chromium, backend.server, "ana")


async def test_session_is_created_once_and_fetch_reports_no_change(backend: Backend) -> None:
    made = await backend(
        f"state.session = await ov.createSession({{customSessionId: '{ROOM}', recordingMode: 'MANUAL'}});"
        "return state.session.sessionId"
    )
    assert made == ROOM
    # The first fetch reorders the properties, which the SDK counts as a change whatever the server answers.
    await backend("return state.session.fetch()")
    assert await backend("return state.session.fetch()") is False
    assert await backend("return ov.fetch()") is False
    again = f"const again = await ov.createSession({{customSessionId: '{ROOM}'}}); return again.createdAt"
    assert await backend(again) == await backend("return state.session.createdAt"), "409: it is there already"


async def test_created_connection_is_pending_and_fetch_reports_no_change(backend: Backend) -> None:
    connection = await backend(
        "state.connection = await state.session.createConnection({role: 'MODERATOR', data: 'of the server',"
        " kurentoOptions: {videoMaxSendBandwidth: 700, allowedFilters: []},"
        " customIceServers: [{url: 'turn:127.0.0.1:1?transport=tcp', username: 'u', credential: 'c'}]});"
        "return state.connection"
    )
    assert connection["status"] == "pending"
    assert connection["token"].startswith(f"ws://127.0.0.1:{backend.server.port}?sessionId={ROOM}&token=tok_")
    assert await backend("return state.session.fetch()") is False
    assert await backend("return state.session.connections.length") == 1
    assert await backend("return state.session.activeConnections.length") == 0


async def test_fetch_reports_a_publishing_participant_as_a_change_once(backend: Backend, ana: OfficialPage) -> None:
    await ana.join(await backend("return state.connection.token"))
    assert await backend("return state.session.fetch()") is True
    assert await backend("return state.session.fetch()") is False
    active = await backend("return state.session.activeConnections[0]")
    stream = await ana.js("publisher.stream.streamId")
    assert active["connectionId"] == ana.connection_id == await backend("return state.connection.connectionId")
    assert (active["status"], active["clientData"]) == ("active", json.dumps({"name": "ana"}, separators=(",", ":")))
    (publisher,) = active["publishers"]
    assert publisher["streamId"] == stream
    assert json.loads(publisher["videoDimensions"]) == {"width": 640, "height": 480}
    await backend("return ov.fetch()")
    assert await backend("return ov.fetch()") is False
    assert set(await backend("return ov.activeSessions.map((session) => session.sessionId)")) == {ROOM}


async def test_fetch_reports_a_mute_as_a_change(backend: Backend, ana: OfficialPage) -> None:
    await ana.js("publisher.publishAudio(false)")
    await ana.told("streamPropertyChanged")
    # The page gets the response first, the REST API shows the change later.
    await until(lambda: backend("return state.session.fetch()"), 5, "a change")
    assert await backend("return state.session.activeConnections[0].publishers[0].audioActive") is False
    assert await backend("return state.session.fetch()") is False


async def test_signal_of_the_backend_reaches_the_page(backend: Backend, ana: OfficialPage) -> None:
    """The SDK has no call for signals: applications post them themselves."""
    signal = {"session": ROOM, "to": [], "type": "signal:news", "data": "from the server"}
    assert await Rest(backend.server).call("POST", "signal", signal) == (200, None)
    assert (await ana.told("signal:news")).data == "from the server"


async def test_changed_role_of_a_connection_reaches_its_page(backend: Backend, ana: OfficialPage) -> None:
    await backend("await state.session.updateConnection(state.connection.connectionId, {role: 'PUBLISHER'})")
    await ana.page.wait_for_function("() => session.connection.role === 'PUBLISHER'")
    assert await backend("return state.session.activeConnections[0].connectionProperties.role") == "PUBLISHER"
    # The SDK has already changed its copy, except for a deprecated second copy of the role: fetch once more.
    await backend("return state.session.fetch()")
    assert await backend("return state.session.fetch()") is False


async def test_a_stream_is_unpublished_by_force(backend: Backend, ana: OfficialPage) -> None:
    await backend("await state.session.forceUnpublish(state.session.activeConnections[0].publishers[0])")
    assert (await ana.told("streamDestroyed")).reason == "forceUnpublishByServer"
    assert await backend("return state.session.fetch()") is False
    with pytest.raises(BackendError, match="404"):
        await backend("await state.session.forceUnpublish('str_CAM_none_con_nobody')")


async def test_a_participant_is_disconnected_by_force_and_the_empty_session_ends(
    backend: Backend, ana: OfficialPage
) -> None:
    with pytest.raises(BackendError, match="404"):
        await backend("await state.session.forceDisconnect('con_nobody')")
    await backend("await state.session.forceDisconnect(state.connection)")
    assert (await ana.told("sessionDisconnected")).reason == "forceDisconnectByServer"
    with pytest.raises(BackendError, match="404"):
        await backend("await state.session.fetch()")
    await backend("return ov.fetch()")
    assert await backend("return ov.activeSessions.length") == 0


async def test_closing_a_session_disconnects_its_participants(backend: Backend, ana: OfficialPage) -> None:
    ana.clear_events()
    await backend("state.session = await ov.createSession(); state.connection = await state.session.createConnection()")
    await ana.join(await backend("return state.connection.token"), publish=False)
    await backend("await state.session.close()")
    assert (await ana.told("sessionDisconnected")).reason == "sessionClosedByServer"
    with pytest.raises(BackendError, match="404"):
        await backend("await state.session.close()")


async def test_wrong_secret_is_refused_with_401_and_recordings_with_501(backend: Backend) -> None:
    with pytest.raises(BackendError, match="401"):
        await backend("await new state.OpenVidu(state.url, 'wrong').createSession()")
    with pytest.raises(BackendError, match="501"):
        await backend("await ov.listRecordings()")


async def test_deprecated_token_creates_a_pending_connection(backend: Backend) -> None:
    await backend("state.session = await ov.createSession()")
    token = await backend("return state.session.generateToken({role: 'SUBSCRIBER', data: 'old'})")
    assert token.startswith(f"ws://127.0.0.1:{backend.server.port}?sessionId=ses_")
    await backend("return state.session.fetch()")
    properties = await backend("return state.session.connections[0].connectionProperties")
    assert (properties["role"], properties["data"]) == ("SUBSCRIBER", "old")


async def test_recording_properties_and_record_are_returned_as_the_sdk_expects(backend: Backend) -> None:
    await backend(
        "state.session = await ov.createSession({defaultRecordingProperties: {outputMode: 'INDIVIDUAL', name: 'r'}});"
        "state.connection = await state.session.createConnection({record: false})"
    )
    await backend("return state.session.fetch()")
    assert await backend("return state.session.fetch()") is False
    assert await backend("return state.session.properties.defaultRecordingProperties") == {
        "name": "r",
        "hasAudio": True,
        "hasVideo": True,
        "outputMode": "INDIVIDUAL",
        "ignoreFailedStreams": False,
    }
    assert await backend("return state.session.connections[0].connectionProperties.record") is False


@pytest.mark.parametrize(
    "call",
    [
        "ov.createSession({customSessionId: 'no spaces'})",
        "ov.createSession({defaultRecordingProperties: {resolution: '1x1'}})",
        "state.session.createConnection({customIceServers: [{url: 'turn:127.0.0.1'}]})",
    ],
)
async def test_invalid_properties_are_refused_with_400(backend: Backend, call: str) -> None:
    with pytest.raises(BackendError, match="400"):
        await backend(f"await {call}")


async def test_fetch_web_rtc_does_not_fail(
    backend: Backend,
) -> None:
    await backend("await ov.fetchWebRtc()")
    assert await backend("return ov.activeSessions.length") >= 1
