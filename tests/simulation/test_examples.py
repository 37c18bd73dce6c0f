"""Every Python example of the docstrings and pages runs, in a simulated call in which what they wait for happens.

`tests/documentation/examples.py` finds them; what those need that are not run, a test there checks without running them.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import sys
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

import pyvidu
from pyvidu import Session
from tests.documentation.examples import ALL, Example
from tests.server.server_world import settle
from tests.simulation.simulated_call import Call, Participant, a_call, until
from tests.virtual_time import run_virtual

RUN = [example for example in ALL if not example.not_run]


class Stage:
    """Ada, in whose place an example runs, and Bob, who publishes.

    She has joined, unless the example joins itself. If it changes settings, which apply to later calls, she joins after it.
    """

    def __init__(self, call: Call, code: str) -> None:
        self.call = call
        self.ada = Participant(call.world, "ada")
        call.participants.append(self.ada)
        self._code = code
        self._changes_settings = "set_advanced_configuration" in code
        self._bob: Participant | None = None

    async def names(self) -> dict[str, Any]:
        """Return what an example finds, besides what `pyvidu` exports."""
        self._bob = await self.call.participant("bob")
        self._bob.session.off("streamCreated")
        ada, session = self.ada, self.ada.session
        session.off("streamCreated")
        publisher = await ada.openvidu.init_publisher("me")
        subscriber = None
        if ".connect(" not in self._code and not self._changes_settings:
            await session.connect(await ada.fresh_token(), {"name": "Ada"})
            (stream,) = [item.stream for item in session.remote_connections.values() if item.stream is not None]
            subscriber = await session.subscribe(stream, "others")
            if ".publish(" not in self._code:
                await session.publish(publisher)
        return {
            **{name: getattr(pyvidu, name) for name in pyvidu.__all__},
            "openvidu": ada.openvidu,
            "session": session,
            "publisher": publisher,
            "subscriber": subscriber,
            "token": await ada.fresh_token(),
            "show_banner": print,
            "hide_banner": print,
        }

    async def happen(self) -> None:
        """Make happen what examples wait for: a signal, outages, a stream that ends and one that begins."""
        assert self._bob is not None
        await asyncio.sleep(2)
        if self._changes_settings:
            await self.ada.session.connect(await self.ada.fresh_token(), {"name": "Ada"})
        await self._bob.session.signal(data="hello", type="chat")
        self.ada.link.drop("silent")
        await asyncio.sleep(4)
        self.ada.link.restore()
        await asyncio.sleep(10)
        assert self._bob.publisher is not None
        await self._bob.session.unpublish(self._bob.publisher)
        await self._bob.session.publish(await self._bob.openvidu.init_publisher())
        await asyncio.sleep(2)
        self.ada.link.drop("silent")
        await asyncio.sleep(20)  # evicted
        self.ada.link.restore()
        await asyncio.sleep(20)


async def perform(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an example to its end. Raises what it raises."""
    async with a_call() as call:
        stage = Stage(call, example.code)
        page = SimpleNamespace(browser_host=lambda: stage.ada.host)
        monkeypatch.setitem(sys.modules, "pyvidu.platform.browser", page)
        names = await stage.names()
        code = compile(example.code, example.where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        running = asyncio.ensure_future(_finish(eval(code, names)))
        await stage.happen()
        for name in list(names):
            if isinstance(names[name], Session):
                names[name].disconnect()  # an example that takes events until the session ends ends now
        await until(running.done)
        running.result()
        await settle()


async def _finish(result: object) -> None:
    if inspect.iscoroutine(result):
        await result


@pytest.mark.parametrize("example", RUN, ids=lambda example: example.where)
def test_example_runs_in_a_call_with_an_outage(
    example: Example, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_virtual(perform(example, monkeypatch))
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    failed = [text for level, text in told if level >= logging.ERROR or "callback raised" in text]
    assert failed == [], "a handler or a callback of the example failed"


@pytest.mark.parametrize(
    "code",
    [
        "session.conect(token)",
        "await session.signal(dat='x')",
        "session.on('reconnecting', lambda event: event.outage.witnes)",
        "session.on('signal:chat', lambda event: event.text)",
        "@session.on('streamDestroyed')\nasync def gone(event):\n    event.stream.unpublish()",
        "async for event in session.events('signal:chat'):\n    print(event.from_conection)",
        "await openvidu.init_publisher('me', resolutoin='640x480')",
        "@session.on('streamCreated')\nasync def show(event):\n    await session.subscrib(event.stream)",
        """
        class P(ReconnectionPolicy):
            def next_delay(self, context):
                return context.elapsd
        openvidu.set_advanced_configuration(reconnection=P())
        """,
        "async def fresh():\n    return tokn\nopenvidu.set_advanced_configuration(rejoin=fresh)",
    ],
)
def test_example_with_a_misspelt_name_fails(
    code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((AttributeError, TypeError, AssertionError, pyvidu.PropertiesError)):
        test_example_runs_in_a_call_with_an_outage(Example("misspelt", dedent(code).strip()), monkeypatch, caplog)


def test_examples_of_every_kind_are_found() -> None:
    where = {example.where.partition(":")[0].partition(" ")[0] for example in ALL}
    assert {"README.md", "docs/testing.md", "docs/faults.md", "Session.connect", "NetworkLab"} <= where
    assert len(RUN) > len(ALL) / 2
