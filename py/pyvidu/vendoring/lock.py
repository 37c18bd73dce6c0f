"""The locks of the browser runtime: what exactly is fetched, and the `pyodide-lock.json` that is served to pages."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parent
NPM_FILES = ("package.json", "package-lock.json")
WHEELS_FILE = "wheels.txt"

# Part of the stamp: raise it when `vendor` lays the same downloads out in another way.
_LAYOUT = "2"


def runtime_stamp() -> str:
    """Return a hex digest that changes whenever a freshly vendored folder would."""
    digest = hashlib.sha256(_LAYOUT.encode())
    for name in (*NPM_FILES, WHEELS_FILE):
        digest.update((LOCKS / name).read_bytes())
    return digest.hexdigest()


def rewritten_pyodide_lock(shipped: Path, wheels: list[Path]) -> str:
    """Return Pyodide's lock file with just `wheels` in it.

    Pyodide's own lock names hundreds of packages of a CDN, with the hashes of Pyodide's builds. A page of pyvidu
    may load only what lies beside it, and the browser refuses a file whose hash differs from the lock's.
    """
    lock: dict[str, Any] = json.loads(shipped.read_text("utf-8"))
    entries = [_lock_entry(wheel) for wheel in sorted(wheels)]
    names = {entry["name"] for entry in entries}
    for entry in entries:
        entry["depends"] = [name for name in entry["depends"] if name in names]
    lock["packages"] = {entry["name"]: entry for entry in entries}
    return json.dumps(lock, indent=1, sort_keys=True)


def normalized(name: str) -> str:
    """Return a distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """Return the normalized name in a `Requires-Dist` line."""
    match = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return normalized(match.group(1)) if match else ""


def _lock_entry(wheel: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata_name,) = (name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        metadata = BytesParser().parsebytes(archive.read(metadata_name))
    requirements: list[str] = metadata.get_all("Requires-Dist") or []
    top_level = {name.split("/")[0] for name in names if name.endswith(".py")}
    return {
        "name": normalized(metadata["Name"]),
        "version": metadata["Version"],
        "file_name": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "install_dir": "site",
        "package_type": "package",
        "imports": sorted(name.removesuffix(".py") for name in top_level),
        "depends": [requirement_name(line) for line in requirements if "extra ==" not in line],
        "unvendored_tests": False,
    }
