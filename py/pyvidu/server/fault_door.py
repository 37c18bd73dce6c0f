"""`POST /faults`: begins an imitated drop of one participant. Only with `--fault-control`."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from pyvidu.server.faults import Faults
from pyvidu.server.guards import guarded_body
from pyvidu.server.rooms import Rooms

MAX_SECONDS = 300.0


class FaultBody(BaseModel):
    """`participant` is a connection id. Kind `silent` drops every packet; `dead-media` besides lets its media connections
    die on the server's side, so that ICE does not come back by itself.
    """

    participant: str
    kind: Literal["silent", "dead-media"] = "silent"
    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)]


def add_fault_control(app: web.Application, rooms: Rooms, faults: Faults) -> None:
    """Adds the endpoint to `app`."""

    async def handle(request: web.Request) -> web.Response:
        body = await guarded_body(request, FaultBody)
        participant = rooms.find_participant(body.participant)
        if participant is None:
            return web.json_response({"message": f"No participant has the id '{body.participant[:60]}'"}, status=404)
        faults.start(participant, body.kind, body.seconds)
        return web.json_response(body.model_dump())

    app.router.add_post("/faults", handle)
