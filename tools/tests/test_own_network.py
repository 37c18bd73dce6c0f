"""A network for one of several test runs side by side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.generated import ROOT

SCRIPT = ROOT / "tools" / "own_network.sh"

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 80), timeout=5)
except ConnectionRefusedError:
    print("refused")
"""

SEND = """
import socket
try:
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.7", 3478))
except PermissionError:
    print("refused")
"""


def run_inside(*command: str) -> str:
    """Return what a command prints in a network of its own."""
    return subprocess.run([SCRIPT, *command], capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def permitted() -> None:
    tried = subprocess.run([SCRIPT, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no network of its own can be made here: {tried.stderr}")


@pytest.mark.parametrize("address", ["203.0.113.7", "10.212.0.1"])
def test_connections_to_other_hosts_are_refused(address: str) -> None:
    assert run_inside(sys.executable, "-c", CONNECT, address) == "refused\n"


def test_datagrams_to_other_hosts_are_refused() -> None:
    assert run_inside(sys.executable, "-c", SEND) == "refused\n"


def test_namespaces_inside_are_not_seen_outside_and_neither_the_other_way() -> None:
    make = "from pyvidu.testing import NetworkLab; print(NetworkLab().namespace)"
    assert run_inside(sys.executable, "-c", make) == "pyvidu-lab-0\n", "the first of all"
    run_inside("ip", "netns", "add", "only-inside")
    outside = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert "only-inside" not in outside


def test_temporary_files_are_in_a_folder_of_its_own() -> None:
    script = "import tempfile; print(tempfile.mkdtemp())"
    assert not Path(run_inside(sys.executable, "-c", script).strip()).exists()


def test_exit_code_and_arguments_are_those_of_the_command() -> None:
    done = subprocess.run([SCRIPT, "sh", "-c", 'test "$1" = "two words" && exit 7', "sh", "two words"], check=False)
    assert done.returncode == 7
