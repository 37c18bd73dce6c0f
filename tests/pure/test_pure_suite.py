"""What the pure tests are made of."""

from __future__ import annotations

from tests.pure import suite


def test_listed_test_files_exist() -> None:
    missing = [name for name in (*suite.SUITE, *suite.NOT_PURE) if not (suite.TESTS / name).exists()]
    assert missing == []


def test_copied_packages_contain_no_compiled_files() -> None:
    places = [str(place) for place, _ in suite.files()]
    assert "site/pytest/__init__.py" in places
    assert "py/pyvidu/__init__.py" in places
    assert not [place for place in places if place.endswith((".so", ".pyd", ".dylib"))]
