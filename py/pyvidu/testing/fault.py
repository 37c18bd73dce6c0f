"""The faults of a server, as a test orders them: in seconds, checked before they are sent, and ended with their block."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pyvidu.server.faults.client import FaultClient, FaultRefused
from pyvidu.testing.arguments import check_name, check_number
from pyvidu.testing.errors import FaultRefusedError, WrongArgumentError

ServerFault = Literal[
    "silent",
    "dead-media",
    "media-only",
    "signaling-only",
    "slow",
    "lost-notification",
    "refused-resume",
    "eviction",
    "restart",
]
"""What the server imitates; docs/faults.md says what each does."""


@dataclass(frozen=True)
class RunningFault:
    """A fault that is active until its time is over or `end` is called. Leaving its context ends it.

    Attributes:
        id: of the fault, in the server.
        kind: its name, of `ServerFault`.

    Source: pyvidu's own; docs/faults.md says what each does.
    """

    id: str
    kind: str
    _client: FaultClient = field(repr=False)

    async def end(self) -> None:
        """End it, if it has not ended yet."""
        with contextlib.suppress(FaultRefused):
            await asyncio.to_thread(self._client.end, self.id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.end()


class BeginningFault:
    """What `RunningServer.fault` returns: to be awaited, or used with `async with`, which ends the fault with its block.

    Source: pyvidu's own.
    """

    def __init__(self, beginning: Coroutine[Any, Any, RunningFault]) -> None:
        self._beginning = beginning
        self._fault: RunningFault | None = None

    def __await__(self) -> Generator[Any, None, RunningFault]:
        return self._beginning.__await__()

    async def __aenter__(self) -> RunningFault:
        self._fault = await self._beginning
        return self._fault

    async def __aexit__(self, *exc: object) -> None:
        if self._fault is not None:
            await self._fault.end()


def checked_order(
    kind: str, participant: str | None, seconds: float, delay: float | None, jitter: float | None, **options: Any
) -> dict[str, Any]:
    """Return a fault's order in the server's units, milliseconds for `delay` and `jitter`. Raises WrongArgumentError."""
    from pyvidu.server.faults.orders import MAX_DELAY, MAX_SECONDS, ORDERS, WrongOrder, order_of

    check_name("fault of a server", kind, ORDERS)
    check_number("seconds", seconds, unit="seconds", most=MAX_SECONDS)
    order: dict[str, Any] = {"kind": kind, "seconds": seconds}
    if participant is not None:
        order["participant"] = participant
    for name, value in (("delay", delay), ("jitter", jitter)):
        if value is not None:
            check_number(name, value, unit="seconds", most=MAX_DELAY / 1000)
            order[name] = value * 1000
    order |= {name: value for name, value in options.items() if value is not None}
    try:
        order_of(order)
    except WrongOrder as error:
        accepted = [name for name in ORDERS[kind].model_fields if name != "kind"]
        raise WrongArgumentError(f"The fault {kind!r} takes {', '.join(accepted)}. {error}") from None
    return order


async def begin_fault(client: FaultClient, order: dict[str, Any]) -> RunningFault:
    """Begin a fault and return it; when cancelled meanwhile, end it again. Raises FaultRefusedError."""
    kind, options = order["kind"], {name: value for name, value in order.items() if name != "kind"}
    starting = asyncio.ensure_future(asyncio.to_thread(client.start, kind, **options))
    try:
        begun = await asyncio.shield(starting)
    except FaultRefused as error:
        raise FaultRefusedError(f"{error}\n{_HINT}") from None
    except asyncio.CancelledError:
        with contextlib.suppress(FaultRefused):
            await RunningFault((await starting)["id"], kind, client).end()
        raise
    return RunningFault(begun["id"], kind, client)


_HINT = (
    "In a test: `pyvidu_server(fault_control=True)`, which listens on loopback; a network lab has faults of its own."
)
