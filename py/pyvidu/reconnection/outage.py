"""The record of one outage: what was seen, concluded and done, and when. Times are seconds since its first evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EntryKind = Literal["evidence", "verdict", "action", "stream"]
OutageEnd = Literal["reconnected", "rejoined", "sessionDisconnected"]


@dataclass(frozen=True, slots=True)
class OutageEntry:
    """One line of the record."""

    at: float
    kind: EntryKind
    text: str


@dataclass(slots=True)
class Outage:
    """An outage, from the verdict that the network is gone to its end.

    `end` is None while it lasts. Stream entries may follow the end: media is proved after the signaling plane is back.
    """

    began_at: float
    witness: str
    attempts: int = 0
    end: OutageEnd | None = None
    duration: float | None = None
    entries: list[OutageEntry] = field(default_factory=list)

    def note(self, now: float, kind: EntryKind, text: str) -> None:
        """Adds a line."""
        self.entries.append(OutageEntry(round(now - self.began_at, 3), kind, text))

    def finish(self, now: float, end: OutageEnd) -> None:
        """Ends it."""
        self.end = end
        self.duration = round(now - self.began_at, 3)
        self.note(now, "verdict", end)

    def to_dict(self) -> Mapping[str, Any]:
        """The record as JSON-ready values."""
        return {
            "witness": self.witness,
            "attempts": self.attempts,
            "end": self.end,
            "duration": self.duration,
            "entries": [{"at": entry.at, "kind": entry.kind, "text": entry.text} for entry in self.entries],
        }

    def __str__(self) -> str:
        lasted = "still going on" if self.duration is None else f"{self.duration:.1f} s"
        return f"outage ({self.witness}), {lasted}, {self.attempts} attempts, ended in {self.end or 'nothing yet'}"
