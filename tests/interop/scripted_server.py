"""A server of OpenVidu's signaling that says what a test wants it to say, to whichever client joins.

The embedded server has no recordings, broadcasts, quality levels or speech to text (OpenVidu Pro). A token says what the
answer to `joinRoom` has in addition; a signal of type `script` says what is to be sent next, and how requests are answered
from now on.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import WSMsgType, web

from tests.serving import serving

OWN = "con_own"
TIME = 1_700_000_000_000


class ScriptedServer:
    """The server. `url` begins the tokens that `token` returns."""

    def __init__(self) -> None:
        self.url = ""
        self._numbers = itertools.count()

    def token(self, session: str, **joined: Any) -> str:
        """Return a token of a participant whose `joinRoom` is answered with `joined` in addition."""
        text = base64.urlsafe_b64encode(json.dumps(joined).encode()).decode().rstrip("=")
        return f"{self.url}?sessionId={session}&token=tok_{next(self._numbers)}&edition=pro&joined={text}"

    async def participant(self, request: web.Request) -> web.WebSocketResponse:
        """Answer one client until it closes its socket."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        answers: dict[str, Any] = {}
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            call = json.loads(message.data)
            script = _script(call)
            answers.update(script.get("answers", {}))
            if (answer := _answer(call, answers)) is not None:
                await socket.send_json({"jsonrpc": "2.0", "id": call["id"], **answer})
            for method, params in script.get("notify", ()):
                await socket.send_json({"jsonrpc": "2.0", "method": method, "params": params})
        return socket


def _script(call: Mapping[str, Any]) -> Mapping[str, Any]:
    signal = json.loads(call["params"]["message"]) if call["method"] == "sendMessage" else {}
    script: Mapping[str, Any] = json.loads(signal["data"]) if signal.get("type") == "signal:script" else {}
    return script


def _answer(call: Mapping[str, Any], answers: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the result or the error of a request; None: it is never answered."""
    method = call["method"]
    if method == "ping":
        return {"result": {"value": "pong"}}
    if method == "joinRoom":
        return {"result": _joined(call["params"])}
    told = answers.get(method, {})
    if told is None:
        return None
    return {"error": told["error"]} if "error" in told else {"result": {"sessionId": "rpc", **told}}


def _joined(params: Mapping[str, Any]) -> dict[str, Any]:
    text = parse_qs(urlsplit(params["token"]).query)["joined"][0]
    return {
        "id": OWN,
        "finalUserId": "user",
        "createdAt": TIME,
        "metadata": params["metadata"],
        "value": [],
        "session": params["session"],
        "sessionId": "rpc",
        "version": "2.32.2",
        "mediaServer": "kurento",
        "videoSimulcast": False,
        "record": False,
        "role": "PUBLISHER",
        # Without one openvidu-browser would ask public servers. Nobody listens there.
        "customIceServers": [{"url": "stun:127.0.0.1:9"}],
        **json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))),
    }


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """Serve on a free port of this machine."""
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/openvidu", server.participant)
    async with serving(app) as port:
        server.url = f"ws://127.0.0.1:{port}"
        yield server
