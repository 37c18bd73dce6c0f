"""Files that the server serves to pages, and those that it never serves."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import pyvidu
from pyvidu.server.http import assets
from pyvidu.vendoring import default_vendor_dir

Client = TestClient[web.Request, web.Application]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    assets.add_assets(app)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest_asyncio.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Client]:
    """Provide a client of a server whose browser runtime was never fetched."""
    app = web.Application()
    assets.add_assets(app, vendor_dir=tmp_path)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_root_redirects_to_the_demo_and_keeps_the_query(client: Client) -> None:
    answer = await client.get("/?room=blue")
    assert answer.status == 200
    assert answer.url.path_qs == "/demo/?room=blue"
    assert answer.content_type == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("page", "scripts"), [("/demo/", "'self' 'wasm-unsafe-eval'"), ("/pyscript/", "'self' 'unsafe-eval'")]
)
async def test_page_says_what_it_may_load_and_who_may_frame_it(client: Client, page: str, scripts: str) -> None:
    headers = (await client.get(page)).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == scripts
    assert policy["worker-src"] == "'self' blob:"
    assert policy["frame-ancestors"] == policy["default-src"] == "'self'"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]


async def test_javascript_of_the_client_is_served_to_pages_of_any_origin(client: Client) -> None:
    manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
    answer = await client.get(manifest["functions"])
    assert answer.content_type == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "export default" in await answer.text()


@pytest.mark.parametrize(
    "name",
    ["openvidu-browser.js", "openvidu-browser.min.js", "openvidu-browser-2.32.2.min.js", "openvidu-browser-2.9.0.js"],
)
async def test_classic_script_is_served_under_the_names_of_openvidu_browsers(client: Client, name: str) -> None:
    answer = await client.get(f"/{name}")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "window.OpenVidu = " in await answer.text()
    again = await client.get(f"/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.parametrize("name", ["openvidu-browser-3.0.0.js", "openvidu-browser", "openvidu-browser.js.map"])
async def test_other_names_of_scripts_are_not_taken(client: Client, name: str) -> None:
    assert (await client.get(f"/{name}")).status == 404


async def test_a_folder_without_its_slash_is_redirected(client: Client) -> None:
    answer = await client.get("/demo?room=blue", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/demo/?room=blue")


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("pyodide.mjs", "text/javascript"),
        ("pyodide.asm.wasm", "application/wasm"),
        ("python_stdlib.zip", "application/zip"),
    ],
)
async def test_runtime_files_have_their_mime_types(client: Client, name: str, content_type: str) -> None:
    answer = await client.head(f"/static/vendor/pyodide/{name}")
    assert answer.status == 200
    assert answer.content_type == content_type
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_runtime_is_sent_compressed_if_the_client_accepts_gzip(client: Client) -> None:
    url = "/static/vendor/pyodide/pyodide.asm.wasm"
    packed = await client.head(url, headers={"Accept-Encoding": "gzip"})
    plain = await client.head(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) < 0.5 * int(plain.headers["Content-Length"])
    assert packed.headers["Vary"] == "Accept-Encoding"


async def test_manifest_lists_existing_files_with_their_sizes(client: Client) -> None:
    manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
    assert re.fullmatch(
        rf"/pyvidu-client/@[0-9a-f]{{12}}/pyvidu-{re.escape(pyvidu.__version__)}-py3-none-any\.whl", manifest["wheel"]
    )
    assert manifest["pyodide"].endswith("/pyodide.mjs")
    assert manifest["packages"] == [], "the client needs the standard library only"
    assert {manifest["wheel"], manifest["pyodide"]} <= set(manifest["sizes"])
    for url, size in manifest["sizes"].items():
        answer = await client.get(url)
        assert answer.status == 200
        assert len(await answer.read()) == size


async def test_versioned_files_are_cacheable_as_immutable_and_other_files_are_revalidated(client: Client) -> None:
    manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
    for name in ("pyodide", "wheel", "functions"):
        assert "immutable" in (await client.head(manifest[name])).headers["Cache-Control"]
    wheel = f"/pyvidu-client/{manifest['wheel'].rpartition('/')[2]}"
    others = ("/static/vendor/pyodide/pyodide.mjs", wheel, "/pyvidu-client/functions.js", "/pyvidu.js", "/python.js")
    for url in (*others, "/pyvidu-client/manifest.json"):
        assert (await client.head(url)).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["functions.js", f"pyvidu-{pyvidu.__version__}-py3-none-any.whl"])
async def test_client_url_of_another_version_is_not_found(client: Client, name: str) -> None:
    answer = await client.get(f"/pyvidu-client/@000000000000/{name}")
    assert answer.status == 404
    assert "reload" in await answer.text()


@pytest.mark.parametrize("name", ["pyvidu.js", "python.js", "openvidu-browser.js"])
async def test_script_is_one_file_with_the_manifest_inside_that_is_sent_compressed(client: Client, name: str) -> None:
    manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
    packed = await client.get(f"/{name}", headers={"Accept-Encoding": "gzip"})
    plain = await client.get(f"/{name}", headers={"Accept-Encoding": "identity"})
    text = await plain.text()
    assert f"manifest = {json.dumps(manifest)};" in text
    assert not re.search(r"^(?:import|export .* from)\b", text, re.MULTILINE)
    assert await packed.text() == text
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert int(packed.headers["Content-Length"]) < 0.5 * int(plain.headers["Content-Length"])


async def test_module_behind_a_script_is_served_to_be_read(client: Client) -> None:
    answer = await client.get("/lib/boot.js")
    assert answer.status == 200
    assert answer.content_type == "text/javascript"


async def test_script_of_a_server_without_runtime_has_the_page_ask(bare: Client) -> None:
    answer = await bare.get("/pyvidu.js")
    assert answer.status == 200
    assert "manifest = undefined;" in await answer.text()


async def test_runtime_url_of_another_version_is_not_found(client: Client) -> None:
    answer = await client.get("/static/vendor/@000000000000/pyodide/pyodide.mjs")
    assert answer.status == 404
    assert "reload" in await answer.text()


@pytest.mark.parametrize("url", ["/static/vendor/pyodide/pyodide.mjs", "wheel"])
async def test_request_with_the_current_etag_is_answered_with_304(client: Client, url: str) -> None:
    if url == "wheel":
        url = (await (await client.get("/pyvidu-client/manifest.json")).json())["wheel"]
    first = await client.get(url)
    again = await client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    changed = await client.get(url, headers={"If-None-Match": '"another"'})
    assert (first.status, again.status, changed.status) == (200, 304, 200)
    assert await again.read() == b""


async def test_wheel_url_of_another_version_is_not_found_and_the_response_contains_the_current_one(
    client: Client,
) -> None:
    answer = await client.get("/pyvidu-client/pyvidu-0.0.1-py3-none-any.whl")
    assert answer.status == 404
    assert f"/pyvidu-client/pyvidu-{pyvidu.__version__}-py3-none-any.whl" in await answer.text()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/vendor/..%2f..%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/vendor/.stamp",
        "/static/vendor/pyodide",
        "/static/vendor/%00",
        "/static/vendor/" + "x" * 5000,
        "/demo/../../pyproject.toml",
        "/demo/nothing.js",
    ],
)
async def test_paths_outside_the_folders_and_hidden_files_are_not_found(client: Client, path: str) -> None:
    from yarl import URL

    answer = await client.get(URL(path, encoded=True))
    assert answer.status == 404


@pytest.mark.parametrize("path", ["/demo/", "/static/vendor/pyodide/pyodide.mjs", "/pyvidu-client/manifest.json"])
async def test_missing_runtime_is_answered_with_503_and_what_to_run(bare: Client, path: str) -> None:
    answer = await bare.get(path)
    assert answer.status == 503
    assert await answer.text() == assets.MISSING_RUNTIME
    assert "`pyvidu vendor`" in assets.MISSING_RUNTIME


async def test_vendored_runtime_of_another_version_is_answered_with_503(tmp_path: Path) -> None:
    (tmp_path / ".stamp").write_text("older")
    (tmp_path / "pyodide").symlink_to(default_vendor_dir() / "pyodide")
    app = web.Application()
    assets.add_assets(app, vendor_dir=tmp_path)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/demo/")).status == 503
