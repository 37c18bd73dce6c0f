"""An owner of background tasks: what it cancels, waits for and reports."""

from __future__ import annotations

import asyncio

import pytest

from pyvidu.tasks import Tasks
from tests.virtual_time import virtual_time


async def fails() -> None:
    raise ZeroDivisionError("planted")


@virtual_time
async def test_failed_task_is_logged_with_its_name_and_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    tasks.spawn(fails(), "a sample")
    assert len(tasks) == 1
    await tasks.wait()
    assert len(tasks) == 0
    (record,) = caplog.records
    assert record.getMessage() == "Background task 'a sample' failed"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "planted"


@virtual_time
async def test_failure_is_passed_to_who_asked_for_it_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[BaseException] = []
    tasks = Tasks(failed=failures.append)
    task = tasks.spawn(fails())
    with pytest.raises(ZeroDivisionError):
        await task
    assert failures == [task.exception()]
    assert caplog.records == []


@virtual_time
async def test_cancelled_and_finished_tasks_are_no_failures(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[BaseException] = []
    tasks = Tasks(failed=failures.append)
    tasks.spawn(asyncio.sleep(1))
    lasting = tasks.spawn(asyncio.sleep(3600))
    await asyncio.sleep(2)
    assert len(tasks) == 1
    tasks.cancel()
    assert not lasting.done(), "without waiting"
    await tasks.wait()
    assert (lasting.cancelled(), failures, caplog.records) == (True, [], [])


@virtual_time
async def test_closing_cancels_in_the_order_of_starting_and_waits_for_what_tasks_do_and_start_at_their_end() -> None:
    tasks, ended = Tasks(), list[str]()

    async def lasting(name: str, at_the_end: float) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            tasks.spawn(lasting(f"{name}, started late", 0)) if at_the_end else None
            await asyncio.sleep(at_the_end)
            ended.append(name)

    tasks.spawn(lasting("first", 2))
    tasks.spawn(lasting("second", 0))
    await asyncio.sleep(0)
    await tasks.close()
    assert ended == ["second", "first", "first, started late"]
    assert len(tasks) == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await tasks.close()


@virtual_time
async def test_adopted_task_is_owned_like_one_that_was_started_here() -> None:
    tasks = Tasks()
    task = asyncio.ensure_future(asyncio.sleep(3600, "its result"))
    assert tasks.adopt(task) is task
    await tasks.close()
    assert task.cancelled()
    done = asyncio.ensure_future(asyncio.sleep(0, "its result"))
    await done
    assert await tasks.adopt(done) == "its result"
    await tasks.wait()
    assert len(tasks) == 0


@virtual_time
async def test_waiting_without_tasks_returns_at_once() -> None:
    before = asyncio.get_running_loop().time()
    await Tasks().wait()
    await Tasks().close()
    assert asyncio.get_running_loop().time() == before
