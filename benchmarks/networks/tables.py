"""From trials to the tables of docs/benchmark.md, one a metric, and the short one of README.md. Pure; milliseconds."""

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
    """Return a table for each metric, with a line for each network, and one for each restart, in Markdown.

    Times are median / 95th percentile. Trials in which an event loop stood still are counted apart, and are in no time.
    What misses its target with pyvidu, a time with its 95th percentile, is bold.
    """
    found, ended = list(trials), list(restarts)
    more = dict.fromkeys(column for one in found if (column := (one.client, one.server)) not in COLUMNS)
    columns = (*COLUMNS, *more)
    parts = [_table(metric, found, columns) for metric in _TIMES]
    parts.append(_counts(found, columns))
    parts += [_restart_table(NAMES[kind], [trial for trial in ended if trial.network == kind]) for kind in RESTARTS]
    return "\n\n".join(parts)


def short_table(trials: Iterable[NetworkTrial]) -> str:
    """Return the table of README.md: medians of when the page was told, and of the longest time without a picture."""
    found = list(trials)
    lines = _head("told, longest hole", COLUMNS, target=False)
    for key, row in NETWORKS.items():
        cells = [_short(_counted(_of(found, key, column))) for column in COLUMNS]
        lines.append(f"| {_title(row)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _table(metric: str, trials: _Group, columns: Sequence[Column]) -> str:
    lines = _head(_TIMES[metric], columns, target=True)
    for key, row in NETWORKS.items():
        if row.stays and metric in _RETURNS:
            continue
        cells = [_cell(metric, _of(trials, key, column), row.target(metric, column[1])) for column in columns]
        lines.append(f"| {_title(row)} | {_bounds(row, metric)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _counts(trials: _Group, columns: Sequence[Column]) -> str:
    """Return the table of the numbers of trials and of what is counted in them."""
    lines = _head(f"trials: {', '.join(text for text, _ in _COUNTS.values())}", columns, target=False)
    for key, row in NETWORKS.items():
        cells = []
        for column in columns:
            group = _of(trials, key, column)
            counts = [_count_of(metric, group, row.target(metric, column[1])) for metric in _COUNTS]
            cells.append(f"{_size(group)}: {', '.join(counts)}" if group else NOT_MEASURED)
        lines.append(f"| {_title(row)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _head(text: str, columns: Sequence[Column], *, target: bool) -> list[str]:
    names = [*(["target"] if target else []), *map(_name, columns)]
    return [f"| {text} | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]


def _restart_table(name: str, trials: Sequence[RestartTrial]) -> str:
    if not trials:
        return f"{name}: {NOT_MEASURED}"
    lines = [f"| {name} | target | {' | '.join(f'pyvidu, {_PROFILES[one.server]}' for one in trials)} |"]
    lines.append("|---" * (2 + len(trials)) + "|")
    lines += [f"| {text} | {target} | {' | '.join(map(show, trials))} |" for text, target, show in _RESTART_LINES]
    return "\n".join(lines)


def _cell(metric: str, group: _Group, target: float | None) -> str:
    counted = _counted(group)
    if not counted:
        return "-" if group else NOT_MEASURED
    values = [getattr(trial, metric) for trial in counted]
    return _bold_if(
        _told(values, counted) if metric == "told_ms" else _times(percentiles(values, math.inf)),
        _is_ours(group) and target is not None and _late(values) > target,
    )


def _count_of(metric: str, group: _Group, most: float | None) -> str:
    values = [getattr(trial, metric) for trial in _counted(group)]
    if not values:
        return "-"
    numbers = [float(value == DISCONNECTED) if metric == "end" else value for value in values]
    return _bold_if(_COUNTS[metric][1](values), _is_ours(group) and most is not None and max(numbers) > most)


def _late(values: Sequence[float | None]) -> float:
    """Return the 95th percentile. None is late: what was to be told was not."""
    ranked = sorted(math.inf if value is None else value for value in values)
    return ranked[math.ceil(0.95 * len(ranked)) - 1]


def _bold_if(text: str, misses: bool) -> str:
    return f"**{text}**" if misses else text


def _is_ours(group: _Group) -> bool:
    return all(trial.client != "openvidu-browser" for trial in group)


def _told(values: Sequence[float | None], group: _Group) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "nobody"
    never = len(values) - len(found)
    what = "/".join(dict.fromkeys(trial.told_what for trial in group if trial.told_what))
    return f"{_times(percentiles(found, math.inf))} {what}" + (f", {never} times nobody" if never else "")


def _count(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _ends(values: Sequence[str]) -> str:
    return f"{values.count(DISCONNECTED)} ended"


_TIMES = {
    "told_ms": "told after",
    "see_hole_ms": "sees nothing for",
    "seen_hole_ms": "is not seen for",
    "see_back_ms": "sees again",
    "seen_back_ms": "is seen again",
}
_COUNTS: dict[str, tuple[str, Callable[[Sequence[Any]], str]]] = {
    "reconnecting": ("`reconnecting`", _count),
    "renegotiated": ("streams renegotiated", _count),
    "sockets": ("sockets opened", _count),
    "end": ("sessions ended", _ends),
}
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
    found = [trial.told_ms for trial in group if trial.told_ms is not None]
    when = percentiles(found, math.inf)
    told = "nobody" if when is None else f"{when.p50 / 1000:.1f} s"
    if 0 < len(found) < len(group):
        told = f"{len(found)} of {len(group)} {told}"
    if all(trial.end == DISCONNECTED for trial in group):
        return f"{told}, ended"
    holes = percentiles([max(trial.see_hole_ms, trial.seen_hole_ms) for trial in group], math.inf)
    assert holes is not None
    return f"{told}, {holes.p50 / 1000:.1f} s"


def _of(trials: _Group, network: str, column: Column) -> list[NetworkTrial]:
    return [trial for trial in trials if trial.network == network and (trial.client, trial.server) == column]


def _counted(group: _Group) -> list[NetworkTrial]:
    return [trial for trial in group if not trial.stalled]


def _name(column: Column) -> str:
    return f"{column[0]}, {_PROFILES[column[1]]}"


def _size(group: _Group) -> str:
    stalls = sum(trial.stalled for trial in group)
    return f"n = {len(group) - stalls}" + (f" (+ {stalls} stalled)" if stalls else "")


def _title(row: Network) -> str:
    return f"{row.name}, {row.seconds:g} s" if row.seconds else row.name


def _bounds(row: Network, metric: str) -> str:
    """Return the most that is allowed, on both profiles if they differ."""
    usual, kurento = (row.target(metric, server) for server in ("best", "plain"))
    if usual is None:
        return "-"
    return f"{usual:g}" if usual == kurento else f"{usual:g}, `kurento` {kurento:g}"


def _times(found: Percentiles | None) -> str:
    return "-" if found is None else f"{found.p50:.0f} / {found.p95:.0f}"


def _last(found: Percentiles | None) -> str:
    if found is None:
        return "-"
    return f"never: {found.never} of {found.n}" if found.never else f"{found.max:.0f} (median {found.p50:.0f})"
