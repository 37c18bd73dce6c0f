"""The endpoints of `--fault-control`: POST `/faults` begins a fault, GET lists them, DELETE `/faults/ID` ends one."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from pyvidu.server.faults.control import Faults, NoSuchParticipant
from pyvidu.server.faults.orders import WrongOrder, order_of
from pyvidu.server.http.guards import guard, guarded_json
from pyvidu.server.http.listener import cut


def add_fault_control(app: web.Application, faults: Faults) -> None:
    """Add the endpoints to `app`, whose other paths are unreachable while a restart fault is active."""

    async def begin(request: web.Request) -> web.Response:
        try:
            fault = faults.start(order_of(await guarded_json(request)))
        except WrongOrder as error:
            return web.json_response({"message": str(error)}, status=400)
        except NoSuchParticipant as error:
            return web.json_response({"message": str(error)}, status=404)
        return web.json_response(fault.describe())

    async def list_(request: web.Request) -> web.Response:
        guard(request)
        return web.json_response({"faults": [fault.describe() for fault in faults]})

    async def end(request: web.Request) -> web.Response:
        guard(request)
        fault_id = request.match_info["id"]
        if not faults.end(fault_id):
            message = f"No fault '{fault_id[:60]}' is active; GET /faults lists the active ones"
            return web.json_response({"message": message}, status=404)
        return web.Response(status=204)

    @web.middleware
    async def away(request: web.Request, handler: Handler) -> web.StreamResponse:
        if faults.away and not request.path.startswith("/faults"):
            cut(request)
            return web.Response(status=503)
        return await handler(request)

    app.middlewares.append(away)
    app.router.add_post("/faults", begin)
    app.router.add_get("/faults", list_)
    app.router.add_delete("/faults/{id}", end)
