"""OpenVidu's names for what a browser throws."""

from __future__ import annotations

import pytest

from pyvidu.platform.device_errors import DeviceRefusal, device_error


@pytest.mark.parametrize(
    ("kind", "thrown", "name"),
    [
        ("video", "NotFoundError", "INPUT_VIDEO_DEVICE_NOT_FOUND"),
        ("audio", "NotFoundError", "INPUT_AUDIO_DEVICE_NOT_FOUND"),
        ("microphone", "NotFoundError", "INPUT_AUDIO_DEVICE_NOT_FOUND"),
        ("screen", "NotFoundError", "GENERIC_ERROR"),
        ("video", "OverconstrainedError deviceId", "INPUT_VIDEO_DEVICE_NOT_FOUND"),
        ("audio", "OverconstrainedError deviceId", "INPUT_AUDIO_DEVICE_NOT_FOUND"),
        ("video", "OverconstrainedError frameRate", "PUBLISHER_PROPERTIES_ERROR"),
        ("microphone", "OverconstrainedError frameRate", "PUBLISHER_PROPERTIES_ERROR"),
        ("video", "NotAllowedError", "DEVICE_ACCESS_DENIED"),
        ("microphone", "NotAllowedError", "DEVICE_ACCESS_DENIED"),
        ("audio", "SecurityError", "DEVICE_ACCESS_DENIED"),
        ("screen", "NotAllowedError", "SCREEN_CAPTURE_DENIED"),
        ("video", "NotReadableError", "DEVICE_ALREADY_IN_USE"),
        ("microphone", "NotReadableError", "DEVICE_ALREADY_IN_USE"),
        ("screen", "AbortError", "DEVICE_ALREADY_IN_USE"),
        ("microphone", "AbortError", "INPUT_AUDIO_DEVICE_GENERIC_ERROR"),
        ("microphone", "SyntaxError", "INPUT_AUDIO_DEVICE_GENERIC_ERROR"),
        ("audio", "SyntaxError", "GENERIC_ERROR"),
        ("screen", "SyntaxError", "GENERIC_ERROR"),
    ],
)
def test_error_of_a_device_has_openvidus_name(kind: str, thrown: str, name: str) -> None:
    thrown, _, constraint = thrown.partition(" ")
    error = device_error(DeviceRefusal(thrown, "no", constraint, kind))
    assert error.name == name
    assert str(error).endswith(f"({thrown}: no)")
