"""The bodies of HTTP requests: they have to arrive in time."""

from __future__ import annotations

import asyncio

from aiohttp import web

from pyvidu.server.limits import Limits

LIMITS = web.AppKey("limits", Limits)


async def prompt_body(request: web.Request) -> bytes:
    """Return the body of a request.

    Raises:
        web.HTTPRequestTimeout: it has not arrived in time.
        web.HTTPRequestEntityTooLarge: it is too long.
        ConnectionError: it ended too early.
    """
    limits = request.config_dict.get(LIMITS) or Limits()
    try:
        async with asyncio.timeout(limits.body_within):
            return await request.read()
    except TimeoutError:
        late = web.HTTPRequestTimeout(text=f"The body did not arrive within {limits.body_within:g} s\n")
        late.force_close()
        raise late from None
