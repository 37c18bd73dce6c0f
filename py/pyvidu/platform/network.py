"""What the host knows of its network, and how to ask whether a server can be reached."""

from __future__ import annotations

from typing import Protocol


class NetworkListener(Protocol):
    """Told of what happens to the network and the page. Every message is a hint, none is a verdict."""

    def network_offline(self) -> None:
        """The host says that it has no network (a browser's `offline`)."""

    def network_online(self) -> None:
        """The host says that it has one again (`online`)."""

    def network_changed(self) -> None:
        """The host says that its network is another one (Network Information's `change`)."""

    def page_woke_up(self) -> None:
        """The page was frozen and runs again (Page Lifecycle's `resume`)."""

    def page_unloading(self) -> None:
        """The page goes away for good: what is to be sent must be sent in this call."""


class NetworkMonitor(Protocol):
    """A subscription to such messages."""

    def close(self) -> None:
        """Ends it."""


class Reachability(Protocol):
    """Asks a server for a sign of life, outside its WebSocket."""

    async def probe(self, url: str, timeout: float) -> bool:
        """True when any HTTP answer came, False when the network refused at once or `timeout` seconds passed."""

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        """The same for a new WebSocket, which is closed as soon as it is open. It costs more, and no old connection that is
        still in some pool can swallow it.
        """
