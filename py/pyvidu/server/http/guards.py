"""Access checks of the endpoints that are for the user of this machine only.

They have no password, so a page of another origin must not reach them. Required are a JSON body (no form can send one),
the same Origin (no other page sends it), a loopback Host header (DNS rebinding cannot), a peer on this machine, for which no
proxy forwards, and the key that is drawn at the server's start.
"""

from __future__ import annotations

import json
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from pyvidu.server.http.bodies import prompt_body
from pyvidu.server.http.doors import has_key, is_local, is_own_page
from pyvidu.server.problems import first_problem

B = TypeVar("B", bound=BaseModel)


def guard(request: web.Request) -> None:
    """Admit only requests from this machine that come from a page of this server or from no page.

    Raises:
        web.HTTPForbidden: with a message that gives the reason.
    """
    if not is_local(request):
        raise web.HTTPForbidden(text=_error("Only requests from this machine are allowed: use http://localhost"))
    if not has_key(request):
        raise web.HTTPForbidden(
            text=_error("The key is missing that is in the address which `pyvidu serve` has printed")
        )
    if not is_own_page(request):
        raise web.HTTPForbidden(text=_error("Only pages of this server are allowed"))


async def guarded_json(request: web.Request) -> bytes:
    """Return the request's body, if `guard` admits the request and it is JSON.

    Raises:
        web.HTTPForbidden, web.HTTPUnsupportedMediaType, web.HTTPBadRequest: with a message that gives the reason.
    """
    guard(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text=_error("Content-Type must be application/json"))
    try:
        return await prompt_body(request)
    except ConnectionError:
        raise web.HTTPBadRequest(text=_error("The body ended too early")) from None


def validated(body: type[B], text: bytes) -> B:
    """Return `text` validated as a `body`.

    Raises:
        web.HTTPBadRequest: with a message that names the field.
    """
    try:
        return body.model_validate_json(text)
    except ValidationError as error:
        raise web.HTTPBadRequest(text=_error(first_problem(error))) from None


async def guarded_body(request: web.Request, body: type[B]) -> B:
    """Return the request's body as a `body`; raises what `guarded_json` and `validated` raise."""
    return validated(body, await guarded_json(request))


def _error(message: str) -> str:
    return json.dumps({"message": message})
