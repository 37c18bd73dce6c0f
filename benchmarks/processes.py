"""CPU time and memory of processes, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def cpu_s(*pids: int) -> float:
    """Return the seconds of CPU, user and system, that processes have used. Processes that have ended count as 0."""
    return sum(_ticks(pid) for pid in pids) / _TICK


def memory_mib(*pids: int) -> float:
    """Return the private memory of processes plus their share of shared memory (PSS), in MiB."""
    return sum(_pss_kib(pid) for pid in pids) / 1024


def kernel_drops() -> int:
    """Return the number of UDP datagrams that this machine's kernel dropped because a socket's buffer was full."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text("utf-8").splitlines() if line.startswith("Udp:")]
    return int(dict(zip(*lines, strict=True))["RcvbufErrors"])


def whole_cpu_s() -> float:
    """Return the seconds of CPU that all processes of this machine have used, unrelated ones too."""
    user, nice, system, _idle, _wait, *interrupts = Path("/proc/stat").read_text("utf-8").splitlines()[0].split()[1:8]
    return sum(map(int, (user, nice, system, *interrupts))) / _TICK


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
