"""Which requests are handled, and which of them come from this machine.

A page of another site whose host name is made to resolve to this machine (DNS rebinding) has that name in its Host header. A
request that a reverse proxy forwards comes from the proxy's address, which may be this machine's: most proxies say so in a
header, and for those that do not there is the key.
"""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler

from pyvidu.server.config import ServerConfig
from pyvidu.server.http.forwarded import TrustedProxies, is_forwarded
from pyvidu.server.http.hosts import asked_authority, asked_host, is_loopback
from pyvidu.server.secret_map import same

KEY = web.AppKey("key", str)
KEY_HEADER = "X-Pyvidu-Key"
_KEY = "key"
_DIRECT = web.RequestKey("direct", bool)


class HostRule:
    """The host names that are served: on loopback its own and the allowed ones, elsewhere any, if none are allowed."""

    def __init__(self, host: str, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._any = not allowed and not is_loopback(host)

    def admits(self, host: str) -> bool:
        """Return whether a request for `host`, a Host header without its port, is handled."""
        return self._any or is_loopback(host) or host.lower() in self._allowed


def add_doors(app: web.Application, config: ServerConfig) -> None:
    """Put the rules in front of every path of `app`: whom a trusted proxy forwards for, which host, whether it is local."""
    rule = HostRule(config.host, config.allowed_hosts)
    proxies = TrustedProxies(config.trusted_proxies)
    app[KEY] = config.key

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (request.remote or "") in proxies:
            request = _as_told(request, proxies)
        else:
            request[_DIRECT] = not is_forwarded(request.headers)
        if not rule.admits(asked_host(request)):
            return web.Response(status=403, text="This host name is not served here (--allowed-host)\n")
        response = await handler(request)
        if config.key and not response.prepared and same(request.query.get(_KEY, ""), config.key):
            # For the requests of the page and of further windows. Cookies do not know ports, hence the name.
            name, secure = _cookie(request), request.scheme == "https"
            response.set_cookie(name, config.key, httponly=True, samesite="Strict", secure=secure)
        return response

    async def without_version(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "pyvidu"

    app.middlewares.append(admit)
    app.on_response_prepare.append(without_version)


def is_local(request: web.BaseRequest) -> bool:
    """Return whether a request comes from this machine, as far as can be seen: no proxy says that it forwards it."""
    direct = request.get(_DIRECT, not is_forwarded(request.headers))
    return bool(direct) and is_loopback(request.remote or "") and is_loopback(asked_host(request))


def has_key(request: web.Request) -> bool:
    """Return whether a request has the key of this server, in its query, header or cookie, or none is needed."""
    expected = request.config_dict.get(KEY, "")
    given = request.query.get(_KEY), request.headers.get(KEY_HEADER), request.cookies.get(_cookie(request))
    return not expected or any(same(one, expected) for one in given if one is not None)


def _cookie(request: web.BaseRequest) -> str:
    return "pyvidu_key_" + re.sub(r"[^0-9]", "", asked_authority(request).rpartition(":")[2])


def _as_told(request: web.Request, proxies: TrustedProxies) -> web.Request:
    """Return the request as its proxy has received it."""
    client = proxies.client(request.remote or "", request.headers)
    headers = request.headers.copy()
    if client.host is not None:
        headers["Host"] = client.host
    scheme = client.scheme if client.scheme in ("http", "https") else request.scheme
    told = request.clone(headers=headers, remote=client.address, scheme=scheme)
    told[_DIRECT] = True
    return told


def is_own_page(request: web.BaseRequest, allowed_origins: frozenset[str] = frozenset()) -> bool:
    """Return whether a request comes from a page of this server or of an allowed origin, or from no page."""
    origin = request.headers.get("Origin")  # only pages send one
    return origin is None or origin == f"{request.scheme}://{asked_authority(request)}" or origin in allowed_origins
