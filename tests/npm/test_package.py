"""The npm package in an empty project: what is in it, what importing it does, and its command."""

from __future__ import annotations

import filecmp
import importlib.metadata
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pyvidu
from pyvidu.server.http.client_wheel import ClientWheel
from pyvidu.vendoring import package_dir
from tools.generated import ROOT


def node(project: Path, code: str, *, module: bool = True) -> Any:
    """Return the JSON that `code` prints."""
    command = ["node", f"--input-type={'module' if module else 'commonjs'}", "--eval", code]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return json.loads(done.stdout)


def installed(project: Path) -> Path:
    return project / "node_modules" / "pyvidu"


def command(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    run = ["npx", "--no-install", "pyvidu", *arguments]
    return subprocess.run(run, cwd=project, capture_output=True, text=True, timeout=60, check=False)


def test_version_and_licence_are_those_of_the_wheel(project: Path) -> None:
    described = json.loads((installed(project) / "package.json").read_text("utf-8"))
    assert described["version"] == pyvidu.__version__ == importlib.metadata.version("pyvidu")
    assert described["license"] == importlib.metadata.metadata("pyvidu")["License-Expression"]
    assert filecmp.cmp(installed(project) / "LICENSE", ROOT / "LICENSE", shallow=False)
    assert "Mozilla Public License" in (installed(project) / "THIRD-PARTY.md").read_text("utf-8")
    assert "npm install pyvidu" in (installed(project) / "README.md").read_text("utf-8")


def test_every_file_that_package_json_names_is_there(project: Path) -> None:
    described = json.loads((installed(project) / "package.json").read_text("utf-8"))
    entry = described["exports"]["."]
    named = [described[key] for key in ("main", "module", "types", "unpkg", "jsdelivr")]
    named += [path for condition in ("import", "require") for path in entry[condition].values()]
    named += [described["bin"]["pyvidu"], described["exports"]["./package.json"]]
    assert [path for path in named if not (installed(project) / path).is_file()] == []
    assert "dependencies" not in described, "nothing else has to be installed"


def test_assets_are_what_a_server_of_this_version_serves(project: Path) -> None:
    assets = installed(project) / "assets"
    manifest = json.loads((assets / "manifest.json").read_text("utf-8"))
    wheel = ClientWheel(package_dir()).current()
    assert (assets / manifest["wheel"]).name == wheel.filename
    assert (assets / manifest["wheel"]).read_bytes() == wheel.content
    assert {name: (assets / name).stat().st_size for name in manifest["sizes"]} == manifest["sizes"]
    named = {*manifest["sizes"], *manifest["packages"], manifest["functions"], manifest["pyodide"], manifest["wheel"]}
    others = {"manifest.json", "openvidu-browser.js", "pyvidu.js"}
    there = {path.relative_to(assets).as_posix() for path in assets.rglob("*") if path.is_file()}
    assert there == named | others


def test_import_and_require_give_what_pyvidu_js_exports(project: Path) -> None:
    own = node(ROOT, "console.log(JSON.stringify(Object.keys(await import('./web/pyvidu.js'))))")
    imported = node(project, "console.log(JSON.stringify(Object.keys(await import('pyvidu'))))")
    required = node(project, "console.log(JSON.stringify(Object.keys(require('pyvidu')).sort()))", module=False)
    by_import_of_commonjs = node(
        project, "console.log(JSON.stringify(Object.keys(await import('./node_modules/pyvidu/dist/pyvidu.cjs'))))"
    )
    assert imported == required == own
    assert set(own) <= set(by_import_of_commonjs), "Node.js reads the names without running the file"


@pytest.mark.parametrize("module", [True, False])
def test_import_on_a_server_loads_nothing_and_defines_nothing(project: Path, module: bool) -> None:
    load = "await import('pyvidu')" if module else "require('pyvidu')"
    told = node(
        project,
        f"""
        globalThis.fetch = () => {{ throw new Error('something is fetched'); }};
        const before = new Set(Reflect.ownKeys(globalThis));
        const {{ OpenVidu, configure, ready }} = {load};
        const added = Reflect.ownKeys(globalThis).filter((name) => !before.has(name)).map(String);
        configure({{ assets: '/elsewhere/' }});
        const session = new OpenVidu().initSession();
        const outcomes = [ready, session.connect('wss://localhost?sessionId=a&token=b')].map((promise) =>
          promise.then(() => 'fulfilled', (error) => error.name));
        Promise.all(outcomes).then((all) => console.log(JSON.stringify([added, session.constructor.name, ...all])));
        """,
        module=module,
    )
    assert told[:2] == [[], "Session"]
    assert told[2:] == ["BROWSER_NOT_SUPPORTED", "BROWSER_NOT_SUPPORTED"]


def test_command_copies_the_assets_and_removes_the_wheel_of_another_version(project: Path, tmp_path: Path) -> None:
    public = tmp_path / "public" / "pyvidu"
    assert command(project, "copy-assets", str(public)).returncode == 0
    assets = installed(project) / "assets"
    (public / "pyvidu-0.0.1-py3-none-any.whl").write_bytes(b"")
    (public / "of-the-application.txt").write_text("kept", "utf-8")
    done = command(project, "copy-assets", str(public))
    assert done.returncode == 0
    assert "MB, are in " in done.stdout
    there = {path.relative_to(public).as_posix() for path in public.rglob("*") if path.is_file()}
    wanted = {path.relative_to(assets).as_posix() for path in assets.rglob("*") if path.is_file()}
    assert there == wanted | {"of-the-application.txt"}
    assert filecmp.cmpfiles(assets, public, wanted, shallow=False)[1:] == ([], [])


@pytest.mark.parametrize(
    "arguments", [[], ["copy-assets"], ["copy-assets", "--force"], ["copy"], ["copy-assets", "a", "b"]]
)
def test_command_that_is_wrong_prints_the_usage_and_copies_nothing(project: Path, arguments: list[str]) -> None:
    before = sorted(project.iterdir())
    done = command(project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: pyvidu copy-assets FOLDER")
    assert sorted(project.iterdir()) == before


def test_command_is_there_under_the_name_of_openvidu_browser_too(aliased_project: Path) -> None:
    assert command(aliased_project, "--help").stdout.startswith("Usage: pyvidu copy-assets FOLDER")
