"""From trials to the tables of docs/benchmark.md, one a network, and the short one of README.md. Pure; milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.measure import DISCONNECTED
from benchmarks.networks.measure import NetworkTrial
from benchmarks.networks.restarts import NAMES, RESTARTS, RestartTrial
from benchmarks.networks.rows import NETWORKS, Network
from benchmarks.plan import Client, ServerMode
from benchmarks.results import Percentiles
from benchmarks.statistics import percentiles

Column = tuple[Client, ServerMode]
COLUMNS: tuple[Column, ...] = (("pyvidu", "best"), ("pyvidu", "plain"), ("openvidu-browser", "plain"))
"""Those that every table has; others have a column where they were measured."""
NOT_MEASURED = "not measured"
_PROFILES: dict[ServerMode, str] = {"best": "default", "plain": "kurento"}
_Group = Sequence[NetworkTrial]


def tables(trials: Iterable[NetworkTrial], restarts: Iterable[RestartTrial] = ()) -> str:
    """Return a table for each network and each restart, in Markdown: median / 95th percentile.

    Trials in which an event loop stood still are counted apart, and are in no time. A time of pyvidu whose median misses its
    target is bold.
    """
    found, ended = list(trials), list(restarts)
    parts = [_table(row, [trial for trial in found if trial.network == key]) for key, row in NETWORKS.items()]
    parts += [_restart_table(NAMES[kind], [trial for trial in ended if trial.network == kind]) for kind in RESTARTS]
    return "\n\n".join(parts)


def short_table(trials: Iterable[NetworkTrial]) -> str:
    """Return the table of README.md: medians of when the page was told, and of the longest time without a picture."""
    found = list(trials)
    lines = [f"| told, longest hole | {' | '.join(map(_name, COLUMNS))} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for key, row in NETWORKS.items():
        groups = [[one for one in _of(found, column) if one.network == key and not one.stalled] for column in COLUMNS]
        lines.append(f"| {_title(row)} | {' | '.join(map(_short, groups))} |")
    return "\n".join(lines)


def _table(row: Network, trials: _Group) -> str:
    if not trials:
        return f"{_title(row)}: {NOT_MEASURED}"
    columns = [
        *COLUMNS,
        *dict.fromkeys(column for one in trials if (column := (one.client, one.server)) not in COLUMNS),
    ]
    groups = [_of(trials, column) for column in columns]
    heads = [f"{_name(column)}, {_size(group)}" for column, group in zip(columns, groups, strict=True)]
    lines = [f"| {_title(row)} | target | {' | '.join(heads)} |", "|---" * (2 + len(columns)) + "|"]
    for text, metric, show in _METRICS:
        if row.stays and metric in _RETURNS:
            continue
        target = row.targets.get(metric)
        cells = [
            _cell(metric, show, group, target if client != "openvidu-browser" else None)
            for (client, _), group in zip(columns, groups, strict=True)
        ]
        lines.append(f"| {text} | {_bound(target)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _restart_table(name: str, trials: Sequence[RestartTrial]) -> str:
    if not trials:
        return f"{name}: {NOT_MEASURED}"
    lines = [f"| {name} | target | {' | '.join(f'pyvidu, {_PROFILES[one.server]}' for one in trials)} |"]
    lines.append("|---" * (2 + len(trials)) + "|")
    lines += [f"| {text} | {target} | {' | '.join(map(show, trials))} |" for text, target, show in _RESTART_LINES]
    return "\n".join(lines)


def _cell(metric: str, show: Callable[[Sequence[Any], _Group], str], group: _Group, target: float | None) -> str:
    counted = [trial for trial in group if not trial.stalled]
    if not counted:
        return "-" if group else NOT_MEASURED
    values = [getattr(trial, metric) for trial in counted]
    text = show(values, counted)
    return f"**{text}**" if target is not None and _misses(values, target) else text


def _misses(values: Sequence[float | str | None], target: float) -> bool:
    """Return whether the median misses the target, or, where nothing is to happen, any.

    None is late: what was to be told was not. A text is how a session ended.
    """
    ranked = sorted(_number(value) for value in values)
    return target < (ranked[math.ceil(len(ranked) / 2) - 1] if target else ranked[-1])


def _number(value: float | str | None) -> float:
    if isinstance(value, str):
        return float(value == DISCONNECTED)
    return math.inf if value is None else value


def _told(values: Sequence[float | None], group: _Group) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "nobody"
    never = len(values) - len(found)
    what = "/".join(dict.fromkeys(trial.told_what for trial in group if trial.told_what))
    return f"{_times(percentiles(found, math.inf))} {what}" + (f", {never} times nobody" if never else "")


def _time(values: Sequence[float | None], _group: _Group) -> str:
    return _times(percentiles(values, math.inf))


def _count(values: Sequence[int], _group: _Group) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _ends(values: Sequence[str], _group: _Group) -> str:
    return f"{values.count(DISCONNECTED)} of {len(values)}"


_METRICS: tuple[tuple[str, str, Callable[[Sequence[Any], _Group], str]], ...] = (
    ("told after", "told_ms", _told),
    ("sees nothing for", "see_hole_ms", _time),
    ("is not seen for", "seen_hole_ms", _time),
    ("sees again", "see_back_ms", _time),
    ("is seen again", "seen_back_ms", _time),
    ("`reconnecting`", "reconnecting", _count),
    ("streams renegotiated", "renegotiated", _count),
    ("sockets opened", "sockets", _count),
    ("sessions ended", "end", _ends),
)
_RETURNS = ("see_back_ms", "seen_back_ms")

_RESTART_LINES: tuple[tuple[str, str, Callable[[RestartTrial], str]], ...] = (
    ("participants, with media", "-", lambda one: f"{one.members}, {one.with_media}"),
    ("down for", "-", lambda one: f"{one.down_ms:.0f}"),
    ("told after", "-", lambda one: _times(one.told_ms)),
    ("sockets opened while it was down", "-", lambda one: str(one.sockets_while_down)),
    ("first sockets accepted, from its start on", "-", lambda one: _times(one.tried_ms)),
    ("middle 90 % of them within", "at least 1000", lambda one: f"{one.spread_ms:.0f}"),
    ("joined again, from its start on: last", "at most 5000", lambda one: _last(one.rejoined_ms)),
    ("media, from its rejoin on: last", "at most 3000", lambda one: _last(one.media_ms)),
    ("sessions lost", "0", lambda one: str(one.lost)),
    ("participants' event loop stood still for", "-", lambda one: f"{one.lag_ms:.0f}"),
)


def _short(group: _Group) -> str:
    if not group:
        return NOT_MEASURED
    told = [trial.told_ms for trial in group if trial.told_ms is not None]
    holes = percentiles([max(trial.see_hole_ms, trial.seen_hole_ms) for trial in group], math.inf)
    when = percentiles(told, math.inf)
    assert holes is not None
    return f"{'nobody' if when is None else f'{when.p50 / 1000:.1f} s'}, {holes.p50 / 1000:.1f} s"


def _of(trials: _Group, column: Column) -> list[NetworkTrial]:
    return [trial for trial in trials if (trial.client, trial.server) == column]


def _name(column: Column) -> str:
    return f"{column[0]}, {_PROFILES[column[1]]}"


def _size(group: _Group) -> str:
    stalls = sum(trial.stalled for trial in group)
    return (f"n = {len(group) - stalls}" + (f" (+ {stalls} stalled)" if stalls else "")) if group else NOT_MEASURED


def _title(row: Network) -> str:
    return f"{row.name}, {row.seconds:g} s" if row.seconds else row.name


def _bound(target: float | None) -> str:
    return "-" if target is None else f"at most {target:g}" if target else "0"


def _times(found: Percentiles | None) -> str:
    return "-" if found is None else f"{found.p50:.0f} / {found.p95:.0f}"


def _last(found: Percentiles | None) -> str:
    if found is None:
        return "-"
    return f"never: {found.never} of {found.n}" if found.never else f"{found.max:.0f} (median {found.p50:.0f})"
