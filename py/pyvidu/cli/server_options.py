"""What the options of `pyvidu serve` mean: the settings of the server. Imports the server half."""

from __future__ import annotations

from typing import Any

from pyvidu.server.config import ServerConfig
from pyvidu.server.limits import Limits
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.webhooks.delivery import WebhookSettings


def configured(
    *,
    profile: str,
    allowed_host: tuple[str, ...],
    trusted_proxy: tuple[str, ...],
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
    log_level: str,
    **settings: Any,
) -> ServerConfig:
    """Return the settings for the options, each by its name; `settings` are those that have the same name.

    Raises:
        ConfigurationError: a TURN server or a webhook is described wrongly.
    """
    turn = TurnServer(turn_url, turn_username, turn_credential) if turn_url or turn_username else None
    events = {"events": webhook_event} if webhook_event else {}
    return ServerConfig(
        profile="kurento" if profile == "kurento" else "default",
        allowed_hosts=allowed_host,
        trusted_proxies=trusted_proxy,
        turn=turn,
        webhook=WebhookSettings(webhook, webhook_header, **events) if webhook else None,
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
        **settings,
    )
