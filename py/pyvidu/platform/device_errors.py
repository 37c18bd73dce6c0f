"""Which of OpenVidu's errors it is when a browser refuses a camera, a microphone or a screen."""

from __future__ import annotations

from dataclasses import dataclass

from pyvidu.errors import DeviceError, OpenViduError, PropertiesError

_DENIED = {
    "NotAllowedError": "allow it for this page",
    "SecurityError": "the page may not use it (Permissions-Policy)",
}


@dataclass(frozen=True, slots=True)
class DeviceRefusal:
    """What `getUserMedia` or `getDisplayMedia` has thrown.

    `name`, `message` and `constraint` (of an OverconstrainedError) are the browser's; `kind` is what could not be opened:
    `video`, `audio`, `screen`, or `microphone`, which is audio beside a screen.
    """

    name: str
    message: str
    constraint: str
    kind: str

    @property
    def is_about_one_kind(self) -> bool:
        """Return whether one of two devices is at fault, and the browser does not say which."""
        return self.name in ("NotFoundError", "OverconstrainedError")


def device_error(refusal: DeviceRefusal) -> OpenViduError:
    """Return the error to raise.

    Source: openvidu-browser 2.32, `Publisher.initialize` and `OpenVidu.generateAudioDeviceError`; unlike there a microphone
    that is asked for alone and missing is not called a camera, and neither is a screen that is missing.
    """
    told = f"({refusal.name}: {refusal.message})"
    thing = {"video": "camera", "screen": "screen"}.get(refusal.kind, "microphone")
    if refusal.name in _DENIED:
        name = "SCREEN_CAPTURE_DENIED" if refusal.kind == "screen" else "DEVICE_ACCESS_DENIED"
        return DeviceError(name, f"Access to the {thing} was denied: {_DENIED[refusal.name]} {told}")
    if refusal.kind != "screen":
        if refusal.name == "OverconstrainedError" and refusal.constraint.lower() != "deviceid":
            return PropertiesError(f"The {thing} does not support the value of {refusal.constraint} {told}")
        if refusal.is_about_one_kind:
            kind = "VIDEO" if refusal.kind == "video" else "AUDIO"
            return DeviceError(f"INPUT_{kind}_DEVICE_NOT_FOUND", f"There is no such {thing} {told}")
    if refusal.name == "NotReadableError" or (refusal.name == "AbortError" and refusal.kind != "microphone"):
        return DeviceError("DEVICE_ALREADY_IN_USE", f"The {thing} is in use by another program {told}")
    name = "INPUT_AUDIO_DEVICE_GENERIC_ERROR" if refusal.kind == "microphone" else "GENERIC_ERROR"
    return DeviceError(name, f"The {thing} could not be used {told}")
