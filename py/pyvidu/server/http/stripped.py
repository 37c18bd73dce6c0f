"""Python source without its comments and docstrings, which a page that runs it does not need. Line numbers stay the same."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator


def stripped(source: str) -> str:
    """Return `source` with an empty line for each line of a docstring, and without comments.

    Strings that stand alone anywhere else go too. The code that is left, and the lines that it is in, are the same, so a
    traceback of a page names the lines of the sources. A body that was nothing but a docstring becomes `...`.
    """
    lines = source.encode().splitlines(keepends=True)  # ast counts columns in bytes
    for text, alone in _strings(ast.parse(source)):
        first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
        before, after = lines[first][: text.col_offset], lines[last][text.end_col_offset :]
        lines[first : last + 1] = [b"\n"] * (last + 1 - first)
        lines[last] = before.rjust(text.col_offset) + b"..." + after if alone else b"\n"
    without = b"".join(lines).decode()
    found = without.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(without).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            found[row - 1] = found[row - 1][:column].rstrip() + "\n"
    return "".join(found)


def _strings(tree: ast.Module) -> Iterator[tuple[ast.Expr, bool]]:
    """Yield each statement that is nothing but a string, and whether its body has no other."""
    for node in ast.walk(tree):
        for body in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if not isinstance(body, list):
                continue
            for item in body:
                if (
                    isinstance(item, ast.Expr)
                    and isinstance(item.value, ast.Constant)
                    and isinstance(item.value.value, str)
                ):
                    yield item, len(body) == 1 and not isinstance(node, ast.Module)
