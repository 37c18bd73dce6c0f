"""The Python examples of the docstrings and of the pages, and why some of them are not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.docstrings import documented, methods, public_names
from tools.generated import ROOT

PAGES = ("README.md", "docs/*.md", "docs/decisions/*.md", "CONTRIBUTING.md")
"""`docs/reference/` has the examples of the docstrings."""

_FENCE = re.compile(r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r'<script type="py"[^>]*>\n(?P<code>.*?)</script>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """An example, where it is, and why it is not run; that is empty if it is."""

    where: str
    code: str
    not_run: str = ""


def of_docstrings() -> Iterator[Example]:
    for name, node in public_names().items():
        parts = [(name, node)]
        if node.is_class:
            parts += [(f"{name}.{method.name}", method) for method in methods(node)]
        for path, part in parts:
            for number, example in enumerate(documented(part).examples, 1):
                yield Example(f"{path} {number}", example.code, example.not_run)


def of_pages() -> Iterator[Example]:
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text("utf-8")
            page = path.relative_to(ROOT).as_posix()
            for match in _FENCE.finditer(text):
                yield Example(f"{page}:{_line(text, match)}", match["code"], match["why"] or "")
            for match in _TAG.finditer(text):
                yield Example(f"{page}:{_line(text, match)}", match["code"])


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start("code")) + 1


def inherited_once(examples: Iterator[Example]) -> list[Example]:
    """Return the examples without those that a class inherits: the code is the same."""
    return list({example.code: example for example in examples}.values())


ALL = inherited_once(iter([*of_docstrings(), *of_pages()]))
