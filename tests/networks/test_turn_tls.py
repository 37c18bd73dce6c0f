"""Calls that can only go through a TURN server over TLS (`turns:`), and a coturn that offers it.

Its certificate is made for the test. Chromium trusts it by its key (`--ignore-certificate-errors-spki-list`), which its
network service applies to TURN as to https; `ignore_https_errors` of Playwright applies to pages alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from benchmarks.tls import self_signed
from pyvidu.testing import NetworkLab
from pyvidu.testing.fixtures import OpenBrowser, StartServer
from tests.browser.calls import CallPage, MessageLog, Rest
from tests.networks.coturn import coturn, why_not
from tests.networks.relayed import RELAY_ONLY, RelayedCall, ways
from tests.networks.selected import remembering

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(
    network_lab: NetworkLab,
    open_browser: OpenBrowser,
    pyvidu_server: StartServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RelayedCall]:
    """Give a call in which Ada may use the relay alone, over TLS, and Bob goes directly."""
    host = network_lab.host_address
    certificate = self_signed(tmp_path_factory.mktemp("turn"), host)
    async with coturn(host, certificate) as turn:
        flags, environment = turn.announced(turn.tls_url)
        server = await pyvidu_server(*flags, host=host, env=environment)
        rest, trust = Rest(server), certificate.browser_args
        inside = await open_browser(lab=network_lab, secure_origins=[server.origin], args=trust)
        outside = await open_browser(secure_origins=[server.origin], args=trust)
        ada = await CallPage.open(await remembering(inside), server, "ada")
        bob = await CallPage.open(await remembering(outside), server, "bob")
        await ada.join(await rest.token("relayed"), rtcConfiguration=RELAY_ONLY)
        await bob.join(await rest.token("relayed"))
        call = RelayedCall(server, network_lab, ada, bob, MessageLog(server), turn)
        await call.both_move(20)
        yield call
        network_lab.restore()


async def test_coturn_with_a_certificate_answers_over_tls_whoever_trusts_it_and_offers_none_without(
    tmp_path: Path,
) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    async with coturn("127.0.0.1", certificate) as turn:
        assert turn.tls_url == f"turns:127.0.0.1:{turn.tls_port}?transport=tcp"
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", turn.tls_port, ssl=ssl.create_default_context())
    async with coturn("127.0.0.1") as turn:
        assert turn.tls_port is None


async def test_media_flows_over_tls(call: RelayedCall) -> None:
    assert await ways(call.ada) == [["relay", "tls", call.turn.tls_url]] * 2


async def test_call_over_tls_goes_on_after_a_drop_of_4_s(call: RelayedCall) -> None:
    before = await call.ada.picture()
    call.clear_events()
    with call.lab.dropped("silent"):
        await call.lab.verify_silence(0.3)
        await asyncio.sleep(3.7)  # the rest of the drop
    await call.ada.told("reconnected")
    await call.both_move(8)  # TCP may wait for seconds before it sends again; a renegotiation may come first
    after = await call.ada.picture()
    assert (after["streams"], after["elements"]) == (before["streams"], before["elements"])
    assert await ways(call.ada) == [["relay", "tls", call.turn.tls_url]] * 2
