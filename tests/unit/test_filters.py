"""The filter of a stream: what is asked of the server, what the stream has then, and what fails without a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest

from pyvidu.errors import (
    CallbackError,
    FilterError,
    NotConnectedError,
    PermissionDeniedError,
    PropertiesError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
)
from pyvidu.filters import Filter, Filtering
from pyvidu.membership import StreamState
from pyvidu.protocol.messages import Call
from pyvidu.protocol.values import FilterInfo, FilterMethod
from tests.virtual_time import virtual_time

KIND, OPTIONS = "GStreamerFilter", {"command": "videobalance saturation=0.0"}
INFO = FilterInfo(KIND, OPTIONS)


class Room:
    """A room whose server answers after a second; `answers` has what it refuses, by method, in turn."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.answers: dict[str, list[Exception | None]] = {}
        self.meanwhile: Any = lambda: None
        self._tasks: list[asyncio.Future[None]] = []

    async def filter_request(self, call: Call, *, repeatable: bool = True, ignore: tuple[int, ...] = ()) -> None:
        self.asked.append((call.method, *(str(getattr(call, name)) for name in call.__slots__)))
        await asyncio.sleep(1)
        self.meanwhile()
        answer = next(iter(self.answers.get(call.method, [])), None)
        if call.method in self.answers:
            del self.answers[call.method][:1]
        if answer is not None and getattr(answer, "code", None) not in ignore:
            raise answer

    def in_background(self, coroutine: Coroutine[object, object, None]) -> asyncio.Future[None]:
        self._tasks.append(asyncio.ensure_future(coroutine))
        return self._tasks[-1]

    @property
    def methods(self) -> list[str]:
        return [method for method, *_ in self.asked]

    def refuses(self, method: str, *codes: int) -> None:
        self.answers[method] = [RequestError(method, code, "no") for code in codes]


class Page:
    """Filters of the page: `own`, `hidden`, and `broken`, which cannot run."""

    def __init__(self) -> None:
        self.shown: list[FilterInfo | None] = []

    def knows(self, kind: str) -> bool:
        return kind in ("own", "hidden", "broken")

    def hides(self, kind: str) -> bool:
        return kind == "hidden"

    async def show(self, wanted: FilterInfo | None) -> None:
        if wanted is not None and wanted.type == "broken":
            raise CallbackError("it is broken")
        self.shown.append(wanted if wanted is not None and self.knows(wanted.type) else None)


class Stage:
    def __init__(self, *, published: bool = True, own: bool = False) -> None:
        self.state = StreamState("str_x" if published else "")
        self.filtering = Filtering(self.state)
        self.room, self.page = Room(), Page()
        self.filtering.room = self.room
        if own:
            self.filtering.page = self.page
        self.reports: list[tuple[Any, ...]] = []
        self.filtering.report = self._report

    def _report(self, new: Filter | None, old: Filter | None, reason: str) -> None:
        self.reports.append((_seen(new), _seen(old), reason))

    async def applied(self, kind: str = KIND, options: Mapping[str, object] | str | None = None) -> Filter:
        made = await self.filtering.apply(kind, OPTIONS if options is None else options)
        self.room.asked.clear()
        self.reports.clear()
        return made


def _seen(told: Filter | None) -> tuple[Any, ...] | None:
    return None if told is None else (told.type, told.options, told.last_exec_method)


@virtual_time
async def test_filter_is_applied_used_and_removed_and_stays_the_same_object() -> None:
    stage = Stage()
    made = await stage.filtering.apply(KIND, OPTIONS)
    assert (made.type, made.options, made.last_exec_method) == (KIND, OPTIONS, None)
    assert made is stage.filtering.current
    await made.exec_method("setElementProperty", {"saturation": "1.0"})
    called = FilterMethod("setElementProperty", {"saturation": "1.0"})
    assert stage.filtering.current is made
    assert made.last_exec_method == called
    await made.exec_method("again")
    await stage.filtering.remove()
    assert stage.filtering.current is None
    again = FilterMethod("again", {})
    assert stage.reports == [
        ((KIND, OPTIONS, None), None, "applyFilter"),
        ((KIND, OPTIONS, called), (KIND, OPTIONS, None), "execFilterMethod"),
        ((KIND, OPTIONS, again), (KIND, OPTIONS, called), "execFilterMethod"),
        (None, (KIND, OPTIONS, again), "removeFilter"),
    ]
    assert stage.room.asked == [
        ("applyFilter", KIND, "str_x", json.dumps(OPTIONS, separators=(",", ":"))),
        ("execFilterMethod", "str_x", "setElementProperty", '{"saturation":"1.0"}'),
        ("execFilterMethod", "str_x", "again", "{}"),
        ("removeFilter", "str_x"),
    ]
    assert repr(made) == f"Filter({KIND!r}, {OPTIONS!r})"


@virtual_time
async def test_listeners_are_kept_when_another_participant_calls_a_method_and_end_with_the_filter() -> None:
    stage = Stage()
    made = await stage.applied()
    await made.add_event_listener("CodeFound", print)
    stage.state.filter = FilterInfo(KIND, OPTIONS, FilterMethod("x"))
    assert stage.filtering.current is made
    assert made.handlers == {"CodeFound": print}
    stage.room.refuses("removeFilterEventListener", 407)  # a repeated request finds none
    await made.remove_event_listener("CodeFound")
    assert made.handlers == {}
    stage.room.refuses("removeFilterEventListener", 407)
    with pytest.raises(RequestError, match="no"):
        await made.remove_event_listener("CodeFound")
    stage.state.filter = FilterInfo("ZBarFilter")
    assert stage.filtering.current is not made
    for call in (made.exec_method("x"), made.add_event_listener("x", print), made.remove_event_listener("x")):
        with pytest.raises(FilterError, match="no filter of a stream any more"):
            await call
    with pytest.raises(FilterError):
        await Filter(KIND).exec_method("x")


@virtual_time
async def test_calls_that_cannot_be_right_fail_without_a_request() -> None:
    stage = Stage()
    for kind, options in ((3, {}), ("", {}), (KIND, []), (KIND, {"a": {1, 2}}), (KIND, {"a": float("nan")})):
        with pytest.raises(PropertiesError):
            await stage.filtering.apply(kind, options)  # type: ignore[arg-type]
    with pytest.raises(FilterError, match="virtual background") as told:
        await stage.filtering.apply("VB:blur", {})
    assert told.value.name == "VIRTUAL_BACKGROUND_ERROR"
    with pytest.raises(FilterError, match="has no filter"):
        await stage.filtering.remove()
    assert stage.room.asked == []
    made = await stage.applied()
    with pytest.raises(FilterError, match="already"):
        await stage.filtering.apply("ZBarFilter", {})
    loop: dict[str, Any] = {}
    loop["itself"] = loop
    with pytest.raises(PropertiesError, match="contains itself"):
        await made.exec_method("x", loop)
    assert stage.room.asked == []
    await stage.filtering.remove()
    stage.filtering.room = None
    with pytest.raises(NotConnectedError):
        await stage.filtering.apply(KIND, {})


@virtual_time
async def test_second_filter_that_is_applied_at_once_finds_the_first() -> None:
    stage = Stage()
    outcomes = await asyncio.gather(*(stage.filtering.apply(KIND, {}) for _ in range(2)), return_exceptions=True)
    assert [type(item) for item in outcomes] == [Filter, FilterError]
    assert stage.room.methods == ["applyFilter"]


@virtual_time
async def test_text_is_sent_as_it_is_and_the_server_judges_it() -> None:
    stage = Stage()
    stage.room.refuses("applyFilter", 406)
    with pytest.raises(RequestError):
        await stage.filtering.apply(KIND, "[")
    assert stage.filtering.current is None
    made = await stage.filtering.apply(KIND, '{"a": 1}')
    assert made.options == {"a": 1}


@virtual_time
async def test_refusal_for_want_of_a_right_has_an_error_of_its_own_and_changes_nothing() -> None:
    stage = Stage()
    stage.room.refuses("applyFilter", 401, 102)
    with pytest.raises(PermissionDeniedError, match="may not apply a filter"):
        await stage.filtering.apply(KIND, {})
    with pytest.raises(RequestError, match="no"):
        await stage.filtering.apply(KIND, {})
    assert (stage.filtering.current, stage.reports) == (None, [])
    made = await stage.applied()
    for method in ("removeFilter", "execFilterMethod", "addFilterEventListener", "removeFilterEventListener"):
        stage.room.refuses(method, 401)
    for call in (
        stage.filtering.remove(),
        made.exec_method("x"),
        made.add_event_listener("x", print),
        made.remove_event_listener("x"),
    ):
        with pytest.raises(PermissionDeniedError):
            await call
    assert (stage.filtering.current, made.handlers, stage.reports) == (made, {}, [])


@virtual_time
async def test_filter_that_the_server_does_not_have_is_none_any_more_after_its_removal_is_refused() -> None:
    stage = Stage()
    await stage.applied()
    stage.room.refuses("removeFilter", 406)
    with pytest.raises(RequestError):
        await stage.filtering.remove()
    assert stage.filtering.current is None


@virtual_time
async def test_filter_whose_application_has_no_known_outcome_is_removed_and_applied_again() -> None:
    stage = Stage()
    stage.room.answers["applyFilter"] = [RequestOutcomeUnknown("dropped")]
    stage.room.refuses("removeFilter", 406)
    await stage.filtering.apply(KIND, {})
    assert stage.room.methods == ["applyFilter", "removeFilter", "applyFilter"]
    assert [reason for *_, reason in stage.reports] == ["applyFilter"]


@virtual_time
async def test_filter_that_may_have_been_applied_is_removed_when_nobody_waits_for_it() -> None:
    stage = Stage()
    stage.room.answers["applyFilter"] = [RequestTimeoutError("slow")]
    with pytest.raises(RequestTimeoutError):
        await stage.filtering.apply(KIND, {})
    applying = asyncio.ensure_future(stage.filtering.apply(KIND, {}))
    await asyncio.sleep(0.5)
    applying.cancel()
    await asyncio.sleep(2)
    assert stage.room.methods == ["applyFilter", "removeFilter", "applyFilter", "removeFilter"]
    assert stage.filtering.current is None


@virtual_time
async def test_change_that_the_server_tells_of_before_the_answer_is_processed_stands() -> None:
    stage = Stage()

    def told(info: FilterInfo | None) -> None:
        stage.state.filter = info
        stage.state.filter_changes += 1

    stage.room.meanwhile = lambda: told(INFO)  # one's own, of a stream that a moderator publishes
    made = await stage.filtering.apply(KIND, OPTIONS)
    assert made is stage.filtering.current
    stage.room.meanwhile = lambda: told(None)
    await made.exec_method("x")
    assert stage.filtering.current is None
    removed = await stage.filtering.apply(KIND, OPTIONS)
    assert (removed.type, stage.filtering.current) == (KIND, None)
    assert stage.reports == [], "they are reported where they are told"


@virtual_time
async def test_filter_of_the_page_is_told_to_the_server_before_it_runs() -> None:
    stage = Stage(own=True)
    stage.room.refuses("applyFilter", 401)
    with pytest.raises(PermissionDeniedError):
        await stage.filtering.apply("own", {})
    assert stage.page.shown == []
    made = await stage.filtering.apply("own", {"level": 3})
    for call in (made.exec_method("x"), made.add_event_listener("x", print)):
        with pytest.raises(FilterError, match="filter of the page"):
            await call
    stage.room.refuses("removeFilter", 406)  # it was published with it, by a token without kurentoOptions
    await stage.filtering.remove()
    assert stage.room.methods == ["applyFilter", "applyFilter", "removeFilter"]
    assert stage.page.shown == [FilterInfo("own", {"level": 3}), None]
    assert [reason for *_, reason in stage.reports] == ["applyFilter", "removeFilter"]


@virtual_time
async def test_filter_of_the_page_that_cannot_run_is_removed_at_the_server_again() -> None:
    stage = Stage(own=True)
    with pytest.raises(CallbackError):
        await stage.filtering.apply("broken", {})
    assert stage.room.methods == ["applyFilter", "removeFilter"], "before the error is raised"
    assert (stage.filtering.current, stage.reports) == (None, [])


@virtual_time
async def test_filter_that_is_hidden_or_of_an_unpublished_stream_runs_without_a_request() -> None:
    for stage, kind in ((Stage(own=True), "hidden"), (Stage(own=True, published=False), "own")):
        await stage.filtering.apply(kind, {})
        await stage.filtering.remove()
        assert stage.page.shown == [FilterInfo(kind), None]
        assert stage.room.asked == []
        assert [reason for *_, reason in stage.reports] == ["applyFilter", "removeFilter"]
    with pytest.raises(CallbackError):
        await Stage(own=True, published=False).filtering.apply("broken", {})


@virtual_time
async def test_filter_of_the_page_that_another_participant_applies_and_removes_runs_here() -> None:
    stage = Stage(own=True)
    for info in (FilterInfo("own"), None, FilterInfo("hidden")):
        stage.state.filter = info
        stage.filtering.told()
        await asyncio.sleep(0.1)
    assert stage.page.shown == [FilterInfo("own"), None, FilterInfo("hidden")]
    received = Stage()
    received.filtering.told()
    await received.filtering.follow()


@virtual_time
async def test_filter_of_another_participants_page_is_one_of_the_servers_here() -> None:
    stage = Stage()
    made = await stage.filtering.apply("own", {})
    await made.exec_method("x")
    assert stage.room.methods == ["applyFilter", "execFilterMethod"]
