"""The assembly of the embedded server: one aiohttp application, and the process that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import secrets
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from aiohttp import web, web_response

from pyvidu.protocol.messages import IceServerInfo
from pyvidu.server import logs
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.faults.control import Faults
from pyvidu.server.faults.http import add_fault_control
from pyvidu.server.faults.traffic import ImpairedTraffic
from pyvidu.server.guesses import WrongGuesses
from pyvidu.server.http.basic_auth import USER, SecretCheck
from pyvidu.server.http.bodies import LIMITS
from pyvidu.server.http.demo import add_demo_token
from pyvidu.server.http.doors import add_doors
from pyvidu.server.http.forwarded import TrustedProxies
from pyvidu.server.http.hosts import is_loopback, media_addresses, unused_ice_servers
from pyvidu.server.http.listener import TcpListener
from pyvidu.server.http.metrics import Metrics, add_metrics
from pyvidu.server.http.rest import add_rest
from pyvidu.server.http.websocket import SignalingEndpoint
from pyvidu.server.load import Load, busy_time
from pyvidu.server.memory import FreedMemory, resident
from pyvidu.server.quality.uplink import INTERVAL, UplinkWatch
from pyvidu.server.quality.video_pauses import PERIOD, VideoPauseNotices
from pyvidu.server.quality.watch import QualityWatch
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.tokens import now_ms
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.signaling.dispatcher import SignalingServer
from pyvidu.server.signaling.handlers import Context
from pyvidu.server.signaling.kurento_profile import KurentoProfile
from pyvidu.server.signaling.profiles import DefaultProfile, Profile, ProfileFactory
from pyvidu.server.traffic import DirectTraffic, Traffic
from pyvidu.server.webhooks.cdr import CallDetailRecords
from pyvidu.server.webhooks.delivery import Webhook
from pyvidu.tasks import Tasks

_SHORTEST_SECRET = 16  # characters, where others can guess
_LAG_EVERY = 1.0  # seconds
_TIDY_EVERY = 60.0  # seconds
_SHUTDOWN_TIMEOUT = 3.0  # seconds for work in progress when the server stops
_IDLE = 20.0
"""Seconds that a connection is kept between two requests. A client that changes network never closes its old connections:
each handover leaves up to ten of them behind, and a task each."""


@dataclass(frozen=True, slots=True)
class Server:
    """The parts of a running server, for tests and for embedding."""

    config: ServerConfig
    media: MediaServer
    rooms: Rooms
    profile: Profile
    faults: Faults | None
    signaling: SignalingServer
    tasks: Tasks
    webhook: Webhook | None
    load: Load
    guesses: WrongGuesses
    quality: QualityWatch | None
    uplinks: UplinkWatch | None


SERVER = web.AppKey("server", Server)


def create_app(config: ServerConfig, *, make_media: Callable[[Traffic], MediaServer] | None = None) -> web.Application:
    """Return the application of a server. It owns its media server and closes it at cleanup.

    `make_media` makes another than a `MediaRouter`.
    """
    impaired = ImpairedTraffic() if config.fault_control else None
    traffic = impaired or DirectTraffic()
    media = make_media(traffic) if make_media is not None else _router(config, traffic)
    server = _server(config, media, traffic, impaired)
    app = web.Application(client_max_size=config.limits.body)
    app[SERVER] = server
    app[LIMITS] = config.limits
    add_doors(app, config)
    is_unheard = server.uplinks.is_unheard if server.uplinks is not None else None
    door = SignalingEndpoint(server.signaling, traffic, config.allowed_origins, config.limits, is_unheard)
    app.router.add_get("/openvidu", door.handle)
    app.router.add_get("/healthz", _healthz)
    secret = SecretCheck(config.secret, server.guesses)
    add_rest(app, server.rooms, config, secret)
    metrics = Metrics(server.rooms, server.signaling)
    server.rooms.observers.add(metrics)
    add_metrics(app, metrics, secret)
    if server.faults is not None:
        add_fault_control(app, server.faults)
    if config.demo:
        add_demo_token(app, server.rooms, fault_control=config.fault_control)
    _add_pages(app, config)
    app.cleanup_ctx.append(_lifetime)
    app.on_shutdown.append(functools.partial(_tell_clients, secret=secret))
    return app


def _server(config: ServerConfig, media: MediaServer, traffic: Traffic, impaired: ImpairedTraffic | None) -> Server:
    tasks = Tasks()
    rooms = Rooms(media, tasks, config.limits, life=now_ms() if config.fault_control else None)
    load = Load(config.limits)
    context = Context(
        rooms,
        config.secret,
        functools.partial(_ice_servers, config.turn),
        turn=config.turn,
        tell_probe_id=config.fault_control or config.profile != "kurento",
        server_offers=config.negotiation == "server-offers",
        load=load,
        guesses=WrongGuesses(config.limits),
    )
    signaling = SignalingServer(context, _profile(config), tasks, traffic)
    faults = Faults(impaired, rooms, signaling) if impaired is not None else None
    webhook = Webhook(config.webhook, config.limits) if config.webhook else None
    if webhook is not None:
        rooms.observers.add(CallDetailRecords(webhook.post))
    # The real server rates networks in its Pro edition alone.
    quality = QualityWatch(rooms) if config.profile != "kurento" else None
    uplinks = UplinkWatch(rooms) if config.profile != "kurento" else None
    return Server(
        config,
        media,
        rooms,
        signaling.profile,
        faults,
        signaling,
        tasks,
        webhook,
        load,
        context.guesses,
        quality,
        uplinks,
    )


def run(config: ServerConfig) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ConfigurationError: the server cannot start with `config`; the message states what to do.
    """
    check(config)
    logs.configure(config.log_level)
    setattr(web_response, "SERVER_SOFTWARE", "pyvidu")  # noqa: B010  of what aiohttp answers itself, to what is not HTTP
    drawn = replace(
        config,
        key=config.key or secrets.token_urlsafe(12),
        secret=config.secret or secrets.token_urlsafe(16),
    )
    asyncio.run(_serve(drawn, tell_secret=not config.secret))


def check(config: ServerConfig) -> None:
    """Refuse settings that would open the machine to strangers, or cannot work.

    Raises:
        ConfigurationError: a setting is unsafe or invalid; the message states what to do.
    """
    if not is_loopback(config.host) and 0 < len(config.secret) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"{config.host} can be reached from other machines, and the secret is too short: --secret needs "
            f"{_SHORTEST_SECRET} characters there; without it one is drawn, or leave --host at 127.0.0.1"
        )
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigurationError("TLS needs both --tls-cert and --tls-key")
    try:
        TrustedProxies(config.trusted_proxies)
    except ValueError as error:
        raise ConfigurationError(f"--trusted-proxy is an address or a network: {error}") from None
    if config.eviction_timeout <= 0:
        raise ConfigurationError("--eviction-timeout is a number of seconds above 0")


def app_runner(config: ServerConfig, listener: TcpListener | None = None) -> web.AppRunner:
    """Return the runner that serves the application; it sets how long connections are kept."""
    app = create_app(config)
    if listener is not None:
        app.middlewares.insert(0, listener.middleware)
    return web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT, keepalive_timeout=_IDLE)


async def _serve(config: ServerConfig, *, tell_secret: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    listener = TcpListener(config.limits, _tls(config))
    runner = app_runner(config, listener)
    await runner.setup()
    try:
        assert runner.server is not None
        try:
            await listener.start(runner.server, config.host, config.port)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen on {config.host}:{config.port} ({error.strerror}): choose another --port or --host"
            ) from error
        keep_out_of_collections()
        _announce(config, listener.port)
        if tell_secret:
            print(f"Secret of the REST API (user {USER}), drawn for this start: {config.secret}", flush=True)  # noqa: T201
        await stop.wait()
    finally:
        await listener.close()
        await runner.cleanup()


def keep_out_of_collections() -> None:
    """Exempt what there is so far from garbage collections, as it stays.

    A full one took 47 ms of CPU for it, during which no packet is forwarded, and came so rarely that refused requests, which
    are cycles of exceptions and frames, were kept.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # full ones come when a quarter of what the last one left is new: now of nothing, not of what is exempt


def _announce(config: ServerConfig, port: int) -> None:
    host = "localhost" if is_loopback(config.host) or config.host in ("0.0.0.0", "::") else config.host  # noqa: S104
    scheme = "https" if config.tls_cert else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/?key={config.key}"
    print(f"OpenVidu server ready on {url}", flush=True)  # noqa: T201 - the one line for people
    if config.demo:
        print(f"Open {url} in two browser windows. Ctrl-C stops the server.", flush=True)  # noqa: T201


def _tls(config: ServerConfig) -> ssl.SSLContext | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"The TLS certificate or key cannot be used: {error}") from error
    return context


def _ice_servers(turn: TurnServer | None, host: str) -> list[IceServerInfo]:
    return turn.ice_servers() if turn else unused_ice_servers(host)


def _profile(config: ServerConfig) -> ProfileFactory:
    if config.profile == "kurento":
        return KurentoProfile
    return functools.partial(DefaultProfile, eviction_timeout=config.eviction_timeout)


def _router(config: ServerConfig, traffic: Traffic) -> MediaServer:
    from pyvidu.server.media.router import MediaRouter

    return MediaRouter(
        host_addresses=media_addresses(config.host),
        only_this_machine=is_loopback(config.host),
        recovers_by_itself=config.profile != "kurento",
        traffic=traffic,
    )


def _add_pages(app: web.Application, config: ServerConfig) -> None:
    from pyvidu.server.http.assets import add_assets

    add_assets(app, vendor_dir=config.vendor_dir)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    server = app[SERVER]
    rhythms = [
        server.tasks.spawn(server.signaling.beat(), "pings"),
        server.tasks.spawn(_housekeeping(server), "housekeeping"),
    ]
    if server.uplinks is not None:
        rhythms.append(server.tasks.spawn(_watch_uplinks(server.uplinks), "uplinks"))
        rhythms.append(server.tasks.spawn(_pause_videos(server.rooms), "pauses of videos"))
    if server.webhook is not None:
        rhythms.append(server.tasks.spawn(server.webhook.run(), "webhooks"))
    yield
    if server.webhook is not None:
        await server.webhook.close(_SHUTDOWN_TIMEOUT)
    for rhythm in rhythms:
        rhythm.cancel()
    server.profile.close()
    await server.tasks.close()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(server.media.close(), _SHUTDOWN_TIMEOUT)


async def _housekeeping(server: Server) -> None:
    """Remove unused tokens and sessions every minute; return freed memory; each second measure load and rate networks."""
    loop, rooms, freed = asyncio.get_running_loop(), server.rooms, FreedMemory()
    tidied = loop.time()
    while True:
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        late = max(0.0, loop.time() - due)
        rooms.observers.watchdog_late(late)
        held = resident()
        server.load.measured(loop.time(), busy_time(), late, held or 0)
        if held is not None:
            await freed.give_back(loop.time(), held)
        if server.quality is not None:
            server.quality.look(late=late)
        if number := server.guesses.to_tell(loop.time()):
            logs.event("wrong secrets", number=number)
        if loop.time() > tidied + _TIDY_EVERY:
            rooms.tidy()
            tidied = loop.time()


async def _watch_uplinks(watch: UplinkWatch) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL
        await asyncio.sleep(INTERVAL)
        watch.look(loop.time(), late=loop.time() - due)


async def _pause_videos(rooms: Rooms) -> None:
    """Keep the sound of those whose network does not carry the videos too."""
    loop, notices = asyncio.get_running_loop(), VideoPauseNotices(rooms)
    while True:
        due = loop.time() + PERIOD
        await asyncio.sleep(PERIOD)
        notices.look(late=loop.time() - due)


async def _tell_clients(app: web.Application, secret: SecretCheck) -> None:
    server = app[SERVER]
    secret.close()
    if server.faults is not None:
        server.faults.close()
    server.signaling.close()
