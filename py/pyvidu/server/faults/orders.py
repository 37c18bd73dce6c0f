"""The faults that can be ordered, as values: the parameters of each, and their bounds. Bodies of `POST /faults`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_SECONDS = 300.0
MAX_DELAY = 10_000  # milliseconds
MAX_COUNT = 1_000

Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_DELAY)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class FaultOrder(BaseModel):
    """One fault. It ends by itself after `seconds` at the latest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    seconds: Seconds

    @property
    def whose(self) -> str | None:
        """Return the connection id of the participant concerned, or None if it is the whole server."""
        return None


class ParticipantOrder(FaultOrder):
    """A fault of one participant; `participant` is its connection id."""

    participant: str

    @property
    def whose(self) -> str | None:
        """Return the participant's connection id."""
        return self.participant


class DropOrder(ParticipantOrder):
    """The network of the participant is gone, on one plane or both."""

    signaling: ClassVar[bool] = True
    media: ClassVar[bool] = True
    dead: ClassVar[bool] = False


class Silent(DropOrder):
    """Packets vanish on both planes, in both directions."""

    kind: Literal["silent"] = "silent"


class DeadMedia(DropOrder):
    """As `silent`, and its media connections end on the server's side without notice: ICE does not recover by itself."""

    kind: Literal["dead-media"] = "dead-media"
    dead: ClassVar[bool] = True


class MediaOnly(DropOrder):
    """Media packets vanish, the WebSocket is unaffected."""

    kind: Literal["media-only"] = "media-only"
    signaling: ClassVar[bool] = False


class SignalingOnly(DropOrder):
    """The WebSocket carries nothing, media is unaffected.

    With `close` the WebSocket is aborted instead, and new ones are refused at once, as when a proxy restarts.
    """

    kind: Literal["signaling-only"] = "signaling-only"
    media: ClassVar[bool] = False
    close: bool = False


class Slow(ParticipantOrder):
    """The participant's packets and messages are delayed, and keep their order.

    Each way takes from `delay` to `delay + jitter` milliseconds longer.
    """

    kind: Literal["slow"] = "slow"
    delay: Milliseconds
    jitter: Milliseconds = 0
    plane: Literal["both", "signaling", "media"] = "both"


class LostNotification(ParticipantOrder):
    """Notifications to the participant are lost.

    The next `count` of them, of any `method` or of the one given; without `count` all until the end.
    """

    kind: Literal["lost-notification"] = "lost-notification"
    count: Count | None = None
    method: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class RefusedResume(ParticipantOrder):
    """The next `count` attempts of the participant to resume are refused (40007), though it is still a member."""

    kind: Literal["refused-resume"] = "refused-resume"
    count: Count = 1


class Eviction(ParticipantOrder):
    """The server evicts the participant at once, as after the eviction timeout. The fault is over immediately."""

    kind: Literal["eviction"] = "eviction"
    seconds: Seconds = MAX_SECONDS


class Restart(FaultOrder):
    """The server crashes and restarts.

    It loses all state, aborts all sockets without a close frame, refuses new ones until the end, and comes back with
    another `life`.
    """

    kind: Literal["restart"] = "restart"


ORDERS: dict[str, type[FaultOrder]] = {
    order.model_fields["kind"].default: order
    for order in (Silent, DeadMedia, MediaOnly, SignalingOnly, Slow, LostNotification, RefusedResume, Eviction, Restart)
}
