"""The requests about Kurento's filters (`protocol.md` 3). See `protocol/messages.py` for how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pyvidu.protocol.messages import Call


@dataclass(frozen=True, slots=True)
class ApplyFilter(Call):
    """Applies a filter to a stream; `options` is JSON text."""

    method: ClassVar[str] = "applyFilter"
    type: str
    stream_id: str
    options: str


@dataclass(frozen=True, slots=True)
class RemoveFilter(Call):
    """Removes the filter of a stream."""

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
    """The parameters of both `addFilterEventListener` and `removeFilterEventListener`."""

    stream_id: str
    event_type: str


@dataclass(frozen=True, slots=True)
class AddFilterEventListener(FilterEventListener):
    """Asks for the events of a type of a stream's filter."""

    method: ClassVar[str] = "addFilterEventListener"


@dataclass(frozen=True, slots=True)
class RemoveFilterEventListener(FilterEventListener):
    """Asks for them no more."""

    method: ClassVar[str] = "removeFilterEventListener"
