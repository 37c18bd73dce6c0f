"""`docs/reference/` is made from the docstrings, has every public name, and links to what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import reference
from tools.docstrings import parse, public_names
from tools.reference_pages import PAGES

CONTENTS = reference.contents()
LARGEST = 182_000  # bytes of all pages: a reader searches them, and a browser shows each at once


def anchors(text: str) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[(.+)\]\(.+\)", r"\1", title)).lower().replace(" ", "-") for title in titles
    }
    return made | set(re.findall(r'<a id="(\w+)">', text))


def test_pages_are_those_of_the_docstrings() -> None:
    written = {path.name: path.read_text("utf-8") for path in reference.FOLDER.iterdir()}
    assert written == CONTENTS, "run `make format`"


def test_every_public_name_is_on_one_page() -> None:
    listed = [name for page in PAGES for name in page.names]
    assert sorted(listed) == sorted(public_names())


def test_pages_are_of_a_moderate_size() -> None:
    assert sum(len(text.encode()) for text in CONTENTS.values()) <= LARGEST


@pytest.mark.parametrize("name", CONTENTS)
def test_links_lead_to_headings_and_files_that_exist(name: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", CONTENTS[name]):
        file, _, anchor = target.partition("#")
        text = CONTENTS.get(file or name)
        if text is None:
            if not (reference.FOLDER / file).exists():
                broken.append(target)
        elif anchor and anchor not in anchors(text):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", CONTENTS)
def test_no_name_of_this_machine_is_in_a_page(name: str) -> None:
    assert str(Path.cwd()) not in CONTENTS[name]
    assert not re.search(r"0x[0-9a-f]{6,}", CONTENTS[name])


def test_section_of_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not know"):
        parse("Do it.\n\nWarning:\n    It hurts.\n")
