"""Where the time of an outage went, from pyvidu's own records. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.measure import RECONNECTING
from benchmarks.trial import TrialRecord

_IDS = re.compile(r"\b(?:str|con)_\w+")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def aligned(record: TrialRecord) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yield each outage of the trial with the offset in seconds that makes its times count from the fault.

    The record's first verdict and the event `reconnecting` happen at the same moment.
    """
    began = [
        event.at for event in record.page.events if event.name == RECONNECTING and event.at >= record.fault.applied
    ]
    for at, outage in zip(began, record.page.outages, strict=False):
        verdict = next((entry["at"] for entry in outage["entries"] if entry["kind"] == "verdict"), 0.0)
        yield at - record.fault.applied - verdict, outage


def breakdown(records: Sequence[TrialRecord]) -> dict[str, list[tuple[str, float, int]]]:
    """Return, for `records` of one cell, each kind of step with its median time in ms and its number of trials.

    `drop` counts from the fault and has the steps before the return, `return` counts from the return. {} when no trial
    has a record, as with the official client.
    """
    found: dict[str, dict[str, list[float]]] = {"drop": {}, "return": {}}
    for record in records:
        back = record.fault.removed - record.fault.applied
        seen = set()
        for shift, outage in aligned(record):
            for entry in outage["entries"]:
                at = entry["at"] + shift
                phase, start = ("return", back) if at >= back else ("drop", 0.0)
                step = f"{entry['kind']}: {entry.get('name') or _general(entry['text'])}"
                if (phase, step) not in seen:  # only its first occurrence counts
                    seen.add((phase, step))
                    found[phase].setdefault(step, []).append((at - start) * 1000)
    return {
        phase: sorted(
            ((step, round(statistics.median(times), 1), len(times)) for step, times in steps.items()),
            key=lambda item: item[1],
        )
        for phase, steps in found.items()
        if steps
    }


def _general(text: str) -> str:
    return _NUMBERS.sub("N", _IDS.sub("STREAM", text))
