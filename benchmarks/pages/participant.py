"""Runs in the page: a participant in Python, with the same functions as surface.js."""

import json
import logging
from typing import Any

import js

from pyvidu import OpenVidu

logging.basicConfig(level=logging.WARNING)

EVENTS = ("reconnecting", "reconnected", "rejoined", "sessionDisconnected", "streamCreated", "streamDestroyed",
          "streamFrozen", "exception")  # fmt: skip
session: Any = None


def _tell(event: Any) -> None:
    js.bench.tell(event.type, str(getattr(event, "reason", "") or getattr(event, "name", "")))


async def _fresh_token() -> str:
    return str(await js.freshToken())


async def join(token: str, force: bool, properties: str, own_name: str, others: str) -> None:
    """Join, subscribe to everybody whose data contains `others`, and publish if `properties` is not empty."""
    global session
    openvidu = OpenVidu()
    rejoin = _fresh_token if hasattr(js, "freshToken") else None
    openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=force, rejoin=rejoin)
    session = openvidu.init_session()
    for name in EVENTS:
        session.on(name, _tell)

    async def subscribe(event: Any) -> None:
        if others in event.stream.connection.data:
            await event.target.subscribe(event.stream, "others")

    session.on("streamCreated", subscribe)
    await session.connect(token, {"name": own_name})
    if properties:
        await session.publish(await openvidu.init_publisher("me", json.loads(properties)))


def leave() -> None:
    """Leave the call, if it is in one."""
    global session
    if session is not None:
        session.disconnect()
    session = None
    for name in ("me", "others"):
        js.document.getElementById(name).replaceChildren()


def outages() -> str:
    """Return the outage records of the present call, as JSON."""
    return json.dumps([outage.to_dict() for outage in session.outages] if session is not None else [])
