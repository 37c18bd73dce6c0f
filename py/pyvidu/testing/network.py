"""`NetworkLab`: a guest on a network of its own, which can be made to fail in each of the ways networks fail.

Start a browser inside (`lab.wrap(executable)`), a server outside on `lab.host_address`, and call the method of a fault. All
faults take effect within a few tens of milliseconds and are lifted by `restore()`. Packets are dropped where they
*arrive*, at both ends: dropping them where they leave gives the sender an error, and then the drop is not silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from pyvidu.testing.arguments import check_name, check_number
from pyvidu.testing.commands import find_tool, run
from pyvidu.testing.directions import DIRECTIONS, Direction
from pyvidu.testing.errors import LabError, LabUnavailableError, WrongArgumentError
from pyvidu.testing.namespace import HOST_NAME, Namespace, probe_namespace
from pyvidu.testing.packet_filter import SUFFIXES, TCP, UDP, packet_filter
from pyvidu.testing.router import VPN, Router

LabFault = Literal["silent", "link", "media-only", "signaling-only", "handover", "uplink", "downlink", "ipv4", "ipv6"]
"""How a network fails: packets vanish; the interface goes down; only UDP vanishes; only TCP does; a new address; what the
guest sends vanishes; what it should receive does; IPv4 vanishes; IPv6 does."""

_MAX_RTT = 60.0  # seconds: more is a mistake, milliseconds most likely
_MTU = 1500  # bytes


@dataclass(frozen=True, slots=True)
class Counters:
    """Packets so far, by direction and fate.

    Attributes:
        to_host_passed: arrived at the host.
        to_host_dropped: dropped by a fault on the way there.
        to_guest_passed: arrived at the guest.
        to_guest_dropped: dropped by a fault on the way there.

    Source: the counters of nftables.
    """

    to_host_passed: int
    to_host_dropped: int
    to_guest_passed: int
    to_guest_dropped: int

    @property
    def passed(self) -> int:
        """Return the number of packets that arrived, both ways."""
        return self.to_host_passed + self.to_guest_passed

    @property
    def dropped(self) -> int:
        """Return the number of packets that a fault dropped, both ways."""
        return self.to_host_dropped + self.to_guest_dropped


@dataclass(frozen=True, slots=True)
class Departure:
    """Packets that the guest sent to an address that is not of this machine, or to a name server.

    Attributes:
        protocol: 6 is TCP, 17 is UDP.
        address: where to.
        port: where to.
        packets: how many.

    Source: the counters of nftables.
    """

    protocol: int
    address: str
    port: int
    packets: int


class NetworkLab:
    """A guest network and its faults. Use it as a context manager: its exit removes all of it.

    Several labs, also of several processes, do not affect each other. It needs Linux and root.

    Args:
        rtt: what a packet and its answer take at least, in seconds.
        jitter: up to so many seconds more.
        router: put a home router with NAT between the guest and this machine, see `Router`.
        ipv6: give both ends an IPv6 address besides; not together with `router`.

    Raises:
        LabUnavailableError: no lab can be made here; the message says what is needed.
        LabError: all labs of this machine are in use, or a tool failed. So do all methods.
        WrongArgumentError: `rtt` or `jitter` is negative, or more than a minute; or there are `router` and `ipv6`.

    Example: not run, it needs root
        with NetworkLab(rtt=0.05) as lab:
            server = await start_server(lab=lab)
            with lab.dropped("silent", dead_media=True):
                await lab.verify_silence()

    Source: Linux network namespaces and nftables; that packets are dropped where they arrive is measured.
    """

    def __init__(self, *, rtt: float = 0.0, jitter: float = 0.0, router: bool = False, ipv6: bool = False) -> None:
        check_number("rtt", rtt, unit="seconds", most=_MAX_RTT)
        check_number("jitter", jitter, unit="seconds", most=_MAX_RTT)
        if reason := lab_unavailable_reason():
            raise LabUnavailableError(reason)
        if router and ipv6:
            raise WrongArgumentError("A lab with a router has IPv4 alone: pass `router` or `ipv6`, not both")
        self._namespace = Namespace(delay=rtt / 2, jitter=jitter / 2, router=router, ipv6=ipv6)
        self._guest_number = 2
        self._router: Router | None = None
        self._stopped: list[int] = []
        space = self._namespace
        try:
            self._nft_host(packet_filter(space.table, f'"{space.host_interface}"', "saddr"))
            self._nft_guest(packet_filter(space.table, f'"{space.guest_interface}", "{VPN}"', "daddr"))
            if router:
                self._router = Router(space)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the network and kill the processes in it. May be called twice."""
        if self._router is not None:
            self._router.close()
        self._namespace.close()

    @property
    def closed(self) -> bool:
        """Return whether `close` was called."""
        return self._namespace.closed

    @property
    def router(self) -> Router:
        """Return the router.

        Raises:
            LabError: the lab has none.
        """
        if self._router is None:
            raise LabError("this network lab has no router: NetworkLab(router=True)")
        return self._router

    # --- the guest ---

    @property
    def namespace(self) -> str:
        """Return the name of the guest's network namespace, as `ip netns` lists it."""
        return self._namespace.name

    @property
    def host_address(self) -> str:
        """Return the address of this machine in the lab: let the server listen there."""
        return self._namespace.host_address

    @property
    def guest_address(self) -> str:
        """Return the guest's current address."""
        return f"{self._namespace.network}.{self._guest_number}"

    @property
    def host_address6(self) -> str:
        """Return the IPv6 address of this machine in the lab.

        Raises:
            LabError: the lab has no IPv6.
        """
        if not self._namespace.network6:
            raise LabError("this network lab has no IPv6: NetworkLab(ipv6=True)")
        return f"{self._namespace.network6}:1"

    @property
    def host_name(self) -> str:
        """Return a name of this machine that only the guest knows, with all its addresses in the lab: as from a DNS.

        Raises:
            LabError: this process may not give names to the guest, which takes root.
        """
        if not self._namespace.hosts.exists():
            raise LabError("only root may give this machine a name in a network lab: use `host_address`")
        return HOST_NAME

    def wrap(self, executable: Path | str) -> Path:
        """Return an executable that runs another one inside, with the same arguments.

        Args:
            executable: the other one.

        Raises:
            LabError: the lab is closed.
        """
        self._namespace.check_open()
        script = self._namespace.folder / Path(executable).name
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.namespace} "{executable}" "$@"\n', "utf-8")
        script.chmod(0o755)
        return script

    def run(self, *command: str) -> str:
        """Run a command inside and return what it printed.

        Args:
            *command: its words.

        Raises:
            LabError: it failed.
        """
        return self._namespace.run(*command)

    def processes(self) -> list[int]:
        """Return the ids of the processes inside."""
        return [int(pid) for pid in run("ip", "netns", "pids", self.namespace).split()]

    # --- faults ---

    def silent_drop(self) -> None:
        """Drop all packets: no event, no error, nothing closes."""
        self._set_fault("counter name dropped drop")

    def media_only_drop(self) -> None:
        """Drop UDP; TCP, and so the WebSocket, is unaffected."""
        self._set_fault(f"meta l4proto {UDP} counter name dropped drop")

    def signaling_only_drop(self) -> None:
        """Drop TCP; media over UDP is unaffected."""
        self._set_fault(f"meta l4proto {TCP} counter name dropped drop")

    def uplink_drop(self) -> None:
        """Drop what the guest sends. What is sent to it arrives."""
        self._set_fault("counter name dropped drop", "up")

    def downlink_drop(self) -> None:
        """Drop what is sent to the guest. What it sends arrives."""
        self._set_fault("counter name dropped drop", "down")

    def ipv4_drop(self) -> None:
        """Drop IPv4; IPv6 is unaffected."""
        self._set_fault("meta nfproto ipv4 counter name dropped drop")

    def ipv6_drop(self) -> None:
        """Drop IPv6; IPv4 is unaffected."""
        self._set_fault("meta nfproto ipv6 counter name dropped drop")

    def random_loss(self, percent: float, direction: Direction = "both") -> None:
        """Drop a share of the packets at random.

        Args:
            percent: 0 drops none, 100 all.
            direction: in which; "both" is so many percent each way.

        Raises:
            WrongArgumentError: `percent` is not from 0 to 100, or there is no such direction.
        """
        check_number("percent", percent, unit="percent", most=100)
        loss = f"numgen random mod 10000 < {round(percent * 100)} counter name dropped drop" if percent else ""
        self._set_fault(loss, direction)

    def policing(self, bytes_per_second: int, direction: Direction = "both") -> None:
        """Drop what exceeds a rate, as a policer does, which queues nothing. `Router.queue` queues.

        Args:
            bytes_per_second: the rate, each way. What a quarter of a second left unused may follow at once.
            direction: in which.

        Raises:
            WrongArgumentError: the rate is less than 1,500 or more than 10 ** 9, or there is no such direction.
        """
        check_number("bytes_per_second", bytes_per_second, unit="bytes", least=_MTU, most=10**9)
        burst = max(2 * _MTU, bytes_per_second // 4)
        exceeds = f"limit rate over {bytes_per_second} bytes/second burst {burst} bytes"
        self._set_fault(f"{exceeds} counter name dropped drop", direction)

    def link_drop(self) -> None:
        """Take the guest's interface down: its browser fires `offline`."""
        run("ip", "-n", self.namespace, "link", "set", self._namespace.guest_interface, "down")

    def address_change(self) -> str:
        """Give the guest another address, as a handover does, and return it. Its old connections are lost."""
        interface = self._namespace.guest_interface
        old = self._namespace.guest_addresses(self._guest_number)
        batch = [f"address add {new} dev {interface}" for new in self._next_addresses()]
        batch += [f"address delete {address.removesuffix(' nodad')} dev {interface}" for address in old]
        # A secondary address of a network is deleted with the primary one unless it is promoted.
        self.run("sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{interface}/promote_secondaries")
        run("ip", "-n", self.namespace, "-batch", "-", stdin="\n".join(batch) + "\n")
        self._namespace.add_default_route()
        return self.guest_address

    def lose_address(self) -> None:
        """Take the guest's address away, as between two networks: it can neither send nor receive."""
        run("ip", "-n", self.namespace, "address", "flush", "dev", self._namespace.guest_interface)

    def gain_address(self) -> str:
        """End `lose_address` with another address than before, as a handover does, and return it."""
        interface = self._namespace.guest_interface
        batch = [f"address add {address} dev {interface}" for address in self._next_addresses()]
        batch.append(self._namespace.default_route)
        run("ip", "-n", self.namespace, "-batch", "-", stdin="\n".join(batch) + "\n")
        return self.guest_address

    def _next_addresses(self) -> list[str]:
        self._guest_number = self._guest_number + 1 if self._guest_number < 250 else 2
        return self._namespace.guest_addresses(self._guest_number)

    def link_up(self) -> None:
        """End `link_drop`, and nothing else, by one command."""
        batch = [f"link set {self._namespace.guest_interface} up", self._namespace.default_route]
        run("ip", "-n", self.namespace, "-batch", "-", stdin="\n".join(batch) + "\n")

    def stop_processes(self) -> None:
        """Let every process inside stand still, as those of a machine that sleeps. What is sent to them waits."""
        self._stopped = self.processes()
        for process in self._stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def continue_processes(self) -> None:
        """End `stop_processes`."""
        stopped, self._stopped = self._stopped, []
        for process in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def let_pass(self) -> None:
        """End the faults that drop packets, and nothing else."""
        self._set_fault("")

    def restore(self) -> None:
        """End every fault. Flows that `kill_media` killed stay dead, and a changed address stays changed."""
        self.continue_processes()
        run("ip", "-n", self.namespace, "link", "set", self._namespace.guest_interface, "up")
        if self._router is not None:
            self._router.restore()
        self._namespace.add_default_route()
        self._set_fault("")

    def kill_media(self) -> int:
        """Drop every UDP flow of the last 30 s for good, as if its NAT binding had expired; return how many.

        A flow is identified by its end at the guest: a new peer connection has new ports and is not affected. Call it at
        the drop: flows that begin later are not affected.
        """
        return self._kill(UDP)

    def kill_signaling(self) -> int:
        """Drop every TCP flow of the last 30 s for good, the WebSocket among them; return how many."""
        return self._kill(TCP)

    def revive(self) -> None:
        """Let the killed flows pass again."""
        flush = "".join(f"flush set inet {self._namespace.table} dead{suffix}\n" for suffix in SUFFIXES)
        self._nft_both(flush, flush)

    @contextlib.contextmanager
    def dropped(self, fault: LabFault = "silent", *, dead_media: bool = False) -> Iterator[None]:
        """Keep a fault active for the length of a `with` block.

        Args:
            fault: the fault.
            dead_media: kill the media flows too, see `kill_media`.

        Raises:
            WrongArgumentError: there is no such fault.
        """
        check_name("fault of a network lab", fault, get_args(LabFault))
        faults: dict[LabFault, Callable[[], object]] = {
            "silent": self.silent_drop,
            "link": self.link_drop,
            "media-only": self.media_only_drop,
            "signaling-only": self.signaling_only_drop,
            "handover": self.address_change,
            "uplink": self.uplink_drop,
            "downlink": self.downlink_drop,
            "ipv4": self.ipv4_drop,
            "ipv6": self.ipv6_drop,
        }
        try:
            if dead_media:
                self.kill_media()
            faults[fault]()
            yield
        finally:
            self.restore()

    # --- evidence ---

    def counters(self) -> Counters:
        """Return how many packets have passed and been dropped so far."""
        host, guest = (self._read(where, "counters") for where in (self._nft_host, self._nft_guest))
        return Counters(
            *(
                next(item["counter"]["packets"] for item in listing if item.get("counter", {}).get("name") == name)
                for listing in (host, guest)
                for name in ("passed", "dropped")
            )
        )

    def passed_by_protocol(self, *, from_guest_only: bool = False) -> tuple[int, int]:
        """Return how many packets of TCP and of UDP have arrived so far.

        Packets to a guest without an address still cross the link and count, though nothing receives them.

        Args:
            from_guest_only: count those that arrived at the host only, not both ways.
        """
        listings = [self._read(self._nft_host, "counters")]
        if not from_guest_only:
            listings.append(self._read(self._nft_guest, "counters"))
        found = dict.fromkeys(("passed_tcp", "passed_udp"), 0)
        for counter in (item["counter"] for listing in listings for item in listing if "counter" in item):
            if counter["name"] in found:
                found[counter["name"]] += counter["packets"]
        return found["passed_tcp"], found["passed_udp"]

    async def verify_silence(self, seconds: float = 0.3) -> None:
        """Check that no packet passes in either direction for a while.

        Args:
            seconds: how long.

        Raises:
            LabError: one does.
            WrongArgumentError: `seconds` is no time.
        """
        check_number("seconds", seconds, unit="seconds", most=600)
        before = self.counters()
        await asyncio.sleep(seconds)
        if passed := self.counters().passed - before.passed:
            raise LabError(f"{passed} packets passed in {seconds} s of silence")

    def departures(self) -> list[Departure]:
        """Return what the guest sent to other machines or to name servers. None of it arrived: the lab drops it."""
        found = []
        for suffix in SUFFIXES:
            for element in self._elements(f"strays{suffix}", self._nft_host):
                protocol, address, port = element["elem"]["val"]["concat"]
                found.append(Departure(int(protocol), address, int(port), element["elem"]["counter"]["packets"]))
        return found

    # --- nftables ---

    def _set_fault(self, rule: str, direction: Direction = "both") -> None:
        """Replace the fault: what the guest sends is dropped at the host, and what it receives at the guest."""
        check_name("direction", direction, DIRECTIONS)
        chain = f"inet {self._namespace.table} faults"
        lift = f"flush chain {chain}\n"
        set_it = lift + (f"add rule {chain} {rule}\n" if rule else "")
        self._nft_both(lift if direction == "down" else set_it, lift if direction == "up" else set_it)

    def _kill(self, protocol: int) -> int:
        """Add the guest's ends of flows to `dead`. Behind a router each end of the lab sees others."""
        flows = 0
        for nft, suffix in itertools.product((self._nft_guest, self._nft_host), SUFFIXES):
            ends = [tuple(element["elem"]["val"]["concat"]) for element in self._elements(f"ends{suffix}", nft)]
            killed = [f"{protocol} . {address} . {port}" for number, address, port in ends if int(number) == protocol]
            if killed:
                add = f"add element inet {self._namespace.table} dead{suffix} {{ {', '.join(killed)} }}\n"
                self._nft_both(add, add)
            flows += len(killed) if nft == self._nft_host else 0
        return flows

    def _elements(self, name: str, nft: Callable[..., str]) -> list[dict[str, Any]]:
        (found,) = (item["set"] for item in self._read(nft, "set", name) if "set" in item)
        elements: list[dict[str, Any]] = found.get("elem", [])
        return elements

    def _read(self, nft: Callable[..., str], what: str, name: str = "") -> list[dict[str, Any]]:
        scope = f"table inet {self._namespace.table}" if what == "counters" else f"inet {self._namespace.table} {name}"
        listing: dict[str, list[dict[str, Any]]] = json.loads(nft(f"list {what} {scope}\n", "-j", "-n"))
        return listing["nftables"]

    def _nft_both(self, host: str, guest: str) -> None:
        self._nft_host(host)
        self._nft_guest(guest)

    def _nft_host(self, script: str, *options: str) -> str:
        self._namespace.check_open()
        return run("nft", *options, "-f", "-", stdin=script)

    def _nft_guest(self, script: str, *options: str) -> str:
        return self._namespace.run("nft", *options, "-f", "-", stdin=script)


@functools.cache
def lab_unavailable_reason() -> str | None:
    """Return why no network lab can be made here and what to do about it, or None when one can.

    Source: pyvidu's own.
    """
    if sys.platform != "linux":
        return f"network labs need Linux (network namespaces), this is {sys.platform}: {_WITHOUT}"
    if os.geteuid() != 0:
        return (
            "network labs need root (network namespaces): run `sudo -E env PATH=$PATH pytest`, or in a user "
            f"namespace (docs/testing.md); or {_WITHOUT}"
        )
    missing = {"ip": "iproute2", "nft": "nftables"}
    packages = [package for tool, package in missing.items() if find_tool(tool) is None]
    if packages:
        return f"network labs need {' and '.join(packages)}: apt-get install {' '.join(packages)}"
    try:
        probe_namespace()
    except LabError as error:
        return (
            f"this machine does not permit network namespaces or nftables rules ({error}). A container needs `docker run "
            f"--privileged`; or {_WITHOUT}"
        )
    return None


_WITHOUT = "use the faults of the server, which need neither (`server.fault`)"
