"""A description of the machine that the numbers were measured on, without anything that identifies it."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks.pages import OFFICIAL_VERSION
from benchmarks.results import Rig


def describe(browsers: Mapping[str, str], seed: int, command: str) -> Rig:
    """Return the rig of this moment. `browsers` has the version of each that was opened."""
    return Rig(
        versions={
            "pyvidu": version("pyvidu"),
            "openvidu-browser": OFFICIAL_VERSION,
            **browsers,
            "python": platform.python_version(),
            "aiortc": version("aiortc"),
            "playwright": version("playwright"),
        },
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load_average=[round(value, 2) for value in os.getloadavg()],
        date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        seed=seed,
        command=command,
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
