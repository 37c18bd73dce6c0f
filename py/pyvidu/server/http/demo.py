"""`POST /demo/token`: issues tokens to the demo page, as an application's own backend would. Only with `--demo`."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from pyvidu.server.http.guards import guarded_body
from pyvidu.server.http.hosts import asked_authority
from pyvidu.server.limits import LimitReached
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.tokens import ConnectionProperties, Role, SessionProperties


class DemoTokenBody(BaseModel):
    """The room to join and the role in it."""

    session: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    role: Role = Role.PUBLISHER


def add_demo_token(app: web.Application, rooms: Rooms, *, fault_control: bool) -> None:
    """Add the endpoint to `app`.

    Its answer contains `fault_control`: the page shows its drop buttons, or why there are none.
    """

    async def handle(request: web.Request) -> web.Response:
        body = await guarded_body(request, DemoTokenBody)
        try:
            room = rooms.get(body.session) or rooms.create(SessionProperties(custom_session_id=body.session))
            token = rooms.issue_token(room, ConnectionProperties(role=body.role), socket_origin(request))
        except LimitReached as limit:
            return web.json_response({"message": str(limit)}, status=503)
        answer = {"token": token.url, "faultControl": fault_control}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    app.router.add_post("/demo/token", handle)


def socket_origin(request: web.Request) -> str:
    """Return the WebSocket origin of this server, for a client that reached it as `request` did."""
    return f"{'wss' if request.scheme == 'https' else 'ws'}://{asked_authority(request)}"
