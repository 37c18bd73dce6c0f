"""`/metrics`: the numbers of a call, without its names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.live_server import AUTH, LiveServer, Serve
from tests.server.server_world import FakeMedia


async def numbers(live: LiveServer) -> dict[str, float]:
    async with live.http.get(live.url("/metrics")) as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        text = await response.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value for sample in samples}


async def test_metrics_count_joins_resumes_renegotiations_and_evictions_of_a_call(live: LiveServer) -> None:
    ada, bob = await live.member(), await live.member(role="MODERATOR")
    stream = await ada.publish()
    await bob.result("receiveVideoFrom", sender=stream, sdpOffer="x")
    await bob.result("reconnectStream", stream=stream, sdpOffer="x")
    await ada.result("reconnectStream", stream=stream, sdpString="x")
    back = await live.page()
    await back.result("connect", sessionId=ada.rpc_id, reconnect=True)
    await (await live.page()).call("connect", sessionId="nobody's", reconnect=True)
    during = await numbers(live)
    assert during["pyvidu_sessions"] == 1
    assert during["pyvidu_participants"] == 2
    assert during["pyvidu_streams"] == 1
    assert during["pyvidu_subscriptions"] == 1
    assert during["pyvidu_joins_total"] == 2
    assert during["pyvidu_resumes_total/resumed"] == 1
    assert during["pyvidu_resumes_total/refused"] == 1
    assert during["pyvidu_renegotiations_total/publisher"] == 1
    assert during["pyvidu_renegotiations_total/subscriber"] == 1
    await bob.result("forceDisconnect", connectionId=ada.id)
    await bob.result("leaveRoom")
    after = await numbers(live)
    assert after["pyvidu_evictions_total/forceDisconnectByUser"] == 1
    assert "pyvidu_evictions_total/disconnect" not in after
    assert (after["pyvidu_participants"], after["pyvidu_streams"], after["pyvidu_sessions"]) == (0, 0, 0)


async def test_forwarded_packets_counter_does_not_decrease_when_a_connection_is_replaced(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"con_a": 100, "con_b": 50}

    def statistics() -> object:
        subscribers = {name: SimpleNamespace(packets_forwarded=count) for name, count in counts.items()}
        return SimpleNamespace(streams={"str_x": SimpleNamespace(subscribers=subscribers)})

    assert isinstance(live.server.media, FakeMedia)
    monkeypatch.setattr(live.server.media, "statistics", statistics)
    assert (await numbers(live))["pyvidu_forwarded_packets_total"] == 150
    counts.update(con_a=10)  # a new connection that replaces the old one
    assert (await numbers(live))["pyvidu_forwarded_packets_total"] == 160
    counts.pop("con_b")
    assert (await numbers(live))["pyvidu_forwarded_packets_total"] == 160


async def test_watchdog_lag_is_in_the_histogram(live: LiveServer) -> None:
    live.server.rooms.observers.watchdog_late(0.3)
    seen = await numbers(live)
    assert seen["pyvidu_watchdog_lag_seconds_sum"] >= 0.3
    assert seen["pyvidu_watchdog_lag_seconds_bucket/0.5"] - seen["pyvidu_watchdog_lag_seconds_bucket/0.1"] == 1


async def test_metrics_request_with_another_host_name_needs_the_secret(serve: Serve) -> None:
    live = await serve(host="0.0.0.0")
    foreign = {"Host": "meet.example"}
    async with live.http.get(live.url("/metrics"), headers=foreign) as response:
        assert response.status == 401
    async with live.http.get(live.url("/metrics"), headers=foreign | AUTH) as response:
        assert response.status == 200
