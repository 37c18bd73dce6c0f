"""Memory snapshots on the server: when one is made, which is served, what is said when there is none."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pyvidu.server.http import assets
from pyvidu.server.http.client_wheel import ClientWheel
from pyvidu.vendoring import VendorError, default_vendor_dir, package_dir
from pyvidu.vendoring.lock import runtime_stamp
from pyvidu.vendoring.snapshot import make_snapshot, snapshot_file, snapshot_key

# Stands in for Node.js: writes what the scripts would, and records its runs.
FAKE_NODE = """#!{python}
import pathlib, sys
with open({runs!r}, "a") as runs:
    runs.write(pathlib.Path(sys.argv[1]).name + "\\n")
if sys.argv[1].endswith("snapshot.mjs"):
    pathlib.Path(sys.argv[-1]).write_bytes(b"snapshot of " + sys.argv[-2].encode())
else:
    pathlib.Path(sys.argv[-1] + ".br").write_bytes(b"packed")
"""


def put_node(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    node = folder / "node"
    node.write_text(text)
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace Node.js; return the file that gets a line for each of its runs."""
    runs = tmp_path / "runs"
    runs.touch()
    put_node(tmp_path / "tools", FAKE_NODE.format(python=sys.executable, runs=str(runs)), monkeypatch)
    return runs


@pytest.fixture
def vendor_dir(tmp_path: Path) -> Path:
    """Provide a runtime without a snapshot."""
    folder = tmp_path / "vendor"
    folder.mkdir()
    (folder / ".stamp").write_text(runtime_stamp())
    (folder / "pyodide").symlink_to(default_vendor_dir() / "pyodide")
    return folder


def test_snapshot_is_made_once_with_its_compressed_copies(runs: Path, vendor_dir: Path) -> None:
    file = make_snapshot(vendor_dir, b"wheel")
    assert file == make_snapshot(vendor_dir, b"wheel") == snapshot_file(vendor_dir, snapshot_key(b"wheel"))
    assert runs.read_text() == "snapshot.mjs\nbrotli.mjs\n"
    assert file.read_bytes() == b"snapshot of " + snapshot_key(b"wheel").encode()
    assert gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()) == file.read_bytes()
    assert file.with_name(f"{file.name}.br").read_bytes() == b"packed"
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.gz", f"{file.name}.br", ".making"}


def test_another_client_has_another_key(runs: Path) -> None:
    assert snapshot_key(b"wheel") != snapshot_key(b"edited wheel")


def test_old_snapshots_are_removed(runs: Path, vendor_dir: Path) -> None:
    files = [make_snapshot(vendor_dir, b"wheel %d" % number) for number in range(10)]
    assert [file.is_file() for file in files] == [False] * 2 + [True] * 8
    assert not files[0].with_name(f"{files[0].name}.gz").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_snapshot_that_another_process_is_making_is_left_to_it(runs: Path, vendor_dir: Path) -> None:
    import fcntl

    folder = vendor_dir / "snapshots"
    folder.mkdir()
    with (folder / ".making").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not make_snapshot(vendor_dir, b"wheel").exists()
    assert make_snapshot(vendor_dir, b"wheel").exists()


def test_missing_node_is_named(vendor_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VendorError, match=r"install Node\.js"):
        make_snapshot(vendor_dir, b"wheel")


def test_failure_says_what_node_printed_and_leaves_nothing(
    vendor_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"#!{sys.executable}\nimport sys\nsys.exit('x' * 5000 + '\\nError: the client holds an object')"
    put_node(tmp_path / "failing", script, monkeypatch)
    with pytest.raises(VendorError, match="exit code 1") as caught:
        make_snapshot(vendor_dir, b"wheel")
    assert "the client holds an object" in str(caught.value)
    assert "xxx" not in str(caught.value), "the line of Pyodide's that Node quotes"
    assert [path.name for path in (vendor_dir / "snapshots").iterdir()] == [".making"]


async def test_manifest_names_the_snapshot_of_the_current_client(runs: Path, vendor_dir: Path) -> None:
    file = make_snapshot(vendor_dir, ClientWheel(package_dir()).current().content)
    app = web.Application()
    assets.add_assets(app, vendor_dir=vendor_dir)
    async with TestClient(TestServer(app)) as client:
        manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
        assert manifest["snapshot"] == {"path": f"/pyvidu-client/snapshots/{file.name}", "key": file.stem}
        assert manifest["sizes"][manifest["snapshot"]["path"]] == file.stat().st_size
        answer = await client.get(manifest["snapshot"]["path"], headers={"Accept-Encoding": "identity"})
        assert await answer.read() == file.read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        for key in ("0" * 32, "%2e%2e%2f" + file.stem, ".making"):
            assert (await client.get(f"/pyvidu-client/snapshots/{key}.bin")).status == 404


async def test_server_without_node_serves_a_client_without_snapshot_and_says_why(
    vendor_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    app = web.Application()
    assets.add_assets(app, vendor_dir=vendor_dir)
    with caplog.at_level("INFO", "pyvidu.server.events"):
        async with TestClient(TestServer(app)) as client:
            manifest = await (await client.get("/pyvidu-client/manifest.json")).json()
    assert manifest["snapshot"] is None
    (told,) = (json.loads(line) for line in caplog.messages)
    assert told["event"] == "no memory snapshot"
    assert "Node.js was not found" in told["why"]


REFUSALS = """
import { readFileSync } from 'node:fs';
import { Snapshot } from 'SNAPSHOT';
const [path, key] = process.argv.slice(2);
const whole = new Uint8Array(readFileSync(path));
const changed = (at, ...bytes) => { const copy = whole.slice(); copy.set(bytes, at); return copy; };
const files = {
  whole,
  truncated: whole.slice(0, -1000),
  begun: whole.slice(0, 7),
  'without its description': whole.slice(0, 20),
  'something else': changed(0, ...new TextEncoder().encode('<html>')),
  damaged: changed(2_000_000, whole[2_000_000] ^ 1),
  'a damaged description': changed(12, 0),
  foreign: changed(20, 63),
};
const told = ([name, bytes]) => {
  try {
    new Snapshot(bytes, key);
    return [name, 'usable'];
  } catch (error) {
    return [name, error.message];
  }
};
console.log(JSON.stringify(Object.fromEntries(Object.entries(files).map(told))));
"""


def test_every_unusable_snapshot_is_refused_with_the_reason(tmp_path: Path) -> None:
    wheel = ClientWheel(package_dir()).current().content
    path, key = make_snapshot(default_vendor_dir(), wheel), snapshot_key(wheel)
    script = tmp_path / "refusals.mjs"
    module = Path(__file__).parents[2] / "web" / "lib" / "snapshot.js"
    script.write_text(REFUSALS.replace("SNAPSHOT", module.as_uri()))
    told = subprocess.run(["node", script, path, key], check=True, capture_output=True, text=True).stdout
    assert json.loads(told) == {
        "whole": "usable",
        "truncated": "it is cut short",
        "begun": "it is cut short",
        "without its description": "it is cut short",
        "something else": "it is no snapshot of pyvidu",
        "damaged": "its content is damaged",
        "a damaged description": "its content is damaged",
        "foreign": "it was made of another client or runtime",
    }
