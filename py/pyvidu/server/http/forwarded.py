"""What proxies add to a request: whom they forward it for. Only the word of trusted ones is taken. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NAMES = frozenset({"forwarded", "x-real-ip", "via"})
_PREFIX = "x-forwarded-"
_PARAMETER = re.compile(r'(?i)(for|proto|host)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))')
UNKNOWN = "unknown"
"""The address of a client that a trusted proxy does not name."""


def is_forwarded(headers: Iterable[str]) -> bool:
    """Return whether one of the header names is one that proxies add."""
    return any(name.lower() in _NAMES or name.lower().startswith(_PREFIX) for name in headers)


@dataclass(frozen=True, slots=True)
class Client:
    """Whom a proxy forwards for: address, and scheme and host that it was asked for, None where it does not say."""

    address: str
    scheme: str | None = None
    host: str | None = None


class TrustedProxies:
    """The addresses, or networks, of trusted proxies. Raises ValueError for one that is neither."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found.version == network.version and found in network for network in self._networks)

    def client(self, address: str, headers: Mapping[str, str]) -> Client:
        """Return the client of a request that the proxy at `address` has sent: the last that no trusted proxy names.

        One who is named by others than trusted proxies may have invented what is left of it.
        """
        chain, scheme, host = _told(headers)
        client = address
        for hop in reversed(chain):
            client = hop
            if hop not in self:
                break
        return Client(client, scheme, host)


def _told(headers: Mapping[str, str]) -> tuple[list[str], str | None, str | None]:
    """Return the addresses from the client on, and scheme and host."""
    if "Forwarded" in headers:  # RFC 7239
        found: dict[str, list[str]] = {"for": [], "proto": [], "host": []}
        for name, quoted, plain in _PARAMETER.findall(headers["Forwarded"]):
            found[name.lower()].append(quoted or plain)
        last = {name: values[-1] for name, values in found.items() if values}
        return [_address(hop) for hop in found["for"]], last.get("proto"), last.get("host")
    listed = headers.get("X-Forwarded-For", headers.get("X-Real-IP", ""))
    chain = [_address(hop.strip()) for hop in listed.split(",") if hop.strip()]
    proto, host = (headers.get(f"X-Forwarded-{name}", "").split(",")[-1].strip() or None for name in ("Proto", "Host"))
    return chain, proto, host


def _address(text: str) -> str:
    """Return an address without port and brackets; `UNKNOWN` if it is none."""
    inside = re.fullmatch(r"\[([^\]]*)\](?::\d+)?", text)
    bare = inside[1] if inside else text.rpartition(":")[0] if text.count(":") == 1 else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return UNKNOWN
