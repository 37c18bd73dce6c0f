"""A network namespace joined to this machine by a pair of virtual interfaces, or by way of a router in another namespace.

All of it is removed completely. Linux and root only. Several test runs may have one each: a locked file per slot marks
those in use, and the kernel releases that lock even when its owner was killed, so what a crashed run left is recognised
and removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pyvidu.testing.commands import run
from pyvidu.testing.errors import LabError
from pyvidu.testing.slow_link import start_slow_link

_LOCKS = Path("/run/pyvidu-lab")
_SLOTS = 64
_PROBE = "pyvidu-probe-"
HOST_NAME = "host.lab.test"
"""This machine, to the guest. Names in `.test` are nobody's (RFC 6761)."""


def probe_namespace() -> None:
    """Make a namespace, list its firewall rules and remove it. Raises LabError where that is not allowed."""
    _remove_old_probes()
    name = f"{_PROBE}{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "netns", "exec", name, "nft", "list", "ruleset")
    finally:
        run("ip", "netns", "delete", name)


class Namespace:
    """One slot's namespace `pyvidu-lab-N`, reached over 10.213.N.0/24: the host is .1, the guest inside .2 and up.

    With a router, that is .2, in the namespace `pyvidu-lab-N-router`, and the guest behind it is 192.168.1.2 and up: a
    network that no other namespace sees, so that all labs may use the same. With IPv6 it has fd00:213:N::/64 besides.
    `folder` is a temporary folder, removed with it.
    """

    def __init__(self, *, delay: float = 0.0, jitter: float = 0.0, router: bool = False, ipv6: bool = False) -> None:
        self._delay, self._jitter, self._routed = delay, jitter, router
        self._link: subprocess.Popen[str] | None = None
        self._lock, slot = _take_slot()
        self.name = f"pyvidu-lab-{slot}"
        self.table = f"pyvidu_lab_{slot}"
        self.host_interface = f"pvlab{slot}h"
        self.guest_interface = f"pvlab{slot}g"
        self.router_name = f"{self.name}-router"
        self.router_interface = "outside"  # towards the host
        self.router_inside = "inside"  # towards the guest
        self.router_address = f"10.213.{slot}.2"
        self.host_address = f"10.213.{slot}.1"
        self.network = "192.168.1" if router else f"10.213.{slot}"
        self.network6 = f"fd00:213:{slot:x}:" if ipv6 else ""
        self._files = Path("/etc/netns", self.name)  # what `ip netns exec` puts in the place of those in /etc
        self._resolver, self.hosts = self._files / "resolv.conf", self._files / "hosts"
        self._remove()
        self._check_removed()
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
            self._lock.write(str(self.folder))  # for whoever finds it if this process is killed
            self._lock.flush()
            self._create()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove all that was created, and kill the processes inside. May be called twice."""
        if not self._lock.closed:
            self._remove()
            self._lock.close()

    @property
    def closed(self) -> bool:
        """Return whether it was removed."""
        return self._lock.closed

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command inside and return what it printed. Raises LabError if it fails, or `close` was called."""
        self.check_open()
        return run("ip", "netns", "exec", self.name, *command, stdin=stdin)

    def check_open(self) -> None:
        """Check that it is there. Raises LabError."""
        if self.closed:
            raise LabError("this network lab was closed: its network and the processes in it are gone")

    def add_default_route(self) -> None:
        """Route everything to the host, as to a home router: without a default route a browser reports offline."""
        run("ip", "-n", self.name, "-batch", "-", stdin=f"{self.default_route}\n")

    @property
    def default_route(self) -> str:
        """Return the `ip` commands that set the default routes, as lines of a batch."""
        gateways = [f"{self.network}.1"] + ([f"{self.network6}:1"] if self.network6 else [])
        return "\n".join(f"route replace default via {gateway}" for gateway in gateways)

    def guest_addresses(self, number: int) -> list[str]:
        """Return the addresses that the guest has at a time, with the length of the network's prefix, as `ip` wants them."""
        return [f"{self.network}.{number}/24"] + ([f"{self.network6}:{number:x}/64 nodad"] if self.network6 else [])

    def _create(self) -> None:
        # DNS queries go to the host, where the lab drops them and counts them as departures. The root of a user namespace may
        # not write there: then they go to the name server of this machine, and are dropped and counted likewise.
        with contextlib.suppress(PermissionError):
            self._files.mkdir(parents=True)
            self._resolver.write_text(f"nameserver {self.host_address}\noptions timeout:1 attempts:1\n", "ascii")
            addresses = [self.host_address] + ([f"{self.network6}:1"] if self.network6 else [])
            names = "".join(f"{address} {HOST_NAME}\n" for address in addresses)
            known = Path("/etc/hosts")  # this machine's names, for whose own Firefox asks
            self.hosts.write_bytes(names.encode("ascii") + (known.read_bytes() if known.exists() else b""))
        run("ip", "netns", "add", self.name)
        # Without `keep_addr_on_down` the guest would lose its IPv6 addresses whenever its link goes down.
        there = "default/keep_addr_on_down" if self.network6 else "all/disable_ipv6"
        self.run("sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{there} 2>/dev/null || true")
        if self._routed:
            self._create_router()
            self._connect_host(self.router_interface, self.router_name)
            run("ip", "link", "add", self.guest_interface, "netns", self.name, "type", "veth",
                "peer", "name", self.router_inside, "netns", self.router_name)  # fmt: skip
            self.set_up(self.router_name, self.router_interface, f"{self.router_address}/24")
            self.set_up(self.router_name, self.router_inside, f"{self.network}.1/24")
            run("ip", "-n", self.router_name, "route", "add", "default", "via", self.host_address)
        else:
            self._connect_host(self.guest_interface, self.name)
        self.set_up(self.name, self.guest_interface, *self.guest_addresses(2))
        outside = [
            f"address add {self.host_address}/24 dev {self.host_interface}",
            f"link set {self.host_interface} up",
        ]
        if self.network6:
            Path(f"/proc/sys/net/ipv6/conf/{self.host_interface}/disable_ipv6").write_text("0")
            outside.append(f"address add {self.network6}:1/64 nodad dev {self.host_interface}")
        run("ip", "-batch", "-", stdin="\n".join(outside) + "\n")
        self.add_default_route()

    def _create_router(self) -> None:
        run("ip", "netns", "add", self.router_name)
        forward = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv4/ip_forward"
        run("ip", "netns", "exec", self.router_name, "sh", "-c", forward)

    def _connect_host(self, other_end: str, namespace: str) -> None:
        """Join the host with the interface `other_end` of a namespace, by a pair of interfaces or a link with delay."""
        if self._delay or self._jitter:
            self._link = start_slow_link(self.host_interface, other_end, delay=self._delay, jitter=self._jitter)
            run("ip", "link", "set", other_end, "netns", namespace)
        else:
            run("ip", "link", "add", self.host_interface, "type", "veth", "peer", "name", other_end, "netns", namespace)

    @staticmethod
    def set_up(namespace: str, interface: str, *addresses: str) -> None:
        """Give an interface of a namespace addresses, and set it up."""
        added = [f"address add {address} dev {interface}" for address in addresses]
        batch = ["link set lo up", *added, f"link set {interface} up"]
        run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(batch) + "\n")

    def _remove(self) -> None:
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._link is not None:
            self._link.kill()
            self._link.communicate()
            self._link = None
        for command in (
            ("ip", "link", "delete", self.host_interface),
            ("ip", "netns", "delete", self.name),
            ("ip", "netns", "delete", self.router_name),
            ("nft", "delete", "table", "inet", self.table),
        ):
            with contextlib.suppress(LabError):
                run(*command)
        with contextlib.suppress(OSError):
            for file in (self._resolver, self.hosts):
                file.unlink(missing_ok=True)
            self._files.rmdir()  # the folder above stays: another process may be about to make its own in there
        self._lock.seek(0)
        if folder := self._lock.read():
            shutil.rmtree(folder, ignore_errors=True)
        self._lock.truncate(0)

    def _check_removed(self) -> None:
        if Path("/run/netns", self.name).exists() or self.host_interface in (name for _, name in socket.if_nameindex()):
            self._lock.close()
            raise LabError(
                f"a test run that crashed left the network {self.name}, which cannot be removed. As root: `ip netns delete "
                f"{self.name}; ip link delete {self.host_interface}; nft delete table inet {self.table}`"
            )

    def _processes(self) -> Iterator[int]:
        """Yield the ids of processes still inside: all are children of a lab, as nothing else uses the namespace."""
        try:
            yield from (int(pid) for pid in run("ip", "netns", "pids", self.name).split())
        except LabError:
            return


def _take_slot() -> tuple[IO[str], int]:
    """Return the lowest slot that no other lab uses, whose addresses no other interface uses, and its lock."""
    import fcntl  # not on Windows, where the rest of the test kit may still be imported

    foreign = _foreign_networks()
    _LOCKS.mkdir(exist_ok=True)
    for slot in range(_SLOTS):
        if slot in foreign:
            continue
        lock = (_LOCKS / f"{slot}.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
        else:
            return lock, slot
    raise LabError(
        f"all {_SLOTS} network labs of this machine are in use: close some, or run the tests with fewer workers (`-n`)"
    )


def _foreign_networks() -> set[int]:
    """Return the slots whose addresses are routed elsewhere, to a VPN or a container, say."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "root", "10.213.0.0/16") or "[]")
    taken = (route["dst"] for route in routes if not route.get("dev", "").startswith("pvlab"))
    return {int(address.split("/")[0].split(".")[2]) for address in taken}


def _remove_old_probes() -> None:
    """Remove the namespaces of probes whose process was killed meanwhile."""
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0] if line.strip() else ""
        if name.startswith(_PROBE) and not Path("/proc", name.removeprefix(_PROBE)).exists():
            with contextlib.suppress(LabError):
                run("ip", "netns", "delete", name)
