"""`pyvidu.js` in one file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pyvidu.server.http.bundle import Form, bundle
from pyvidu.vendoring import web_dir


def bundled(form: Form) -> str:
    return bundle(web_dir(), form, assets="files/", version="1.2.3")


@pytest.mark.parametrize("form", Form)
def test_file_is_valid_javascript_that_imports_no_other(form: Form, tmp_path: Path) -> None:
    modules = (Form.MODULE, Form.MODULE_OF_A_PAGE)
    path = tmp_path / f"pyvidu.{'mjs' if form in modules else 'cjs'}"
    path.write_text(bundled(form), "utf-8")
    subprocess.run(["node", "--check", path], check=True, capture_output=True)
    text = path.read_text("utf-8")
    assert text.startswith("/*! pyvidu 1.2.3 ")
    assert "/**" not in text
    assert re.findall(r"^\s*import\b(?!\()", text, re.MULTILINE) == []
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == (form in modules)
    # Bundlers warn of it, or put a path of their own machine there.
    assert ("import.meta" in text) == (form is Form.MODULE_OF_A_PAGE)


@pytest.mark.parametrize(
    "line",
    [
        "export default 1;",
        "import './b.js';",
        "import * as b from './b.js';",
        "export * from './b.js';",
        "export let a = 1;",
        "f(import.meta.url);",
    ],
)
def test_form_that_is_not_known_is_refused_by_its_text(line: str, tmp_path: Path) -> None:
    (tmp_path / "pyvidu.js").write_text(f"const one = 1;\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=re.escape(line)):
        bundle(tmp_path, Form.MODULE, assets="./", version="1")


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyvidu.js").write_text("import { a } from './a.js';\n", "utf-8")
    (tmp_path / "a.js").write_text("import { b } from './b.js';\nexport const a = b;\n", "utf-8")
    (tmp_path / "b.js").write_text("import { a } from './a.js';\nexport const b = a;\n", "utf-8")
    with pytest.raises(ValueError, match=r"b\.js and a\.js import each other"):
        bundle(tmp_path, Form.MODULE, assets="./", version="1")


def test_exported_name_of_a_global_leaves_the_global_to_the_modules(tmp_path: Path) -> None:
    (tmp_path / "pyvidu.js").write_text("export { Event } from './a.js';\nexport { native } from './b.js';\n", "utf-8")
    (tmp_path / "a.js").write_text("export class Event {}\n", "utf-8")
    (tmp_path / "b.js").write_text("export const native = () => Event;\n", "utf-8")
    bundled = tmp_path / "bundle.mjs"
    bundled.write_text(bundle(tmp_path, Form.MODULE, assets="./", version="1"), "utf-8")
    code = f"""const {{ Event: own, native }} = await import('{bundled.as_uri()}');
        console.log(own !== Event, native() === Event);"""
    told = subprocess.run(
        ["node", "--input-type=module", "-e", code], check=True, capture_output=True, text=True
    ).stdout
    assert told == "true true\n"


def test_names_of_one_module_do_not_meet_those_of_another(tmp_path: Path) -> None:
    (tmp_path / "pyvidu.js").write_text(
        "import { a as first } from './a.js';\nexport { b } from './b.js';\n// a comment\nconst hidden = 3;\n"
        "export const all = first + hidden;\n",
        "utf-8",
    )
    (tmp_path / "a.js").write_text("const hidden = 1;\nexport const a = hidden;\n", "utf-8")
    (tmp_path / "b.js").write_text("const hidden = 2;\nexport const b = hidden;\n", "utf-8")
    text = bundle(tmp_path, Form.COMMONJS, assets="./", version="1")
    assert "a comment" not in text
    code = text + "console.log(JSON.stringify(exports));"
    told = subprocess.run(["node", "--eval", code], check=True, capture_output=True, text=True).stdout
    assert told == '{"b":2,"all":4}\n'
