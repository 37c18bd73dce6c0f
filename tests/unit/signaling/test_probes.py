"""Probes of the server, whose outcome is evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from pyvidu.platform import LoopClock
from pyvidu.protocol.codes import PROBE_ANSWER, PROBE_ANSWER_UNHEARD
from pyvidu.reconnection.evidence import ServerReached, ServerUnreachable, SignalingEvidence
from pyvidu.signaling.probes import Probes
from tests.virtual_time import virtual_time

TIMEOUT = 0.6
URL = "https://server/probe"
ANSWERS = (PROBE_ANSWER, PROBE_ANSWER_UNHEARD)


@dataclass
class ScriptedReachability:
    """Answers as it is told to, after so many seconds; `asked` has what was probed, for how long and with which answer."""

    answers: bool = True
    readable: bool = True
    after: float = 0.1
    answer: str = PROBE_ANSWER
    asked: list[tuple[str, float, Sequence[str]]] = field(default_factory=list)

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        self.asked.append((url, timeout, answers))
        await asyncio.sleep(min(self.after, timeout))
        if not self.answers or self.after >= timeout:
            return None
        return "" if not answers else self.answer if self.readable else None

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        return await self.probe(url, timeout) is not None


def probes_of(reachability: ScriptedReachability) -> tuple[Probes, list[SignalingEvidence]]:
    """Return probes and the list to which they report."""
    found: list[SignalingEvidence] = []
    return Probes(reachability, LoopClock(), TIMEOUT, found.append), found


@pytest.mark.parametrize(("answer", "unheard"), [(PROBE_ANSWER, False), (PROBE_ANSWER_UNHEARD, True)])
@virtual_time
async def test_answers_that_can_be_read_are_the_only_ones_that_count_from_then_on(answer: str, unheard: bool) -> None:
    reachability = ScriptedReachability(answer=answer)
    probes, found = probes_of(reachability)
    probes.watch(URL, known=True)
    await asyncio.sleep(1)
    assert found == [], "what is asked to learn the answer is no evidence"
    probes.server()
    await asyncio.sleep(1)
    assert reachability.asked == [(URL, TIMEOUT, ANSWERS)] * 2
    assert found == [ServerReached(unheard=unheard)]
    probes.close()


@pytest.mark.parametrize(("known", "readable"), [(False, True), (True, False)])
@virtual_time
async def test_any_answer_counts_of_another_server_and_where_it_cannot_be_read(known: bool, readable: bool) -> None:
    reachability = ScriptedReachability(readable=readable)
    probes, found = probes_of(reachability)
    probes.watch(URL, known=known)
    await asyncio.sleep(1)
    probes.server()
    await asyncio.sleep(1)
    assert reachability.asked[-1] == (URL, TIMEOUT, ())
    assert len(reachability.asked) == 1 + known
    assert found == [ServerReached()]
    probes.close()


@pytest.mark.parametrize(("after", "at_once"), [(0.2, True), (9, False)])
@virtual_time
async def test_failure_within_half_of_the_time_is_a_refusal(after: float, at_once: bool) -> None:
    probes, found = probes_of(ScriptedReachability(answers=False, after=after))
    probes.watch(URL, known=False)
    probes.server()
    probes.web_socket("wss://server/openvidu")
    await asyncio.sleep(1)
    assert found == [ServerUnreachable(at_once=at_once)] * 2
    probes.close()


@virtual_time
async def test_probe_may_be_given_another_time_and_reports_nothing_once_closed() -> None:
    reachability = ScriptedReachability(after=1.5)
    probes, found = probes_of(reachability)
    probes.watch(URL, known=False)
    probes.server(2.0)
    await asyncio.sleep(1.6)
    assert found == [ServerReached()]
    probes.server(2.0)
    await asyncio.sleep(0.5)
    probes.close()
    await asyncio.sleep(2)
    assert found == [ServerReached()]
