"""What `make load` concludes from its steps, and one step of it on a real server."""

from __future__ import annotations

import dataclasses

from benchmarks.capacity import ROOM, Step, carry, summary

STEP = Step(1, 8.0, 0.1, 0.1, 0.0, 0.1, [0.002], 0.1, 15.0, 0.0)


def test_summary_names_the_most_that_was_whole_and_what_degraded_first() -> None:
    more = dataclasses.replace(STEP, rooms=10, server=0.5)
    worse = dataclasses.replace(STEP, rooms=11, server=0.6, gap=0.7, missed=0.02)
    assert summary([STEP, more, worse], "the server is busy", (0, 40)) == [
        "whole up to 40 participants and 120 legs, with 50 % of a core: 240 legs per core",
        "degrades first, at 132 legs: no frame for 0.70 s, 2.0 % of the packets lost",
        "joins are refused: the server is busy",
        "of 40 newcomers then 0 were admitted, 40 refused; the calls: no frame for 0.70 s, 2.0 % of the packets lost",
    ]


def test_summary_says_so_when_nothing_degraded_and_nobody_was_refused() -> None:
    assert summary([STEP], "", (3, 0)) == [
        "whole up to 4 participants and 12 legs, with 10 % of a core: 120 legs per core",
        "no join was refused",
        "of 3 newcomers then 3 were admitted, 0 refused; the calls: whole",
    ]


async def test_a_room_is_carried_and_newcomers_are_admitted() -> None:
    lines = await carry(1, settling=1.0, measured=2.0, knocking=1.0)
    assert f"up to {ROOM} participants" in lines[0] or lines[0] == "degraded from the start on"
    assert "no join was refused" in lines
