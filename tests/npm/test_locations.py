"""Where pyvidu looks for the files that Python is started with, and what it says if they are not there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SITE = "https://app.example"

PAGE = """
const [{ module, configured, meta, base, at, script, answer }] = JSON.parse(process.argv[1]);
const elements = { 'meta[name="pyvidu-assets"]': meta && { content: meta }, 'base[href]': base && {} };
globalThis.document = {
  baseURI: new URL(base ?? '', at).href,
  querySelector: (selector) => elements[selector] ?? null,
  currentScript: script && { src: script },
};
globalThis.window = globalThis;
globalThis.RTCPeerConnection = class {};
const asked = [];
globalThis.fetch = async (url) => { asked.push(String(url)); return new Response(answer.text, { status: answer.status }); };
const library = await import(module);
const OpenVidu = library.OpenVidu ?? window.OpenVidu;
if (configured) library.configure({ assets: configured });
const before = asked.length;
const failure = await new OpenVidu().getUserMedia({}).catch((error) => error);
let late;
try {
  library.configure?.({ assets: '/late/' });
} catch (error) {
  late = error.message;
}
console.log(JSON.stringify({ before, asked: asked[0], name: failure.name, message: failure.message, late }));
"""


def asked(project: Path, module: str = "dist/pyvidu.mjs", **page: Any) -> dict[str, Any]:
    """Return what a page with these things asks for first, how many requests importing made, and what the call fails with."""
    values = {
        "module": str(project / "node_modules" / "pyvidu" / module),
        "at": f"{SITE}/rooms/blue",
        "answer": {"status": 404, "text": "Not Found"},
        **page,
    }
    command = ["node", "--input-type=module", "--eval", PAGE, json.dumps([values])]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        ({}, f"{SITE}/pyvidu/"),
        ({"base": "/app/"}, f"{SITE}/app/pyvidu/"),
        ({"meta": "/static/pyvidu"}, f"{SITE}/static/pyvidu/"),
        ({"meta": "files/", "base": "/app/"}, f"{SITE}/app/files/"),
        ({"meta": "/ignored/", "configured": "/chosen/"}, f"{SITE}/chosen/"),
        ({"configured": "https://cdn.example/pyvidu"}, "https://cdn.example/pyvidu/"),
    ],
)
def test_bundled_application_finds_the_files_where_the_page_says_or_in_the_root(
    page: dict[str, str], folder: str, project: Path
) -> None:
    told = asked(project, **page)
    assert told["before"] == 0, "the import asks for nothing"
    assert told["asked"] == f"{folder}manifest.json"
    assert "before boot()" in told["late"]


@pytest.mark.parametrize("page", [{}, {"base": "/app/"}])
def test_classic_script_finds_the_files_beside_it(page: dict[str, str], project: Path) -> None:
    script = "https://cdn.example/files/openvidu-browser.js"
    told = asked(project, "assets/openvidu-browser.js", script=script, **page)
    assert told["asked"] == "https://cdn.example/files/manifest.json"


def test_classic_script_asks_the_page_first(project: Path) -> None:
    script = "https://cdn.example/files/openvidu-browser.js"
    told = asked(project, "assets/openvidu-browser.js", script=script, meta="/pyvidu/")
    assert told["asked"] == f"{SITE}/pyvidu/manifest.json"


@pytest.mark.parametrize(
    "answer", [{"status": 404, "text": "Not Found"}, {"status": 200, "text": "<!doctype html>"}], ids=["none", "a page"]
)
def test_missing_files_are_an_error_that_says_where_they_should_be_and_how_they_get_there(
    answer: dict[str, Any], project: Path
) -> None:
    told = asked(project, answer=answer)
    assert told["name"] == "GENERIC_ERROR"
    assert f"not at {SITE}/pyvidu/ (HTTP {answer['status']})" in told["message"]
    assert "npx pyvidu copy-assets" in told["message"]
    assert "configure({ assets: URL })" in told["message"]


def test_what_our_server_lacks_is_told_in_its_own_words(project: Path) -> None:
    told = asked(project, answer={"status": 503, "text": "run `pyvidu vendor`"})
    assert told["message"] == "run `pyvidu vendor`"
