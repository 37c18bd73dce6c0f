"""CPU time and memory of processes, out of /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def cpu_s(*pids: int) -> float:
    """Seconds of CPU that processes have used, user and system together. Those that have ended count nothing."""
    return sum(_ticks(pid) for pid in pids) / _TICK


def memory_mib(*pids: int) -> float:
    """Memory that processes have of their own and their share of what is shared (PSS), in MiB."""
    return sum(_pss_kib(pid) for pid in pids) / 1024


def kernel_drops() -> int:
    """UDP datagrams that this machine's kernel has thrown away because a socket's buffer was full."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text("utf-8").splitlines() if line.startswith("Udp:")]
    return int(dict(zip(*lines, strict=True))["RcvbufErrors"])


def whole_cpu_s() -> float:
    """Seconds of CPU that all processes of this machine have used, those of others too."""
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
