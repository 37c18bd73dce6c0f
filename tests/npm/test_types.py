"""The package's declarations: they are complete, and what compiles against openvidu-browser compiles against them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.interop.names import exported
from tests.npm.conftest import HERE, NODE_MODULES
from tests.npm.program import program
from tools.generated import ROOT
from tools.parity import rows

OPTIONS = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "types": [],
}
RESOLUTIONS = {"bundler": "esnext", "node16": "node16", "node10": "commonjs"}
"""How TypeScript finds the declarations, and the kind of module that it is used with."""
TYPESCRIPT_5 = NODE_MODULES / ".bin" / "tsc"
TYPESCRIPT_7 = ROOT / "node_modules" / ".bin" / "tsc"


def compiled(
    folder: Path, source: str, resolution: str = "bundler", name: str = "program.ts", compiler: Path = TYPESCRIPT_7
) -> list[tuple[int, str]]:
    """Return the errors of TypeScript in a program in the project `folder`, as the number of their line and their text."""
    (folder / name).write_text(source, "utf-8")
    options = OPTIONS | {"module": RESOLUTIONS[resolution], "moduleResolution": resolution}
    configuration = {"compilerOptions": options, "files": [name]}
    (folder / "tsconfig.json").write_text(json.dumps(configuration), "utf-8")
    command = [compiler, "--project", folder, "--pretty", "false"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    found = re.findall(r"^(\S+)\((\d+),\d+\): error (TS\d+: .*)", told, re.MULTILINE)
    assert bool(found) == bool(told.strip()), told
    assert {Path(path).name for path, _, _ in found} <= {name}, told
    return [(int(line), text) for _, line, text in found]


@pytest.fixture(scope="session")
def official_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a project that has installed openvidu-browser itself."""
    folder = tmp_path_factory.mktemp("official")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return folder


def test_declarations_have_what_pyvidu_js_exports_and_nothing_else() -> None:
    text = "console.log(JSON.stringify(Object.keys(await import('./web/pyvidu.js'))))"
    command = ["node", "--input-type=module", "--eval", text]
    there = set(json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout))
    declared = {name for name, thing in exported("declared").items() if thing["runtime"]}
    assert there - declared == set(), "declare these in npm/types"
    assert declared - there == set(), "pyvidu.js exports no such thing"


CLASSES = [name for name, thing in exported("declared").items() if thing["runtime"] and thing["kind"] != "enum"]


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_the_members_that_it_has_in_pyvidu_js(name: str) -> None:
    own, declared = (
        {member for member, told in exported(side)[name]["members"].items() if not told["hidden"] and "." not in member}
        for side in ("own", "declared")
    )
    assert own - declared == set(), f"declare these in class {name} of npm/types"
    assert declared - own == set(), "pyvidu.js has no such members"


def test_every_member_of_the_table_compiles_against_both_but_for_those_that_are_missing(
    official_project: Path, aliased_project: Path
) -> None:
    source, about = program()
    assert compiled(official_project, source) == []
    refused = {row for line, _ in compiled(aliased_project, source) for row in about[line]}
    assert {str(row) for row in refused if row.js} == set(), "declare these in npm/types"
    # Texts are those of the server: they are declared whether pyvidu knows them or not.
    public = [
        row for row in rows() if row.is_public and exported("official").get(row.section, {}).get("kind") != "union"
    ]
    assert len(public) > 250
    assert refused == {row for row in public if not row.js}, "parity.toml says that these are not here"


def test_application_compiles_against_both(official_project: Path, aliased_project: Path) -> None:
    source = (HERE / "application.ts").read_text("utf-8")
    assert compiled(official_project, source) == []
    assert compiled(aliased_project, source) == []


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_application_compiles_with_typescript_5_however_it_finds_the_declarations(
    resolution: str, aliased_project: Path
) -> None:
    source = (HERE / "application.ts").read_text("utf-8")
    assert compiled(aliased_project, source, resolution, compiler=TYPESCRIPT_5) == []


def test_application_that_is_an_ecmascript_module_of_node_compiles(project: Path) -> None:
    source = (
        "import { OpenVidu, type Session } from 'pyvidu';\nexport const made: Session = new OpenVidu().initSession();\n"
    )
    assert compiled(project, source, "node16", "program.mts") == []


def test_what_is_ours_alone_compiles_with_its_types(project: Path) -> None:
    source = (HERE / "ours.ts").read_text("utf-8")
    assert compiled(project, source) == []


MISTAKES = {
    "session.on('streamCreate', () => {});": "TS2345",
    "session.on('streamCreated', (event) => event.streams);": "TS2551",
    "session.connect(42);": "TS2345",
    "new OpenVidu().initPublisher('me', { resolutoin: '640x480' });": "TS2769",
    "session.subscribe('stream', 'others');": "TS2345",
    "new OpenViduError('NO_SUCH_ERROR', 'text');": "TS2345",
    "configure({ asset: '/pyvidu/' });": "TS2561",
}


def test_mistakes_do_not_compile(project: Path) -> None:
    head = (
        "import { OpenVidu, OpenViduError, configure } from 'pyvidu';\nconst session = new OpenVidu().initSession();\n"
    )
    errors = compiled(project, head + "\n".join(MISTAKES))
    assert {line: text.split(":")[0] for line, text in errors} == dict(enumerate(MISTAKES.values(), 3))


def test_published_declarations_are_the_same_for_import_and_require(project: Path) -> None:
    dist = project / "node_modules" / "pyvidu" / "dist"
    text = (dist / "pyvidu.d.ts").read_text("utf-8")
    assert (dist / "pyvidu.d.mts").read_text("utf-8") == text
    assert "import type" not in text
    assert "./" not in re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)
