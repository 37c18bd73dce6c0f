"""Who may use the endpoints that are for the person at this machine alone: demo tokens and faults.

They have no password, so a foreign page must not reach them: a JSON body (no form can send one), the same Origin (no other
page can), a loopback Host header (no name that points here by trick can), from this machine.
"""

from __future__ import annotations

import json
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from pyvidu.server.http.hosts import asked_authority, asked_host, is_loopback

B = TypeVar("B", bound=BaseModel)


def guard(request: web.Request) -> None:
    """Lets nobody else pass.

    Raises:
        web.HTTPForbidden: with a sentence that says why.
    """
    if not is_loopback(asked_host(request)) or not is_loopback(request.remote or ""):
        raise web.HTTPForbidden(text=_error("Only for this machine: ask at http://localhost"))
    origin = request.headers.get("Origin")  # only pages send one
    if origin is not None and origin != f"{request.scheme}://{asked_authority(request)}":
        raise web.HTTPForbidden(text=_error("Only for pages of this server"))


async def guarded_json(request: web.Request) -> bytes:
    """The request's body, if it may be made at all.

    Raises:
        web.HTTPForbidden, web.HTTPUnsupportedMediaType, web.HTTPBadRequest: with a sentence that says why.
    """
    guard(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text=_error("Content-Type must be application/json"))
    try:
        return await request.read()
    except ConnectionError:
        raise web.HTTPBadRequest(text=_error("The body ended too early")) from None


def validated(body: type[B], text: bytes) -> B:
    """`text` as a `body`.

    Raises:
        web.HTTPBadRequest: with a sentence that names the field.
    """
    try:
        return body.model_validate_json(text)
    except ValidationError as error:
        raise web.HTTPBadRequest(text=_error(first_problem(error))) from None


async def guarded_body(request: web.Request, body: type[B]) -> B:
    """The request's body as a `body`; see the two above for what it raises."""
    return validated(body, await guarded_json(request))


def first_problem(error: ValidationError) -> str:
    """The first problem of a body in one sentence that names the field."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    return f"Parameter '{field}' is wrong: {problem['msg']}" if field else f"The body is wrong: {problem['msg']}"


def _error(message: str) -> str:
    return json.dumps({"message": message})
