"""What the options of `pyvidu serve` mean: the settings of the server. Imports the server half."""

from __future__ import annotations

from pathlib import Path

from pyvidu.server.config import ServerConfig
from pyvidu.server.limits import Limits
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.webhooks.delivery import WebhookSettings


def configured(
    *,
    host: str,
    port: int,
    secret: str,
    eviction_timeout: float,
    profile: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    allowed_origins: tuple[str, ...],
    fault_control: bool,
    demo: bool,
    max_sessions: int,
    max_participants: int,
    max_sockets: int,
    max_rate: float,
    token_lifetime: float,
    turn_url: tuple[str, ...],
    turn_username: str,
    turn_credential: str,
    webhook: str | None,
    webhook_header: tuple[str, ...],
    webhook_event: tuple[str, ...],
    vendor_dir: Path | None,
    log_level: str,
) -> ServerConfig:
    """Return the settings for the options, each by its name.

    Raises:
        ConfigurationError: a TURN server or a webhook is described wrongly.
    """
    turn = TurnServer(turn_url, turn_username, turn_credential) if turn_url or turn_username else None
    events = {"events": webhook_event} if webhook_event else {}
    settings = WebhookSettings(webhook, webhook_header, **events) if webhook else None
    return ServerConfig(
        host=host,
        port=port,
        secret=secret,
        eviction_timeout=eviction_timeout,
        profile="kurento" if profile == "kurento" else "default",
        tls_cert=tls_cert,
        tls_key=tls_key,
        allowed_origins=allowed_origins,
        fault_control=fault_control,
        demo=demo,
        vendor_dir=vendor_dir,
        turn=turn,
        webhook=settings,
        log_level=log_level.lower(),
        limits=Limits(
            sessions=max_sessions,
            participants=max_participants,
            tokens=10 * max_participants,
            sockets=max_sockets,
            rate=max_rate,
            burst=round(10 * max_rate),
            token_lifetime=token_lifetime,
        ),
    )
