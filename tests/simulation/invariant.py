"""The base of all invariants: what a world reports to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyvidu.server.rooms.room import Participant
from pyvidu.server.signaling.rpc_session import ReceivedRequest
from tests.simulation.application import Page
from tests.simulation.simulated_media import SimulatedPeer

if TYPE_CHECKING:
    from tests.simulation.simulated_world import SimulatedCall

LOOK = 5.0  # seconds between two checks of all connected pages
RETURN = 30.0  # seconds without faults after which everything must work again (T)


class Invariant:
    """One invariant. `wrong` reports that it does not hold."""

    name = ""
    sentence = ""

    def __init__(self, world: SimulatedCall) -> None:
        self.world = world

    def wrong(self, what: str) -> None:
        self.world.broken(self, what)

    def told(self, page: Page, name: str, event: Any) -> None:
        """Handle an event that reached the application."""

    def opening(self, page: Page) -> None:
        """Handle a socket that is about to be opened."""

    def ran(self, incoming: ReceivedRequest, recipients: list[str]) -> None:
        """Handle a request that the server carries out; if it is a signal, `recipients` will get it."""

    def left(self, participant: Participant, reason: str) -> None:
        """Handle a participant who left the server's room."""

    def stopped(self, page: Page) -> None:
        """Handle the return of `stop_reconnecting()`."""

    def settled(self, page: Page, what: str, error: BaseException | None) -> None:
        """Handle the end of something that the application awaited."""

    def path_changed(self, page: Page) -> None:
        """Handle a change of a page's network, machine or clock."""

    def measured(self, page: Page, seconds: float) -> None:
        """Handle a round trip that a client takes into account."""

    def flow_changed(self, page: Page, peer: SimulatedPeer) -> None:
        """Handle a change of what arrives on a media connection."""

    def looked(self, page: Page) -> None:
        """Check a connected page, every `LOOK` seconds."""

    def stable(self) -> None:
        """Check the world after `RETURN` seconds without faults."""

    def over(self) -> None:
        """Check the world a minute after everybody has left."""
