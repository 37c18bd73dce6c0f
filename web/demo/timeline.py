"""An outage's record as lanes, bars and points on a time axis, and as sentences. It does not touch the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NotRequired, TypedDict

from pyvidu import Outage
from pyvidu.reconnection.outage import Attempt, OutageEntry, StreamStep

_ONE_MOMENT = 0.02  # seconds; entries closer together are drawn as one point
_BEFORE = 2.0  # seconds before the verdict that the chart shows, at most, for the evidence that led to it
_POSITIVE = (
    "WentOnline",
    "RtpReturned",
    "RtpSteady",
    "PongReceived",
    "ServerReached",
    "AttemptOpened",
    "ResumeAccepted",
)
_NEUTRAL = ("NetworkChanged", "WokeUp")
_TRIED = {"resumed": ("good", "resumed"), "closed": ("bad", "closed"), "dropped": ("warn", "dropped")}
_STEPS = {
    "healthy": ("good", "healthy"),
    "paused": ("quiet", "paused"),
    "recovering": ("warn", "recovering"),
    "frozen": ("bad", "frozen"),
    "renegotiating": ("warn", "renegotiating"),
    "connected": ("accent", "connected"),
    "failed": ("bad", "not renegotiated"),
    "given up": ("bad", "given up"),
}
_OUTCOMES = {
    "healthy": "recovered without renegotiation",
    "paused": "paused",
    "renegotiated": "renegotiated",
    "frozen": "frozen",
    None: "being checked",
}
_ENDS = {"reconnected": "Reconnected", "rejoined": "Rejoined", "sessionDisconnected": "Disconnected"}


class Point(TypedDict):
    """What was seen or concluded at one time."""

    lane: int
    at: float
    tone: str
    label: str
    text: str


Bar = TypedDict(
    "Bar",
    {"lane": int, "from": float, "to": float, "tone": str, "label": str, "text": str, "short": NotRequired[str]},
)


class Story(TypedDict):
    """What `chart.js` draws. Times are seconds since the verdict that began the outage."""

    lanes: list[str]
    begins: float
    until: float
    ends: float | None
    end: str | None
    evidence: list[Point]
    verdicts: list[Point]
    attempts: list[Bar]
    streams: list[Bar]


def story(outage: Outage, names: Mapping[str, str]) -> Story:
    """Return what the chart draws."""
    last = max([0.0, outage.duration or 0.0, *(entry.at for entry in outage.entries)])
    until = last + max(0.4, 0.06 * last)
    begins = max(-_BEFORE, min([0.0, *(entry.at for entry in outage.entries)]))
    streams = list(outage.streams)
    return {
        "lanes": ["Evidence", "Verdicts", "Attempts", *(names.get(stream, "A stream") for stream in streams)],
        "begins": round(begins, 3),
        "until": round(until, 3),
        "ends": outage.duration,
        "end": outage.end,
        "evidence": [
            {"lane": 0, "at": 0.0, "tone": "bad", "label": outage.witness, "text": f"First evidence: {outage.witness}"},
            *_points([entry for entry in outage.entries if entry.kind == "evidence" and entry.at >= begins], 0, _tone),
        ],
        "verdicts": _points([entry for entry in outage.entries if entry.kind == "verdict"], 1, _verdict_tone),
        "attempts": [_attempt(number, item, until) for number, item in enumerate(outage.tries, start=1)],
        "streams": [
            bar
            for lane, stream in enumerate(streams, start=3)
            for bar in _bars(outage.streams[stream].steps, lane, names.get(stream, "A stream"), until)
        ],
    }


def summary(outage: Outage, names: Mapping[str, str]) -> str:
    """Return the outage in a few short sentences."""
    tried = f"{outage.attempts} attempt{'' if outage.attempts == 1 else 's'}"
    if outage.end is None:
        told = [f"First evidence: {outage.witness}", f"{tried} so far"]
    else:
        told = [f"First evidence: {outage.witness}", f"{_ENDS[outage.end]} after {outage.duration:.1f} s and {tried}"]
        if outage.end == "reconnected" and all(item.result != "resumed" for item in outage.tries):
            told.append("The old socket answered first")
    told += [
        f"{names.get(stream, 'A stream')}: {_OUTCOMES[record.outcome]}" for stream, record in outage.streams.items()
    ]
    return ". ".join(told) + "."


def title(outage: Outage) -> str:
    """Return a headline."""
    return "Current outage" if outage.duration is None else f"Outage of {outage.duration:.1f} s"


def said(entry: OutageEntry, names: Mapping[str, str]) -> str:
    """Return a line of the record, with the participant's name instead of the stream's id."""
    return entry.text.replace(entry.stream, names.get(entry.stream, "A stream")) if entry.stream else entry.text


def _points(entries: Sequence[OutageEntry], lane: int, tone: Callable[[str], str]) -> list[Point]:
    """Return points; entries within `_ONE_MOMENT` of the first are one, labelled after the last."""
    groups: list[list[OutageEntry]] = []
    for entry in entries:
        if groups and entry.at - groups[-1][0].at < _ONE_MOMENT:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [
        {
            "lane": lane,
            "at": group[0].at,
            "tone": tone(group[-1].name),
            "label": (group[-1].name if lane and group[-1].name else group[-1].text)
            + (f", {len(group) - 1} more" if len(group) > 1 else ""),
            "text": "\n".join(f"{entry.at:+.2f} s: {entry.text}" for entry in group),
        }
        for group in groups
    ]


def _tone(evidence: str) -> str:
    if evidence in _NEUTRAL:
        return "quiet"
    return "good" if evidence in _POSITIVE or evidence == "MembershipConfirmed" else "bad"


def _verdict_tone(name: str) -> str:
    return {"down": "warn", "reconnected": "good", "rejoined": "good", "sessionDisconnected": "bad"}.get(name, "quiet")


def _attempt(number: int, item: Attempt, until: float) -> Bar:
    tone, result = _TRIED.get(item.result or "", ("accent", "under way"))
    end = until if item.until is None else item.until
    bar = _bar(2, item.at, end, tone, f"{number}, {result}", f"Attempt {number}, {result}")
    return {**bar, "short": str(number)}


def _bars(steps: Sequence[StreamStep], lane: int, name: str, until: float) -> list[Bar]:
    """Return the bars of a stream's lane: "not checked" until its first step, then each step until the next."""
    bars = [_bar(lane, 0.0, steps[0].at, "unknown", "not checked", f"{name}: not checked yet")]
    for item, following in zip(steps, [*(step.at for step in steps[1:]), until], strict=True):
        tone, label = _STEPS[item.step]
        because = f" ({item.because})" if item.because else ""
        bars.append(_bar(lane, item.at, following, tone, label, f"{name}: {label}{because}"))
    return bars


def _bar(lane: int, begins: float, ends: float, tone: str, label: str, text: str) -> Bar:
    when = f"+{begins:.2f} s to +{ends:.2f} s: "
    return {"lane": lane, "from": begins, "to": ends, "tone": tone, "label": label, "text": when + text}
