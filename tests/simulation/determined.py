"""Patches that make everything random in a world follow from its seed and report its errors and measurements."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from unittest import mock

from pyvidu.media.plane import MediaPlane
from pyvidu.media.recovery import MediaRecovery
from pyvidu.reconnection.rtt import RoundTrip
from tests.simulation import simulated_host
from tests.simulation.jumping import JumpingMediaPlane, JumpingMediaRecovery


class _Secrets:
    """Stands in for `secrets` in the server's ids: pseudo-random, from a seed."""

    def __init__(self, dice: Random) -> None:
        self.choice = dice.choice
        self._dice = dice

    def token_hex(self, size: int) -> str:
        return f"{self._dice.getrandbits(8 * size):0{2 * size}x}"


@contextmanager
def determined(seed: int, *, jumps: bool = True) -> Iterator[None]:
    """Make everything random follow from `seed`. With `jumps`, polls that find nothing are skipped."""
    simulated_host.number_peers_anew()
    hosts = count(1)

    def die() -> Callable[[], float]:
        return Random(f"{seed} jitter {next(hosts)}").random

    with (
        mock.patch("pyvidu.server.ids.secrets", _Secrets(Random(f"{seed} ids"))),
        # Each host has its own: whose timer of the same moment comes first must not matter.
        mock.patch("tests.simulation.simulated_host.die", die),
        mock.patch("pyvidu.membership.membership.MediaPlane", JumpingMediaPlane if jumps else MediaPlane),
        mock.patch("pyvidu.media.plane.MediaRecovery", JumpingMediaRecovery if jumps else MediaRecovery),
    ):
        yield


@contextmanager
def measurements_go_to(tell: Callable[[RoundTrip, float], None]) -> Iterator[None]:
    """Call `tell` with every round trip that a client measures, before it is taken into account."""
    sample = RoundTrip.sample

    def watched(estimate: RoundTrip, value: float) -> None:
        tell(estimate, value)
        sample(estimate, value)

    with mock.patch.object(RoundTrip, "sample", watched):
        yield


class _Errors(logging.Handler):
    def __init__(self, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record)


@contextmanager
def errors_go_to(tell: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Call `tell` with every error that the package logs; other log records are not even formatted."""
    logger, handler = logging.getLogger("pyvidu"), _Errors(tell)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
