"""Every way in which Python starts in a page: from a memory snapshot, without one, and with one that cannot be used."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route

from pyvidu.server.http.client_wheel import ClientWheel
from pyvidu.testing import PageLog, RunningServer
from pyvidu.testing.fixtures import StartServer
from pyvidu.vendoring import default_vendor_dir, package_dir
from pyvidu.vendoring.snapshot import make_snapshot
from tests.browser.calls import Rest
from tests.browser.embedding_page import served_page
from tests.waiting import until

POLICY = "script-src 'self' {} 'wasm-unsafe-eval'; worker-src 'self' blob:"

# What the page is told while Python starts.
WATCHED = """async () => {
  const told = [];
  const { boot } = await import(`${origin}/pyvidu.js`);
  await boot({ onProgress: (progress) => told.push({ ...progress }) });
  return told;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(pyvidu_server: StartServer) -> RunningServer:
    return await pyvidu_server()


@pytest.fixture(scope="module")
def snapshot() -> Path:
    """Provide the snapshot of this client."""
    return make_snapshot(default_vendor_dir(), ClientWheel(package_dir()).current().content)


@pytest.fixture(scope="module")
def content(snapshot: Path) -> bytes:
    return snapshot.read_bytes()


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context()
    yield context
    await context.close()


async def called(context: BrowserContext, server: RunningServer, policy: str = "") -> tuple[Page, PageLog]:
    """Open the page of another origin that uses `pyvidu.js`, and join a call with it."""
    async with served_page(server, policy) as url:
        page = await context.new_page()
        log = PageLog.watch(page)
        await page.goto(url)
        await page.wait_for_function("() => window.until")
        token = await Rest(server).token("boot")
        await page.evaluate(
            "async (token) => { await session.connect(token); await session.publish(publisher); }", token
        )
    return page, log


async def unusable(context: BrowserContext, changed: Callable[[bytes], bytes], content: bytes) -> None:
    """Let the pages of `context` get a snapshot that `changed` has made of `content`."""
    body = changed(content)

    async def answer(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(body=body, content_type="application/octet-stream", headers=headers)

    await context.route("**/snapshots/*.bin", answer)


def told_of_snapshot(log: PageLog) -> list[str]:
    return [line for line in log.console if "memory snapshot" in line]


async def test_page_of_another_origin_with_a_strict_policy_joins_a_call_from_a_snapshot(
    context: BrowserContext, server: RunningServer, snapshot: Path
) -> None:
    page, log = await called(context, server, POLICY.format(server.origin))
    names = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())")
    assert snapshot.name in names
    assert "python_stdlib.zip" not in names, "everything that the client needs is in the snapshot"
    assert "manifest.json" not in names, "it is in pyvidu.js"
    assert log.errors == told_of_snapshot(log) == []


async def test_page_joins_a_call_without_a_snapshot(context: BrowserContext, server: RunningServer) -> None:
    async def without(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(
            response=answer, body=re.sub(r'"snapshot": {[^}]*}', '"snapshot": null', await answer.text())
        )

    await context.route("**/pyvidu.js", without)
    page, log = await called(context, server, POLICY.format(server.origin))
    names = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())")
    assert "python_stdlib.zip" in names
    assert log.errors == told_of_snapshot(log) == []


async def test_page_that_starts_python_late_asks_what_the_server_has_by_then(
    context: BrowserContext, server: RunningServer
) -> None:
    headers = {"Access-Control-Allow-Origin": "*"}
    await context.route("**/manifest.json", lambda route: route.fulfill(status=503, body="asked", headers=headers))
    async with served_page(server) as url:
        page = await context.new_page()
        await page.goto(url)
        told = await page.evaluate(
            """async (origin) => {
              const { bootPython } = await import(`${origin}/python.js`);
              const now = performance.now.bind(performance);
              performance.now = () => now() + 61_000;
              return bootPython().then(() => 'not asked', (error) => error.message);
            }""",
            server.origin,
        )
    assert told == "asked"


async def test_page_with_an_unusable_snapshot_says_so_once_and_joins_a_call(
    context: BrowserContext, server: RunningServer, content: bytes
) -> None:
    await unusable(context, lambda file: file[:-1000], content)
    _, log = await called(context, server)
    (line,) = told_of_snapshot(log)
    assert "cannot be used (it is cut short), so Python starts without it." in line
    assert log.errors == [line]


async def test_snapshot_that_the_server_no_longer_has_is_done_without(
    context: BrowserContext, server: RunningServer
) -> None:
    await context.route("**/snapshots/*.bin", lambda route: route.fulfill(status=404, body="gone"))
    _, log = await called(context, server)
    (line,) = told_of_snapshot(log)
    assert "HTTP 404" in line


@pytest.mark.parametrize("restores", [True, False])
async def test_progress_counts_up_to_everything_and_names_each_step_once(
    context: BrowserContext, server: RunningServer, content: bytes, restores: bool
) -> None:
    if not restores:
        await unusable(context, lambda file: file[:1000], content)
    async with served_page(server) as url:
        page = await context.new_page()
        await page.goto(url)
        told: list[dict[str, Any]] = await page.evaluate(WATCHED.replace("${origin}", server.origin))
    if not restores:  # the second start is told like a first, if the first was told at all
        falls = [
            number
            for number, (before, now) in enumerate(pairwise(told), 1)
            if now["step"] < before["step"] or now["loaded"] < before["loaded"]
        ]
        assert len(falls) <= 1
        told = told[falls[0] if falls else 0 :]
    steps = [one["step"] for one in told]
    assert steps == sorted(steps)
    assert told[-1]["step"] == told[-1]["steps"] == (4 if restores else 5)
    assert told[-1]["text"] == "Ready"
    loaded = [one["loaded"] for one in told]
    assert loaded == sorted(loaded)
    assert told[-1]["loaded"] == told[-1]["total"] > 5_000_000
    assert all(one["loaded"] < one["total"] for one in told if one["text"] == "Downloading Python")


PYTHON = """async ([origin, code]) => {
  const { bootPython } = await import(`${origin}/python.js`);
  window.python ??= await bootPython();
  return python.runPython(code);
}"""


LIBRARY = "**/python_stdlib.zip*"
NOT_IN_IT = """
import json, encodings, sys
try:
    import nowhere
except ModuleNotFoundError:
    pass
'statistics' in sys.modules
"""


class LateLibrary:
    """Holds the first answer with the standard library until `goes_on` is set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def answer(self, route: Route) -> None:
        self.asked.append(route.request.resource_type)
        self.begun.set()
        if len(self.asked) == 1:
            await self.goes_on.wait()
        await route.continue_()


async def opened(chromium: Browser, url: str, **settings: Any) -> Page:
    context = await chromium.new_context(**settings)
    page = await context.new_page()
    await page.goto(url)
    return page


async def test_restored_python_has_its_pages_own_time_zone_clock_and_randomness(
    chromium: Browser, server: RunningServer, snapshot: Path
) -> None:
    code = """
import json, logging, random, time
json.dumps({
    "random": [random.random(), random.getrandbits(64), random.choice(range(10**9))],
    "zone": [time.timezone, time.altzone, time.daylight, time.strftime("%z", time.localtime(0))],
    "wall": time.time(),
    "logging": logging._startTime / 1e9,
})
"""
    async with served_page(server) as url:
        pages = await asyncio.gather(
            opened(chromium, url, timezone_id="Asia/Tokyo"), opened(chromium, url, timezone_id="America/New_York")
        )
        tokyo, new_york = [json.loads(await page.evaluate(PYTHON, [server.origin, code])) for page in pages]
        now = await pages[0].evaluate("Date.now() / 1000")
    assert not set(tokyo["random"]) & set(new_york["random"])
    assert tokyo["zone"] == [-9 * 3600, -9 * 3600, 0, "+0900"]
    assert new_york["zone"] == [5 * 3600, 4 * 3600, 1, "-0500"]
    assert now - 60 < tokyo["logging"] < tokyo["wall"] <= now + 1
    await asyncio.gather(*(page.context.close() for page in pages))


async def test_restored_python_imports_the_standard_library_and_packages_and_has_readable_tracebacks(
    chromium: Browser, server: RunningServer, snapshot: Path
) -> None:
    code = """
import sys, traceback
assert "statistics" not in sys.modules
import statistics
from pyvidu import OpenVidu
try:
    OpenVidu().set_advanced_configuration(nonsense=1)
except Exception:
    told = traceback.format_exc()
f"{statistics.mean([1, 3])} {sys.path.count('')} {told}"
"""
    async with served_page(server) as url:
        page = await opened(chromium, url)
        told = await page.evaluate(PYTHON, [server.origin, code])
        installed = await page.evaluate(
            """async () => { await python.loadPackage('micropip'); return python.pyimport('micropip').__name__; }"""
        )
    assert told.startswith("2 1 ")
    assert 'File "/lib/pyvidu-client.zip/pyvidu/openvidu.py"' in told
    assert "    raise PropertiesError(" in told, "the text of the lines, from the client's wheel"
    assert installed == "micropip"
    await page.context.close()


@pytest.fixture
def late_library() -> LateLibrary:
    return LateLibrary()


async def test_module_that_is_imported_before_the_standard_library_is_there_waits_for_it(
    chromium: Browser, server: RunningServer, snapshot: Path, late_library: LateLibrary
) -> None:
    async with served_page(server) as url:
        page = await opened(chromium, url)
        log = PageLog.watch(page)
        await page.context.route(LIBRARY, late_library.answer)
        assert await page.evaluate(PYTHON, [server.origin, NOT_IN_IT]) is False
        async with asyncio.timeout(5):
            await late_library.begun.wait()
        assert late_library.asked == ["fetch"]
        assert await page.evaluate(PYTHON, [server.origin, "import statistics; statistics.mean([1, 3])"]) == 2
        assert (
            await page.evaluate(PYTHON, [server.origin, "import encodings.cp037; encodings.cp037.__name__"])
            == "encodings.cp037"
        )
        late_library.goes_on.set()
        await page.evaluate("fetch('/')")  # so that the page has taken what came before
        assert log.errors == []
        assert (
            await page.evaluate(
                PYTHON,
                [server.origin, "import xml.dom; [type(f).__name__ for f in sys.meta_path].count('_LateLibrary')"],
            )
            == 0
        )
    assert late_library.asked == ["fetch", "xhr"]
    await page.context.close()


@pytest.mark.parametrize("module", ["statistics", "pyodide.ffi.wrappers"])
async def test_module_of_the_standard_library_can_be_imported_at_once(
    context: BrowserContext, server: RunningServer, snapshot: Path, module: str
) -> None:
    async with served_page(server) as url:
        page = await context.new_page()
        log = PageLog.watch(page)
        await page.goto(url)
        code = f"import sys; there = '{module}' in sys.modules; import {module}; [there, {module}.__name__]"
        assert await page.evaluate(PYTHON.replace("(code)", "(code).toJs()"), [server.origin, code]) == [False, module]
    assert log.errors == []


async def test_standard_library_that_cannot_be_loaded_is_told_by_the_import(
    context: BrowserContext, server: RunningServer, snapshot: Path
) -> None:
    code = """
try:
    import statistics
except ImportError as error:
    told = f"{error.name}: {error}"
told
"""
    async with served_page(server) as url:
        page = await context.new_page()
        log = PageLog.watch(page)
        await page.goto(url)
        await context.route(LIBRARY, lambda route: route.fulfill(status=404))
        told = await page.evaluate(PYTHON, [server.origin, code])
        assert told.startswith("statistics: statistics cannot be imported: ")
        assert "could not be loaded from http" in told
        assert "(HTTP 404)" in told
        assert await page.evaluate(PYTHON, [server.origin, "import pyvidu; pyvidu.OpenVidu.__name__"]) == "OpenVidu"
        await until(lambda: [line for line in log.console if "is tried again when Python imports from it" in line])
        await context.unroute(LIBRARY)
        assert await page.evaluate(PYTHON, [server.origin, "import statistics; statistics.mean([1, 3])"]) == 2


def test_snapshot_holds_nothing_of_the_machine_that_made_it(snapshot: Path) -> None:
    content = snapshot.read_bytes()
    here = {str(default_vendor_dir()), str(package_dir()), str(Path.home()), str(Path.cwd()), socket.gethostname()}
    secrets = {value for name, value in os.environ.items() if len(value) > 12 and name not in ("LANG", "LC_ALL")}
    assert not [text for text in here | secrets if len(text) > 6 and text.encode() in content]
