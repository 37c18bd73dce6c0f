"""Runs in the page: one participant, as an application would write it. Reports its events to the test (`js.tell`)."""

import json
import logging
from typing import Any

import js

from pyvidu import OpenVidu, OpenViduError
from pyvidu.platform.browser import ProxyScope

logging.basicConfig(level=logging.INFO)

EVENTS = (
    "connectionCreated",
    "connectionDestroyed",
    "streamCreated",
    "streamDestroyed",
    "streamPropertyChanged",
    "signal",
    "reconnecting",
    "reconnectionAttempt",
    "reconnected",
    "outageSettled",
    "streamFrozen",
    "streamRecovered",
    "streamVideoPaused",
    "streamVideoResumed",
    "sessionDisconnected",
    "exception",
)

openvidu = OpenVidu()
session = openvidu.init_session()
publisher: Any = None


def tell(event: Any, whose: str = "session") -> None:
    """Report an event to the test."""
    stream = getattr(event, "stream", None)
    js.tell(
        json.dumps(
            {
                "name": event.type,
                "whose": whose,
                "reason": str(getattr(event, "reason", "") or getattr(event, "name", "")),
                "stream": stream.stream_id if stream else getattr(event, "stream_id", ""),
                "data": str(getattr(event, "data", "")),
            }
        )
    )


for name in EVENTS:
    session.on(name, tell)


@session.on("streamCreated")
async def _(event: Any) -> None:
    subscriber = await session.subscribe(event.stream, "others")
    subscriber.on("streamPlaying", lambda happened: tell(happened, "subscriber"))


async def join(token: str, name: str, configuration: str) -> str:
    """Join and return the own connection id."""
    openvidu.set_advanced_configuration(json.loads(configuration))
    await session.connect(token, {"name": name})
    assert session.connection is not None
    return session.connection.connection_id


async def publish(properties: str = '{"resolution": "320x240"}') -> str:
    """Publish the fake camera, small so that two calls fit into two cores, and return the stream id."""
    global publisher
    publisher = await openvidu.init_publisher("me", json.loads(properties))
    for event in ("streamCreated", "streamDestroyed"):
        publisher.on(event, lambda happened: tell(happened, "publisher"))
    await session.publish(publisher)
    return str(publisher.stream.stream_id)


async def failure(coroutine: Any) -> str:
    """Return `name: message` of the error that a call ends in, or "no error"."""
    try:
        await coroutine
    except OpenViduError as error:
        return f"{error.name}: {error}"
    return "no error"


def picture() -> str:
    """Return, as JSON, what must stay the same through an outage."""
    managers = session.stream_managers
    return json.dumps(
        {
            "streams": [item.stream.stream_id for item in managers],
            "elements": [video.element.dataset.tag for item in managers for video in item.videos],
            "audio": [item.stream.audio_active for item in managers],
            "video": [item.stream.video_active for item in managers],
            "tracks": [
                track.id
                for item in managers
                if (stream := item.stream.get_media_stream()) is not None
                for track in stream.getTracks()
            ],
        }
    )


def outages() -> str:
    """Return the records of the outages, as JSON."""
    return json.dumps([outage.to_dict() for outage in session.outages])


def proxies() -> int:
    """Return the number of listeners and proxies that are alive."""
    return ProxyScope.alive
