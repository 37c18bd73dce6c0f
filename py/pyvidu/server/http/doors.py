"""Which requests are handled at all: those that ask for a host name of this server.

A page of another site whose host name is made to resolve to this machine (DNS rebinding) has that name in its Host header.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from pyvidu.server.config import ServerConfig
from pyvidu.server.http.hosts import asked_authority, asked_host, is_loopback


class HostRule:
    """The host names that are served: on loopback its own and the allowed ones, elsewhere any, if none are allowed."""

    def __init__(self, host: str, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._any = not allowed and not is_loopback(host)

    def admits(self, host: str) -> bool:
        """Return whether a request for `host`, a Host header without its port, is handled."""
        return self._any or is_loopback(host) or host.lower() in self._allowed


def add_doors(app: web.Application, config: ServerConfig) -> None:
    """Refuse requests for other hosts, on every path of `app`."""
    rule = HostRule(config.host, config.allowed_hosts)

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not rule.admits(asked_host(request)):
            return web.Response(status=403, text="This host name is not served here (--allowed-host)\n")
        return await handler(request)

    async def without_version(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "pyvidu"

    app.middlewares.append(admit)
    app.on_response_prepare.append(without_version)


def is_own_page(request: web.BaseRequest, allowed_origins: frozenset[str] = frozenset()) -> bool:
    """Return whether a request comes from a page of this server or of an allowed origin, or from no page."""
    origin = request.headers.get("Origin")  # only pages send one
    return origin is None or origin == f"{request.scheme}://{asked_authority(request)}" or origin in allowed_origins
