"""What was measured beside an attack, and whether the call felt it. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

GAP_S = 0.5
MEDIAN_S, WORST_S = 0.1, 0.5
MEMORY_MIB, MEMORY_SHARE = 20.0, 0.1
TRIALS = 3
"""An attack that seems to be felt is repeated: on a shared machine others take the core too. Felt is what two trials say."""


@dataclass(frozen=True)
class Resources:
    """What the server holds: memory (PSS) in MiB, descriptors, participants."""

    memory: float
    descriptors: int
    participants: int

    def is_back(self, baseline: Resources) -> bool:
        """Return whether nothing is held any more that the baseline did not have."""
        allowed = max(MEMORY_MIB, MEMORY_SHARE * baseline.memory)
        return (
            self.memory <= baseline.memory + allowed
            and self.descriptors <= baseline.descriptors
            and self.participants <= baseline.participants
        )


@dataclass(frozen=True)
class Trial:
    """An attack, or none. Times are seconds; all but `settled` are of the attack and the time until all was released."""

    name: str
    seconds: float
    gap: float
    """The longest time without a frame on any leg of the call."""
    healthz: Sequence[float]
    cpu: float
    """What the server's process used during the attack."""
    waited: float
    """How long the server was ready to run and had no core, during the attack."""
    settled: float | None
    """From the end of the attack until everything was released; None if that did not come."""
    held: Resources
    """At the end."""
    told: str = ""
    breach: str = ""

    @property
    def median(self) -> float:
        """Return the median time of `/healthz`."""
        return statistics.median(self.healthz)

    @property
    def worst(self) -> float:
        """Return the longest time of `/healthz`."""
        return max(self.healthz)

    def felt(self, baseline: Resources) -> list[str]:
        """Return what the call, or one who asks, felt of it, in words."""
        found = [f"got in: {self.breach}"] if self.breach else []
        if self.gap > GAP_S:
            found.append(f"no frame for {self.gap:.2f} s")
        if self.median > MEDIAN_S:
            found.append(f"/healthz {1000 * self.median:.0f} ms at the median")
        if self.worst > WORST_S:
            found.append(f"/healthz {1000 * self.worst:.0f} ms at worst")
        if self.settled is None:
            held = self.held
            found.append(
                f"held at the end: {held.memory - baseline.memory:+.0f} MiB,"
                f" {held.descriptors - baseline.descriptors:+d} descriptors,"
                f" {held.participants - baseline.participants:+d} participants"
            )
        return found

    def line(self, baseline: Resources) -> str:
        """Return the numbers as one line."""
        released = f"released after {self.settled:.1f} s" if self.settled is not None else "not released"
        return (
            f"frames {1000 * self.gap:.0f} ms apart at most, /healthz {1000 * self.median:.0f} ms at the median,"
            f" {1000 * self.worst:.0f} ms at worst; {self.cpu:.2f} s CPU in {self.seconds:.1f} s,"
            f" {self.waited:.2f} s without a core; {self.held.memory - baseline.memory:+.0f} MiB, {released}"
        )


def needs_another(verdicts: Sequence[bool]) -> bool:
    """Return whether the trials so far, felt or not, do not decide."""
    return bool(verdicts) and verdicts[0] and len(verdicts) < TRIALS and not is_felt(verdicts)


def is_felt(verdicts: Sequence[bool]) -> bool:
    """Return whether two trials say that the attack was felt."""
    return sum(verdicts) >= 2
