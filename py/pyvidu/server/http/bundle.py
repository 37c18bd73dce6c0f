"""`pyvidu.js` or `python.js` in one file: a module, CommonJS, or the classic script of pages that know openvidu-browser's.

Not a bundler for any JavaScript: it reads the few forms of import and export that `web/` is written with, and refuses others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

ENTRY = "pyvidu.js"
_ORIGIN = "lib/origin.js"

_IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)';\n", re.MULTILINE)
_PASSED_ON = re.compile(r"^export \{([^}]*)\} from '([^']+)';\n", re.MULTILINE)
_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_DECLARATION = re.compile(r"^export ((?:async function|function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import\b(?!\()|export\b).*|.*\bimport\.meta\b.*", re.MULTILINE)
# JSDoc, and comments with lines of their own. What a bundler is told, `/* webpackIgnore: true */`, stays.
_COMMENT = re.compile(
    r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n|/\*\*(?:(?!\*/).)*\*/[ \t]*", re.MULTILINE | re.DOTALL
)


class Form(StrEnum):
    """How the file is loaded."""

    MODULE = "module"
    """By `import`, of an application that a bundler builds, or of Node.js. It starts nothing."""
    MODULE_OF_A_PAGE = "module of a page"
    """By `<script type="module">`, with the client's files beside it. It starts Python."""
    COMMONJS = "commonjs"
    """By `require`. It starts nothing."""
    CLASSIC = "classic"
    """By `<script src>`. It sets `window.OpenVidu`, as openvidu-browser does, and nothing else, and starts Python."""


_ORIGINS = {
    Form.MODULE: "undefined",
    Form.MODULE_OF_A_PAGE: "import.meta.url",
    Form.COMMONJS: "undefined",
    Form.CLASSIC: "document.currentScript?.src",
}


def bundle(
    web: Path, form: Form, *, assets: str, version: str, entry: str = ENTRY, manifest: dict[str, Any] | None = None
) -> str:
    """Return the module `entry` of the folder `web` and everything it imports, as one file without comments.

    `assets` is the folder of the client's files, relative to the URL of this file; `manifest` what the page is to load from
    there, if it is known: the page does not ask then.

    Raises:
        ValueError: a module has a form of import or export that is not known here.
    """
    done: dict[str, str] = {}
    names = _add(web, entry, _origin(form, assets, manifest), done)
    body = "".join(done.values())
    whole = _variable(entry)
    banner = f"/*! pyvidu {version} | Apache-2.0 */\n"
    if form is Form.CLASSIC:
        return f"{banner}(() => {{\n'use strict';\n{body}window.OpenVidu = {whole}.OpenVidu;\n}})();\n"
    if form is Form.COMMONJS:  # one line a name: Node.js and bundlers read them without running it
        exports = "".join(f"exports.{name} = {whole}.{name};\n" for name in names)
        return (
            f"{banner}'use strict';\nObject.defineProperty(exports, '__esModule', {{ value: true }});\n{body}{exports}"
        )
    # Under names of their own, or `Event` would not be the browser's in any module.
    taken = ", ".join(f"{name}: $${name}" for name in names)
    passed_on = ", ".join(f"$${name} as {name}" for name in names)
    return f"{banner}{body}const {{ {taken} }} = {whole};\nexport {{ {passed_on} }};\n"


def _origin(form: Form, assets: str, manifest: dict[str, Any] | None) -> str:
    starts = form in (Form.MODULE_OF_A_PAGE, Form.CLASSIC)
    values = {
        "loadedFrom": _ORIGINS[form],
        "folder": f"'{assets}'",
        "startsAtOnce": str(starts).lower(),
        "manifest": "undefined" if manifest is None else json.dumps(manifest),
    }
    return "".join(f"export const {name} = {value};\n" for name, value in values.items())


def _add(web: Path, path: str, origin: str, done: dict[str, str]) -> list[str]:
    """Add the module `path` to `done`, after the modules that it imports; return the names that it exports.

    Each becomes a function that is called once, so names of one module do not meet those of another.
    """
    done[path] = ""
    source = origin if path == _ORIGIN else _COMMENT.sub("", (web / path).read_text("utf-8"))
    for _, target in (*_IMPORT.findall(source), *_PASSED_ON.findall(source)):
        inner = _resolved(path, target)
        if done.get(inner) == "":
            raise ValueError(f"{path} and {inner} import each other")
        if inner not in done:
            _add(web, inner, origin, done)
    exported = dict.fromkeys(_exported(source))
    lines = _IMPORT.sub(lambda found: _destructured(path, *found.groups()), source)
    lines = _PASSED_ON.sub(lambda found: _destructured(path, *found.groups()), lines)
    lines = _DECLARATION.sub(r"\1", _LIST.sub("", lines))
    if (unknown := _OTHER.search(lines)) and path != _ORIGIN:
        raise ValueError(f"{path}: {unknown[0]!r} is no form of import or export that is known here")
    del done[path]  # it comes after those that it imports
    done[path] = f"const {_variable(path)} = (() => {{\n{lines.strip()}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
    return list(exported)


def _exported(source: str) -> Iterator[str]:
    for names, _ in _PASSED_ON.findall(source):
        yield from _names(names)
    for names in _LIST.findall(source):
        yield from _names(names)
    yield from (name for _, name in _DECLARATION.findall(source))


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _destructured(path: str, listed: str, target: str) -> str:
    names = ", ".join(name.replace(" as ", ": ") for name in _names(listed))
    return f"const {{ {names} }} = {_variable(_resolved(path, target))};\n"


def _resolved(path: str, target: str) -> str:
    return (PurePosixPath(path).parent / target).as_posix()


def _variable(path: str) -> str:
    return "$" + re.sub(r"\W", "_", PurePosixPath(path).stem)
