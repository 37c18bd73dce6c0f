"""The settings of one embedded server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pyvidu.server.limits import Limits
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.webhooks.delivery import WebhookSettings

Profile = Literal["default", "kurento"]
Negotiation = Literal["client-offers", "server-offers"]


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Settings of `pyvidu serve`.

    `eviction_timeout` is in seconds from the last byte received from a participant, of which RTP counts for as long again
    (profile `default` only; profile `kurento` has the real server's two timeouts). `demo` adds `POST /demo/token`;
    `fault_control` the imitated drops.
    `negotiation`: who offers what a client receives: the client, as with kurento, or the server, as with mediasoup.
    `secret` is of the REST API and of joins without a token; `run` draws one if it is empty, with which nobody is admitted.
    `allowed_origins` restricts which pages may open the WebSocket; empty allows any, as the token grants access, but to join
    with the secret only pages of this server. `allowed_hosts` are further names that clients may ask for; bound to loopback
    only its own are served otherwise. `trusted_proxies` are addresses or networks of proxies whose word is taken about whom
    they forward a request for. `key` is needed for what is for this machine only (the demo's tokens, faults, metrics), as
    requests that a proxy forwards come from this machine too. `run` draws one; empty, none is needed.
    `turn` is sent to clients whose connection names no ICE servers of its own. `webhook`: where events are posted to.
    """

    host: str = "127.0.0.1"
    port: int = 4443
    secret: str = ""
    eviction_timeout: float = 12.0
    profile: Profile = "default"
    negotiation: Negotiation = "client-offers"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    fault_control: bool = False
    demo: bool = False
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    key: str = ""
    log_level: str = "info"
    vendor_dir: Path | None = None
    turn: TurnServer | None = None
    webhook: WebhookSettings | None = None
    limits: Limits = field(default_factory=Limits)
