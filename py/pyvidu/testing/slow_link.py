"""A link with delay: two TAP devices, and a process that forwards frames from one to the other after the delay.

For kernels without `netem`. Run as `python -m pyvidu.testing.slow_link`; `NetworkLab(rtt=...)` does it. The devices are
removed when the process ends. Frames keep their order, as in a queue.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, field

from pyvidu.testing.errors import LabUnavailableError

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_FRAME = 65536
_READY = "ready"


def start_slow_link(one_end: str, other_end: str, *, delay: float, jitter: float = 0.0) -> subprocess.Popen[str]:
    """Make the devices `one_end` and `other_end`, with `delay` to `delay + jitter` seconds between them, each way.

    Raises LabUnavailableError where no TAP devices can be made. Ending the process removes both devices.
    """
    command = [sys.executable, "-m", __name__, one_end, other_end, str(delay), str(jitter)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline().strip() != _READY:
        process.kill()
        process.wait()
        raise LabUnavailableError(
            "this machine has no TAP devices (/dev/net/tun), so that links cannot be delayed: pass no `rtt` and no "
            "`jitter`, or give the container the device (`--device /dev/net/tun`)"
        )
    return process


@dataclass
class _Direction:
    """One direction: frames read from one device are written to the other when they are due."""

    source: int
    sink: int
    delay: float
    jitter: float
    queue: deque[tuple[float, bytes]] = field(default_factory=deque)

    def readable(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            frame = os.read(self.source, _FRAME)
        except OSError:  # the device is down
            return
        due = loop.time() + self.delay + random.random() * self.jitter  # noqa: S311 - a slow network, no secret
        if self.queue:
            due = max(due, self.queue[-1][0])
        self.queue.append((due, frame))
        if len(self.queue) == 1:
            loop.call_at(due, self._deliver)

    def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while self.queue and self.queue[0][0] <= loop.time() + 0.0005:
            _, frame = self.queue.popleft()
            try:
                os.write(self.sink, frame)
            except OSError:  # the device is down, and so is the link
                continue
        if self.queue:
            loop.call_at(self.queue[0][0], self._deliver)


def _tap(name: str) -> int:
    import fcntl  # not on Windows, where the rest of the test kit may still be imported

    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return device


async def _carry(one_end: str, other_end: str, delay: float, jitter: float) -> None:
    one, other = _tap(one_end), _tap(other_end)
    loop = asyncio.get_running_loop()
    for way in (_Direction(one, other, delay, jitter), _Direction(other, one, delay, jitter)):
        loop.add_reader(way.source, way.readable)
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    # End with the process that started this one: its end of the pipe closes even when it is killed.
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_carry(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
