"""TURN settings of the server: which are accepted, and which clients receive them."""

from __future__ import annotations

import json

import pytest

from pyvidu.protocol.messages import IceServerInfo
from pyvidu.server.app import SERVER, create_app
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.server.traffic import DirectTraffic
from tests.server.server_world import SECRET, Client, FakeMedia
from tests.virtual_time import virtual_time

TURN = TurnServer(("turn:turn.example:5000", "turns:turn.example?transport=tcp"), "ada", "a password")


class Served:
    """What a `Client` needs of a server that was made with TURN settings."""

    def __init__(self, turn: TurnServer | None) -> None:
        server = create_app(ServerConfig(secret=SECRET, turn=turn), make_media=lambda _: FakeMedia())[SERVER]
        self.rooms, self.signaling, self.traffic = server.rooms, server.signaling, DirectTraffic()
        self.room = self.rooms.create(SessionProperties(custom_session_id="room"))


@virtual_time
async def test_join_result_contains_the_turn_server_as_custom_ice_servers_and_as_coturn() -> None:
    result = await Client(Served(TURN)).join()  # type: ignore[arg-type]
    assert result["customIceServers"] == [
        {"url": url, "username": "ada", "credential": "a password"} for url in TURN.urls
    ]
    assert (result["coturnIp"], result["coturnPort"]) == ("turn.example", 5000)
    assert (result["turnUsername"], result["turnCredential"]) == ("ada", "a password")


@virtual_time
async def test_ice_servers_of_a_connection_replace_the_servers_own() -> None:
    served = Served(TURN)
    own = ConnectionProperties(custom_ice_servers=[IceServerInfo("stun:own.example")])
    token = served.rooms.issue_token(served.room, own, "ws://localhost:4443")
    client = Client(served)  # type: ignore[arg-type]
    result = await client.result("joinRoom", token=token.url, session="room", platform="test", secret="", metadata="")
    assert result["customIceServers"] == [{"url": "stun:own.example"}]


@virtual_time
async def test_join_result_without_turn_settings_has_no_coturn_fields() -> None:
    assert not {"coturnIp", "coturnPort", "turnUsername", "turnCredential"} & set(
        await Client(Served(None)).join()  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("turn:10.0.0.1", "10.0.0.1", 3478),
        ("turns:turn.example", "turn.example", 5349),
        ("turn:[2001:db8::1]:99?transport=udp", "[2001:db8::1]", 99),
    ],
)
def test_host_and_port_are_read_from_the_url(url: str, host: str, port: int) -> None:
    turn = TurnServer((url,), "u", "c")
    assert (turn.host, turn.port) == (host, port)


@pytest.mark.parametrize(
    "url", ["turn.example:3478", "stun:turn.example", "turn://turn.example", "turn:x:99999", "turn:", ""]
)
def test_invalid_turn_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--turn-url is turn:HOST:PORT"):
        TurnServer((url,), "u", "c")


@pytest.mark.parametrize(
    ("urls", "username", "credential"), [((), "u", "c"), (("turn:x",), "", "c"), (("turn:x",), "u", "")]
)
def test_incomplete_turn_settings_are_refused(urls: tuple[str, ...], username: str, credential: str) -> None:
    with pytest.raises(ConfigurationError, match="all three"):
        TurnServer(urls, username, credential)


def test_repr_of_the_configuration_does_not_contain_the_credential() -> None:
    assert "a password" not in repr(ServerConfig(turn=TURN))
    assert "a password" in json.dumps(TURN.ice_servers()[0].credential)
