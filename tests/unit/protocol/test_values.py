"""The values that an application reads as typed ones: from OpenVidu's form and back, and what is none."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

import pyvidu
from pyvidu import Capabilities, FilterMethod, TrackInfo, VideoDimensions, VolumeChange
from pyvidu.protocol.notifications import RemoteStreamPropertyChanged
from pyvidu.protocol.values import FilterInfo, filter_in
from pyvidu.protocol.wire import WireError, to_wire

METHOD = FilterMethod("setElementProperty", {"propertyName": "wipe-left"})
FILTER = FilterInfo("GStreamerFilter", {"command": "videobox"}, METHOD)
OFFICIAL: list[tuple[Any, Any]] = [
    (
        Capabilities(force_disconnect=True, publish=True),
        {"forceDisconnect": True, "forceUnpublish": False, "publish": True, "subscribe": False},
    ),
    (VideoDimensions(640, 480), {"width": 640, "height": 480}),
    (TrackInfo("camera"), {"label": "camera"}),
    (VolumeChange(-60.0, -200.0), {"newValue": -60.0, "oldValue": -200.0}),
    (FilterInfo("ZBarFilter"), {"type": "ZBarFilter", "options": {}}),
    (
        FILTER,
        {
            "type": "GStreamerFilter",
            "options": {"command": "videobox"},
            "lastExecMethod": {"method": "setElementProperty", "params": {"propertyName": "wipe-left"}},
        },
    ),
]


@pytest.mark.parametrize(("value", "official"), OFFICIAL, ids=lambda item: type(item).__name__)
def test_value_has_openvidus_form_for_javascript(value: Any, official: Any) -> None:
    assert to_wire(value) == official


PUBLIC = [item for item, _ in OFFICIAL if not isinstance(item, FilterInfo)]


@pytest.mark.parametrize("value", PUBLIC, ids=lambda item: type(item).__name__)
def test_value_is_exported_and_cannot_be_changed(value: Any) -> None:
    assert getattr(pyvidu, type(value).__name__) is type(value)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, None)
    assert not hasattr(value, "__dict__")


def changed(name: str, value: Any) -> Any:
    return RemoteStreamPropertyChanged("con_b", "str_CAM_b", name, value, "").value()


@pytest.mark.parametrize(
    ("name", "new_value", "expected"),
    [
        ("videoDimensions", '{"width":640,"height":480}', VideoDimensions(640, 480)),
        ("videoDimensions", json.dumps('{"width":640,"height":480}'), VideoDimensions(640, 480)),
        ("audioTrack", {"label": "headset"}, TrackInfo("headset")),
        ("videoTrack", '{"label":""}', TrackInfo("")),
        ("filter", to_wire(FILTER), FILTER),
        ("filter", {"type": "FaceOverlayFilter", "options": None}, FilterInfo("FaceOverlayFilter")),
        ("filter", {}, None),
        ("audioActive", "false", False),
    ],
)
def test_changed_property_has_a_typed_value(name: str, new_value: Any, expected: Any) -> None:
    assert changed(name, new_value) == expected
    assert type(changed(name, new_value)) is type(expected)


@pytest.mark.parametrize(
    ("name", "new_value", "problem"),
    [
        ("videoDimensions", '{"width":640}', "no 'width' and 'height'"),
        ("audioTrack", {"label": 5}, "'label' has a value of another type"),
        ("videoTrack", "camera", "not an object"),
        ("filter", {"options": {}}, "'type' is missing"),
        ("filter", [1], "not an object"),
        ("videoActive", "banana", "neither true nor false"),
    ],
)
def test_value_that_is_none_of_its_property_is_refused_with_its_name(name: str, new_value: Any, problem: str) -> None:
    with pytest.raises(WireError, match=f"'newValue' of {name}: .*{problem}"):
        changed(name, new_value)


def test_filter_of_which_no_method_was_called_has_none() -> None:
    wire = {"type": "GStreamerFilter", "options": {"command": "videobox"}, "lastExecMethod": {}}
    assert filter_in(wire) == FilterInfo("GStreamerFilter", {"command": "videobox"})


@pytest.mark.parametrize("value", [None, {}, ""])
def test_no_filter_is_none(value: Any) -> None:
    assert filter_in(value) is None
