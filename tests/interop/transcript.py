"""The messages between a page and the server on its WebSockets, reduced to what can be compared between two clients."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, WebSocket

from tests.waiting import until

Shape = Any
"""A JSON value with every scalar replaced by the name of its type, except those that are the same in every call."""

_KEPT = frozenset(
    {
        "frameRate",
        "metadata",
        "method",
        "property",
        "reason",
        "role",
        "sdkVersion",
        "typeOfVideo",
        "videoDimensions",
    }
)
_JSON_TEXT = frozenset({"message"})


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` is `request`, `response` (to the client's requests) or `notification` (from the server)."""

    kind: str
    method: str
    shape: Shape

    def line(self, ignored: Collection[str] = ()) -> str:
        """Return the message as one line, without the members `ignored` of its parameters or result."""
        kept = {
            name: {key: item for key, item in value.items() if key not in ignored} if isinstance(value, dict) else value
            for name, value in self.shape.items()
        }
        return f"{self.kind} {self.method} {json.dumps(kept, sort_keys=True)}"


@dataclass
class Transcript:
    """All messages of a page since it is recorded, in their order on the wire; that of two sockets may be told otherwise.

    `ids` are those of the requests on each socket.
    """

    messages: list[Message] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    _waiting: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page) -> Transcript:
        """Begin to record the messages of `page`."""
        self = cls()
        page.on("websocket", self._opened)
        return self

    def requests(self, method: str) -> list[Shape]:
        """Return the parameters of the requests `method`."""
        asked = [message for message in self.messages if (message.kind, message.method) == ("request", method)]
        return [message.shape.get("params", {}) for message in asked]

    async def settled(self) -> None:
        """Wait until every request on the current socket is answered."""
        await until(lambda: not self._waiting, 10, f"an answer to {self._waiting}")

    def _opened(self, socket: WebSocket) -> None:
        asked = self._waiting = {}
        ids: list[int] = []
        self.ids.append(ids)
        self.addresses.append(socket.url)
        socket.on("framesent", lambda frame: self._sent(json.loads(frame), asked, ids))
        socket.on("framereceived", lambda frame: self._received(json.loads(frame), asked))

    def _sent(self, frame: dict[str, Any], asked: dict[int, str], ids: list[int]) -> None:
        asked[frame["id"]] = frame["method"]
        ids.append(frame["id"])
        self.messages.append(Message("request", frame["method"], shape(frame)))

    def _received(self, frame: dict[str, Any], asked: dict[int, str]) -> None:
        if "method" in frame:
            self.messages.append(Message("notification", frame["method"], shape(frame)))
        else:
            self.messages.append(Message("response", asked.pop(frame["id"]), shape(frame)))


def shape(value: Any, key: str = "") -> Shape:
    """Return the shape of `value`, the member `key` of an object. Of a list: the distinct shapes of its elements."""
    match value:
        case dict():
            return {name: shape(item, name) for name, item in value.items()}
        case list():
            shapes = [shape(item) for item in value]
            return [item for index, item in enumerate(shapes) if item not in shapes[:index]]
        case str() if key in _JSON_TEXT:
            return {"JSON text of": shape(json.loads(value))}
        case _ if key in _KEPT:
            return value
        case bool():
            return "boolean"
        case None:
            return "null"
        case int() | float():
            return "number"
        case _:
            return "string"
