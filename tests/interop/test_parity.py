"""`parity.toml` has every member of openvidu-browser, names what exists, and calls nothing the same without a test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from pyvidu import events
from pyvidu.protocol.wire import camel_case
from tests.interop.names import exported, javascript_has, official_members, python_has
from tools import parity
from tools.generated import ROOT
from tools.parity import VERDICTS, Row

ROWS = parity.rows()
ALL = [*ROWS, *parity.own_rows()]
PROVED = [row for row in ALL if row.proof]
NEVER_HERE = 10
"""So many members may be left out for ever."""


def each(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=str)


def test_table_has_every_member_of_openvidu_browser_and_no_other() -> None:
    public = {(section, name) for section, name, hidden in official_members() if not hidden}
    listed = {(row.section, row.name) for row in ROWS if row.is_public}
    assert public - listed == set(), "these have no row in parity.toml"
    assert listed - public == set(), "openvidu-browser has no such members"


def test_hidden_members_of_the_table_are_hidden_in_openvidu_browser() -> None:
    hidden = {(f"hidden.{section}", name) for section, name, is_hidden in official_members() if is_hidden}
    assert {(row.section, row.name) for row in ROWS if not row.is_public} - hidden == set()


def test_openvidu_browser_is_the_version_that_the_table_is_about() -> None:
    assert sum(section == "exports" for section, _, _ in official_members()) == 31
    package = ROOT / "tests" / "interop" / "node_modules" / "openvidu-browser" / "package.json"
    assert '"version": "2.32.2"' in package.read_text("utf-8")
    assert "openvidu-browser 2.32.2" in parity.TABLE.read_text("utf-8")


def test_every_python_name_of_the_table_exists() -> None:
    assert [f"{row}: {row.python}" for row in ALL if row.python and not python_has(row.python)] == []


def test_every_javascript_name_of_the_table_exists() -> None:
    assert [f"{row}: {row.js}" for row in ALL if row.js and not javascript_has(row.js)] == []


def test_what_the_table_says_pyvidu_js_lacks_is_not_there() -> None:
    claimed = [row for row in ROWS if not row.js and "." not in row.name and row.section.isidentifier()]
    names = {row: row.name if row.section == "exports" else f"{row.section}.{row.name}" for row in claimed}
    found = [name for row, name in names.items() if javascript_has(name)]
    assert found == []


@pytest.mark.parametrize("verdict", VERDICTS)
def test_row_of_each_verdict_has_what_the_verdict_requires(verdict: str) -> None:
    rows = [row for row in ROWS if row.verdict == verdict]
    if verdict in ("same", "different"):
        assert [str(row) for row in rows if not row.js or not row.proof] == []
    if verdict in ("same", "unproved"):  # without a Python name there is a reason, unless a text has no name
        literal = {row for row in rows if exported("official").get(row.section, {}).get("kind") in ("enum", "union")}
        assert [str(row) for row in rows if not row.python and not row.note and row not in literal] == []
    if verdict in ("different", "not here"):
        assert [str(row) for row in rows if len(row.note) < 20] == []


def test_every_verdict_is_one_of_the_known_ones_and_few_members_are_left_out_for_ever() -> None:
    counts = Counter(row.verdict for row in ROWS)
    assert set(counts) <= set(VERDICTS)
    assert counts["not here"] <= NEVER_HERE
    assert {row.verdict for row in parity.own_rows()} == {"ours"}


@each(PROVED)
def test_proof_is_a_test_that_exists_and_names_the_member(row: Row) -> None:
    path, _, test = row.proof.partition("::")
    function, _, question = test.rstrip("]").partition("[")
    text = proving(path, function)
    assert text, f"{path} has no {function}"
    assert not question or f'"{question}"' in source(path)
    words = set(re.findall(r"\w+", text))
    names = {re.findall(r"\w+", name)[-1] for name in (row.python, row.js) if name.strip("'")}
    if exported("official").get(row.section, {}).get("kind") == "enum":
        names.add(row.section)  # all of its values are compared
    if row.name.startswith("signal:"):
        names.add("signal")
    # Nothing names the empty text, and one test has all exports.
    everything = not names or (row.section == "exports" and "_exports_what_" in function)
    assert everything or names & words, f"{row.proof} names none of {names}"


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def proving(path: str, function: str) -> str:
    """Return the text of a test, with what is not a function in its module and its pages, and with the scripts it names."""
    found = [node for node in ast.parse(source(path)).body if getattr(node, "name", "") == function]
    pages = [
        f"{name.replace('.', '/')}.py"
        for name in re.findall(r"^from (tests\.\S+_page) import", source(path), re.MULTILINE)
    ]
    bodies = [node for module in (path, *pages) for node in ast.parse(source(module)).body]
    around = [node for node in bodies if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    text = "\n".join(ast.unparse(node) for node in [*found, *around])
    scripts = re.findall(r'"(\w+\.m?js)"', source(path))
    return text + "".join(source(str(Path(path).parent / name)) for name in scripts) if found else ""


EVENT_CLASSES = {
    cls.__name__: cls
    for group in (events.SESSION_EVENTS, events.STREAM_MANAGER_EVENTS, events.PUBLISHER_EVENTS)
    for cls in group.values()
}


def test_events_of_pyvidu_js_have_the_fields_that_python_fires_them_with() -> None:
    inherited = set(exported("own")["Event"]["members"]) - {"type", "target", "cancelable"}
    javascript, python = {}, {}
    for name in set(EVENT_CLASSES) & set(exported("own")):
        javascript[name] = {member for member in exported("own")[name]["members"] if member not in inherited}
        own = {field.name for field in fields(EVENT_CLASSES[name]) if not field.name.startswith("_")} - {"signal_type"}
        python[name] = {"from" if field == "from_connection" else camel_case(field) for field in own}
    assert javascript == python
    assert len(python) == 13


def test_readme_has_the_counts_of_the_table() -> None:
    text = parity.TARGET.read_text("utf-8")
    assert parity.content(text) == text, "run `make format`"
