"""The wheel that pages install: the client half of the running package, packed on request, without comments and docstrings.

A wheel built beforehand can be older than the server that it connects to; this one cannot.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from pyvidu.server.http.stripped import stripped

# What a page does not need, or cannot import.
SERVER_HALF = frozenset({"cli", "server", "static", "testing", "vendoring", "web"})

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date of a zip; fixed, so that equal sources make equal bytes


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel in memory."""

    filename: str
    content: bytes = field(repr=False)
    requires: tuple[str, ...]

    @property
    def etag(self) -> str:
        """Return an entity tag, equal for equal bytes."""
        return hashlib.sha256(self.content).hexdigest()[:32]


class ClientWheel:
    """The client's wheel, built from a package folder and built again when a source file has changed."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self._built: tuple[object, Wheel] | None = None

    def current(self) -> Wheel:
        """Return the wheel of the sources as they are now."""
        sources = client_sources(self.package)
        state = [(path, status.st_mtime_ns, status.st_size) for path, status in ((p, p.stat()) for p in sources)]
        if self._built is None or self._built[0] != state:
            self._built = state, build_wheel(self.package, sources)
        return self._built[1]


def client_sources(package: Path) -> list[Path]:
    """Return the files of the client half, in a fixed order."""
    found = [
        path
        for entry in package.iterdir()
        if entry.name not in SERVER_HALF
        for path in ([entry] if entry.is_file() else entry.rglob("*"))
        if path.suffix in (".py", ".js") or path.name == "py.typed"
    ]
    return sorted(found)


def build_wheel(package: Path, sources: list[Path]) -> Wheel:
    """Pack `sources` of `package` into a wheel that pip, micropip and `pyodide.loadPackage` install."""
    name, version = package.name, source_version(package)
    requires = client_requirements(name)
    dist_info = f"{name}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        "License-Expression: Apache-2.0",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    wheel = ["Wheel-Version: 1.0", "Generator: pyvidu", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    members = {f"{name}/{path.relative_to(package).as_posix()}": _content(path) for path in sources}
    members[f"{dist_info}/METADATA"] = ("\n".join(metadata) + "\n").encode()
    members[f"{dist_info}/WHEEL"] = ("\n".join(wheel) + "\n").encode()
    record = [f"{member},sha256={_record_digest(content)},{len(content)}" for member, content in members.items()]
    record.append(f"{dist_info}/RECORD,,")
    members[f"{dist_info}/RECORD"] = ("\n".join(record) + "\n").encode()

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(member, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    return Wheel(f"{name}-{version}-py3-none-any.whl", packed.getvalue(), requires)


def source_version(package: Path) -> str:
    """Return `__version__` of the sources, as the build backend reads it: metadata of an old install may be older.

    Raises:
        ValueError: `__init__.py` has no `__version__`.
    """
    match = re.search(r'^__version__ = "([^"]+)"', (package / "__init__.py").read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError(f"no __version__ in {package / '__init__.py'}")
    return match.group(1)


def client_requirements(name: str) -> tuple[str, ...]:
    """Return the requirements of the client half: those that belong to no extra."""
    return tuple(line for line in importlib.metadata.requires(name) or [] if "extra ==" not in line)


def _content(path: Path) -> bytes:
    if path.suffix == ".js":  # comments there have lines of their own
        return re.sub(rb"^ *//.*", b"", path.read_bytes(), flags=re.MULTILINE)
    return stripped(path.read_text("utf-8")).encode() if path.suffix == ".py" else path.read_bytes()


def _record_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
