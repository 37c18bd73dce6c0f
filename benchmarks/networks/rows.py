"""The networks, each a fault of a lab with a router: what happens to the call, for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pyvidu.testing import NetworkLab

Fault = Callable[[NetworkLab, float], Awaitable[None]]
_FLAP_S = 0.7
_SLOW_RETURN_S = 5.0


@dataclass(frozen=True, slots=True)
class Network:
    """One row of the table. `fault` returns when its `seconds` are over; `restore` of the lab ends it then.

    `stays` says that what it did is not undone: a mapping stays forgotten, a VPN on. Such a fault has no return.
    """

    name: str
    seconds: float
    fault: Fault
    stays: bool = False


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


NETWORKS: dict[str, Network] = {
    "nat-udp": Network("the NAT forgets its UDP mappings", 0, _lasting(lambda lab: lab.router.forget_udp()), True),
    "nat-all": Network("the NAT forgets everything", 0, _lasting(lambda lab: lab.router.forget_all()), True),
    "udp-blocked": Network("UDP blocked after a handover, no TURN", 20, _lasting(_block_udp)),
    "uplink": Network("uplink alone dead", 9, _lasting(NetworkLab.uplink_drop)),
    "downlink": Network("nothing received at all", 9, _lasting(NetworkLab.downlink_drop)),
    "tcp": Network("TCP alone dead", 9, _lasting(NetworkLab.signaling_only_drop)),
    "loss-25": Network("25 % lost both ways", 20, _lasting(lambda lab: lab.random_loss(25))),
    "loss-60-up": Network("60 % lost on the way up", 10, _lasting(lambda lab: lab.random_loss(60, "up"))),
    "policed": Network("12 kB/s each way, the rest policed away", 20, _lasting(lambda lab: lab.policing(12_000))),
    "queue-300": Network("300 kbit/s, a queue of 3 s", 20, _queue(300)),
    "queue-100": Network("100 kbit/s, a queue of 3 s", 20, _queue(100)),
    "queue-50": Network("50 kbit/s, a queue of 3 s", 20, _queue(50)),
    "portal-5": Network("captive portal", 5, _lasting(lambda lab: lab.router.captive_portal())),
    "portal-60": Network("captive portal", 60, _lasting(lambda lab: lab.router.captive_portal())),
    "asleep-8": Network("the browser's processes stand still", 8, _lasting(NetworkLab.stop_processes)),
    "asleep-30": Network("the browser's processes stand still", 30, _lasting(NetworkLab.stop_processes)),
    "slow-return": Network("silence, then half of the packets for 5 s", 10, _return_slowly),
    "flaps": Network("12 flaps of 0.7 s", 16.8, _flap),
    "address": Network("a new address after 2 s of nothing", 2, _change_address, True),
    "vpn": Network("a VPN is switched on", 0, _lasting(lambda lab: lab.router.vpn_on()), True),
}
"""By the name that the command has for them."""
