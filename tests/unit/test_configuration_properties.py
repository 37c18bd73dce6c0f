"""Whatever is given as configuration, the result has the types that it promises, or a PropertiesError names the property."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvidu import AdvancedConfiguration, PropertiesError, PublisherProperties, SubscriberProperties
from pyvidu.configuration import InsertMode
from pyvidu.properties import configured
from pyvidu.protocol.wire import camel_case

CLASSES: list[type[Any]] = [AdvancedConfiguration, PublisherProperties, SubscriberProperties]
NAMES = [(cls, item.name) for cls in CLASSES for item in fields(cls)]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(NAMES), ANYTHING, st.booleans())
def test_any_value_is_accepted_as_it_is_or_refused_by_name(
    target: tuple[type[Any], str], value: object, in_mapping: bool
) -> None:
    cls, name = target
    key = camel_case(name) if in_mapping else name
    refused = ""
    try:
        made = configured(cls, {key: value} if in_mapping else {}, {} if in_mapping else {key: value})
    except PropertiesError as error:
        made, refused = cls(), str(error)
    if refused:
        assert key in refused
        return
    kept = getattr(made, name)
    if isinstance(getattr(cls(), name), float):
        assert math.isfinite(kept)
        assert kept == pytest.approx(value / 1000 if in_mapping else value)  # type: ignore[operator]
    elif name not in ("publisher_speaking_events_options", "reconnection"):  # these are made of mappings
        assert kept is value
    if isinstance(made, AdvancedConfiguration):
        assert made.policy is not None, "it does not fail when a session connects"
    elif isinstance(made, PublisherProperties):
        assert min(made.size) > 0
        assert made.insert_mode in get_args(InsertMode)


@given(st.sampled_from(CLASSES), st.text())
def test_any_unknown_name_is_refused(cls: type[Any], name: str) -> None:
    known = {part for item in fields(cls) for part in (item.name, camel_case(item.name))}
    if name not in known:
        for mapping, keywords in (({name: None}, {}), ({}, {name: None})):
            with pytest.raises(PropertiesError, match=f"^{cls.__name__} has no "):
                configured(cls, mapping, keywords)


@given(st.floats(min_value=0.001, max_value=600))
def test_a_time_is_the_same_in_both_units(seconds: float) -> None:
    keyword = configured(AdvancedConfiguration, {}, {"no_stream_playing_event_exception_timeout": seconds})
    mapping = configured(AdvancedConfiguration, {"noStreamPlayingEventExceptionTimeout": max(1, seconds * 1000)}, {})
    assert mapping.no_stream_playing_event_exception_timeout == pytest.approx(
        keyword.no_stream_playing_event_exception_timeout
    )


@given(width=st.integers(1, 99_999), height=st.integers(1, 99_999), cross=st.sampled_from("xX"))
def test_any_resolution_is_read_as_it_was_written(width: int, height: int, cross: str) -> None:
    assert configured(PublisherProperties, {"resolution": f"{width}{cross}{height}"}, {}).size == (width, height)
