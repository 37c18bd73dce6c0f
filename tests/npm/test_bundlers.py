"""Applications that Vite, webpack and esbuild build with it without a warning, with calls that survive a drop."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser

from pyvidu.testing import RunningServer
from pyvidu.testing.fixtures import StartServer
from tests.npm.conftest import HERE
from tests.npm.site import served, survive_a_silent_drop

BUNDLERS = ("vite", "webpack", "esbuild")
WAYS = {"package": "pyvidu", "copy": "./vendor/pyvidu.mjs", "alias": "openvidu-browser"}
"""How the application comes by it, and what it imports then: the package, a copy of its module, the package renamed."""


def build(bundler: str, way: str, project: Path) -> Path:
    """Build the application with a project's packages; return the folder of the result. Any warning fails."""
    folder = project / f"{bundler}-{way}"
    (folder / "vendor").mkdir(parents=True)
    shutil.copy(HERE / "page.html", folder / "index.html")
    (folder / "main.js").write_text((HERE / "main.js").read_text("utf-8").replace("LIBRARY", WAYS[way]), "utf-8")
    if way == "copy":
        shutil.copy(project / "node_modules" / "pyvidu" / "dist" / "pyvidu.mjs", folder / "vendor")
    command = ["node", HERE / "build.mjs", bundler, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
    return folder / "dist"


@pytest.fixture(scope="session")
def assets(project: Path) -> Path:
    """Provide the folder that the package's command has filled."""
    command = ["npx", "--no-install", "pyvidu", "copy-assets", "public/pyvidu"]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=60)
    return project / "public" / "pyvidu"


@pytest.mark.parametrize("bundler", BUNDLERS)
async def test_built_pages_survive_a_silent_drop_of_9_s_within_a_strict_policy(
    bundler: str,
    project: Path,
    aliased_project: Path,
    assets: Path,
    chromium: Browser,
    pyvidu_server: StartServer,
) -> None:
    built = {f"{bundler}-{way}": build(bundler, way, aliased_project if way == "alias" else project) for way in WAYS}
    for folder in built.values():
        text = "".join(path.read_text("utf-8") for path in folder.rglob("*.js"))
        assert "file:///" not in text, "a path of the machine that built it"
        assert "import.meta" not in text
    server: RunningServer = await pyvidu_server(fault_control=True)
    async with served({**built, "pyvidu": assets}) as site:
        urls = [f"{site}{name}/index.html" for name in built]
        visitors = await survive_a_silent_drop(server, chromium, urls, bundler)
        for visitor in visitors:
            own, websocket = site.rstrip("/"), server.origin.replace("http", "ws")
            probes = f"{server.origin}/openvidu?probe="  # in an outage: can the server be reached?
            others = [url for url in visitor.log.leaving(own, websocket) if not url.startswith(probes)]
            assert others == [], "everything else comes from the application's own site"
            await visitor.page.context.close()
