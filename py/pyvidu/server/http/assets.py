"""The routes of what a page loads: the pages, the static files, the browser runtime and the client's wheel. No signaling.

Client assets (modules, wheel, runtime) may be loaded by pages of any origin; nothing here is secret. HTML is for our
own origin. Large files were gzipped when they were vendored; aiohttp serves the `.gz` beside a file to clients that
accept it, answers `If-None-Match` and sets the entity tags.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from pyvidu.server.http.bundle import ENTRY, Form
from pyvidu.server.http.client_wheel import ClientWheel, Wheel, source_version
from pyvidu.server.http.page_headers import page_headers
from pyvidu.server.http.scripts import MODULES, Script, Scripts, script
from pyvidu.server.http.snapshots import Snapshots
from pyvidu.vendoring import default_vendor_dir, package_dir, static_dir, web_dir
from pyvidu.vendoring.fetch import PYODIDE_FILES, STAMP_FILE
from pyvidu.vendoring.lock import requirement_name, runtime_stamp

FRONT_PAGE = "demo"
_CLASSIC_SCRIPT = r"openvidu-browser(?:-2\.\d+\.\d+)?(?:\.min)?\.js"
"""Where openvidu-browser's pages look for their script: any of its versions 2."""
MISSING_RUNTIME = "The browser runtime is missing or of another version: run `pyvidu vendor`, then reload this page."

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
_OF_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_REVALIDATE = "no-cache"  # cached, but revalidated each time: on this machine that costs a millisecond
_FOR_EVER = "public, max-age=31536000, immutable"


def add_assets(app: web.Application, *, vendor_dir: Path | None = None) -> None:
    """Add the routes of the pages and of what they load to `app`.

    `vendor_dir` is where `pyvidu vendor` put the browser runtime, when not in its default place. Adds GET and HEAD of
    `/`, each folder and file of `web/`, `/openvidu-browser.js`, `/static/` and `/pyvidu-client/`; all other paths stay free.
    """
    assets = _Assets(web_dir(), static_dir(), vendor_dir or default_vendor_dir())
    router = app.router
    router.add_get("/", assets.front_page)
    router.add_get("/pyvidu-client/manifest.json", assets.manifest)
    router.add_get("/pyvidu-client/pyscript.json", assets.pyscript_config)
    router.add_get("/pyvidu-client/functions.js", assets.functions)
    router.add_get("/pyvidu-client/@{pin}/{filename}", assets.pinned_client_file)
    router.add_get("/pyvidu-client/snapshots/{key}.bin", assets.snapshot)
    router.add_get("/pyvidu-client/{filename}", assets.client_wheel)
    router.add_get(f"/{{name:{_CLASSIC_SCRIPT}}}", assets.classic_script)
    router.add_get(f"/{{name:{'|'.join(map(re.escape, MODULES))}}}", assets.module)
    router.add_get("/static/vendor/@{stamp}/{path:.+}", assets.pinned_runtime_file)
    router.add_get("/static/vendor/{path:.+}", assets.runtime_file)
    router.add_get("/static/{path:.+}", assets.static_file)
    for entry in sorted(assets.web.iterdir()) if assets.web.is_dir() else []:
        if entry.is_dir():
            router.add_get(f"/{entry.name}", assets.add_slash)
            router.add_get(f"/{{path:{re.escape(entry.name)}/.*}}", assets.web_file)
        elif not entry.name.startswith(".") and entry.name not in MODULES:
            router.add_get(f"/{{path:{re.escape(entry.name)}}}", assets.web_file)
    app.on_cleanup.append(assets.close)


class _Assets:
    def __init__(self, web_root: Path, static: Path, vendor: Path) -> None:
        self.web = web_root.resolve()
        self.static = static.resolve()
        self.vendor = vendor.resolve()
        self.client = ClientWheel(package_dir())
        self.scripts = Scripts(self.web)
        self.snapshots = Snapshots(self.vendor)
        self.wanted_runtime = runtime_stamp()

    async def close(self, _app: web.Application) -> None:
        await self.snapshots.close()

    # --- pages ---

    async def front_page(self, request: web.Request) -> web.StreamResponse:
        # A redirect, so that the page's relative links resolve the same however it was reached.
        raise web.HTTPFound(request.rel_url.with_path(f"/{FRONT_PAGE}/").with_query(request.rel_url.query))

    async def add_slash(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.rel_url.with_path(request.path + "/").with_query(request.rel_url.query))

    async def web_file(self, request: web.Request) -> web.StreamResponse:
        path = _file_under(self.web, request.match_info["path"])
        if path.suffix == ".html":
            self._require_runtime()
            return _send(path, _REVALIDATE, page_headers(evaluates=path.parent.name == "pyscript"))
        return _send(path, _REVALIDATE)

    # --- files ---

    async def static_file(self, request: web.Request) -> web.StreamResponse:
        return _send(_file_under(self.static, request.match_info["path"]), _REVALIDATE)

    async def runtime_file(self, request: web.Request) -> web.StreamResponse:
        self._require_runtime()
        return _send(_file_under(self.vendor, request.match_info["path"]), _REVALIDATE)

    async def pinned_runtime_file(self, request: web.Request) -> web.StreamResponse:
        # The URL changes with the content, so a page with a warm cache requests nothing.
        self._require_runtime()
        if request.match_info["stamp"] != self._pin:
            raise web.HTTPNotFound(text="That browser runtime is not served any more: reload the page.")
        return _send(_file_under(self.vendor, request.match_info["path"]), _FOR_EVER)

    # --- the client ---

    async def client_wheel(self, request: web.Request) -> web.StreamResponse:
        wheel = self.client.current()
        if request.match_info["filename"] != wheel.filename:
            raise web.HTTPNotFound(text=f"The client of this server is /pyvidu-client/{wheel.filename}")
        return _made(request, wheel, _CONTENT_TYPES[".whl"])

    async def pinned_client_file(self, request: web.Request) -> web.StreamResponse:
        # As with the runtime: what the manifest names need not be asked for again.
        wheel = self.client.current()
        name = request.match_info["filename"]
        if request.match_info["pin"] != _client_pin(wheel) or name not in (wheel.filename, "functions.js"):
            raise web.HTTPNotFound(text="That client is not served any more: reload the page.")
        if name == wheel.filename:
            return _made(request, wheel, _CONTENT_TYPES[".whl"], _FOR_EVER)
        return _made(request, self._functions(), _CONTENT_TYPES[".js"], _FOR_EVER)

    async def functions(self, request: web.Request) -> web.StreamResponse:
        return _made(request, self._functions(), _CONTENT_TYPES[".js"])

    def _functions(self) -> Script:
        return script((package_dir() / "platform" / "browser" / "functions.js").read_bytes())

    async def classic_script(self, request: web.Request) -> web.StreamResponse:
        """Return `pyvidu.js` as a page with openvidu-browser's script tag expects it."""
        return self._script(request, ENTRY, Form.CLASSIC)

    async def module(self, request: web.Request) -> web.StreamResponse:
        return self._script(request, request.match_info["name"], Form.MODULE_OF_A_PAGE)

    def _script(self, request: web.Request, name: str, form: Form) -> web.Response:
        manifest = self._manifest() if self._has_runtime() else None  # the page asks, and is told what is missing
        made = self.scripts.get(name, form, source_version(self.client.package), manifest)
        return _made(request, made, _CONTENT_TYPES[".js"])

    async def snapshot(self, request: web.Request) -> web.StreamResponse:
        return _send(self.snapshots.file(request.match_info["key"]), _FOR_EVER)

    async def manifest(self, _request: web.Request) -> web.StreamResponse:
        """Return what a page has to load."""
        self._require_runtime()
        return web.json_response(self._manifest(), headers={hdrs.CACHE_CONTROL: _REVALIDATE, **_OF_ANY_ORIGIN})

    def _manifest(self) -> dict[str, Any]:
        """Return what a page has to load. `sizes` are in bytes after decompression, as a reader of the body counts them."""
        wheel = self.client.current()
        client = f"/pyvidu-client/@{_client_pin(wheel)}/"
        wheel_url = client + wheel.filename
        runtime = f"/static/vendor/@{self._pin}/pyodide/"
        packages = [runtime + name for name in self._packages_for(wheel)]
        sizes = {runtime + name: self._runtime_size(name) for name in (*PYODIDE_FILES, "pyodide-lock.json")}
        sizes |= {url: self._runtime_size(url.removeprefix(runtime)) for url in packages}
        sizes[wheel_url] = len(wheel.content)
        snapshot = None
        if key := self.snapshots.key(wheel.content):
            snapshot = {"path": f"/pyvidu-client/snapshots/{key}.bin", "key": key}
            sizes[snapshot["path"]] = self.snapshots.size(key)
        else:
            self.snapshots.make(wheel.content)
        return {
            "wheel": wheel_url,
            "functions": f"{client}functions.js",
            "pyodide": runtime + "pyodide.mjs",
            "runtime": runtime,
            "packages": packages,
            "snapshot": snapshot,
            "lock": (self.vendor / "pyodide" / "pyodide-lock.json").read_text("utf-8"),
            "sizes": sizes,
        }

    async def pyscript_config(self, request: web.Request) -> web.Response:
        """Return the configuration of a `<script type="py" config="...">`, so that no page has to name versions.

        PyScript is set to load further packages of the page as they are: its own cache of what micropip resolved omits the
        dependencies of a wheel that came from a URL (seen with 0.7.31, at the second visit).
        """
        self._require_runtime()
        content = {"interpreter": f"{request.scheme}://{request.host}/python.js", "packages_cache": "passthrough"}
        return web.json_response(content, headers={hdrs.CACHE_CONTROL: _REVALIDATE, **_OF_ANY_ORIGIN})

    def _packages_for(self, wheel: Wheel) -> list[str]:
        """Return the file names of the vendored wheels that the client's wheel needs, directly or not."""
        lock = json.loads((self.vendor / "pyodide" / "pyodide-lock.json").read_text("utf-8"))
        known: dict[str, dict[str, Any]] = lock["packages"]
        needed: list[str] = []
        waiting = [requirement_name(line) for line in wheel.requires]
        while waiting:
            name = waiting.pop(0)
            if name in known and name not in needed:
                needed.append(name)
                waiting += known[name]["depends"]
        return [known[name]["file_name"] for name in needed]

    def _runtime_size(self, name: str) -> int:
        return (self.vendor / "pyodide" / name).stat().st_size

    def _has_runtime(self) -> bool:
        try:
            return (self.vendor / STAMP_FILE).read_text("ascii") == self.wanted_runtime
        except OSError:
            return False

    def _require_runtime(self) -> None:
        if not self._has_runtime():
            raise web.HTTPServiceUnavailable(text=MISSING_RUNTIME, headers=_OF_ANY_ORIGIN)

    @property
    def _pin(self) -> str:
        return self.wanted_runtime[:12]


def _file_under(root: Path, relative: str) -> Path:
    """Return the file that a request path names, never one outside `root` and never a hidden one.

    Raises:
        web.HTTPNotFound: there is no such file.
    """
    if relative.endswith("/"):
        relative += "index.html"
    missing = web.HTTPNotFound(text="There is no such file here.")
    try:
        path = (root / relative).resolve()
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            return path
    except (OSError, ValueError):  # a name too long, a null byte, a path that leads outside
        raise missing from None
    raise missing


def _client_pin(wheel: Wheel) -> str:
    return wheel.etag[:12]


def _made(request: web.Request, made: Wheel | Script, content_type: str, cache: str = _REVALIDATE) -> web.Response:
    """Return what is in memory; as gzip, where that is smaller, to those who accept it."""
    response = web.Response(headers={hdrs.CACHE_CONTROL: cache, **_OF_ANY_ORIGIN})
    etag, content = made.etag, made.content
    if isinstance(made, Script):
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower():
            etag, content = f"{etag}-gzip", made.packed
            response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    if any(tag.value in {etag, "*"} for tag in request.if_none_match or ()):
        response.set_status(304)
    else:
        response.body = content
        response.headers[hdrs.CONTENT_TYPE] = content_type
    response.etag = etag
    return response


def _send(path: Path, cache: str, more: dict[str, str] = _OF_ANY_ORIGIN) -> web.FileResponse:
    headers = {
        hdrs.CACHE_CONTROL: cache,
        hdrs.CONTENT_TYPE: _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream"),
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(path, headers=headers | more)
