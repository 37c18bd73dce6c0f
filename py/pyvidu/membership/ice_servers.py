"""Which ICE servers the peer connections of a participant get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvidu.protocol.messages import JoinRoomResult

_PUBLIC = [f"stun:stun{number}.l.google.com:19302" for number in ("", 1, 2, 3, 4)]


def public_servers(chance: Callable[[], float]) -> list[dict[str, Any]]:
    """Return two public STUN servers, for an application that asks for them (`iceServers: 'freeice'`).

    Source: the npm package freeice 2, from whose list openvidu-browser takes two.
    """
    left = list(_PUBLIC)
    return [{"urls": left.pop(int(chance() * len(left)))} for _ in range(2)]


def servers_named_by(result: JoinRoomResult) -> list[dict[str, Any]]:
    """Return the ICE servers that the server names: its list, else its own TURN server."""
    if result.custom_ice_servers:
        servers = []
        for item in result.custom_ice_servers:
            server: dict[str, Any] = {"urls": item.url}
            if item.username is not None:
                server.update(username=item.username, credential=item.credential or "")
            servers.append(server)
        return servers
    if result.coturn_ip:
        url = f"turn:{result.coturn_ip}:{result.coturn_port or 3478}"
        return [{"urls": url, "username": result.turn_username or "", "credential": result.turn_credential or ""}]
    return []
