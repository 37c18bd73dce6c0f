"""Build the npm package `pyvidu`, as `dist/npm/pyvidu-VERSION.tgz`: what `make npm` does.

Everything in it is what a pyvidu server of this version serves: the modules of `web/` in one file, and the client's files,
read from the server's own routes.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pyvidu.server.http.assets import add_assets
from pyvidu.server.http.bundle import Form, bundle
from pyvidu.server.http.client_wheel import source_version
from pyvidu.vendoring import package_dir, web_dir
from tools.generated import ROOT

SOURCE = ROOT / "npm"
TARGET = ROOT / "dist" / "npm"
_SCRIPTS = {
    "dist/pyvidu.mjs": Form.MODULE,
    "dist/pyvidu.cjs": Form.COMMONJS,
    "assets/pyvidu.js": Form.MODULE_OF_A_PAGE,
    "assets/openvidu-browser.js": Form.CLASSIC,
}
_TYPES = ("dist/pyvidu.d.mts", "dist/pyvidu.d.ts")
_IMPORTS = re.compile(r"^import type \{[^}]*\} from '[^']*';\n\n?", re.MULTILINE)


def main() -> None:
    """Build the package and its tarball in `dist/npm`."""
    shutil.rmtree(TARGET, ignore_errors=True)
    tarball = pack(TARGET)
    print(f"{tarball.relative_to(ROOT)}: {tarball.stat().st_size / 1e6:.1f} MB")


def pack(into: Path) -> Path:
    """Build the package in the folder `into`; return its tarball, which is there too."""
    build(into / "package")
    packed = subprocess.run(
        ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", str(into)],
        cwd=into / "package",
        check=True,
        capture_output=True,
        text=True,
    )
    return into / packed.stdout.strip()


def build(into: Path) -> None:
    """Write the files of the package into the folder `into`, which is made."""
    version = source_version(package_dir())
    for name, form in _SCRIPTS.items():
        _write(into / name, bundle(web_dir(), form, assets="./", version=version))
    for name in _TYPES:
        _write(into / name, types())
    described = json.loads((SOURCE / "package.json").read_text("utf-8"))
    _write(into / "package.json", json.dumps(described | {"version": version}, indent=2) + "\n")
    for path in (SOURCE / "README.md", SOURCE / "THIRD-PARTY.md", ROOT / "LICENSE"):
        shutil.copy(path, into)
    shutil.copytree(SOURCE / "bin", into / "bin")
    for name, content in asyncio.run(served_assets()).items():
        path = into / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def types() -> str:
    """Return the declarations of `npm/types` as one file."""
    index = (SOURCE / "types" / "index.d.ts").read_text("utf-8")
    modules = [SOURCE / "types" / f"{name}.d.ts" for name in re.findall(r"'\./(\w+)\.js'", index)]
    return "\n".join(_IMPORTS.sub("", path.read_text("utf-8")) for path in modules)


async def served_assets() -> dict[str, bytes]:
    """Return the files that a page loads before it has Python, by their paths beside the manifest, and the manifest.

    Raises:
        RuntimeError: the server has no browser runtime, or names a file that it does not serve.
    """
    app = web.Application()
    add_assets(app)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        manifest = json.loads(await _get(client, "/pyvidu-client/manifest.json"))
        files = {_beside(path): await _get(client, path) for path in sorted(set(_paths(manifest)))}
    files["manifest.json"] = json.dumps(_with_paths_beside(manifest), indent=1).encode()
    return files


async def _get(client: TestClient[web.Request, web.Application], path: str) -> bytes:
    answer = await client.get(path, headers={"Accept-Encoding": "identity"})
    content = await answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {content.decode(errors='replace')}")
    return content


def _paths(value: Any) -> list[str]:
    """Return the paths of the server's files in a value of JSON, in keys too; a path with a slash at its end is a folder."""
    if isinstance(value, dict):
        return [path for item in value.items() for part in item for path in _paths(part)]
    if isinstance(value, list):
        return [path for item in value for path in _paths(item)]
    return [value] if isinstance(value, str) and value.startswith("/") and not value.endswith("/") else []


def _with_paths_beside(value: Any) -> Any:
    if isinstance(value, dict):
        return {_with_paths_beside(key): _with_paths_beside(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_paths_beside(item) for item in value]
    return _beside(value) if isinstance(value, str) and value.startswith("/") else value


def _beside(path: str) -> str:
    return re.sub(r"^/(?:pyvidu-client(?:/@[0-9a-f]+)?|static/vendor/@[0-9a-f]+)/", "", path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
