"""The networks, each a fault of a lab with a router: what happens to the call, for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.plan import ServerMode
from pyvidu.testing import NetworkLab

Fault = Callable[[NetworkLab, float], Awaitable[None]]
_FLAP_S = 0.7
_SLOW_RETURN_S = 5.0


@dataclass(frozen=True, slots=True)
class Network:
    """One row of the table. `fault` returns when its `seconds` are over; `restore` of the lab ends it then.

    `stays` says that what it did is not undone: a mapping stays forgotten, a VPN on. Such a fault has no return. With `turn`
    the server announces a TURN server, and with `rejoin` the page rejoins after an eviction, which openvidu-browser cannot.
    With `dual_stack` server and page have IPv4 and IPv6 and no router, and the page knows the server by a name with both.
    With `fresh` each trial has a call of its own, because what is used afterwards is not what was used before.
    `targets` are the most that pyvidu is to need in a field of `NetworkTrial`: a time in milliseconds, a count; of `end`, the
    sessions that may end; `on_kurento` has those that differ there.
    """

    name: str
    seconds: float
    fault: Fault
    stays: bool = False
    turn: bool = False
    rejoin: bool = False
    dual_stack: bool = False
    fresh: bool = False
    targets: Mapping[str, float] = field(default_factory=dict)
    on_kurento: Mapping[str, float] = field(default_factory=dict)

    def target(self, metric: str, server: ServerMode) -> float | None:
        """Return the most that is allowed of a metric, None if nothing was asked for."""
        usual = self.targets.get(metric)
        return self.on_kurento.get(metric, usual) if server == "plain" else usual


def _lasting(begin: Callable[[NetworkLab], object]) -> Fault:
    """Return a fault that is begun by one call."""

    async def fault(lab: NetworkLab, seconds: float) -> None:
        await asyncio.to_thread(begin, lab)
        await asyncio.sleep(seconds)  # the length of the fault

    return fault


def _block_udp(lab: NetworkLab) -> None:
    lab.media_only_drop()
    lab.address_change()


async def _return_slowly(lab: NetworkLab, seconds: float) -> None:
    await _lasting(NetworkLab.silent_drop)(lab, seconds - _SLOW_RETURN_S)
    await _lasting(lambda it: it.random_loss(50))(lab, _SLOW_RETURN_S)


async def _flap(lab: NetworkLab, seconds: float) -> None:
    for _ in range(round(seconds / (2 * _FLAP_S))):
        await _lasting(NetworkLab.link_drop)(lab, _FLAP_S)
        await _lasting(NetworkLab.link_up)(lab, _FLAP_S)


async def _change_address(lab: NetworkLab, seconds: float) -> None:
    await _lasting(NetworkLab.lose_address)(lab, seconds)
    await asyncio.to_thread(lab.gain_address)


def _queue(kbit_per_second: float) -> Fault:
    return _lasting(lambda lab: lab.router.queue(kbit_per_second, 3))


def _holes(milliseconds: float) -> dict[str, float]:
    return {"see_hole_ms": milliseconds, "seen_hole_ms": milliseconds}


def _backs(milliseconds: float) -> dict[str, float]:
    return {"see_back_ms": milliseconds, "seen_back_ms": milliseconds}


_KEPT = {"end": 0.0}  # sessions ended
_UNNOTICED = {"reconnecting": 0.0, **_KEPT}
NETWORKS: dict[str, Network] = {
    "nat-udp": Network(
        "the NAT forgets its UDP mappings",
        0,
        _lasting(lambda lab: lab.router.forget_udp()),
        stays=True,
        targets={**_holes(1000), **_UNNOTICED, "renegotiated": 0},
    ),
    "nat-all": Network(
        "the NAT forgets everything",
        0,
        _lasting(lambda lab: lab.router.forget_all()),
        stays=True,
        targets={"told_ms": 300, **_holes(1000), **_KEPT},
    ),
    "udp-blocked": Network(
        "UDP blocked after a handover, no TURN",
        20,
        _lasting(_block_udp),
        targets={"told_ms": 1500, "renegotiated": 4, **_KEPT},
    ),
    "udp-blocked-turn": Network(
        "UDP blocked after a handover, TURN over TCP",
        20,
        _lasting(_block_udp),
        turn=True,
        targets={**_holes(5000), **_KEPT},
    ),
    "uplink": Network(
        "uplink alone dead",
        9,
        _lasting(NetworkLab.uplink_drop),
        targets={"told_ms": 1000, **_KEPT},
        on_kurento={"told_ms": 2500},
    ),
    "downlink": Network(
        "nothing received at all",
        9,
        _lasting(NetworkLab.downlink_drop),
        targets={"told_ms": 1500, **_KEPT},
        on_kurento={"told_ms": 2500},
    ),
    "tcp": Network("TCP alone dead", 9, _lasting(NetworkLab.signaling_only_drop), targets={"told_ms": 2500, **_KEPT}),
    "loss-25": Network(
        "25 % lost both ways", 20, _lasting(lambda lab: lab.random_loss(25)), targets={**_holes(1000), **_UNNOTICED}
    ),
    "loss-25-600": Network(
        "25 % lost both ways", 600, _lasting(lambda lab: lab.random_loss(25)), targets={"reconnecting": 0, **_KEPT}
    ),
    "loss-60-up": Network(
        "60 % lost on the way up",
        10,
        _lasting(lambda lab: lab.random_loss(60, "up")),
        targets={**_holes(1000), "seen_back_ms": 500, **_UNNOTICED},
    ),
    "policed": Network(
        "12 kB/s each way, the rest policed away",
        20,
        _lasting(lambda lab: lab.policing(12_000)),
        targets={**_backs(1000), **_KEPT},
    ),
    "queue-300": Network("300 kbit/s, a queue of 3 s", 20, _queue(300), targets=_UNNOTICED),
    "queue-100": Network("100 kbit/s, a queue of 3 s", 20, _queue(100), targets=_UNNOTICED),
    "queue-50": Network("50 kbit/s, a queue of 3 s", 20, _queue(50), targets=_UNNOTICED),
    "portal-5": Network("captive portal", 5, _lasting(lambda lab: lab.router.captive_portal()), targets=_KEPT),
    "portal-60": Network(
        "captive portal", 60, _lasting(lambda lab: lab.router.captive_portal()), targets={"sockets": 20}
    ),
    "asleep-8": Network(
        "the browser's processes stand still",
        8,
        _lasting(NetworkLab.stop_processes),
        targets={**_backs(500), **_KEPT},
    ),
    "asleep-30": Network("the browser's processes stand still", 30, _lasting(NetworkLab.stop_processes)),
    **{
        f"asleep-{seconds}-rejoin": Network(
            "the browser's processes stand still, `rejoin`",
            seconds,
            _lasting(NetworkLab.stop_processes),
            rejoin=True,
            targets={**_backs(3000), **_KEPT},
        )
        for seconds in (30, 60, 600)
    },
    "slow-return": Network(
        "silence, then half of the packets for 5 s",
        10,
        _return_slowly,
        targets={**_holes(1000 * _SLOW_RETURN_S + 500), **_KEPT},
    ),
    "flaps": Network("12 flaps of 0.7 s", 16.8, _flap, targets=_KEPT),
    "address": Network(
        "a new address after 2 s of nothing", 2, _change_address, stays=True, targets={**_holes(2300), **_KEPT}
    ),
    "vpn": Network(
        "a VPN is switched on",
        0,
        _lasting(lambda lab: lab.router.vpn_on()),
        stays=True,
        fresh=True,
        targets={"told_ms": 1000, **_holes(2000), **_KEPT},
    ),
    "dual-stack": Network(
        "IPv6 dies, IPv4 works",
        6,
        _lasting(NetworkLab.ipv6_drop),
        dual_stack=True,
        fresh=True,
        targets={**_holes(2000), **_KEPT},
    ),
}
"""By the name that the command has for them."""
