"""The wheel made of the running package: the whole client half, with the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pyvidu
from pyvidu.server.http.client_wheel import ClientWheel, Wheel
from pyvidu.vendoring import package_dir

MAX_SIZE = 155_000  # bytes that a page may have to download; 151,000 with what is known of one-way paths and late sound


@pytest.fixture(scope="module")
def wheel() -> Wheel:
    return ClientWheel(package_dir()).current()


def members(wheel: Wheel) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_client_wheel_contains_no_server_modules(wheel: Wheel) -> None:
    names = set(members(wheel))
    assert {"pyvidu/__init__.py", "pyvidu/session.py", "pyvidu/protocol/messages.py", "pyvidu/py.typed"} <= names
    unwanted = ("server", "testing", "vendoring", "web", "static", "cli.py", "cli_fault.py")
    assert not [name for name in names if name.split("/")[1].startswith(unwanted) and "dist-info" not in name]
    assert not [name for name in names if "__pycache__" in name]


def test_client_wheel_contains_its_javascript_without_comments(wheel: Wheel) -> None:
    code = members(wheel)["pyvidu/platform/browser/functions.js"].decode()
    assert "\nexport default {" in code
    assert "//" not in code


def test_client_wheel_metadata_contains_the_version_and_no_requirements(wheel: Wheel) -> None:
    assert wheel.filename == f"pyvidu-{pyvidu.__version__}-py3-none-any.whl"
    metadata = members(wheel)[f"pyvidu-{pyvidu.__version__}.dist-info/METADATA"].decode()
    assert f"\nVersion: {pyvidu.__version__}\n" in metadata
    assert "Requires-Dist" not in metadata, "the client needs the standard library only"


def test_client_wheel_is_within_its_size_limit(wheel: Wheel) -> None:
    assert len(wheel.content) <= MAX_SIZE


def test_client_wheel_changes_only_with_its_sources(tmp_path: Path) -> None:
    package = tmp_path / "pyvidu"
    (package / "server").mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "7.0"\n')
    (package / "session.py").write_text("one = 1\n")
    (package / "server" / "app.py").write_text("")
    client = ClientWheel(package)
    first = client.current()
    assert client.current() is first, "nothing changed, nothing is built"
    os.utime(package / "session.py", (1, 1))
    assert client.current().content == first.content
    (package / "session.py").write_text("one = 1 + 0\n")
    assert client.current().content != first.content
    assert client.current().etag != first.etag
    assert set(members(first)) == {
        "pyvidu/__init__.py",
        "pyvidu/session.py",
        *(f"pyvidu-7.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
    }


def test_pip_installs_the_client_wheel(wheel: Wheel, tmp_path: Path) -> None:
    file = tmp_path / wheel.filename
    file.write_bytes(wheel.content)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path / "to"),
    ]
    subprocess.run([*command, str(file)], check=True, capture_output=True)
    assert (tmp_path / "to" / "pyvidu" / "__init__.py").read_bytes() == members(wheel)["pyvidu/__init__.py"]
    assert hashlib.sha256(wheel.content).hexdigest().startswith(wheel.etag)
