"""The faults that can be ordered, as values: the options of each, and their bounds. The only description of them.

`AnyOrder` validates the bodies of `POST /faults`, and what the command and the tests order before they send it. The
command's options are made from the fields: the first paragraph of a class is the help of its command, the description of a
field is the help of its option, and the title of a field stands for its value there.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from pyvidu.server.problems import first_problem, sentence

MAX_SECONDS = 300.0
MAX_DELAY = 10_000  # milliseconds
MAX_COUNT = 1_000

Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS, description="At most 300.")]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_DELAY, title="MS")]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class WrongOrder(ValueError):
    """A body is no order; the message names the field that is wrong."""


class FaultOrder(BaseModel):
    """One fault. It ends by itself after `seconds` at the latest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usual_seconds: ClassVar[float | None] = None
    """What the command orders unless told; None: it has to be told."""

    kind: str
    seconds: Seconds

    @property
    def whose(self) -> str | None:
        """Return the connection id of the participant concerned, or None if it is the whole server."""
        return None


class ParticipantOrder(FaultOrder):
    """A fault of one participant; `participant` is its connection id."""

    participant: str = Field(title="ID", description="Its connection id, as con_XXXXXXXXXX.")

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
    """Packets of a participant vanish on both planes.

    In both directions; what TCP keeps arrives after the end.
    """

    kind: Literal["silent"] = "silent"


class DeadMedia(DropOrder):
    """As `silent`, and its media connections die: ICE does not come back by itself.

    They end on the server's side, without notice.
    """

    kind: Literal["dead-media"] = "dead-media"
    dead: ClassVar[bool] = True


class MediaOnly(DropOrder):
    """Its media vanishes, its WebSocket is fine."""

    kind: Literal["media-only"] = "media-only"
    signaling: ClassVar[bool] = False


class SignalingOnly(DropOrder):
    """Its WebSocket falls silent, its media is fine.

    With `close` the WebSocket is aborted instead, and new ones are refused at once, as when a proxy restarts.
    """

    kind: Literal["signaling-only"] = "signaling-only"
    media: ClassVar[bool] = False
    close: bool = Field(False, description="The WebSocket is cut off instead, and new ones are refused.")


class Slow(ParticipantOrder):
    """Everything of a participant takes longer, each way.

    From `delay` to `delay + jitter` milliseconds longer. Packets and messages keep their order.
    """

    kind: Literal["slow"] = "slow"
    delay: Milliseconds = Field(description="Milliseconds, each way.")
    jitter: Milliseconds = Field(0, description="Up to so many milliseconds more.")
    plane: Literal["both", "signaling", "media"] = Field("both", description="Both, unless told.")


class LostNotification(ParticipantOrder):
    """Notifications never reach a participant.

    The next `count` of them, of any `method` or of the one given; without `count` all until the end.
    """

    kind: Literal["lost-notification"] = "lost-notification"
    usual_seconds: ClassVar[float | None] = 60
    count: Count | None = Field(None, description="The next so many; all until the end, unless told.")
    method: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Only those of this name, as participantPublished."
    )


class RefusedResume(ParticipantOrder):
    """A participant that reconnects is refused, though it is still a member.

    Its next `count` attempts to resume get the error 40007.
    """

    kind: Literal["refused-resume"] = "refused-resume"
    usual_seconds: ClassVar[float | None] = 60
    count: Count = Field(1, description="The next so many times; once, unless told.")


class Eviction(ParticipantOrder):
    """The server gives up on a participant at once.

    As after the eviction timeout. The fault is over immediately.
    """

    kind: Literal["eviction"] = "eviction"
    seconds: Seconds = MAX_SECONDS


class Restart(FaultOrder):
    """The server forgets everything, is away for --seconds, and comes back with another life.

    It crashes: it loses all state, aborts all sockets without a close frame, and refuses new ones until the end.
    """

    kind: Literal["restart"] = "restart"
    usual_seconds: ClassVar[float | None] = 3


def _silent_unless_told(body: Any) -> Any:
    return {"kind": "silent", **body} if isinstance(body, dict) else body


AnyOrder = Annotated[
    Silent | DeadMedia | MediaOnly | SignalingOnly | Slow | LostNotification | RefusedResume | Eviction | Restart,
    Field(discriminator="kind"),
    BeforeValidator(_silent_unless_told),
]

ORDERS: dict[str, type[FaultOrder]] = {
    order.model_fields["kind"].default: order for order in get_args(get_args(AnyOrder)[0])
}
_ORDER: TypeAdapter[AnyOrder] = TypeAdapter(AnyOrder)


def order_of(body: bytes | dict[str, Any]) -> AnyOrder:
    """Return the order in a body, JSON or parsed already.

    Raises:
        WrongOrder: it is none.
    """
    try:
        return _ORDER.validate_json(body) if isinstance(body, bytes) else _ORDER.validate_python(body)
    except ValidationError as error:
        raise WrongOrder(_problem(error)) from None


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] == "union_tag_invalid":
        *kinds, last = map(repr, ORDERS)
        return sentence("kind", f"Input should be {', '.join(kinds)} or {last}")
    if first["loc"]:  # it begins with the kind, which is no field
        return sentence(".".join(str(part) for part in first["loc"][1:]), first["msg"])
    return first_problem(error)
