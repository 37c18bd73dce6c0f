"""The pure tests in the browser's own Python: that the engine works in Pyodide is tested, not assumed from CPython."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser

from pyvidu.server.http.assets import add_assets
from pyvidu.testing import PageLog
from tests.pure import suite
from tests.serving import serving

RUN = """async ([root, paths, arguments]) => {
    const manifest = await (await fetch('/pyvidu-client/manifest.json')).json();
    const { loadPyodide } = await import(manifest.pyodide);
    const python = await loadPyodide();
    python.unpackArchive(await (await fetch('/suite.zip')).arrayBuffer(), 'zip', { extractDir: root });
    python.globals.set('paths', JSON.stringify(paths));
    python.globals.set('arguments', JSON.stringify(arguments));
    return python.runPython(`
        import json, sys
        sys.path[:0] = json.loads(paths)
        from tests.pure.in_pyodide import run
        run(json.loads(arguments))
    `);
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def origin() -> AsyncIterator[str]:
    """Yield the origin of a server with our assets and the suite."""

    async def blank(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><link rel=icon href=data:,>", content_type="text/html")

    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=suite.archive(), content_type="application/zip")

    app = web.Application()
    add_assets(app)
    app.router.add_get("/blank", blank)
    app.router.add_get("/suite.zip", packed)
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


async def test_pure_tests_pass_in_pyodide(chromium: Browser, origin: str) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    log = PageLog.watch(page)
    await page.goto(f"{origin}/blank")
    root = suite.IN_A_PAGE
    told = await page.evaluate(RUN, [str(root), list(map(str, suite.paths(root))), suite.arguments(root / "tests")])
    await context.close()
    outcome = json.loads(told)
    failures = "\n\n".join(f"{name}\n{text}" for name, text in outcome["failed"].items())
    assert not outcome["failed"], f"{len(outcome['failed'])} failed in Python {outcome['python']}:\n{failures}"
    assert outcome["code"] == 0, log.console[-20:]
    assert outcome["skipped"] == []
    assert outcome["passed"] > 0
    assert outcome["python"].startswith("3.14")
    assert log.errors == []
    assert log.leaving(origin) == []
