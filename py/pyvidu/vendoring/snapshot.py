"""Memory snapshots of the browser's Python with the client imported, made with Node.js: `web/lib/snapshot.js` restores them.

A snapshot fits one runtime and one client only, so its file is named after a digest of both.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyvidu.vendoring.locations import package_dir, web_dir
from pyvidu.vendoring.lock import LOCKS, runtime_stamp
from pyvidu.vendoring.node import run_node

if sys.platform != "win32":
    import fcntl

FOLDER = "snapshots"
_KEPT = 8  # of other clients: of checkouts that share a runtime


def snapshot_key(wheel: bytes) -> str:
    """Return the digest that names the snapshot of the client in `wheel` on the runtime that this version needs."""
    digest = hashlib.sha256(runtime_stamp().encode() + hashlib.sha256(wheel).digest())
    for path in (LOCKS / "snapshot.mjs", LOCKS / "in_snapshot.py", _restoring_module()):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def snapshot_file(vendor_dir: Path, key: str) -> Path:
    """Return where the snapshot is, if there is one."""
    return vendor_dir / FOLDER / f"{key}.bin"


def make_snapshot(vendor_dir: Path, wheel: bytes) -> Path:
    """Make sure that the snapshot of the client in `wheel` is there, and return it. Takes some twenty seconds.

    Returns its path also if another process is making it. Raises VendorError: Node.js is missing, or it failed.
    """
    key = snapshot_key(wheel)
    file = snapshot_file(vendor_dir, key)
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.parent / ".making") as alone:
        if alone and not file.is_file():
            _make(vendor_dir, wheel, key, file)
            for old in sorted(file.parent.glob("*.bin"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
                for path in (old, *old.parent.glob(f"{old.name}.*")):
                    path.unlink(missing_ok=True)
    return file


def _make(vendor_dir: Path, wheel: bytes, key: str, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".", dir=file.parent) as scratch:
        packed, made = Path(scratch, "client.whl"), Path(scratch, file.name)
        packed.write_bytes(wheel)
        functions = package_dir() / "platform" / "browser" / "functions.js"
        run_node("snapshot.mjs", vendor_dir / "pyodide", packed, functions, _restoring_module(), key, made)
        run_node("brotli.mjs", "10", made)
        made.with_name(f"{made.name}.gz").write_bytes(gzip.compress(made.read_bytes(), compresslevel=6, mtime=0))
        for path in sorted(Path(scratch).glob(f"{made.name}*"), reverse=True):  # the snapshot itself last
            path.replace(file.parent / path.name)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Yield whether no other process holds `lock`; the system releases it when its process ends, however that ends."""
    with lock.open("ab") as held:
        try:
            if sys.platform != "win32":
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _restoring_module() -> Path:
    return web_dir() / "lib" / "snapshot.js"
