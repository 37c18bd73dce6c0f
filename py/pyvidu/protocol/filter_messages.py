"""The requests about Kurento's filters (`protocol.md` 3). See `messages.py` for how messages are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pyvidu.protocol.messages import Call


@dataclass(frozen=True, slots=True)
class ApplyFilter(Call):
    """`options` is JSON text."""

    method: ClassVar[str] = "applyFilter"
    type: str
    stream_id: str
    options: str


@dataclass(frozen=True, slots=True)
class RemoveFilter(Call):
    """Takes the filter of a stream away."""

    method: ClassVar[str] = "removeFilter"
    stream_id: str


@dataclass(frozen=True, slots=True)
class ExecFilterMethod(Call):
    """Calls `method_` of a stream's filter; `params` is JSON text."""

    method: ClassVar[str] = "execFilterMethod"
    stream_id: str
    method_: str
    params: str


@dataclass(frozen=True, slots=True)
class FilterEventListener(Call):
    """`addFilterEventListener` and `removeFilterEventListener` have the same parameters."""

    stream_id: str
    event_type: str
