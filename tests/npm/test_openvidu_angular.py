"""openvidu-angular with the package instead of openvidu-browser: it links, and the members that it names are there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.interop.names import exported
from tests.npm.conftest import HERE
from tools.parity import rows

LIBRARY = HERE / "openvidu_angular" / "node_modules" / "openvidu-angular" / "fesm2022" / "openvidu-angular.mjs"

OF_OTHER_OBJECTS = {
    "initialize": "of its own services",
    "reconnecting": "a field of its own",
    "secret": "of its own settings",
}
"""What openvidu-angular calls by names that members of openvidu-browser have too."""


def test_openvidu_angular_is_bundled_with_the_package_and_every_import_is_resolved(project: Path) -> None:
    package = project / "node_modules" / "pyvidu"
    command = ["node", HERE / "openvidu_angular.mjs", package]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout)
    assert told["said"] == []
    assert [name for name in told["inputs"] if name.endswith("pyvidu/dist/pyvidu.mjs")] != []
    assert [name for name in told["inputs"] if "openvidu-browser" in name] == []


def test_every_member_that_openvidu_angular_names_is_here_or_in_the_table_as_missing() -> None:
    text = LIBRARY.read_text("utf-8")
    named = set(re.findall(r"\.(\w+)", text))
    official, own = (
        {
            name
            for thing in exported(side).values()
            if thing["kind"] in ("class", "type")
            for name, member in thing["members"].items()
            if side == "official" or not member["hidden"]
        }
        for side in ("official", "own")
    )
    missing = {row.name for row in rows() if not row.js}
    assert {"subscribe", "publishVideo", "replaceTrack", "SPEECH_TO_TEXT_DISCONNECTED"} <= named, "the library is read"
    assert named & official - own - missing - set(OF_OTHER_OBJECTS) == set()
    assert set(OF_OTHER_OBJECTS) <= named & official - own, "these need not be listed"


def test_names_that_openvidu_angular_imports_are_exported() -> None:
    (names,) = re.findall(r"import \{([^}]*)\} from 'openvidu-browser'", LIBRARY.read_text("utf-8"))
    imported = {name.strip() for name in names.split(",")}
    assert imported == {"OpenVidu", "OpenViduErrorName", "ExceptionEventName"}
    assert {name for name, thing in exported("declared").items() if thing["runtime"]} >= imported
