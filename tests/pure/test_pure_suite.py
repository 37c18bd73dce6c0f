"""What the pure tests are made of."""

from __future__ import annotations

from pure import suite


def test_every_part_of_the_suite_is_there_and_so_is_what_is_left_out() -> None:
    missing = [name for name in (*suite.SUITE, *suite.NOT_PURE) if not (suite.TESTS / name).exists()]
    assert missing == []


def test_nothing_that_is_lent_is_compiled() -> None:
    places = [str(place) for place, _ in suite.files()]
    assert "site/pytest/__init__.py" in places
    assert "py/pyvidu/__init__.py" in places
    assert not [place for place in places if place.endswith((".so", ".pyd", ".dylib"))]
