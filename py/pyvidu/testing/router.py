"""`Router`: the home router of a lab, `NetworkLab(router=True).router`, and what routers do to the packets of a guest.

It forwards between the guest and this machine and translates the guest's addresses. Whatever it drops is dropped silently,
for it is neither end.
"""

from __future__ import annotations

from pyvidu.testing.commands import run
from pyvidu.testing.namespace import Namespace
from pyvidu.testing.nat_table import NatTable

_UDP = 17

# Ports are chosen at random: Linux would else keep a port that is free, also after its mapping was forgotten. What arrives
# for a mapping that is not there is dropped, as home routers do, instead of answered by the router itself.
_TABLE = """
table inet pyvidu_router {
  chain translation {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "%(outside)s" meta l4proto { tcp, udp } masquerade to :20000-60000 fully-random
    oifname "%(outside)s" masquerade
  }
  chain unasked {
    type filter hook input priority filter; policy accept;
    iifname "%(outside)s" meta l4proto { tcp, udp } drop
  }
}
"""


class Router:
    """The router between a lab's guest and this machine, with NAT: `NetworkLab(router=True).router`.

    Example: not run, it needs root
        with NetworkLab(router=True) as lab:
            lab.router.forget_udp()

    Source: Linux's NAT (nftables `masquerade`) and connection tracking.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._nft(_TABLE % {"outside": namespace.router_interface})
        self._mappings = NatTable(namespace.router_name)

    def close(self) -> None:
        """Close what the lab's end does not."""
        self._mappings.close()

    @property
    def address(self) -> str:
        """Return the router's address towards this machine: as this the server sees the guest."""
        return self._namespace.router_address

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

    def _forget(self, protocol: int | None) -> int:
        self._namespace.check_open()
        return self._mappings.forget(protocol)

    def _nft(self, script: str) -> None:
        self._namespace.check_open()
        run("ip", "netns", "exec", self._namespace.router_name, "nft", "-f", "-", stdin=script)
