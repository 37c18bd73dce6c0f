"""The network lab of the test kit: where it cannot be made, its arguments, its end. `test_lab.py` tests its faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyvidu.testing import (
    LabError,
    LabUnavailableError,
    NetworkLab,
    WrongArgumentError,
    commands,
    lab_unavailable_reason,
    namespace,
)


@pytest.fixture
def fresh_reason() -> Iterator[None]:
    """Clear the cached answer of `lab_unavailable_reason` before and after this test."""
    lab_unavailable_reason.cache_clear()
    yield
    lab_unavailable_reason.cache_clear()


@pytest.fixture
def lab() -> Iterator[NetworkLab]:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)
    with NetworkLab() as made:
        yield made


def namespaces() -> set[str]:
    listed = subprocess.run(
        [commands.find_tool("ip") or "ip", "netns", "list"], capture_output=True, text=True, check=True
    )
    return {line.split()[0] for line in listed.stdout.splitlines()}


@pytest.mark.usefixtures("fresh_reason")
def test_lab_without_root_says_how_to_get_it_and_what_works_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabUnavailableError, match=r"need root.*sudo -E env PATH=\$PATH pytest.*server\.fault"):
        NetworkLab()


@pytest.mark.usefixtures("fresh_reason")
def test_lab_on_another_system_than_linux_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "network labs need Linux (network namespaces), this is darwin" in (lab_unavailable_reason() or "")


@pytest.mark.usefixtures("fresh_reason")
def test_lab_without_its_tools_names_the_packages_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(commands, "FOR_ROOT", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install iproute2 nftables" in (lab_unavailable_reason() or "")


@pytest.mark.usefixtures("fresh_reason")
def test_lab_that_the_kernel_refuses_is_unavailable_with_the_tools_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ip", "nft"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'Operation not permitted' >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(commands, "FOR_ROOT", "")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(LabUnavailableError, match=r"Operation not permitted.*docker run --privileged"):
        NetworkLab()


def test_tool_that_is_missing_later_is_an_error_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "FOR_ROOT", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabUnavailableError, match="`nft` was not found; install it: apt-get install iproute2 nftables"):
        commands.run("nft", "list", "ruleset")


@pytest.mark.parametrize("options", [{"rtt": -0.1}, {"rtt": 80}, {"jitter": -1}, {"rtt": True}, {"rtt": "80 ms"}])
def test_negative_and_implausible_delays_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(WrongArgumentError, match=r"(rtt|jitter)=.*: give seconds, from 0 to 60"):
        NetworkLab(**options)


def test_unknown_fault_of_a_lab_is_refused_with_the_known_names(lab: NetworkLab) -> None:
    fault: Any = "media_only"
    with (
        pytest.raises(WrongArgumentError, match=r"Did you mean 'media-only'.*silent, link, media-only"),
        lab.dropped(fault),
    ):
        pass
    with pytest.raises(WrongArgumentError, match="percent=101: give percent, from 0 to 100"):
        lab.random_loss(101)


def test_closed_lab_says_that_it_is_closed(lab: NetworkLab) -> None:
    lab.close()
    lab.close()
    assert lab.closed
    for call in (lab.silent_drop, lab.counters, lambda: lab.wrap("/bin/true"), lambda: lab.run("true")):
        with pytest.raises(LabError, match="this network lab was closed"):
            call()
    assert lab.namespace not in namespaces()


def test_fault_ends_when_its_block_raises(lab: NetworkLab) -> None:
    with pytest.raises(ZeroDivisionError), lab.dropped("silent"):
        1 / 0  # noqa: B018
    lab.run(sys.executable, "-c", f"import socket; socket.socket(type=2).sendto(b'x', ({lab.host_address!r}, 9))")
    assert lab.counters().to_host_passed > 0


def test_lab_avoids_addresses_that_another_interface_uses(lab: NetworkLab) -> None:
    slot = int(lab.host_address.split(".")[2])
    taken = next(number for number in range(64) if f"pyvidu-lab-{number}" not in namespaces() and number > slot)
    commands.run("ip", "link", "add", "pvtestdummy", "type", "veth", "peer", "name", "pvtestdummy2")
    try:
        commands.run("ip", "address", "add", f"10.213.{taken}.9/24", "dev", "pvtestdummy")
        commands.run("ip", "link", "set", "pvtestdummy", "up")
        with NetworkLab() as other:
            assert other.host_address != f"10.213.{taken}.1"
    finally:
        commands.run("ip", "link", "delete", "pvtestdummy")


def test_leftover_that_cannot_be_removed_is_an_error_with_the_commands(
    lab: NetworkLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*command: str, stdin: str | None = None) -> str:
        if "delete" in command:
            raise LabError("busy")
        return commands.run(*command, stdin=stdin)

    number = next(number for number in range(64) if f"pyvidu-lab-{number}" not in namespaces())
    name = f"pyvidu-lab-{number}"
    commands.run("ip", "netns", "add", name)
    monkeypatch.setattr(namespace, "run", run)
    try:
        with pytest.raises(LabError, match=f"cannot be removed. As root: `ip netns delete {name}; ip link delete"):
            NetworkLab()
    finally:
        monkeypatch.undo()
        commands.run("ip", "netns", "delete", name)


@pytest.mark.usefixtures("lab")
def test_namespace_of_a_killed_probe_is_removed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    commands.run("ip", "netns", "add", f"pyvidu-probe-{ended.pid}")
    namespace.probe_namespace()
    assert not any(name.startswith("pyvidu-probe-") and name.endswith(str(ended.pid)) for name in namespaces())
