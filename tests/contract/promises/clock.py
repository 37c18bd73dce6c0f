"""The clock: seconds that never decrease, and timers."""

from __future__ import annotations

import asyncio

from pyvidu.platform import Timer, pause
from tests.contract.world import World, quiet, until

RESOLUTION = 0.002  # seconds: browsers round their clocks


async def test_time_never_decreases(world: World) -> None:
    clock = world.host.clock
    readings = []
    for _ in range(20):
        readings.append(clock.now())
        await asyncio.sleep(0.001)  # between two readings
    assert readings == sorted(readings)
    assert readings[-1] > readings[0]


async def test_time_is_in_seconds(world: World) -> None:
    clock, loop = world.host.clock, asyncio.get_running_loop()
    outer, inner = loop.time(), clock.now()
    await asyncio.sleep(0.05)  # the time that is measured
    inner, outer = clock.now() - inner, loop.time() - outer
    assert 0.05 - RESOLUTION <= inner <= outer + RESOLUTION


async def test_calendar_is_in_seconds_since_1970(world: World) -> None:
    assert 1_700_000_000 < world.host.calendar() < 10_000_000_000


async def test_chance_is_from_0_to_below_1(world: World) -> None:
    numbers = [world.host.chance() for _ in range(200)]
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) > 100


async def test_timer_fires_once_and_not_before_its_time(world: World) -> None:
    clock = world.host.clock
    fired: list[tuple[float, float]] = []
    for delay in (0.03, 0.0, 0.011, 0.02):
        due = clock.now() + delay
        clock.call_later(delay, lambda due=due: fired.append((due, clock.now())))  # type: ignore[misc]
    await until(lambda: len(fired) == 4, "all timers fire")
    await quiet(0.05)
    assert len(fired) == 4
    assert all(at >= due for due, at in fired), fired


async def test_timer_fires_after_call_later_has_returned_whatever_the_delay(world: World) -> None:
    fired: list[float] = []
    for delay in (0.0, -1.0):
        world.host.clock.call_later(delay, lambda delay=delay: fired.append(delay))  # type: ignore[misc]
    assert fired == []
    await until(lambda: len(fired) == 2, "both fire")
    assert fired == [0.0, -1.0]


async def test_cancelled_timer_never_fires(world: World) -> None:
    fired: list[str] = []
    kept = world.host.clock.call_later(0.02, lambda: fired.append("kept"))
    for delay in (0.0, 0.01, 0.03):
        world.host.clock.call_later(delay, lambda: fired.append("cancelled")).cancel()
    await until(lambda: fired, "the other timer fires")
    await quiet(0.05)
    assert fired == ["kept"]
    kept.cancel()


async def test_timer_is_cancelled_twice_and_after_it_fired_without_harm(world: World) -> None:
    fired: list[str] = []
    timer = world.host.clock.call_later(0, lambda: fired.append("first"))
    await until(lambda: fired, "it fires")
    timer.cancel()
    other = world.host.clock.call_later(0.01, lambda: fired.append("cancelled"))
    last = world.host.clock.call_later(0.02, lambda: fired.append("last"))
    other.cancel()
    other.cancel()
    timer.cancel()
    await until(lambda: len(fired) == 2, "the last timer fires")
    assert fired == ["first", "last"]
    last.cancel()


async def test_timer_that_cancels_the_next_one_keeps_it_from_firing(world: World) -> None:
    fired: list[str] = []
    timers: list[Timer] = []

    def cancel_the_other() -> None:
        fired.append("first")
        timers[0].cancel()

    world.host.clock.call_later(0.01, cancel_the_other)
    timers.append(world.host.clock.call_later(0.01, lambda: fired.append("cancelled")))
    world.host.clock.call_later(0.02, lambda: fired.append("last"))
    await until(lambda: "last" in fired, "the last timer fires")
    assert fired == ["first", "last"]


async def test_timers_of_one_time_fire_in_the_order_of_their_creation(world: World) -> None:
    fired: list[int] = []
    for number in range(50):
        world.host.clock.call_later(0.02, lambda number=number: fired.append(number))  # type: ignore[misc]
    await until(lambda: len(fired) == 50, "all timers fire")
    assert fired == list(range(50))


async def test_earlier_timer_fires_first_though_created_last(world: World) -> None:
    fired: list[float] = []
    for delay in (0.06, 0.04, 0.02):
        world.host.clock.call_later(delay, lambda delay=delay: fired.append(delay))  # type: ignore[misc]
    await until(lambda: len(fired) == 3, "all timers fire")
    assert fired == [0.02, 0.04, 0.06]


async def test_timer_set_by_a_timer_fires(world: World) -> None:
    fired: list[int] = []

    def again() -> None:
        fired.append(len(fired))
        if len(fired) < 5:
            world.host.clock.call_later(0.001, again)

    world.host.clock.call_later(0, again)
    await until(lambda: len(fired) == 5, "each sets the next")


async def test_pause_lasts_its_seconds_and_leaves_no_timer_when_cancelled(world: World) -> None:
    clock = world.host.clock
    began = clock.now()
    await pause(clock, 0.03)
    assert clock.now() - began >= 0.03
    sleeper = asyncio.create_task(pause(clock, 60))
    await quiet(0.02)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    assert sleeper.cancelled()
