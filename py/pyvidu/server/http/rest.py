"""The REST API of OpenVidu under `/openvidu/api`, for an application's backend. Recording is not implemented: 501.

Source: `SessionRestController` and `ConfigRestController` of openvidu-server 2.32.2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from pyvidu.protocol.reasons import Reason
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import OpenViduException
from pyvidu.server.http import rest_json
from pyvidu.server.http.basic_auth import USER, SecretCheck
from pyvidu.server.http.bodies import prompt_body
from pyvidu.server.http.demo import socket_origin
from pyvidu.server.http.hosts import asked_authority, asked_host
from pyvidu.server.http.rest_bodies import ConnectionBody, ConnectionPatchBody, SessionBody, SignalBody, TokenBody
from pyvidu.server.limits import LimitReached
from pyvidu.server.problems import first_problem
from pyvidu.server.rooms.registry import RoomExists, Rooms
from pyvidu.server.rooms.room import Room
from pyvidu.server.rooms.tokens import now_ms
from pyvidu.server.signaling.handlers import VERSION
from pyvidu.server.webhooks.delivery import WebhookSettings

API = "/openvidu/api"

# What Spring accepts as a boolean in a query.
_FLAGS = dict.fromkeys(("true", "on", "yes", "1"), True) | dict.fromkeys(("false", "off", "no", "0"), False)

B = TypeVar("B", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_rest(app: web.Application, rooms: Rooms, config: ServerConfig, secret: SecretCheck) -> None:
    """Add the API to `app`, for those who have the secret."""
    api = web.Application(middlewares=[_gate(secret)], client_max_size=config.limits.body)
    rest = _Rest(rooms, config)
    add, get = api.router.add_route, api.router.add_get  # `add_get` adds HEAD too
    add("POST", "/sessions", rest.create_session)
    get("/sessions", rest.list_sessions)
    get("/sessions/{session}", rest.get_session)
    add("DELETE", "/sessions/{session}", rest.close_session)
    add("POST", "/sessions/{session}/connection", rest.create_connection)
    get("/sessions/{session}/connection", rest.list_connections)
    get("/sessions/{session}/connection/{connection}", rest.get_connection)
    add("PATCH", "/sessions/{session}/connection/{connection}", rest.change_connection)
    add("DELETE", "/sessions/{session}/connection/{connection}", rest.close_connection)
    add("DELETE", "/sessions/{session}/stream/{stream}", rest.unpublish)
    add("POST", "/tokens", rest.create_token)
    add("POST", "/signal", rest.signal)
    get("/config", rest.config)
    get("/config/openvidu-version", rest.version)
    get("/config/openvidu-publicurl", rest.public_url)
    get("/config/openvidu-recording", rest.disabled)
    get("/config/openvidu-cdr", rest.disabled)
    add("*", "/recordings{tail:(/.*)?}", rest.recordings)
    app.add_subapp(API, api)


class _Rest:
    def __init__(self, rooms: Rooms, config: ServerConfig) -> None:
        self._rooms = rooms
        self._config = config

    # --- sessions -----------------------------------------------------------------------------------------------------

    async def create_session(self, request: web.Request) -> web.Response:
        body = await _body(request, SessionBody)
        try:
            room = self._rooms.create(body.properties())
        except RoomExists:
            return web.Response(status=409)
        except LimitReached as limit:
            return _error(request, 503, str(limit))
        return web.json_response(rest_json.session_json(room, pending=False))

    async def list_sessions(self, request: web.Request) -> web.Response:
        pending = _flag(request, "pendingConnections", default=False)
        content = [rest_json.session_json(room, pending=pending) for room in self._rooms]
        return web.json_response(rest_json.listing(content))

    async def get_session(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=404)
        pending = _flag(request, "pendingConnections", default=False)
        return web.json_response(rest_json.session_json(room, pending=pending))

    async def close_session(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=404)
        room.close(Reason.SESSION_CLOSED_BY_SERVER)
        return web.Response(status=204)

    # --- connections --------------------------------------------------------------------------------------------------

    async def create_connection(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=404)
        body = await _body(request, ConnectionBody)
        try:
            token = self._rooms.issue_token(room, body.properties(), socket_origin(request))
        except LimitReached as limit:
            return _error(request, 503, str(limit))
        return web.json_response(rest_json.pending_json(token))

    async def create_token(self, request: web.Request) -> web.Response:
        body = await _body(request, TokenBody)
        room = self._rooms.get(body.session)
        if room is None:
            return _error(request, 404, f"Session {body.session} not found")
        try:
            token = self._rooms.issue_token(room, body.properties(), socket_origin(request))
        except LimitReached as limit:
            return _error(request, 503, str(limit))
        return web.json_response(rest_json.token_json(token))

    async def list_connections(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=404)
        pending = _flag(request, "pendingConnections", default=True)
        return web.json_response(rest_json.listing(rest_json.connections_json(room, pending=pending)))

    async def get_connection(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=400)
        connection = request.match_info["connection"]
        if (participant := room.find(connection)) is not None:
            return web.json_response(rest_json.active_json(participant))
        if (token := room.pending(connection)) is not None:
            return web.json_response(rest_json.pending_json(token))
        return web.Response(status=404)

    async def change_connection(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=404)
        body = await _body(request, ConnectionPatchBody)
        connection = request.match_info["connection"]
        if (participant := room.find(connection)) is not None:
            room.change_connection(participant, role=body.role, record=body.record)
            return web.json_response(rest_json.active_json(participant))
        if (token := room.pending(connection)) is not None:
            token.properties.role = body.role or token.properties.role
            token.properties.record = token.properties.record if body.record is None else body.record
            return web.json_response(rest_json.pending_json(token))
        return web.Response(status=404)

    async def close_connection(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=400)
        connection = request.match_info["connection"]
        if (participant := room.find(connection)) is not None:
            room.evict(participant, Reason.FORCE_DISCONNECT_BY_SERVER)
            return web.Response(status=204)
        if (token := room.pending(connection)) is not None:
            room.consume_token(token.value)
            return web.Response(status=204)
        return web.Response(status=404)

    # --- streams and signals ------------------------------------------------------------------------------------------

    async def unpublish(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if room is None:
            return web.Response(status=400)
        owner = room.owner_of(request.match_info["stream"])
        if owner is None:
            return web.Response(status=404)
        stream = room.unpublish(owner, Reason.FORCE_UNPUBLISH_BY_SERVER)
        room.tell_unpublished(room.participants, owner, Reason.FORCE_UNPUBLISH_BY_SERVER)
        self._rooms.background(self._rooms.media.unpublish(stream.id), f"media of {stream.id} ends")
        return web.Response(status=204)

    async def signal(self, request: web.Request) -> web.Response:
        body = await _body(request, SignalBody)
        room = self._rooms.get(body.session)
        if room is None:
            return web.Response(status=404)
        if not room.active:
            return web.Response(status=406)
        to = [item for item in body.to or [] if item is not None]
        with contextlib.suppress(OpenViduException):
            if len(to) == len(body.to or []):
                room.signal(to, body.type, body.data, None)
                return web.Response(status=200)
        return _error(request, 406, '"to" array has no valid connection identifiers')

    async def recordings(self, request: web.Request) -> web.Response:
        return web.Response(status=501)

    # --- configuration ------------------------------------------------------------------------------------------------

    async def config(self, request: web.Request) -> web.Response:
        webhook = self._config.webhook
        return web.json_response(
            {
                "VERSION": VERSION,
                "DOMAIN_OR_PUBLIC_IP": asked_host(request),
                "HTTPS_PORT": self._config.port,
                "OPENVIDU_PUBLICURL": _public_url(request),
                "OPENVIDU_CDR": False,
                "OPENVIDU_STREAMS_VIDEO_MAX_RECV_BANDWIDTH": 1000,
                "OPENVIDU_STREAMS_VIDEO_MIN_RECV_BANDWIDTH": 300,
                "OPENVIDU_STREAMS_VIDEO_MAX_SEND_BANDWIDTH": 1000,
                "OPENVIDU_STREAMS_VIDEO_MIN_SEND_BANDWIDTH": 300,
                "OPENVIDU_STREAMS_FORCED_VIDEO_CODEC": "MEDIA_SERVER_PREFERRED",
                "OPENVIDU_STREAMS_ALLOW_TRANSCODING": False,
                "OPENVIDU_WEBRTC_SIMULCAST": False,
                "OPENVIDU_SESSIONS_GARBAGE_INTERVAL": 900,
                "OPENVIDU_SESSIONS_GARBAGE_THRESHOLD": 3600,
                "OPENVIDU_RECORDING": False,
                "OPENVIDU_WEBHOOK": webhook is not None,
                **(_webhook(webhook) if webhook else {}),
            }
        )

    async def version(self, request: web.Request) -> web.Response:
        return web.Response(text=VERSION)

    async def disabled(self, request: web.Request) -> web.Response:
        return web.json_response(False)

    async def public_url(self, request: web.Request) -> web.Response:
        return web.Response(text=_public_url(request))

    def _room(self, request: web.Request) -> Room | None:
        return self._rooms.get(request.match_info["session"])


def _gate(secret: SecretCheck) -> Any:
    """Return a middleware that requires the secret and answers unmapped methods and paths with 403, as the real server."""

    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != f"{API}/config/openvidu-publicurl" and not await secret.admits(request):
            response = _error(request, 401, f"Basic authorization is needed: user {USER}, password = the secret")
            response.headers["WWW-Authenticate"] = 'Basic realm="Realm"'
            return response
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return _error(request, 403, "No such method and path")
        except web.HTTPRequestEntityTooLarge:
            return _error(request, 413, "The body is too large")
        except web.HTTPRequestTimeout:
            response = _error(request, 408, "The body did not arrive in time")
            response.force_close()
            return response
        except _BadRequest as problem:
            return _error(request, problem.status, str(problem))

    return gate


class _BadRequest(Exception):
    """A malformed request; the sentence names the field."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


async def _body(request: web.Request, body: type[B]) -> B:
    try:
        text = await prompt_body(request)
    except ConnectionError:  # the client is gone; answering keeps a traceback out of the log
        raise _BadRequest("The body ended too early") from None
    if text and request.content_type != "application/json":
        raise _BadRequest("Content-Type must be application/json", 415)
    try:
        return body.model_validate_json(text if text.strip() not in (b"", b"null") else b"{}")
    except ValidationError as error:
        raise _BadRequest(first_problem(error)) from None


def _flag(request: web.Request, name: str, *, default: bool) -> bool:
    value = request.query.get(name, "").strip().lower()
    if not value:
        return default
    if value not in _FLAGS:
        raise _BadRequest(f"Parameter '{name}' is neither true nor false")
    return _FLAGS[value]


def _error(request: web.Request, status: int, message: str) -> web.Response:
    error = {
        "timestamp": now_ms(),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "message": message,
        "path": request.path,
    }
    return web.json_response(error, status=status)


def _webhook(settings: WebhookSettings) -> dict[str, Any]:
    return {
        "OPENVIDU_WEBHOOK_ENDPOINT": settings.url,
        "OPENVIDU_WEBHOOK_HEADERS": [f"{name}: {value}" for name, value in settings.own_headers.items()],
        "OPENVIDU_WEBHOOK_EVENTS": list(settings.events),
    }


def _public_url(request: web.Request) -> str:
    return f"{request.scheme}://{asked_authority(request)}/"
