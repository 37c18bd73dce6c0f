"""The three scenarios with real packets on a server that offers what is received, as deployments with mediasoup do."""

from __future__ import annotations

import pytest

from tests.interop import test_openvidu_browser_drops as drops

started, call = drops.started, drops.call
test_scenario_1 = drops.test_scenario_1_official_client_continues_after_4_s_without_renegotiation
test_scenario_3 = drops.test_scenario_3_official_client_continues_after_9_s_without_renegotiating_working_media
test_scenario_3_with_dead_media = drops.test_scenario_3_official_client_renegotiates_both_dead_streams_after_9_s
test_scenario_2 = drops.test_scenario_2_official_client_is_evicted_after_14_s_and_the_peer_is_notified_before


@pytest.fixture(scope="module")
def negotiation() -> str:
    return "server-offers"


async def test_offers_were_the_servers(call: drops.Call) -> None:
    assert call.messages.requests("prepareReceiveVideoFrom")
