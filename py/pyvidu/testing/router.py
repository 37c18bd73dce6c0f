"""`Router`: the home router of a lab, `NetworkLab(router=True).router`, and what routers do to the packets of a guest.

It forwards between the guest and this machine and translates the guest's addresses. Whatever it drops is dropped silently,
for it is neither end.
"""

from __future__ import annotations

from pyvidu.testing.arguments import check_name, check_number
from pyvidu.testing.commands import run
from pyvidu.testing.directions import DIRECTIONS, Direction
from pyvidu.testing.namespace import Namespace
from pyvidu.testing.nat_table import NatTable
from pyvidu.testing.portal import Portal

VPN = "vpn"
"""The name of the VPN's interface at either end."""

_TCP, _UDP = 6, 17
_VPN_NETWORK = "10.8.0"
_BURST = 3000  # bytes that a queue lets pass at once: two packets, the least that works
_LEAST_RATE, _MOST_RATE = 8, 10**6  # kbit/s
_LONGEST_QUEUE = 60.0  # seconds

# Ports are chosen at random: Linux would else keep a port that is free, also after its mapping was forgotten. What arrives
# for a mapping that is not there is dropped, as home routers do, instead of answered by the router itself. And a VPN carries
# nothing but packets of its own address, as WireGuard does ("cryptokey routing").
_TABLE = """
table inet pyvidu_router {
  chain portal { }
  chain arriving {
    type nat hook prerouting priority dstnat; policy accept;
    jump portal
  }
  chain translation {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "%(outside)s" meta l4proto { tcp, udp } masquerade to :20000-60000 fully-random
    oifname "%(outside)s" masquerade
  }
  chain unasked {
    type filter hook input priority filter; policy accept;
    iifname "%(outside)s" meta l4proto { tcp, udp } drop
  }
  chain walled { }
  chain forwarding {
    type filter hook forward priority filter; policy accept;
    iifname "vpn" ip saddr != %(vpn_address)s drop
    oifname "%(outside)s" ip daddr %(vpn_address)s drop
    jump walled
  }
}
"""
_PORTAL_ON = """
add rule inet pyvidu_router portal iifname != "%(outside)s" meta l4proto tcp redirect to :%(port)d
add rule inet pyvidu_router walled iifname != "%(outside)s" meta l4proto tcp reject with tcp reset
add rule inet pyvidu_router walled drop
"""
_PORTAL_OFF = """
flush chain inet pyvidu_router portal
flush chain inet pyvidu_router walled
"""


class Router:
    """The router between a lab's guest and this machine, with NAT: `NetworkLab(router=True).router`.

    Example: not run, it needs root
        with NetworkLab(router=True) as lab:
            lab.router.forget_udp()

    Source: Linux's NAT (nftables `masquerade`), connection tracking and `tbf`.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._portal: Portal | None = None
        self._faulty = False  # whether there is anything for `restore` to end
        self._nft(_TABLE % {"outside": namespace.router_interface, "vpn_address": f"{_VPN_NETWORK}.2"})
        self._mappings = NatTable(namespace.router_name)

    def close(self) -> None:
        """Close what the lab's end does not. May be called twice."""
        self._mappings.close()
        if self._portal is not None:
            self._portal.close()
            self._portal = None

    @property
    def address(self) -> str:
        """Return the router's address towards this machine: as this the server sees the guest."""
        return self._namespace.router_address

    # --- NAT ---

    def forget_udp(self) -> int:
        """Forget the NAT mappings of UDP, and return how many there were.

        What arrives for them is dropped; what the guest sends gets new mappings, with other ports.

        Raises:
            LabError: the kernel refuses, or the lab is closed.
        """
        return self._forget(_UDP)

    def forget_all(self) -> int:
        """Forget every NAT mapping, as a router that was restarted, and return how many there were.

        A TCP connection goes on with another port, which the other end does not know: it answers with a reset, once the guest
        has sent something.

        Raises:
            LabError: the kernel refuses, or the lab is closed.
        """
        return self._forget(None)

    # --- faults, until `restore` ---

    def queue(self, kbit_per_second: float, seconds: float = 3.0, direction: Direction = "both") -> None:
        """Slow the router down and let packets wait, as a modem with a large buffer does (bufferbloat).

        Args:
            kbit_per_second: the rate, each way, in 1,000 bits a second.
            seconds: for how long a packet waits at most; what would wait for longer is dropped.
            direction: which packets. The other direction is left as it is.

        Raises:
            WrongArgumentError: a number is out of bounds, or there is no such direction.
            LabError: this kernel has no `tbf`.
        """
        check_number("kbit_per_second", kbit_per_second, unit="kbit/s", least=_LEAST_RATE, most=_MOST_RATE)
        check_number("seconds", seconds, unit="seconds", least=0.01, most=_LONGEST_QUEUE)
        check_name("direction", direction, DIRECTIONS)
        self._namespace.check_open()
        ways = {"up": self._namespace.router_interface, "down": self._namespace.router_inside}
        self._faulty = True
        for way, interface in ways.items():
            if direction in ("both", way):
                rate, longest = f"{round(kbit_per_second * 1000)}bit", f"{round(seconds * 1000)}ms"
                shape = ("rate", rate, "burst", str(_BURST), "latency", longest)
                run(
                    "tc", "-n", self._namespace.router_name, "qdisc", "replace", "dev", interface, "root", "tbf", *shape
                )

    def captive_portal(self) -> None:
        """Let nothing pass, and answer in the server's place, as the Wi-Fi of a hotel that wants to be agreed to.

        Open TCP connections are reset, new ones are answered by a web page, UDP is dropped, and the browser is told that
        it is online. The server gets nothing. `restore` resets the connections to the portal.

        Raises:
            LabError: a tool failed, or the lab is closed.
        """
        if self._portal is None:
            self._faulty = True
            self._portal = Portal(self._namespace.router_name)
            self._nft(_PORTAL_ON % {"outside": self._namespace.router_interface, "port": self._portal.port})

    @property
    def portal_visits(self) -> int:
        """Return how many requests the portal has answered since `captive_portal`."""
        return 0 if self._portal is None else self._portal.visits

    def vpn_on(self) -> None:
        """Give the guest a VPN besides: another interface with another address, and the default route by it.

        The old address stays. What is sent from it goes by the VPN too, which drops it.

        Raises:
            LabError: a tool failed, or there is one.
        """
        self._faulty = True
        guest, router = self._namespace.name, self._namespace.router_name
        run("ip", "link", "add", VPN, "netns", guest, "type", "veth", "peer", "name", VPN, "netns", router)
        self._namespace.set_up(router, VPN, f"{_VPN_NETWORK}.1/24")
        self._namespace.set_up(guest, VPN, f"{_VPN_NETWORK}.2/24")
        run("ip", "-n", guest, "route", "replace", "default", "via", f"{_VPN_NETWORK}.1")

    def vpn_off(self) -> None:
        """End `vpn_on`: the interface is gone, and the default route as before.

        Raises:
            LabError: there is none.
        """
        run("ip", "-n", self._namespace.name, "link", "delete", VPN)
        self._namespace.add_default_route()

    def restore(self) -> None:
        """End the faults of the router. Mappings that were forgotten stay forgotten. `NetworkLab.restore` does this too.

        Raises:
            LabError: a tool failed, or the lab is closed.
        """
        if not self._faulty:
            return
        name = self._namespace.router_name
        for interface in (self._namespace.router_interface, self._namespace.router_inside):
            if "tbf" in run("tc", "-n", name, "qdisc", "show", "dev", interface):
                run("tc", "-n", name, "qdisc", "delete", "dev", interface, "root")
        if f" {VPN}@" in run("ip", "-n", self._namespace.name, "link"):
            self.vpn_off()
        if self._portal is not None:
            self._portal.close()
            self._portal = None
            # While nothing passes yet: an idle connection to the portal would else be answered by it, or one to the server
            # that was opened in between be forgotten too.
            self._forget(_TCP)
            self._nft(_PORTAL_OFF)
        self._faulty = False

    def _forget(self, protocol: int | None) -> int:
        self._namespace.check_open()
        return self._mappings.forget(protocol)

    def _nft(self, script: str) -> None:
        self._namespace.check_open()
        run("ip", "netns", "exec", self._namespace.router_name, "nft", "-f", "-", stdin=script)
