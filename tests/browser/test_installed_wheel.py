"""The wheel works without the repository: installed in an empty folder, it fetches its runtime and serves a page."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser

import pyvidu
from pyvidu.testing import PageLog
from pyvidu.testing.fixtures import StartServer

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installation:
    """A virtual environment in a folder outside this repository."""

    folder: Path
    wheel: Path

    @property
    def env(self) -> dict[str, str]:
        # A cache of its own for the runtime, so that vendoring really downloads it. pip's download cache stays shared.
        pip_cache = run(sys.executable, "-m", "pip", "cache", "dir").strip()
        return {"XDG_CACHE_HOME": str(self.folder / "cache"), "PIP_CACHE_DIR": pip_cache}

    def pyvidu(self, *args: str) -> subprocess.CompletedProcess[str]:
        command = [self.folder / "venv" / "bin" / "pyvidu", *args]
        env = {**os.environ, **self.env}
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def install(self, requirement: str) -> None:
        run(str(self.folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement)


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install the bare wheel, without extras."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    made = Installation(folder, wheel)
    made.install(str(wheel))
    return made


def test_wheel_is_pure_python_and_contains_the_pages_without_the_runtime(installation: Installation) -> None:
    assert installation.wheel.name == f"pyvidu-{pyvidu.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(installation.wheel) as archive:
        names = archive.namelist()
    assert "pyvidu/web/demo/index.html" in names
    assert "pyvidu/vendoring/package-lock.json" in names
    assert "pyvidu/event_types.pyi" in names, "type checkers read it"
    assert not [name for name in names if "vendor/" in name or name.startswith("tests/") or "node_modules" in name]


def test_command_without_the_server_extra_prints_how_to_install_it(installation: Installation) -> None:
    done = installation.pyvidu("serve")
    assert done.returncode == 1
    assert "pip install 'pyvidu[server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(400)  # fetching and compressing a runtime, beside everything else
async def test_installed_wheel_vendors_and_serves_a_working_page(
    installation: Installation, pyvidu_server: StartServer, chromium: Browser
) -> None:
    installation.install(f"{installation.wheel}[server]")
    vendored = installation.pyvidu("vendor")
    assert vendored.returncode == 0, vendored.stderr
    assert str(installation.folder / "cache" / "pyvidu") in vendored.stdout
    assert "already" in installation.pyvidu("vendor").stdout

    command = [str(installation.folder / "venv" / "bin" / "pyvidu")]
    server = await pyvidu_server("--demo", command=command, cwd=installation.folder, env=installation.env)
    page = await chromium.new_page()
    log = PageLog.watch(page)
    answer = await page.goto(server.url)
    assert answer
    assert answer.status == 200
    version = await page.evaluate(
        """async () => {
            const manifest = await (await fetch('/pyvidu-client/manifest.json')).json();
            const at = path => new URL(path, location.origin).href;
            const {loadPyodide} = await import(at(manifest.pyodide));
            const python = await loadPyodide();
            await python.loadPackage([...manifest.packages, manifest.wheel].map(at));
            return await python.runPythonAsync('import pyvidu; pyvidu.__version__');
        }"""
    )
    assert version == pyvidu.__version__
    assert log.errors == []
    assert log.leaving(server.origin) == []
