"""Python modules of an archive as byte code, without docstrings. Runs in Pyodide, whose Python the byte code is for.

Tracebacks name the files and lines of the sources, without their text.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import marshal
import zipfile

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date of a zip; fixed, so that equal sources make equal bytes
_UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: the byte code is never compared with a source


def compiled(archive: bytes, folder: str) -> bytes:
    """Return the zip `archive` with byte code instead of its `.py` files, which the code objects name as in `folder`."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as sources, zipfile.ZipFile(made, "w") as target:
        for name in sources.namelist():
            content = sources.read(name)
            is_source = name.endswith(".py")
            packed = _byte_code(content, f"{folder}/{name}") if is_source else content
            target.writestr(_entry(f"{name}c" if is_source else name), packed, zipfile.ZIP_DEFLATED, compresslevel=9)
    return made.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)


def _byte_code(source: bytes, path: str) -> bytes:
    code = compile(_without_docstrings(ast.parse(source)), path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Return `tree` without them. Assertions stay, which `-OO` would remove too."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        match node.body:
            case [ast.Expr(ast.Constant(str())) as docstring, *others]:
                node.body = others or [ast.copy_location(ast.Pass(), docstring)]
    return tree
