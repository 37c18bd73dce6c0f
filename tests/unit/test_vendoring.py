"""`pyvidu vendor`: the files that it writes, and its errors."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from pyvidu.vendoring import VendorError, default_vendor_dir, fetch, is_vendored, locations, vendor
from pyvidu.vendoring.lock import rewritten_pyodide_lock, runtime_stamp

# Stands in for npm: writes the files that `npm ci` would, and records its runs.
FAKE_NPM = """#!{python}
import os, pathlib
with open({runs!r}, "a") as runs:
    runs.write("run\\n")
pyodide = pathlib.Path("node_modules/pyodide")
pyodide.mkdir(parents=True)
for name in {files!r}:
    (pyodide / name).write_bytes(b"content " * 1000)
(pyodide / "pyodide-lock.json").write_text('{{"info": {{"python": "3.14.2"}}, "packages": {{"numpy": {{}}}}}}')
dist = pathlib.Path("node_modules/@pyscript/core/dist")
dist.mkdir(parents=True)
(dist / "core.js").write_text("export {{}};\\n")
(dist / "core.js.map").write_text("{{}}")
charts = pathlib.Path("node_modules/echarts/dist")
charts.mkdir(parents=True)
for name in ("echarts.js", "echarts.esm.min.mjs"):
    (charts / name).write_text("export {{}};\\n")
"""


@pytest.fixture
def node_runs() -> list[str]:
    """Return the scripts that Node.js was to run."""
    return []


@pytest.fixture
def npm_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node_runs: list[str]) -> Path:
    """Replace both downloads and Node.js by imitations; return the file that gets a line for each run of npm."""
    tools, runs = tmp_path / "tools", tmp_path / "runs"
    tools.mkdir()
    runs.touch()
    npm = tools / "npm"
    npm.write_text(FAKE_NPM.format(python=sys.executable, runs=str(runs), files=fetch.PYODIDE_FILES))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)

    def download(folder: Path) -> list[Path]:
        folder.mkdir()
        return [
            make_wheel(folder, "first", "13.0.1", ["typing-extensions"]),
            make_wheel(folder, "typing_extensions", "4"),
        ]

    monkeypatch.setattr(fetch, "_pip_download", download)
    monkeypatch.setattr(fetch, "run_node", lambda script, *_: node_runs.append(script))
    return runs


def make_wheel(folder: Path, name: str, version: str, requires: list[str] | None = None) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires or [])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return path


def test_vendored_folder_contains_runtime_and_wheels_without_source_maps(npm_runs: Path, tmp_path: Path) -> None:
    into = vendor(tmp_path / "made" / "vendor")
    assert is_vendored(into)
    assert {path.name for path in (into / "pyodide").iterdir()} >= {*fetch.PYODIDE_FILES, "pyodide-lock.json"}
    assert (into / "pyodide" / "first-13.0.1-py3-none-any.whl").is_file()
    assert [path.name for path in (into / "pyscript").iterdir()] == ["core.js"]
    assert [path.name for path in (into / "echarts").iterdir()] == ["echarts.esm.min.mjs"]
    assert [path.name for path in into.parent.iterdir()] == ["vendor"], "no scratch folder is left"


def test_compressible_files_are_stored_also_as_gzip(npm_runs: Path, tmp_path: Path) -> None:
    pyodide = vendor(tmp_path / "vendor") / "pyodide"
    packed = pyodide / "pyodide.asm.wasm.gz"
    assert gzip.decompress(packed.read_bytes()) == (pyodide / "pyodide.asm.wasm").read_bytes()


def test_standard_library_becomes_byte_code_before_files_are_compressed(
    npm_runs: Path, node_runs: list[str], tmp_path: Path
) -> None:
    vendor(tmp_path / "vendor")
    assert node_runs == ["byte_code.mjs", "brotli.mjs"]


def test_a_second_run_fetches_nothing(npm_runs: Path, tmp_path: Path) -> None:
    vendor(tmp_path / "vendor")
    vendor(tmp_path / "vendor")
    assert npm_runs.read_text() == "run\n"


def test_an_older_runtime_is_replaced(npm_runs: Path, tmp_path: Path) -> None:
    into = vendor(tmp_path / "vendor")
    (into / ".stamp").write_text("the stamp of an older lock")
    (into / "pyodide" / "left-over.whl").touch()
    assert not is_vendored(into)
    vendor(into)
    assert is_vendored(into)
    assert not (into / "pyodide" / "left-over.whl").exists()


def test_folder_with_other_files_is_refused_and_unchanged(npm_runs: Path, tmp_path: Path) -> None:
    into = tmp_path / "documents"
    into.mkdir()
    (into / "thesis.txt").write_text("dear to someone")
    with pytest.raises(VendorError, match="holds other files"):
        vendor(into)
    assert (into / "thesis.txt").read_text() == "dear to someone"
    assert npm_runs.read_text() == ""


def test_concurrent_runs_produce_one_complete_runtime(npm_runs: Path, tmp_path: Path) -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            vendor(tmp_path / "vendor")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert is_vendored(tmp_path / "vendor")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".vendor-")] == []


def test_missing_npm_is_an_error_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VendorError, match=r"npm was not found: install Node\.js"):
        vendor(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_failed_npm_download_is_an_error_with_its_output_and_leaves_no_files(npm_runs: Path, tmp_path: Path) -> None:
    npm = tmp_path / "tools" / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network is down' >&2\nexit 7\n")
    with pytest.raises(VendorError, match=r"(?s)npm could not fetch.*exit code 7.*network is down"):
        vendor(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".vendor-")] == []


def test_pyodide_lock_lists_only_the_vendored_wheels(tmp_path: Path) -> None:
    shipped = tmp_path / "pyodide-lock.json"
    shipped.write_text(json.dumps({"info": {"python": "3.14.2"}, "packages": {"numpy": {"file_name": "numpy.whl"}}}))
    extras = ["typing-extensions>=4; python_version < '4'", "trio; extra == 'dev'", "elsewhere"]
    wheels = [make_wheel(tmp_path, "first", "13.0.1", extras), make_wheel(tmp_path, "typing_extensions", "4.16.0")]
    lock = json.loads(rewritten_pyodide_lock(shipped, wheels))
    assert lock["info"] == {"python": "3.14.2"}
    assert set(lock["packages"]) == {"first", "typing-extensions"}
    assert lock["packages"]["first"]["depends"] == ["typing-extensions"]
    assert lock["packages"]["typing-extensions"]["imports"] == ["typing_extensions"]
    assert lock["packages"]["first"]["sha256"] == hashlib.sha256(wheels[0].read_bytes()).hexdigest()


def test_default_folder_in_a_checkout_is_static_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYVIDU_VENDOR_DIR", raising=False)
    assert default_vendor_dir() == Path(__file__).resolve().parents[2] / "static" / "vendor"


def test_default_folder_of_an_installed_package_is_in_the_user_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYVIDU_VENDOR_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(locations, "checkout_root", lambda: None)
    assert default_vendor_dir() == tmp_path / "pyvidu" / f"browser-runtime-{runtime_stamp()[:12]}"


def test_environment_variable_sets_the_vendor_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYVIDU_VENDOR_DIR", str(tmp_path))
    assert default_vendor_dir() == tmp_path


def test_lock_files_contain_no_index_urls() -> None:
    root = Path(__file__).resolve().parents[2]
    locks = [*(root / "requirements").iterdir(), *(root / "py/pyvidu/vendoring").glob("*.txt")]
    npm_locks = [
        root / folder / "package-lock.json" for folder in (".", "py/pyvidu/vendoring", "benchmarks", "tests/interop")
    ]
    for lock in locks:
        assert "://" not in lock.read_text()
    for lock in npm_locks:
        assert '"resolved"' not in lock.read_text()


def test_the_javascript_is_checked_against_the_versions_that_pages_load() -> None:
    root = Path(__file__).resolve().parents[2]
    loaded = json.loads((root / "py/pyvidu/vendoring/package.json").read_text())["dependencies"]
    checked = json.loads((root / "package.json").read_text())["devDependencies"]
    assert {name: checked[name] for name in ("echarts", "pyodide")} == {
        name: loaded[name] for name in ("echarts", "pyodide")
    }


def test_python_js_tells_pyscript_the_version_of_pyodide_that_is_locked() -> None:
    locked = json.loads((locations.package_dir() / "vendoring" / "package-lock.json").read_text("utf-8"))
    version = locked["packages"]["node_modules/pyodide"]["version"]
    assert f"export const version = '{version}';" in (locations.web_dir() / "python.js").read_text("utf-8")
