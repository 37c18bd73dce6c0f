"""The client's wheel is imported in a real page, from our own origin alone, and cached.

Every other test loads it by `loadPackage`, and `test_pyvidu_js.py` into a page of another origin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

import pyvidu
from pyvidu.server.http.assets import add_assets
from pyvidu.testing import PageLog
from tests.serving import serving

BOOT = """
    const manifest = await (await fetch(`${origin}/pyvidu-client/manifest.json`)).json();
    const at = path => new URL(path, origin).href;
    const {loadPyodide} = await import(at(manifest.pyodide));
    const python = await loadPyodide();
"""
VERSION = "return await python.runPythonAsync('import pyvidu; pyvidu.__version__');"
BY_LOAD_PACKAGE = BOOT + "await python.loadPackage([...manifest.packages, manifest.wheel].map(at));" + VERSION
BY_MICROPIP = (
    BOOT
    + "await python.loadPackage('micropip');"
    + "await python.pyimport('micropip').install(at(manifest.wheel));"
    + VERSION
)


async def blank(_request: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><link rel=icon href=data:,>", content_type="text/html")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def origin() -> AsyncIterator[str]:
    """Yield the origin of a server with our assets."""
    app = web.Application()
    add_assets(app)
    app.router.add_get("/blank", blank)
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


async def test_micropip_installs_the_client_that_a_page_is_served_with(page: Page, origin: str) -> None:
    log = PageLog.watch(page)
    await page.goto(f"{origin}/blank")
    version = await page.evaluate(f"async origin => {{ {BY_MICROPIP} }}", origin)
    assert version == pyvidu.__version__
    assert log.errors == []
    assert log.leaving(origin) == []


async def test_a_pyscript_tag_imports_the_client(page: Page, origin: str) -> None:
    wheel = f"/pyvidu-client/pyvidu-{pyvidu.__version__}-py3-none-any.whl"
    config = f'{{"interpreter": "/static/vendor/pyodide/pyodide.mjs", "packages": ["{wheel}"]}}'
    log = PageLog.watch(page)
    await page.goto(f"{origin}/blank")
    await page.set_content(f"""<!doctype html>
        <script type="module" src="/static/vendor/pyscript/core.js"></script>
        <script type="py" config='{config}'>
            import js, pyvidu
            js.document.title = pyvidu.__version__
        </script>""")
    await page.wait_for_function("document.title !== ''", timeout=90_000)
    assert await page.title() == pyvidu.__version__
    assert log.errors == []
    assert log.leaving(origin) == []


async def test_second_visit_fetches_no_runtime_files(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/blank")
    boot = f"async origin => {{ {BY_LOAD_PACKAGE} }}"
    assert await page.evaluate(boot, origin) == pyvidu.__version__
    await page.reload()
    await page.evaluate(boot, origin)
    loaded: dict[str, int] = await page.evaluate("""Object.fromEntries(performance.getEntriesByType('resource')
        .filter(entry => entry.name.includes('/vendor/')).map(entry => [entry.name, entry.transferSize]))""")
    assert any(name.endswith(".wasm") for name in loaded)
    assert {name: size for name, size in loaded.items() if size > 0} == {}
